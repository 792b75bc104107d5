"""Does Asterisk ask phones for their password? Without ``res_pjsip_authenticator_digest`` any phone may log in.

A REGISTER without a Contact asks what is registered and changes nothing.
"""

import asyncio
import re
import secrets

from callcenter.doctor.check import Check, failed, ok, warning
from callcenter.errors import SettingsError

LIMIT = 2.0
_TRIES = 2
_STATUS = re.compile(rb"SIP/2\.0 (\d{3}) ")
_REMEDY = (
    "in modules.conf:  load = res_pjsip_authenticator_digest.so  and restart Asterisk; each phone's endpoint in "
    "pjsip.conf needs  auth = ..."
)


def address(text: str) -> tuple[str, int]:
    """``host:port``. Raises SettingsError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsError(f"--sip: {text!r} is no address; for example: --sip 127.0.0.1:5060")
    return host.strip("[]"), int(port)


async def check_registration(host: str, port: int, user: str) -> Check:
    """Ask as ``user``, a phone that Asterisk knows; empty: as nobody, which proves less."""
    where = f"{host}:{port}"
    status = await _ask(host, port, user or f"doctor{secrets.token_hex(4)}")
    if status is None:
        text = f"no answer to SIP over UDP from {where}"
        return failed("sip-password", text, "name Asterisk's own SIP address and UDP port with --sip")
    if status == 401:
        who = f"phone {user}" if user else "a phone that is not known"
        return ok("sip-password", f"{where} asks {who} for a password")
    if status == 200:
        text = f"{where} lets phone {user or 'anybody'} register without any password"
        return failed("sip-password", text, _REMEDY)
    text = f"{where} answers {status} to a REGISTER: it could not be seen whether passwords are asked for"
    return warning("sip-password", text, "make sure that res_pjsip_authenticator_digest is loaded")


class _Answer(asyncio.DatagramProtocol):
    def __init__(self, call_id: bytes) -> None:
        self._call_id = call_id
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        del addr
        found = _STATUS.match(data)
        final = found is not None and int(found[1]) >= 200
        if found and final and self._call_id in data and not self.status.done():
            self.status.set_result(int(found[1]))

    def error_received(self, exc: Exception) -> None:
        del exc  # a closed port: the time limit tells it


async def _ask(host: str, port: int, user: str) -> int | None:
    """The final status, or None."""
    call_id = secrets.token_hex(12)
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.create_datagram_endpoint(
            lambda: _Answer(call_id.encode()), remote_addr=(host, port)
        )
    except OSError:
        return None
    request = _register(transport.get_extra_info("sockname")[:2], host, port, user, call_id)
    try:
        for _ in range(_TRIES):
            transport.sendto(request)
            try:
                async with asyncio.timeout(LIMIT):
                    return await asyncio.shield(protocol.status)
            except TimeoutError:
                continue
        return None
    finally:
        transport.close()


def _register(own: tuple[str, int], host: str, port: int, user: str, call_id: str) -> bytes:
    here = f"[{own[0]}]:{own[1]}" if ":" in own[0] else f"{own[0]}:{own[1]}"
    there = f"[{host}]" if ":" in host else host
    lines = (
        f"REGISTER sip:{there}:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{secrets.token_hex(8)};rport",
        "Max-Forwards: 70",
        f"From: <sip:{user}@{there}>;tag={secrets.token_hex(4)}",
        f"To: <sip:{user}@{there}>",
        f"Call-ID: {call_id}",
        "CSeq: 1 REGISTER",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()
