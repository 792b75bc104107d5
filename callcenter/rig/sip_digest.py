"""Digest authentication (RFC 2617 and 7616) as a phone answers it. Pure."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from callcenter.rig.sip_message import BadSip

_PART = re.compile(r'([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)\s*')
_HASHES = {"md5": "md5", "sha-256": "sha256"}


@dataclass(frozen=True)
class Credentials:
    """What a phone registers with."""

    username: str
    password: str


@dataclass(frozen=True)
class Challenge:
    """What a WWW-Authenticate or Proxy-Authenticate header asks."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    opaque: str = ""
    qop_auth: bool = False
    stale: bool = False


def parse_challenge(value: str) -> Challenge:
    """Read a challenge; raises BadSip for another scheme, another algorithm or parts that are missing."""
    scheme, _, text = value.strip().partition(" ")
    if scheme.lower() != "digest":
        raise BadSip("a challenge that is not Digest")
    parts: dict[str, str] = {}
    at, text = 0, text.strip()
    while at < len(text):
        found = _PART.match(text, at)
        if not found:
            raise BadSip("a challenge that can't be read")
        parts.setdefault(found[1].lower(), re.sub(r"\\(.)", r"\1", found[2] or "") or found[3] or "")
        at = found.end()
    algorithm = parts.get("algorithm", "MD5")
    if algorithm.lower() not in _HASHES:
        raise BadSip("an algorithm that this phone does not know")
    if "realm" not in parts or not parts.get("nonce"):
        raise BadSip("a challenge without realm or nonce")
    qops = [q.strip().lower() for q in parts.get("qop", "").split(",")]
    return Challenge(
        parts["realm"],
        parts["nonce"],
        algorithm,
        parts.get("opaque", ""),
        "auth" in qops,
        parts.get("stale", "").lower() == "true",
    )


def answer(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, cnonce: str | None = None
) -> str:
    """The value of the Authorization header for one request."""
    kind = _HASHES[challenge.algorithm.lower()]

    def hashed(text: str) -> str:
        return hashlib.new(kind, text.encode()).hexdigest()

    secret = hashed(f"{credentials.username}:{challenge.realm}:{credentials.password}")
    asked = hashed(f"{method}:{uri}")
    fields = [
        f'username="{credentials.username}"',
        f'realm="{challenge.realm}"',
        f'nonce="{challenge.nonce}"',
        f'uri="{uri}"',
        f"algorithm={challenge.algorithm}",
    ]
    if challenge.qop_auth:
        own = cnonce or secrets.token_hex(8)
        fields += [
            f'response="{hashed(f"{secret}:{challenge.nonce}:00000001:{own}:auth:{asked}")}"',
            f'qop=auth, nc=00000001, cnonce="{own}"',
        ]
    else:
        fields.append(f'response="{hashed(f"{secret}:{challenge.nonce}:{asked}")}"')
    if challenge.opaque:
        fields.append(f'opaque="{challenge.opaque}"')
    return "Digest " + ", ".join(fields)
