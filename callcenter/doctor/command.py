"""``callcenter doctor``, without the command line's own machinery."""

import asyncio
import sys

from callcenter.clock import SystemClock
from callcenter.doctor.check import as_json as json_of
from callcenter.doctor.check import as_text, good
from callcenter.doctor.examination import Examination
from callcenter.doctor.registration import address
from callcenter.settings import Settings


def run_doctor(settings: Settings, *, as_json: bool, sip: str | None) -> int:
    """Examine and print; 0 only if nothing failed. ``sip``: ``host:port`` of Asterisk's SIP over UDP, if passwords
    of phones shall be tried too. Raises SettingsError when it is no address."""
    place = address(sip) if sip else None
    checks = asyncio.run(Examination(settings, SystemClock(), sip=place).run())
    sys.stdout.write((json_of(checks) if as_json else as_text(checks)) + "\n")
    return 0 if good(checks) else 1
