"""A dialog of RFC 3261: who the two sides of a call are, and how to ask the other one within it."""

import secrets
from collections.abc import Callable

from callcenter.rig.sip_digest import Credentials, answer, parse_challenge
from callcenter.rig.sip_message import Headers, Message, Request, Response, parameters, parse_address
from callcenter.rig.sip_socket import Peer, SipSocket, new_branch


class Dialog:
    """Who the two sides are, and how to ask the other one within the call."""

    def __init__(self, call_id: str, local: str, remote: str, target: str, contact: str) -> None:
        self.call_id = call_id
        self.local = local
        """Our From, with tag."""
        self.remote = remote
        self.target = target
        self.contact = contact
        self.route: list[str] = []
        self.heard_cseq = -1
        self._cseq = secrets.randbelow(1 << 16)

    @property
    def key(self) -> tuple[str, str]:
        """What tells this dialog from others here: Call-ID and our tag."""
        return self.call_id, parameters(self.local).get("tag", "")

    @property
    def replaces(self) -> str:
        """What names this dialog to the other side in a Replaces header."""
        theirs = parameters(self.remote).get("tag", "")
        return f"{self.call_id};to-tag={theirs};from-tag={self.key[1]}"

    def request(
        self, method: str, headers: Headers = (), body: bytes = b"", cseq: int | None = None
    ) -> Request:
        """A request of ours; a fresh CSeq unless one is given (ACK)."""
        if cseq is None:
            self._cseq += 1
            cseq = self._cseq
        kept: list[tuple[str, str]] = [
            ("Max-Forwards", "70"),
            *(("Route", route) for route in self.route),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", self.contact),
        ]
        return Request((*kept, *headers), body, method, self.target)

    def confirmed(self, response: Response) -> None:
        """The other side took our INVITE: from now on we know its tag and address."""
        self.remote = response.need("To")
        self.route = list(reversed(response.all("Record-Route")))
        self.retarget(response)

    def retarget(self, message: Message) -> None:
        """Whoever sends a Contact wants to be reached there."""
        if contact := message.get("Contact"):
            self.target = parse_address(contact).uri


async def ask_with_credentials(
    sip: SipSocket,
    build: Callable[[Headers], Request],
    to: Peer,
    credentials: Credentials | None,
    *,
    on_response: Callable[[Response], None] | None = None,
    branches: Callable[[str, Request], None] | None = None,
) -> Response:
    """Ask; if we are challenged, ask again with the answer (twice at most, for a stale nonce)."""
    extra: Headers = ()
    for tries_left in (2, 1, 0):
        request, branch = build(extra), new_branch()
        if branches:
            branches(branch, request)
        response = await sip.ask(request, to, on_response, branch)
        proxy = response.status == 407
        challenge = response.get("Proxy-Authenticate" if proxy else "WWW-Authenticate")
        if response.status not in {401, 407} or not credentials or challenge is None or not tries_left:
            return response
        asked = parse_challenge(challenge)
        if extra and not asked.stale:
            return response
        name = "Proxy-Authorization" if proxy else "Authorization"
        extra = ((name, answer(asked, credentials, request.method, request.uri)),)
    raise AssertionError("the last try returns")
