"""Recordings, to be heard by who may: by id only, and only from inside the recordings' folder."""

import asyncio
from pathlib import Path

from aiohttp import web

from callcenter.errors import CallcenterError, NotFound
from callcenter.web.gate import visitor_of
from callcenter.web.parts import PARTS


async def recording(request: web.Request) -> web.StreamResponse:
    """The sound file; parts of it too, so that a player can jump."""
    visitor, parts = visitor_of(request), request.app[PARTS]
    recording_id = request.match_info["recording_id"]
    try:
        path = await parts.recordings.open(recording_id, visitor.user)
        inside = await asyncio.to_thread(_inside, path, parts.folders.recordings)
    except (CallcenterError, OSError) as error:
        parts.audit("recording_refused", visitor.user.id, recording_id=recording_id)
        raise NotFound("There is no such recording for you.") from error
    parts.audit("recording_played", visitor.user.id, recording_id=recording_id)
    return web.FileResponse(inside, headers={"Content-Type": "audio/wav", "Content-Disposition": "inline"})


def _inside(path: Path, root: Path) -> Path:
    """The real path of an existing file below the real root, symbolic links followed."""
    real, real_root = path.resolve(strict=True), root.resolve(strict=True)
    if not real.is_relative_to(real_root) or not real.is_file():
        raise NotFound("The recording is not where recordings are.")
    return real
