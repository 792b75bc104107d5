"""Which Asterisk it is, and what our account there may do."""

import re

from callcenter.asterisk.ami import actions
from callcenter.doctor.check import Check, failed, ok, warning
from callcenter.doctor.link import Link
from callcenter.telephony.self_test import READ_LINE, rights

OLDEST = (18, 11)
"""QueueWithdrawCaller and MSet's way with quotes are there from 18.11 on."""
OLDEST_MAJOR = 18
SHORTEST_NAME = 16
_VERSION = re.compile(r"(?:certified[-/])?(\d{1,3})\.(\d{1,3})")
_NAME_REMEDY = (
    "in asterisk.conf, under [options]:  systemname = ...  with a random word of 24 letters and digits (openssl rand "
    "-hex 12 makes one); keep it secret, and restart Asterisk"
)


async def check_identity(link: Link) -> tuple[list[Check], str]:
    """Version and system name; gives the system name too. Raises ActionFailed, TelephonyDown."""
    settings = await link.ask(actions.core_settings())
    name = settings.get("SystemName")
    return [version_check(settings.get("AsteriskVersion")), name_check(name)], name


def version_check(version: str) -> Check:
    """Old enough to be tried, new enough to work."""
    found = _VERSION.match(version)
    if found is None:
        text = f"Asterisk calls its version {version or 'nothing'}: it could not be compared"
        return warning("asterisk-version", text, f"make sure that it is {OLDEST_MAJOR} or newer")
    numbers = int(found[1]), int(found[2])
    if numbers[0] < OLDEST_MAJOR:
        return failed("asterisk-version", f"Asterisk {version} is too old", "install Asterisk 20 or newer")
    if numbers < OLDEST:
        return warning(
            "asterisk-version",
            f"Asterisk {version} lacks QueueWithdrawCaller: callers stay in the fallback queue when we are back",
            "update to 18.11 or newer",
        )
    return ok("asterisk-version", f"Asterisk {version}")


def name_check(name: str) -> Check:
    """The system name proves that an event is Asterisk's own; it is never shown."""
    if not name:
        text = "Asterisk has no system name: it can't be told from a caller's forged events"
        return failed("system-name", text, _NAME_REMEDY)
    if len(name) < SHORTEST_NAME:
        text = f"Asterisk's system name has only {len(name)} characters and can be guessed"
        return warning("system-name", text, _NAME_REMEDY)
    return ok("system-name", f"set, {len(name)} characters")


async def check_rights(link: Link) -> list[Check]:
    """Write classes, too weak and too strong. Raises ActionFailed, TelephonyDown."""
    found = await rights(link.ask)
    checks = [failed("ami-rights", text, remedy) for text, remedy in found.problems()]
    return checks or [ok("ami-rights", "may do what is needed; system, command and config are refused")]


async def check_booted(link: Link) -> Check:
    """Whether the read class ``system`` is there. The classes call, agent and user show in the trial call."""
    if await link.booted():
        return ok("ami-read-system", "Asterisk says that it is fully booted")
    return failed(
        "ami-read-system",
        "Asterisk does not say that it is fully booted: it still starts, or the account may not read system",
        f"in manager.conf, in our account:  {READ_LINE}  and then  asterisk -rx 'manager reload'",
    )
