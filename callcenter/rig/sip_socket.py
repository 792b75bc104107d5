"""SIP's transactions over UDP (RFC 3261, section 17) on one socket for many phones.

What is lost is sent again: requests until they are answered, final answers to INVITE until the ACK comes,
and a request that comes twice is answered twice with the same words. The time of arrival is taken before
anything else is done with a datagram.
"""

import asyncio
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias, cast

import structlog

from callcenter.rig.sip_message import (
    BadSip,
    Headers,
    Request,
    Response,
    encode,
    parameters,
    parse,
)

log = structlog.get_logger(__name__)

T1, T2 = 0.5, 4.0
"""The first and the longest pause between two sendings, in seconds (RFC 3261, table 4)."""
GIVE_UP = 64 * T1
ALLOW = ("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, INFO")
REASONS = {
    100: "Trying", 180: "Ringing", 200: "OK", 202: "Accepted", 400: "Bad Request", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 491: "Request Pending", 603: "Decline",
}  # fmt: skip

Peer: TypeAlias = tuple[str, int]
AckKey: TypeAlias = tuple[str, str, int]


def new_branch() -> str:
    """A fresh name for a transaction."""
    return "z9hG4bK" + secrets.token_hex(8)


class Asked:
    """A request that came in, and our answers to it (a server transaction)."""

    def __init__(self, owner: "SipSocket", request: Request, source: Peer, arrived: int) -> None:
        self.request = request
        self.source = source
        self.arrived = arrived
        """``time.monotonic_ns()`` when the datagram was read."""
        self.tag = secrets.token_hex(6)
        """Our tag in To."""
        self.final: int | None = None
        self.on_cancel: Callable[[int], None] | None = None
        self.on_ack: Callable[[], None] | None = None
        self.on_no_ack: Callable[[], None] | None = None
        self._owner = owner
        self._last: bytes | None = None
        self._timer: asyncio.TimerHandle | None = None

    def respond(self, status: int, headers: Headers = (), body: bytes = b"") -> None:
        """Answer; after a final answer nothing more is said."""
        if self.final is not None:
            return
        response = build_response(self.request, status, self.tag, headers, body)
        self._last = encode(response)
        self._owner.send(self._last, self.source)
        if status >= 200:
            self.final = status
            self._owner.finished(self)
            if self.request.method == "INVITE":
                self._again(T1, GIVE_UP)

    def repeat(self) -> None:
        """The request came again: so does our answer."""
        if self._last is not None:
            self._owner.send(self._last, self.source)

    def acknowledged(self) -> None:
        """The ACK came."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            if self.on_ack:
                self.on_ack()

    def stop(self) -> None:
        """Send nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self, pause: float, left: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(pause, self._unacknowledged, pause, left - pause)

    def _unacknowledged(self, pause: float, left: float) -> None:
        self._timer = None
        if left > 0:
            self.repeat()
            self._again(min(2 * pause, T2), left)
        elif self.on_no_ack:
            self.on_no_ack()


