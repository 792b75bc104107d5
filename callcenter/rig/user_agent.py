"""The SIP of one process: a port for signalling, a port for sound, and the legs that live on them."""

import secrets
from collections.abc import Callable

import structlog

from callcenter.rig.rtp import SoundSocket
from callcenter.rig.sip_dialog import Dialog, ask_with_credentials
from callcenter.rig.sip_digest import Credentials
from callcenter.rig.sip_leg import Leg
from callcenter.rig.sip_message import (
    BadSip,
    Headers,
    Request,
    Response,
    parameters,
    parse_address,
    parse_uri,
)
from callcenter.rig.sip_socket import ALLOW, Asked, Peer, SipSocket

log = structlog.get_logger(__name__)


class UserAgent:
    """Phones, or callers, of one process. Who is called is told by the user part of the address.

    ``on_invite(user, leg)`` is called for each new call; it returns False if there is no such phone here.
    """

    def __init__(
        self, server: Peer, *, media: bool = True, on_invite: Callable[[str, Leg], bool] | None = None
    ) -> None:
        self.server = server
        self.legs: dict[tuple[str, str], Leg] = {}
        self.sip = SipSocket(self._requested)
        self._media = media
        self._on_invite = on_invite or (lambda _user, _leg: False)
        self._say: dict[str, bytes | None] = {}
        self._sound: SoundSocket | None = None

    @property
    def sound(self) -> SoundSocket:
        """The sound of this process, once it is open."""
        if self._sound is None:
            raise RuntimeError("the user agent is not open")
        return self._sound

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Take the ports; raises OSError."""
        await self.sip.open(host, port)
        self._sound = SoundSocket(host)

    async def close(self) -> None:
        """Give the ports back. Calls that are up are not hung up."""
        self.sip.close()
        if self._sound is not None:
            await self._sound.close()

    def says(self, user: str, say: bytes | None) -> None:
        """What this user's phone sends in a call: mu-law that is repeated."""
        self._say[user] = say

    def contact(self, user: str) -> str:
        """Where this user's phone is reached."""
        return f"<sip:{user}@{self.sip.host}:{self.sip.port}>"

    async def register(self, user: str, credentials: Credentials, expires: int, call_id: str) -> Response:
        """REGISTER once, answering the challenge; ``expires`` 0 takes the registration away."""
        server = f"sip:{self.server[0]}:{self.server[1]}"
        own = f"<sip:{user}@{self.server[0]}>"
        dialog = Dialog(call_id, f"{own};tag={secrets.token_hex(6)}", own, server, self.contact(user))

        def build(extra: Headers) -> Request:
            return dialog.request("REGISTER", (("Expires", str(expires)), *extra))

        return await ask_with_credentials(self.sip, build, self.server, credentials)

    def leg(
        self, user: str, number: str, *, from_value: str | None = None, credentials: Credentials | None = None
    ) -> Leg:
        """A leg that is about to call ``number``: ``await leg.call(headers)`` does it.

        ``from_value`` is the raw From without its tag, for callers with a chosen (or hostile) number or name.
        """
        host, port = self.server
        local = from_value or f"<sip:{user}@{host}>"
        target = f"sip:{number}@{host}:{port}"
        dialog = Dialog(
            secrets.token_hex(12),
            f"{local};tag={secrets.token_hex(6)}",
            f"<{target}>",
            target,
            self.contact(user),
        )
        return self._keep(dialog, user, self.server, credentials)

    def _keep(self, dialog: Dialog, user: str, peer: Peer, credentials: Credentials | None) -> Leg:
        leg = Leg(
            self.sip,
            self.sound,
            peer,
            dialog,
            say=self._say.get(user),
            media=self._media,
            credentials=credentials,
        )
        self.legs[dialog.key] = leg
        leg.on_end = self._ended
        return leg

    def _ended(self, leg: Leg) -> None:
        self.legs.pop(leg.dialog.key, None)

    def _requested(self, asked: Asked) -> None:
        request = asked.request
        tag = parameters(request.need("To")).get("tag")
        if tag is not None:
            leg = self.legs.get((request.call_id, tag))
            if leg is None:
                asked.respond(481)
            else:
                leg.requested(asked)
        elif request.method == "INVITE":
            self._invited(asked)
        elif request.method in {"OPTIONS", "NOTIFY", "INFO"}:
            asked.respond(200, (ALLOW,))
        else:
            asked.respond(405, (ALLOW,))

    def _invited(self, asked: Asked) -> None:
        request = asked.request
        try:
            user = parse_uri(request.uri).user
            target = parse_address(request.need("Contact")).uri
        except BadSip:
            asked.respond(400)
            return
        local = f"{request.need('To')};tag={asked.tag}"
        dialog = Dialog(request.call_id, local, request.need("From"), target, self.contact(user))
        dialog.route = request.all("Record-Route")
        leg = self._keep(dialog, user, asked.source, None)
        try:
            leg.called(asked)
        except BadSip:
            self._ended(leg)
            asked.respond(488)
            return
        if not self._on_invite(user, leg):
            leg.refuse(404)
