"""One caller's FastAGI dialogue in the words of the stages: ``CallerLine``.

While the caller waits on music no command is in flight, so that Asterisk notices at once when we die and the
dialplan goes on. ``ANSWEREDTIME`` and ``DIALEDTIME`` count from the caller's own answer and arrival, not the
agent's, so the times of a ring and a talk come from our clock and from AMI's DialEnd.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping

import structlog

from callcenter.asterisk.agi import commands
from callcenter.asterisk.agi.framing import AgiReply
from callcenter.asterisk.agi.session import AgiSession
from callcenter.calls.ports import Departure, DialOutcome, DialResult, RecordedMessage
from callcenter.clock import Clock
from callcenter.errors import ActionFailed, BadInput, CallerGone, ReleasedToFallback
from callcenter.ids import CallId
from callcenter.telephony import missed, safe

log = structlog.get_logger(__name__)

AnsweredAt = Callable[[str, float], Awaitable[float | None]]
"""(channel id, since) -> when the phone that this channel rang was answered, if that was seen."""

LONGEST_PROMPT = 600.0
LONGEST_RING = 600
LONGEST_TONE = 5.0
DEFAULT_MUSIC = "default"
SAMPLES = 8000
"""A second of sound, as Asterisk counts it in a telephone's recording."""
SILENT_REST = 1.1
"""Asterisk cuts the silence that ended a message off the file, but for its last second: no more than that, and nothing
was said."""
MARGIN = 5.0
"""Seconds beyond its own length that a command may take."""
_BEAT = 0.3
"""Seconds in which the hang-up that made a command fail is told."""
_CALL_REJECTED = "21"
TRANSFER_CONTEXT = "callcenter-transfer"
"""Where the dialplan takes blind transfers of our callers."""

_OUTCOMES: dict[str, DialOutcome] = {
    "ANSWER": "answered",
    "NOANSWER": "no_answer",
    "BUSY": "busy",
    "CANCEL": "cancelled",
}
_DIAL_FACTS = ("DIALSTATUS", "HANGUPCAUSE", "RINGTIME_MS")


