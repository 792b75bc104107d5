"""Starts the recording of a call whose queue wants it."""

import structlog

from callcenter.calls.call import Call
from callcenter.calls.ports import CallerLine, QueueSettings
from callcenter.errors import ActionFailed
from callcenter.ids import new_id
from callcenter.reception.parts import Parts

log = structlog.get_logger(__name__)


async def start_recording(parts: Parts, line: CallerLine, call: Call, queue: QueueSettings) -> None:
    """Once for a call. Recording is wanted, not needed: without it the call goes on and says so. Raises
    ``CallerGone``."""
    if not queue.record or call.recording is not None:
        return
    name = new_id(parts.clock)
    try:
        await line.record(str(parts.recordings / f"{name}.wav"))
        call.recording = name
    except ActionFailed as error:
        call.marks.add("unrecorded")
        log.warning("recording did not start", reason=error.message)
