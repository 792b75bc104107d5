"""One party's part in one SIP call: ring, answer, hold, transfer, hang up (RFC 3261's dialog, with sound)."""

import asyncio
import re
from collections.abc import Callable
from enum import StrEnum
from urllib.parse import quote

from callcenter.rig.rtp import SoundSocket, Stream
from callcenter.rig.sdp import Direction, Sound, answering, build_sdp, parse_sdp
from callcenter.rig.sip_dialog import Dialog, ask_with_credentials
from callcenter.rig.sip_digest import Credentials
from callcenter.rig.sip_message import BadSip, Headers, Message, Request, Response, parse_address
from callcenter.rig.sip_socket import ALLOW, T2, Asked, Peer, SipSocket

TRANSFER_LIMIT = 32.0
"""Seconds until a transfer of which nothing is heard counts as failed."""
_SDP = ("Content-Type", "application/sdp")
_FRAGMENT = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})")


class LegState(StrEnum):
    """Where a leg is. ringing or dialing -> talking <-> holding -> ended."""

    RINGING = "ringing"
    DIALING = "dialing"
    TALKING = "talking"
    HOLDING = "holding"
    ENDED = "ended"


class Leg:
    """A call as one phone (or caller) has it. Its owner is told what happens by ``on_event(leg, name, t)``,
    ``t`` being ``time.monotonic_ns()`` of the datagram's arrival, or None for what we did ourselves."""

    def __init__(
        self,
        sip: SipSocket,
        sound: SoundSocket,
        peer: Peer,
        dialog: Dialog,
        *,
        say: bytes | None,
        media: bool,
        credentials: Credentials | None = None,
    ) -> None:
        self.sip, self.sound, self.peer, self.dialog = sip, sound, peer, dialog
        self.state = LegState.DIALING
        self.stream: Stream | None = None
        self.invite: Request | None = None
        self.asked: Asked | None = None
        self.over = asyncio.Event()
        self.taken = asyncio.Event()
        """Set once somebody has answered."""
        self.ended_by = ""
        """us, them, cancelled, refused, no_ack."""
        self.status = 0
        """The final answer to the INVITE."""
        self.hear = False
        self.last: Message | None = None
        """The latest message of the other side."""
        self.on_event: Callable[[Leg, str, int | None], None] = lambda _leg, _name, _t: None
        self.on_end: Callable[[Leg], None] = lambda _leg: None
        self._say, self._media, self._credentials = say, media, credentials
        self._offer: Sound | None = None
        self._direction = Direction.SENDRECV
        self._version = 1
        self._busy = False
        self._acknowledged = asyncio.Event()
        self._sent: tuple[str, Request] | None = None
        self._transfer: asyncio.Future[int] | None = None

    # -- being called -------------------------------------------------------------------------------------

    def called(self, asked: Asked) -> None:
        """This leg begins with somebody's INVITE; raises BadSip if its sound can't be used."""
        self.state, self.asked, self.invite, self.last = LegState.RINGING, asked, asked.request, asked.request
        self.dialog.heard_cseq = asked.request.cseq[0]
        self._offer = parse_sdp(asked.request.body)
        asked.on_cancel = self._cancelled
        asked.on_ack = self._acknowledged.set
        asked.on_no_ack = lambda: self._end("no_ack")

    def ring(self) -> None:
        """Say that the phone rings."""
        if self.asked and self.state is LegState.RINGING:
            self.asked.respond(180, (("Contact", self.dialog.contact), ALLOW))

    def refuse(self, status: int) -> None:
        """Take the call not."""
        if self.asked and self.state is LegState.RINGING:
            self.asked.respond(status)
            self.status = status
            self._end("refused")

    def answer(self) -> bool:
        """Take the call; False if it rings no more."""
        if not self.asked or not self._offer or self.state is not LegState.RINGING:
            return False
        self.state, self.status = LegState.TALKING, 200
        self._talk(self._offer)
        self.asked.respond(200, (("Contact", self.dialog.contact), ALLOW, _SDP), self._describe())
        self.taken.set()
        self.on_event(self, "answered", None)
        return True

    # -- calling ------------------------------------------------------------------------------------------

    async def call(self, headers: Headers = ()) -> int:
        """Send the INVITE and wait for the final answer, which is returned."""
        body = self._describe()

        def build(extra: Headers) -> Request:
            self.invite = self.dialog.request("INVITE", (*headers, *extra, ALLOW, _SDP), body)
            return self.invite

        def sent(branch: str, request: Request) -> None:
            self._sent = (branch, request)

        response = await ask_with_credentials(
            self.sip, build, self.peer, self._credentials, on_response=self._invite_answered, branches=sent
        )
        if self.state is LegState.DIALING:  # a 2xx has already made it TALKING
            self.status = response.status
            self._end("us" if response.status == 487 else "refused")
        return response.status

    def _invite_answered(self, response: Response) -> None:
        self.last = response
        if not 200 <= response.status < 300:
            return
        self.dialog.confirmed(response)
        number = response.cseq[0]
        self.sip.acknowledge(self.dialog.request("ACK", cseq=number), self.peer)
        if self.state is not LegState.DIALING:
            return
        self.state, self.status = LegState.TALKING, response.status
        self._talk(parse_sdp(response.body))
        self.taken.set()
        self.on_event(self, "dial_answered", None)

    # -- during the call ----------------------------------------------------------------------------------

    async def hold(self) -> bool:
        """Put the other side on hold; False if it did not agree."""
        return await self._reinvite(Direction.SENDONLY, LegState.HOLDING, "held")

    async def unhold(self) -> bool:
        """Talk on."""
        return await self._reinvite(Direction.SENDRECV, LegState.TALKING, "resumed")

    async def transfer(self, to: str, instead_of: "Leg | None" = None) -> bool:
        """Transfer (REFER) of the other side to a SIP address: blind, or (attended) to whom our other leg talks with,
        in its place (Replaces, RFC 3891). Our leg ends if it worked."""
        waiting: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._transfer = waiting
        if instead_of is not None:
            to += f"?Replaces={quote(instead_of.dialog.replaces, safe='')}"
        headers = (("Refer-To", f"<{to}>"), ("Referred-By", f"<{parse_address(self.dialog.local).uri}>"))
        response = await self._ask("REFER", headers)
        if response.status >= 300:
            return False
        try:
            async with asyncio.timeout(TRANSFER_LIMIT):
                done = await waiting < 300
        except TimeoutError:
            done = False
        if done:
            self.on_event(self, "transferred", None)
            await self.hang_up()
        return done

    async def press(self, keys: str) -> None:
        """Press keys and wait until they are sent; nothing happens on a leg without sound."""
        for key in keys:
            if self.stream is not None:
                self.stream.press(key)
        if self.stream is not None:
            await self.stream.pressed()

    async def hang_up(self) -> None:
        """End the leg, whatever its state: refuse, cancel or BYE."""
        match self.state:
            case LegState.RINGING:
                self.refuse(480)
            case LegState.DIALING if self._sent:
                branch, request = self._sent
                await self.sip.cancel(branch, request, self.peer)
            case LegState.TALKING | LegState.HOLDING:
                self.on_event(self, "hung_up", None)
                self._end("us")
                await self._until_acknowledged()
                await self._ask("BYE")
            case _:
                return

    def requested(self, asked: Asked) -> None:
        """The other side asks something within the call."""
        request = asked.request
        if request.cseq[0] <= self.dialog.heard_cseq:
            asked.respond(500)
            return
        self.dialog.heard_cseq, self.last = request.cseq[0], request
        match request.method:
            case "BYE":
                asked.respond(200)
                if self.asked:
                    self.asked.stop()
                self.on_event(self, "bye", asked.arrived)
                self._end("them")
            case "INVITE":
                self._reinvited(asked)
            case "NOTIFY":
                asked.respond(200)
                self._notified(request)
            case "INFO" | "OPTIONS":
                asked.respond(200)
            case _:
                asked.respond(405, (ALLOW,))

    # -- inside -------------------------------------------------------------------------------------------

    def _reinvited(self, asked: Asked) -> None:
        if self._busy or self.state not in {LegState.TALKING, LegState.HOLDING}:
            asked.respond(491)
            return
        own = Direction.SENDONLY if self.state is LegState.HOLDING else Direction.SENDRECV
        if asked.request.body:
            try:
                theirs = parse_sdp(asked.request.body)
            except BadSip:
                asked.respond(488)
                return
            self._direction = answering(theirs.direction, own)
            self._adjust(theirs)
            self.on_event(self, "reinvited", asked.arrived)
        self.dialog.retarget(asked.request)
        self._version += 1
        asked.respond(200, (("Contact", self.dialog.contact), ALLOW, _SDP), self._describe())

    def _notified(self, request: Request) -> None:
        found = _FRAGMENT.match(request.body)
        if self._transfer is None or self._transfer.done() or not found:
            return
        if int(found[1]) >= 200:
            self._transfer.set_result(int(found[1]))

    async def _until_acknowledged(self) -> None:
        """Who was called may not say BYE before the ACK of the answer (RFC 3261, section 15)."""
        if self.asked is None:
            return
        try:
            async with asyncio.timeout(2 * T2):
                await self._acknowledged.wait()
        except TimeoutError:
            self.asked.stop()

    async def _reinvite(self, direction: Direction, state: LegState, event: str) -> bool:
        if self._busy or self.state not in {LegState.TALKING, LegState.HOLDING}:
            return False
        before, self._direction, self._busy = self._direction, direction, True
        self._version += 1
        try:
            response = await self._ask("INVITE", (ALLOW, _SDP), self._describe(), self._reinvite_answered)
        finally:
            self._busy = False
        if response.status >= 300 or self.over.is_set():
            self._direction = before
            return False
        self.state = state
        self._adjust(parse_sdp(response.body))
        self.on_event(self, event, None)
        return True

    def _reinvite_answered(self, response: Response) -> None:
        if 200 <= response.status < 300:
            self.sip.acknowledge(self.dialog.request("ACK", cseq=response.cseq[0]), self.peer)

    async def _ask(
        self,
        method: str,
        headers: Headers = (),
        body: bytes = b"",
        on_response: Callable[[Response], None] | None = None,
    ) -> Response:
        def build(extra: Headers) -> Request:
            return self.dialog.request(method, (*headers, *extra), body)

        return await ask_with_credentials(
            self.sip, build, self.peer, self._credentials, on_response=on_response
        )

    def _describe(self) -> bytes:
        return build_sdp(Sound(self.sip.host, self.sound.port, self._direction), self._version)

    def _talk(self, theirs: Sound) -> None:
        if not self._media:
            return
        self.stream = self.sound.stream(theirs.address, self._say)
        self._direction = answering(theirs.direction, self._direction)
        self._adjust(theirs)
        if self.hear:
            self.stream.hear()

    def _adjust(self, theirs: Sound) -> None:
        if self.stream is None:
            return
        if theirs.port and theirs.address != self.stream.remote:
            self.stream.move(theirs.address)
        self.stream.events = 101 if theirs.events is None else theirs.events
        self.stream.sending = self._direction is Direction.SENDRECV and theirs.direction.receives

    def _cancelled(self, arrived: int) -> None:
        if self.asked and self.state is LegState.RINGING:
            self.asked.respond(487)
            self.status = 487
            self.on_event(self, "cancelled", arrived)
            self._end("cancelled")

    def _end(self, by: str) -> None:
        if self.state is LegState.ENDED:
            return
        self.state, self.ended_by = LegState.ENDED, by
        if self.stream is not None:
            self.stream.close()
        if self._transfer is not None and not self._transfer.done():
            self._transfer.set_result(
                200 if by == "them" else 487
            )  # Asterisk may hang up before its word comes
        self.over.set()
        self.on_end(self)
