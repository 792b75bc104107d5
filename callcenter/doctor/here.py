"""This machine: files and folders, its name, the database, the voices."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.engine import make_url

from callcenter.app_settings import LOCAL
from callcenter.clock import Clock
from callcenter.doctor.check import Check, failed, ok, warning
from callcenter.errors import CallcenterError, PartMissing
from callcenter.ivr.flow.texts import LANGUAGES
from callcenter.ivr.speech.engine import SpeechEngine
from callcenter.settings import AsteriskSettings, Settings
from callcenter.storage import database

SLOW = 1.0
"""Seconds for this machine's own name."""
RESOLVER_LIMIT = 10.0
EVERYWHERE = frozenset({"00000000", "00000000000000000000000000000000"})


async def check_places(settings: Settings) -> list[Check]:
    """The folders that we write to; made if they are not there, as the program does."""
    places = {
        "prompts-folder": (settings.ivr.prompts_folder, "prompts_folder in [ivr]"),
        "recordings-folder": (settings.recordings.folder, "folder in [recordings]"),
    }
    file = make_url(settings.database.url).database
    if settings.database.url.startswith("sqlite") and file:
        places["database-folder"] = (Path(file).parent, "url in [database]")
    return [await asyncio.to_thread(_writable, name, *place) for name, place in places.items()]


def _writable(name: str, folder: Path, setting: str) -> Check:
    folder = folder.absolute()
    trial = folder / f".doctor-{secrets.token_hex(6)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(b"x")
        trial.unlink()
    except OSError as error:
        text = f"{folder} can't be written: {error.strerror}"
        return failed(name, text, f"chown it to the user that runs this program, or change {setting}")
    return ok(name, f"{folder} can be written")


async def check_secret_file(path: Path | None) -> list[Check]:
    """Whether others may read the AMI secret. A missing file is told by the log-in."""
    if path is None:
        return []
    try:
        mode = (await asyncio.to_thread(path.stat)).st_mode & 0o777
    except OSError:
        return []
    if mode & 0o077:
        text = f"{path} holds the AMI secret and others may read it (mode {mode:o})"
        return [warning("ami-secret", text, f"chmod 600 {path}")]
    return [ok("ami-secret", f"{path} is ours alone")]


async def check_host_name(clock: Clock, name: str, look_up: Callable[[str], object] | None = None) -> Check:
    """How long this machine takes to find its own name: Asterisk does it for each call."""
    began, problem = clock.now(), ""
    try:
        async with asyncio.timeout(RESOLVER_LIMIT):
            await asyncio.to_thread(look_up or _look_up, name)
    except TimeoutError:
        problem = "no answer"
    except OSError as error:
        problem = error.strerror or "not found"
    took = clock.now() - began
    remedy = (
        f"add {name} to the lines of 127.0.0.1 and ::1 in /etc/hosts, or set media_address and "
        "bind_rtp_to_media_address = yes in each endpoint of pjsip.conf: else calls may stall for seconds"
    )
    if took > SLOW:
        return warning("host-name", f"looking up {name} took {took:.1f} s {problem}".strip(), remedy)
    if problem:
        return warning("host-name", f"{name}, this machine's own name, is unknown here: {problem}", remedy)
    return ok("host-name", f"{name} is found in {took * 1000:.0f} ms")


def _look_up(name: str) -> object:
    return socket.getaddrinfo(name, None)


def own_name() -> str:
    """This machine's name."""
    return socket.gethostname()


async def check_database(url: str) -> list[Check]:
    """Reachable, and of this program's version."""
    shown = make_url(url).render_as_string(hide_password=True)
    try:
        found, wanted = await database.version(url), await asyncio.to_thread(database.latest)
    except CallcenterError as error:
        remedy = "correct url in [database], or start the server"
        return [failed("database", error.message, remedy)]
    if found is None:
        text = f"{shown} is empty or not there yet"
        return [warning("database", text, "callcenter upgrade  makes it; so does the first start")]
    if found != wanted:
        text = f"{shown} has version {found}, this program needs {wanted}"
        return [failed("database", text, "callcenter upgrade  (make a copy first)")]
    return [ok("database", f"{shown} can be reached, version {found}")]


async def check_speech(engine: SpeechEngine) -> list[Check]:
    """The engine and a voice for each language."""
    checks = []
    for language in LANGUAGES:
        try:
            voice = await engine.voice(language)
        except PartMissing as error:
            remedy = "apt-get install espeak-ng; until then callers hear a soft tone instead of words"
            checks.append(failed(f"voice-{language}", error.message, remedy))
        else:
            found = f"{voice.engine} {voice.version} speaks with the voice {voice.voice}"
            checks.append(ok(f"voice-{language}", found))
    return checks


def check_exposure(asterisk: AsteriskSettings, tables: str) -> list[Check]:
    """Who else can reach AMI, which has no encryption. ``tables``: the text of /proc/net/tcp and tcp6."""
    if asterisk.host not in LOCAL:
        text = f"AMI's secret travels to {asterisk.host} in the clear"
        remedy = (
            "keep that network to yourself (a VPN, or a cable of its own), or run us on Asterisk's machine"
        )
        return [warning("ami-exposure", text, remedy)]
    if _listens_everywhere(tables, asterisk.ami_port):
        text = f"the AMI port {asterisk.ami_port} is open to the network, and passwords can be tried there"
        remedy = "in manager.conf, under [general]:  bindaddr = 127.0.0.1  and restart Asterisk"
        return [warning("ami-exposure", text, remedy)]
    return [ok("ami-exposure", "AMI is reached on this machine only")]


def _listens_everywhere(tables: str, port: int) -> bool:
    for line in tables.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == "0A":
            host, _, number = words[1].partition(":")
            if host in EVERYWHERE and number == f"{port:04X}":
                return True
    return False


def socket_tables() -> str:
    """What listens on this machine; empty where the system does not tell."""
    texts = []
    for name in ("tcp", "tcp6"):
        path = Path("/proc/net") / name
        if os.access(path, os.R_OK):
            texts.append(path.read_text("ascii", errors="replace"))
    return "\n".join(texts)
