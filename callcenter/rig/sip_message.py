"""SIP messages (RFC 3261) as the simulated phones need them: bytes in, a message out, and back.

Pure: no sockets, no time. Strict about framing, because a phone is sent whatever a caller chose: lines end
in CR LF, a bare CR, LF or NUL inside a header is refused, a header that may be there once is refused twice,
the body has the length that was promised. Other strange characters in names are let through, as a real
phone would show them. Text that is no UTF-8 survives a round trip (``surrogateescape``).
"""

import re
from dataclasses import dataclass, field
from typing import TypeAlias

MOST_HEADERS = 128
MOST_BYTES = 65_535
"""The largest UDP datagram."""

_COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
    "c": "content-type", "e": "content-encoding", "s": "subject", "k": "supported", "r": "refer-to",
    "b": "referred-by", "o": "event", "u": "allow-events", "x": "session-expires",
}  # fmt: skip
_ONCE = frozenset({"from", "to", "call-id", "cseq", "content-length", "content-type", "max-forwards"})
_NEEDED = ("via", "from", "to", "call-id", "cseq")
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}")
_CSEQ = re.compile(r"([0-9]{1,10})[ \t]+([A-Z]{1,16})")
_STATUS = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?")
_REQUEST = re.compile(r"([A-Z]{1,16}) (\S{1,2048}) SIP/2\.0")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t]*', re.DOTALL)
_URI = re.compile(r"(sips?|tel):(?:([^@<>\s]*)@)?([^@<>\s;?]*)((?:[;?][^<>\s]*)?)", re.IGNORECASE)

Headers: TypeAlias = tuple[tuple[str, str], ...]


class BadSip(ValueError):
    """These bytes are no SIP message that we take; the text says why."""