class AgiCallerLine:
    """Implements ``CallerLine`` over one AGI session."""

    stage = "offered"
    """``CC_STAGE`` while a phone rings and while the talk runs."""

    def __init__(self, session: AgiSession, clock: Clock, answered_at: AnsweredAt) -> None:
        self._session = session
        self._clock = clock
        self._answered_at = answered_at

    @property
    def channel_id(self) -> str:
        """Asterisk's unique id of the channel."""
        return self._session.request.uniqueid

    @property
    def caller_number(self) -> str:
        """The raw number the trunk sent, unchecked."""
        return self._session.request.caller_number

    @property
    def caller_name(self) -> str:
        """The raw display name, unchecked."""
        return self._session.request.caller_name

    @property
    def did(self) -> str:
        """The number that was dialled, or empty when it isn't one."""
        request = self._session.request
        return next((n for n in (request.extension, request.dnid) if safe.NUMBER.fullmatch(n)), "")

    async def answer(self) -> None:
        """Take the call. Raises CallerGone, ActionFailed."""
        await self._done(commands.answer())

    async def read_variables(self, *names: str) -> Mapping[str, str]:
        """Channel variables in one round trip; an unset one is empty. Also after the hang-up, while the session
        lasts. Ask only for those that we or the dialplan made: a caller's text could hold a line break.

        Raises BadInput, CallerGone, ActionFailed.
        """
        if not names:
            return {}
        # Nobody outside can guess the mark, so no value can hold it.
        mark = f"~{secrets.token_hex(4)}~"
        words = mark.join("${" + safe.variable(name) + "}" for name in names)
        reply = await self._session.command(f'GET FULL VARIABLE "{words}"\n'.encode(), dead=True)
        values = (reply.data or "").split(mark)
        if len(values) != len(names):
            # One unset variable alone makes an empty reply.
            values = [""] * len(names)
        return dict(zip(names, values, strict=True))

    async def set_variables(self, **values: str) -> None:
        """Set channel variables, inherited by what this channel dials; the stage is the caller's own and isn't.

        Raises BadInput before anything is sent, CallerGone, ActionFailed.
        """
        if not values:
            return
        pairs = [
            f"{'' if name == 'CC_STAGE' else '__'}{safe.variable(name)}={safe.value(text)}"
            for name, text in values.items()
        ]
        await self._session.command(commands.exec_("MSet", *pairs))

    async def play(self, prompt: str, *, interrupt_keys: str = "") -> str:
        """Play a prompt to its end, or until ``Switch.cut_announcement``; gives the key that cut it short.

        Raises BadInput, CallerGone, ActionFailed (also for a file that isn't there).
        """
        return _key(await self._done(commands.control_stream_file(prompt, interrupt_keys), LONGEST_PROMPT))

    async def read_key(self, seconds: float) -> str:
        """Wait for one key; empty when none came. Raises CallerGone, ActionFailed."""
        milliseconds = max(1, round(seconds * 1000))
        return _key(await self._done(commands.wait_for_digit(milliseconds), seconds + MARGIN))

    async def record_message(
        self, path: str, *, max_seconds: int, silence: int, finish: str
    ) -> RecordedMessage:
        """A tone, then record the caller alone into ``path``. What a caller who hangs up in it has said is in the file.

        Raises BadInput before anything is sent, CallerGone, ActionFailed (also for a tone that Asterisk lacks).
        """
        name, _, ending = safe.recording(path).rpartition(".")
        line = commands.record_file(name, ending, finish, max_seconds * 1000, silence)
        return _message(await self._done(line, max_seconds + LONGEST_TONE + MARGIN), max_seconds)

    async def start_music(self, music: str = "") -> None:
        """Music on hold (of this class; one that Asterisk doesn't know is the default one), with no command in flight
        afterwards. Raises BadInput before anything is sent, CallerGone, ActionFailed."""
        await self._session.command(commands.set_music(True, music or DEFAULT_MUSIC))

    async def stop_music(self) -> None:
        """Silence again. Raises CallerGone, ActionFailed."""
        await self._session.command(commands.set_music(False))

    async def gone(self) -> None:
        """Return when the caller has hung up. Raises ReleasedToFallback when the connection was given up."""
        await self._session.wait_gone()

    async def dial(
        self, phone: str, *, ring_seconds: int, call_id: CallId, predial: str = "", answered: str = ""
    ) -> DialResult:
        """Ring a phone and stay until the talk is over; the caller survives the agent's hang-up.

        Times are of our clock. When the answer wasn't seen, the ring is what Asterisk says it took until the
        phone rang, and the talk is the rest: more than it was.

        Raises BadInput before anything is sent, ActionFailed, ReleasedToFallback.
        """
        options = "g"
        options += f"b({safe.subroutine(predial)})" if predial else ""
        options += f"U({safe.context(answered)})" if answered else ""
        seconds = str(max(1, min(ring_seconds, LONGEST_RING)))
        line = commands.exec_("Dial", safe.dial_string(phone), seconds, options)
        started = self._clock.now()
        try:
            await self._enter_stage(call_id)
            started = self._clock.now()
            await self._session.command(line, None)
            ended = self._clock.now()
            facts = await self.read_variables(*_DIAL_FACTS)
        except CallerGone:
            return await self._cut_off(started)
        outcome = _outcome(facts, rang_out=ended - started >= int(seconds))
        if outcome == "answered":
            return await self._after_talk(started, ended, facts["RINGTIME_MS"])
        if not self._session.hung_up:
            await self._after_ring()
        return DialResult(outcome, ended - started, 0.0, self._session.hung_up)

    async def record(self, path: str) -> None:
        """Start recording both sides once bridged. Raises BadInput, CallerGone, ActionFailed."""
        await self._session.command(commands.exec_("MixMonitor", safe.recording(path), "b"))

    async def departure(self) -> Departure:
        """Why the caller has gone. Asterisk tells a transfer like a hang-up, but has already written down where the
        channel goes on, and takes it there once this dialogue is closed."""
        try:
            there = (await self.read_variables("CONTEXT"))["CONTEXT"]
        except (CallerGone, ActionFailed, ReleasedToFallback) as error:
            log.debug("not known where the caller went", reason=error.message)
            return "hung_up"
        if there == TRANSFER_CONTEXT:
            return "put_through"
        return "hung_up" if there in {"", self._session.request.context} else "elsewhere"

    async def finish(self) -> None:
        """Tell the dialplan that we are done with this caller, also when the caller has gone.

        Raises ActionFailed, with the code ``line_lost`` when the connection itself is over: then Asterisk has
        died, or the dialplan has gone on without us.
        """
        try:
            await self._session.command(commands.set_variable("CC_STAGE", "done"), dead=True)
        except CallerGone:
            raise ActionFailed("The dialogue was over before it was finished.", code="line_lost") from None

    async def hang_up(self) -> None:
        """End the caller's call. Raises CallerGone, ActionFailed."""
        await self._session.command(commands.hangup())

    async def forget_missed(self, key: str) -> None:
        """Delete a note of the fallback (``MissedCall.key``): AMI's way to it would need the right to a shell.

        Raises BadInput, CallerGone, ActionFailed.
        """
        await self._session.command(commands.database_del(missed.FAMILY, key), dead=True)

    # ------------------------------------------------------------

    async def _enter_stage(self, call_id: CallId) -> None:
        """The dialplan judges by stage and DIALSTATUS, so an older DIALSTATUS must not remain."""
        if safe.call_id(call_id) is None:
            raise BadInput("This is no call's id.")
        await self._session.command(
            commands.exec_("MSet", f"__CC_CALL={call_id}", f"CC_STAGE={self.stage}", "DIALSTATUS=")
        )

    async def _after_ring(self) -> None:
        """The offer came to nothing: should we die now, the caller goes to the fallback queue."""
        try:
            await self.set_variables(CC_STAGE="waiting")
        except CallerGone:
            log.debug("the caller left when the ring ended")

    async def _after_talk(self, started: float, ended: float, ring_ms: str) -> DialResult:
        answered = await self._answered_at(self.channel_id, started)
        if answered is None:
            ring = int(ring_ms) / 1000 if ring_ms.isdecimal() and len(ring_ms) < 9 else 0.0
            answered = started + ring
        answered = min(max(answered, started), ended)
        return DialResult("answered", answered - started, ended - answered, self._session.hung_up)

    async def _cut_off(self, started: float) -> DialResult:
        """The dialogue ended before Asterisk could say how it went: what AMI saw must do."""
        ended = self._clock.now()
        answered = await self._answered_at(self.channel_id, started)
        if answered is None:
            return DialResult("cancelled", ended - started, 0.0, caller_gone=True)
        return DialResult("answered", answered - started, max(0.0, ended - answered), caller_gone=True)

    async def _done(self, line: bytes, limit: float = MARGIN) -> AgiReply:
        """A command whose result -1 means that it failed: because the caller went, or by itself."""
        reply = await self._session.command(line, limit)
        if reply.result != "-1":
            return reply
        try:
            async with asyncio.timeout(_BEAT):
                await self._session.wait_gone()
        except TimeoutError:
            raise ActionFailed("Asterisk could not do it.", code="agi_failed") from None
        raise CallerGone("The caller hung up.")


def _key(reply: AgiReply) -> str:
    """The key whose character code is the result; 0 is none."""
    code = int(reply.result) if reply.result.isdecimal() and len(reply.result) < 4 else 0
    key = chr(code)
    return key if key in "0123456789*#ABCD" and code else ""


def _message(reply: AgiReply, max_seconds: int) -> RecordedMessage:
    """What was recorded. The reason ``randomerror`` with a key means that it was pressed in the tone."""
    key = _key(reply)
    seconds = max(0, reply.endpos or 0) / SAMPLES
    if reply.data == "randomerror" or (not key and seconds < min(SILENT_REST, max_seconds)):
        seconds = 0.0
    return RecordedMessage(seconds, key)


def _outcome(facts: Mapping[str, str], *, rang_out: bool = False) -> DialOutcome:
    """A phone that rang all its time was not turned down: the cause is then that of an earlier one."""
    status = facts["DIALSTATUS"]
    if status != "ANSWER" and not rang_out and facts["HANGUPCAUSE"] == _CALL_REJECTED:
        return "rejected"
    return _OUTCOMES.get(status, "failed")
