"""Log-in and sessions.

A session is a random token in a cookie; the store keeps only its hash. It ends by log-out, after ``IDLE_SECONDS``
without use, at its absolute end, or when the user's role, password or account changes.
"""

import asyncio
import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callcenter.clock import Clock
from callcenter.errors import CallcenterError, TooMany
from callcenter.ids import UserId
from callcenter.web.limits import Window
from callcenter.web.ports import SessionRow, UserRow, Users

log = structlog.get_logger(__name__)

IDLE_SECONDS = 3600.0
"""A session that nobody used for so long is over; an open page counts as use."""
TOUCH_SECONDS = 60.0
"""``seen_at`` is written at most this often."""
ADDRESS_FACTOR = 10
"""A whole office may sit behind one address: it may fail this many times as often as one user."""
VERIFIERS = 2
"""Each verification takes 64 MiB and a core for some 50 ms."""
PASSWORD_LIMIT = 1024


class WrongPassword(CallcenterError):
    """The name or the password is wrong; which of them is not said."""

    code = "wrong_password"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is behind a request."""

    user: UserRow
    session: SessionRow
    csrf: str

    @property
    def session_id(self) -> str:
        """The session's hash; it opens nothing."""
        return self.session.token_hash


def token_hash(token: str) -> str:
    """How a token is kept."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def csrf_of(token: str) -> str:
    """The form token that belongs to a cookie's token; it can't be turned back."""
    return hmac.new(token.encode("utf-8", "surrogatepass"), b"callcenter csrf", hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


class Passwords:
    """Verifies argon2 hashes in threads, a few at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(VERIFIERS)
        self._dummy = ""

    async def start(self) -> None:
        """Make the hash that unknown names are checked against."""
        self._dummy = await asyncio.to_thread(self._hasher.hash, secrets.token_urlsafe(16))

    async def right(self, user: UserRow | None, password: str) -> bool:
        """Is it this user's password? Takes as long for nobody as for somebody."""
        stored = user.password_hash if user is not None and user.active else self._dummy
        async with self._slots:
            matches = await asyncio.to_thread(self._verify, stored, password)
        return matches and user is not None and user.active

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


class Auth:
    """Opens, finds and ends sessions."""

    def __init__(
        self,
        users: Users,
        clock: Clock,
        *,
        session_hours: float,
        tries: int,
        window: float,
        passwords: Passwords,
    ) -> None:
        self._users, self._clock, self.passwords = users, clock, passwords
        self._hours = session_hours
        self._by_name = Window(clock, tries, window)
        self._by_address = Window(clock, tries * ADDRESS_FACTOR, window)

    async def check(self, username: str, password: str, address: str) -> UserRow:
        """The user with this password; raises ``WrongPassword`` or ``TooMany``, the latter also for the right
        password and for names that nobody has."""
        name = username.strip().casefold()[:200]
        wait = max(self._by_name.wait(name), self._by_address.wait(address))
        if wait:
            log.warning("log-in refused: too many tries", pii_address=address, pii_username=name)
            raise TooMany(f"Too many attempts. Try again in {wait:.0f} seconds.", code="too_many")
        # A name's tries count from their beginning, so that many at once are not one. An address's count when they
        # have failed: a whole office may log in at the same minute behind one address.
        self._by_name.note(name)
        user = await self._users.user_by_name(name)
        if not await self.passwords.right(user, password[:PASSWORD_LIMIT]) or user is None:
            self._by_address.note(address)
            log.info("log-in failed", pii_address=address, pii_username=name)
            raise WrongPassword("The user name or the password is wrong.")
        self._by_name.forgive(name)
        return user

    async def open(self, user: UserRow, *, extension: str, address: str) -> str:
        """A new session; gives the token for the cookie. Never reuses a token that came from outside."""
        token, now = secrets.token_urlsafe(32), self._clock.wall()
        await self._users.add_session(
            SessionRow(
                token_hash=token_hash(token),
                user_id=user.id,
                created_at=now,
                seen_at=now,
                expires_at=now + dt.timedelta(hours=self._hours),
                extension=extension,
                address=address,
            )
        )
        return token

    async def visitor(self, token: str) -> Visitor | None:
        """Who shows this token; None for strangers and for sessions that are over."""
        if not token or len(token) > 100:
            return None
        session = await self._users.session(token_hash(token))
        if session is None:
            return None
        now = self._clock.wall()
        user = await self._users.user(session.user_id)
        if user is None or not user.active or self._over(session, now):
            await self._users.drop_session(session.token_hash)
            return None
        if (now - session.seen_at).total_seconds() > TOUCH_SECONDS:
            await self._touch(session, now)
        return Visitor(user, session, csrf_of(token))

    async def _touch(self, session: SessionRow, now: dt.datetime) -> None:
        try:
            await self._users.touch_session(session.token_hash, now)
        except CallcenterError as error:
            # Pages can still be read while the database takes no writes.
            log.warning("use of a log-in not noted", reason=error.code)

    async def close(self, session_id: str) -> None:
        """End one session."""
        await self._users.drop_session(session_id)

    async def close_all(self, user_id: UserId) -> None:
        """End all sessions of a user."""
        await self._users.drop_sessions_of(user_id)

    @staticmethod
    def _over(session: SessionRow, now: dt.datetime) -> bool:
        idle = (now - session.seen_at).total_seconds()
        return now >= session.expires_at or idle > IDLE_SECONDS
