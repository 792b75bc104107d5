"""Named web services of the flows: the address by the administrator, values by callers, answers by anybody.

A service may be slow, broken or hostile: it has a limit in time and in size, it can't send us elsewhere, and what it
answers is JSON of a sane depth or nothing.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from callcenter.errors import LookupFailed, SettingsError
from callcenter.reception.visit import Value

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer; a longer one is refused."""
DEPTH_LIMIT = 32
"""Lists and objects inside one another."""
AT_ONCE = 50
"""Connections at the same time, to all services."""
_PLACE = re.compile(r"\{([A-Za-z_]\w*)\}", re.ASCII)

Row: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """One ``[[ivr.services]]`` of the settings. ``{name}`` in the URL's path or query stands for a value, quoted.
    ``send``: the values that the URL does not name go into the query or into a JSON object as the body."""

    name: str
    url: str
    method: Literal["GET", "POST", "PUT", "PATCH"] = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """They may hold a secret: they are not shown."""
    send: Literal["query", "json"] = "query"


class HttpServices:
    """Asks the named services. ``close`` it in the end. Raises ``SettingsError`` for a URL that can't be used."""

    def __init__(self, plans: Iterable[ServicePlan]) -> None:
        self._plans = {plan.name: _checked(plan) for plan in plans}
        self._session: aiohttp.ClientSession | None = None

    @property
    def names(self) -> frozenset[str]:
        """The services that there are."""
        return frozenset(self._plans)

    async def service(self, name: str, values: Row, seconds: float) -> object | None:
        """The JSON answer; None for 404 and for an empty one (204). Raises ``LookupFailed``: no such service, no
        answer in time, another status, too long, no JSON."""
        plan = self._plans.get(name)
        if plan is None:
            raise LookupFailed(f"There is no service named {name}.")
        url, rest = _filled(plan, values)
        try:
            status, body = await self._ask(plan, url, rest, seconds)
        except TimeoutError as error:
            raise LookupFailed(f"The service {name} took longer than {seconds:g} s.") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Its text may hold the URL, with what a caller typed.
            raise LookupFailed(f"The service {name} can't be reached: {type(error).__name__}.") from None
        if status in {204, 404}:
            return None
        if not 200 <= status < 300:
            raise LookupFailed(f"The service {name} answered with status {status}.")
        return parsed(name, body)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, plan: ServicePlan, url: URL, rest: Row, seconds: float) -> tuple[int, bytes]:
        as_json = plan.send == "json"
        async with self._open_session().request(
            plan.method,
            url if as_json else url.extend_query(_texts(rest)),
            json=dict(rest) if as_json else None,
            headers=dict(plan.headers),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=seconds),
        ) as response:
            if not 200 <= response.status < 300:
                return response.status, b""
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise LookupFailed(f"The service {plan.name} answers compressed, which was not asked for.")
            return response.status, await _limited(plan.name, response)

    def _open_session(self) -> aiohttp.ClientSession:
        """Made in the loop; it keeps no cookies, takes no proxy from the environment, and unpacks nothing."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            )
        return self._session


async def _limited(name: str, response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while chunk := await response.content.read(ANSWER_LIMIT):
        body += chunk
        if len(body) > ANSWER_LIMIT:
            response.close()
            raise LookupFailed(f"The service {name} answers with more than {ANSWER_LIMIT // 1024} KiB.")
    return body


# ------------------------------------------------------------ what is sent


def _checked(plan: ServicePlan) -> ServicePlan:
    example = 'url = "https://orders.example.com/orders/{number}"'
    try:
        parts = urlsplit(plan.url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable:
        raise SettingsError(
            f"[[ivr.services]] {plan.name}: url must begin with http:// or https://, as in {example}"
        )
    rest = _PLACE.sub("", parts.path + parts.query)
    if any(brace in parts.netloc + rest for brace in "{}"):
        text = "{name} in a url stands for a value, in its path or its query only"
        raise SettingsError(f"[[ivr.services]] {plan.name}: {text}, as in {example}")
    return plan


def _filled(plan: ServicePlan, values: Row) -> tuple[URL, Row]:
    """The address with its values, and the values that it did not take."""
    named = set(_PLACE.findall(plan.url))

    def place(match: re.Match[str]) -> str:
        text = _text(values.get(match[1]))
        if not text.strip("."):  # nothing, or a step up in the path
            raise LookupFailed(f"The service {plan.name} needs a value for {match[1]}.")
        return quote(text, safe="", errors="replace")

    address = URL(_PLACE.sub(place, plan.url.partition("#")[0]), encoded=True)
    return address, {name: value for name, value in values.items() if name not in named}


def _texts(values: Row) -> dict[str, str]:
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: Value) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


# ------------------------------------------------------------ what comes back


def parsed(name: str, body: bytes) -> object:
    """The answer of a service; raises ``LookupFailed`` for what is no JSON, too deep, or holds what is no text or
    number."""
    try:
        answer: object = json.loads(body.decode("utf-8"), parse_constant=_refused, parse_float=_finite)
        json.dumps(answer, ensure_ascii=False).encode()  # half a surrogate pair can't be said or kept
    except (ValueError, RecursionError):
        raise LookupFailed(f"The service {name} answers with something that is no JSON.") from None
    if _depth(answer) > DEPTH_LIMIT:
        raise LookupFailed(f"The service {name} answers with JSON deeper than {DEPTH_LIMIT}.")
    return answer


def _depth(answer: object) -> int:
    """How deep lists and objects stand inside one another; counted without going down."""
    depth, level = 0, [answer]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def _refused(text: str) -> float:
    raise ValueError(f"{text} is no JSON")