class SipSocket(asyncio.DatagramProtocol):
    """The UDP port that the phones of one process share."""

    def __init__(self, on_request: Callable[[Asked], None]) -> None:
        self._on_request = on_request
        self._transport: asyncio.DatagramTransport | None = None
        self._asked: dict[tuple[str, str, str, int], Asked] = {}
        self._acks: dict[AckKey, Asked] = {}
        self._awaited: dict[tuple[str, str], Callable[[Response], None]] = {}
        self._forgetting: deque[tuple[float, Callable[[], object]]] = deque()
        self.host, self.port = "", 0
        self.refused = 0
        """Datagrams that were no SIP that we take."""

    async def open(self, host: str, port: int = 0) -> None:
        """Bind; raises OSError if the port is taken."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))

    def close(self) -> None:
        """Give the port back; unanswered requests are left unanswered."""
        for asked in self._asked.values():
            asked.stop()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's word that the port is ours."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        own = transport.get_extra_info("socket")
        own.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21
        )  # bursts of 200 phones wait, and aren't lost
        self.host, self.port = own.getsockname()[:2]

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        """asyncio's word that something came."""
        arrived = time.monotonic_ns()
        while self._forgetting and self._forgetting[0][0] < arrived / 1e9:
            self._forgetting.popleft()[1]()
        if not data.strip(b"\r\n\0 "):
            return  # a keep-alive
        try:
            message = parse(data)
            if isinstance(message, Response):
                self._answered(message)
            else:
                self._request(message, addr, arrived)
        except BadSip as error:
            self.refused += 1
            log.warning("a datagram was refused", why=str(error), size=len(data))

    def error_received(self, exc: Exception) -> None:
        """The other side's port was closed: retransmission or time-out deals with it."""
        log.debug("the network gave an error", error=str(exc))

    def send(self, data: bytes, to: Peer) -> None:
        """One datagram."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, to)

    async def ask(
        self,
        request: Request,
        to: Peer,
        on_response: Callable[[Response], None] | None = None,
        branch: str | None = None,
    ) -> Response:
        """Send a request until it is answered, and return the final answer; 408 is ours if none came.

        ``on_response`` hears every answer, and a 2xx to INVITE each time that it is repeated. ``branch`` is
        given where a CANCEL may have to name it.
        """
        branch = branch or new_branch()
        key = (branch, request.method)
        sent = replace(request, headers=(self._via(branch), *request.headers))
        answers: asyncio.Queue[Response] = asyncio.Queue()
        self._awaited[key] = answers.put_nowait
        data = encode(sent)
        pause, deadline, early = T1, time.monotonic() + GIVE_UP, False
        try:
            self.send(data, to)
            while True:
                try:
                    async with asyncio.timeout(None if early and request.method == "INVITE" else pause):
                        response = await answers.get()
                except TimeoutError:
                    if time.monotonic() >= deadline:
                        return build_response(sent, 408, "")
                    self.send(data, to)
                    pause = 2 * pause if request.method == "INVITE" else min(2 * pause, T2)
                    continue
                if on_response:
                    on_response(response)
                early = True
                if response.status >= 200:
                    break
        finally:
            self._awaited.pop(key, None)
        if request.method == "INVITE":
            self._after_invite(key, sent, to, response, on_response)
        return response

    async def cancel(self, invite_branch: str, request: Request, to: Peer) -> None:
        """CANCEL an INVITE of ours that was sent with this branch."""
        headers = (
            self._via(invite_branch),
            *_without(request, "CSeq", "Contact", "Content-Type", "Authorization"),
        )
        cancel = Request((*headers, ("CSeq", f"{request.cseq[0]} CANCEL")), b"", "CANCEL", request.uri)
        done = asyncio.Event()
        key = (invite_branch, "CANCEL")
        self._awaited[key] = lambda _response: done.set()
        pause, deadline = T1, time.monotonic() + GIVE_UP
        try:
            while not done.is_set() and time.monotonic() < deadline:
                self.send(encode(cancel), to)
                try:
                    async with asyncio.timeout(pause):
                        await done.wait()
                except TimeoutError:
                    pause = min(2 * pause, T2)
        finally:
            self._awaited.pop(key, None)

    def finished(self, asked: Asked) -> None:
        """Forget a request some time after its final answer: until then it may come again."""
        self._later(self._forget, asked)

    def _forget(self, asked: Asked) -> None:
        self._asked.pop(_key(asked.request), None)
        self._acks.pop(_ack_key(asked.request), None)

    def _request(self, request: Request, source: Peer, arrived: int) -> None:
        if request.method == "ACK":
            if (waiting := self._acks.get(_ack_key(request))) is not None:
                waiting.acknowledged()
            return
        key = _key(request)
        if (known := self._asked.get(key)) is not None:
            known.repeat()
            return
        asked = Asked(self, request, source, arrived)
        self._asked[key] = asked
        if request.method == "CANCEL":
            self._cancel(asked)
            return
        if request.method == "INVITE":
            self._acks[_ack_key(request)] = asked
        self._on_request(asked)

    def _cancel(self, asked: Asked) -> None:
        branch, _, call_id, number = _key(asked.request)
        invite = self._asked.get((branch, "INVITE", call_id, number))
        if invite is None:
            asked.respond(481)
            return
        asked.tag = invite.tag
        asked.respond(200)
        if invite.final is None and invite.on_cancel:
            invite.on_cancel(asked.arrived)

    def _answered(self, response: Response) -> None:
        waiting = self._awaited.get((response.branch, response.cseq[1]))
        if waiting is not None:
            waiting(response)

    def _after_invite(
        self,
        key: tuple[str, str],
        sent: Request,
        to: Peer,
        response: Response,
        on_response: Callable[[Response], None] | None,
    ) -> None:
        """Acknowledge a refusal, and go on to answer repeated finals for a while."""

        def repeated(again: Response) -> None:
            if again.status >= 300:
                self.send(encode(_ack_refusal(sent, again)), to)
            elif again.status >= 200 and on_response:
                on_response(again)

        if response.status >= 300:
            repeated(response)
        self._awaited[key] = repeated
        self._later(self._awaited.pop, key, None)

    def acknowledge(self, ack: Request, to: Peer) -> None:
        """Send the ACK of a 2xx: it is nobody's transaction."""
        self.send(encode(replace(ack, headers=(self._via(new_branch()), *ack.headers))), to)

    def _later(self, forget: Callable[..., object], *what: object) -> None:
        """Forget something when its repetitions are over: with a datagram that comes later, so no timer waits."""
        self._forgetting.append((time.monotonic() + GIVE_UP, lambda: forget(*what)))

    def _via(self, branch: str) -> tuple[str, str]:
        return "Via", f"SIP/2.0/UDP {self.host}:{self.port};branch={branch};rport"


def build_response(
    request: Request, status: int, tag: str, headers: Headers = (), body: bytes = b""
) -> Response:
    """An answer with what must be repeated from its request."""
    kept: list[tuple[str, str]] = []
    for name, value in request.headers:
        match name.lower():
            case "via" | "from" | "call-id" | "cseq" | "record-route":
                kept.append((name, value))
            case "to":
                tagged = "tag" in parameters(value) or status == 100 or not tag
                kept.append((name, value if tagged else f"{value};tag={tag}"))
            case _:
                continue
    return Response((*kept, *headers), body, status, REASONS.get(status, "Answer"))


def _ack_refusal(invite: Request, refusal: Response) -> Request:
    headers = _without(
        invite, "CSeq", "To", "Contact", "Content-Type", "Authorization", "Proxy-Authorization"
    )
    ack = (*headers, ("To", refusal.need("To")), ("CSeq", f"{invite.cseq[0]} ACK"))
    return Request(ack, b"", "ACK", invite.uri)


def _without(request: Request, *names: str) -> Headers:
    unwanted = {name.lower() for name in names}
    return tuple(header for header in request.headers if header[0].lower() not in unwanted)


def _key(request: Request) -> tuple[str, str, str, int]:
    return request.branch, request.method, request.call_id, request.cseq[0]


def _ack_key(request: Request) -> AckKey:
    return request.call_id, parameters(request.need("From")).get("tag", ""), request.cseq[0]