@dataclass(frozen=True)
class Message:
    """What requests and responses share."""

    headers: Headers
    body: bytes = b""

    def get(self, name: str) -> str | None:
        """The first header of this name, whatever its case, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def need(self, name: str) -> str:
        """The first header of this name; raises BadSip if there is none."""
        value = self.get(name)
        if value is None:
            raise BadSip(f"no {name} header")
        return value

    def all(self, name: str) -> list[str]:
        """Every header of this name, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.need("Call-ID")

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method of CSeq; raises BadSip."""
        found = _CSEQ.fullmatch(self.need("CSeq").strip())
        if not found:
            raise BadSip("CSeq is not a number and a method")
        return int(found[1]), found[2]

    @property
    def branch(self) -> str:
        """The branch of the topmost Via: it tells transactions apart."""
        return parameters(self.need("Via")).get("branch", "")


@dataclass(frozen=True)
class Request(Message):
    """Somebody asks for something."""

    method: str = ""
    uri: str = ""


@dataclass(frozen=True)
class Response(Message):
    """An answer to a request."""

    status: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Uri:
    """A sip: or tel: address. ``user`` is as it came, still percent-encoded."""

    user: str
    host: str
    port: int | None = None
    scheme: str = "sip"
    rest: str = ""


@dataclass(frozen=True)
class Address:
    """The value of From, To, Contact or Refer-To."""

    uri: str
    display_name: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def user(self) -> str:
        """The user part of the address, or empty."""
        return parse_uri(self.uri).user


def parse(datagram: bytes) -> Request | Response:
    """One whole message out of one datagram; raises BadSip."""
    if len(datagram) > MOST_BYTES:
        raise BadSip("longer than a datagram can be")
    head, blank, rest = datagram.partition(b"\r\n\r\n")
    if not blank:
        raise BadSip("the headers do not end")
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    headers = _headers(lines[1:])
    message = _first_line(lines[0], headers, _body(headers, rest))
    for name in _NEEDED:
        message.need(name)
    number, method = message.cseq
    if isinstance(message, Request) and method != message.method:
        raise BadSip("CSeq names another method")
    if number >= 1 << 31:
        raise BadSip("CSeq is too large")
    return message


def encode(message: Request | Response) -> bytes:
    """The bytes of a message; Content-Length is ours. Raises BadSip for text that would break the framing."""
    if isinstance(message, Request):
        first = f"{message.method} {message.uri} SIP/2.0"
    else:
        first = f"SIP/2.0 {message.status} {message.reason}"
    lines = [
        first,
        *(f"{name}: {value}" for name, value in message.headers if name.lower() != "content-length"),
    ]
    for line in lines:
        if any(c in line for c in "\r\n\0"):
            raise BadSip("a line break inside a line")
    text = "\r\n".join([*lines, f"Content-Length: {len(message.body)}", "", ""])
    return text.encode("utf-8", "surrogateescape") + message.body


def parse_address(value: str) -> Address:
    """``"Name" <sip:user@host>;tag=x`` or ``sip:user@host;tag=x``; raises BadSip."""
    text = value.strip()
    name = ""
    quoted = _QUOTED.match(text)
    if quoted:
        name = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
        text = text[quoted.end() :]
        if not text.startswith("<"):
            raise BadSip("a quoted name without an address")
    before, opened, after = text.partition("<")
    if opened:
        uri, closed, tail = after.partition(">")
        if not closed:
            raise BadSip("an address that does not end")
        return Address(uri, name or before.strip(), _semicolons(tail))
    uri, _, tail = text.partition(";")
    return Address(uri.strip(), "", _semicolons(";" + tail))


def parse_uri(text: str) -> Uri:
    """Take an address apart; raises BadSip."""
    if text.lower().startswith("tel:"):
        number, _, rest = text[4:].partition(";")
        return Uri(number, "", None, "tel", rest)
    found = _URI.fullmatch(text)
    if not found:
        raise BadSip("no SIP address")
    host, port = found[3], None
    name, colon, digits = host.rpartition(":")
    if colon and not host.endswith("]"):
        if not re.fullmatch(r"[0-9]{1,5}", digits) or int(digits) > 65_535:
            raise BadSip("a port that is none")
        host, port = name, int(digits)
    return Uri(found[2] or "", host, port, found[1].lower(), found[4])


def parameters(value: str) -> dict[str, str]:
    """The ``;name=value`` parts of a header outside quotes and angle brackets, names in lower case."""
    _, bracket, tail = value.rpartition(">")
    return _semicolons(tail if bracket else value[value.find(";") :] if ";" in value else "")


def quoted(name: str) -> str:
    """A display name as it stands in a header."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _semicolons(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(";")[1:]:
        name, _, value = part.partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _headers(lines: list[str]) -> Headers:
    if len(lines) > MOST_HEADERS:
        raise BadSip("too many headers")
    headers: list[tuple[str, str]] = []
    seen: set[str] = set()
    for line in lines:
        if any(c in line for c in "\r\n\0"):
            raise BadSip("a line break or NUL inside a header")
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not _TOKEN.fullmatch(name):
            raise BadSip("a line that is no header")
        name = _COMPACT.get(name.lower(), name)
        key = name.lower()
        if key in seen and key in _ONCE:
            raise BadSip(f"{key} twice")
        seen.add(key)
        headers.append((name, value.strip(" \t")))
    return tuple(headers)


def _body(headers: Headers, rest: bytes) -> bytes:
    promised = next((value for name, value in headers if name.lower() == "content-length"), None)
    if promised is None:
        return rest
    if not re.fullmatch(r"[0-9]{1,5}", promised):
        raise BadSip("Content-Length is no number")
    if int(promised) > len(rest):
        raise BadSip("the body is cut short")
    return rest[: int(promised)]


def _first_line(line: str, headers: Headers, body: bytes) -> Request | Response:
    status = _STATUS.fullmatch(line)
    if status:
        return Response(headers, body, int(status[1]), status[2] or "")
    request = _REQUEST.fullmatch(line)
    if request:
        return Request(headers, body, request[1], request[2])
    raise BadSip("neither a request nor a response")
