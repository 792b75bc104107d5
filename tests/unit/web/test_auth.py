"""Passwords and sessions, on a clock that is moved by hand."""

import pytest

from callcenter.clock import ManualClock
from callcenter.errors import TooMany
from callcenter.web.auth import IDLE_SECONDS, Auth, Passwords, WrongPassword, csrf_of, token_hash
from tests.fakes.fake_users import QUICK, FakeUsers

pytestmark = pytest.mark.unit


class Ground:
    """An ``Auth`` with one agent."""

    def __init__(self) -> None:
        self.clock, self.users = ManualClock(), FakeUsers()
        self.user = self.users.add(1, "lina", "agent")
        self.auth = Auth(
            self.users, self.clock, session_hours=12, tries=3, window=300, passwords=Passwords(QUICK)
        )


@pytest.fixture
async def ground() -> Ground:
    made = Ground()
    await made.auth.passwords.start()
    return made


async def test_the_right_password_and_nothing_else(ground: Ground) -> None:
    """Letter case of the name does not matter, that of the password does; a blocked account stays out."""
    assert (await ground.auth.check("LINA ", "lina-pass", "a")).id == 1
    with pytest.raises(WrongPassword):
        await ground.auth.check("lina", "Lina-pass", "a")
    with pytest.raises(WrongPassword):
        await ground.auth.check("nobody", "lina-pass", "a")
    ground.users.change(1, active=False)
    with pytest.raises(WrongPassword):
        await ground.auth.check("lina", "lina-pass", "a")


async def test_after_three_failures_the_right_password_has_to_wait_too(ground: Ground) -> None:
    """The refusal says how long; afterwards it works again. Unknown names are treated alike."""
    for name in ("lina", "nobody"):
        for _ in range(3):
            with pytest.raises(WrongPassword):
                await ground.auth.check(name, "guess", "a")
        with pytest.raises(TooMany, match="300 seconds"):
            await ground.auth.check(name, "lina-pass", "b")
    ground.clock.move(301)
    assert (await ground.auth.check("lina", "lina-pass", "a")).name == "Lina"


async def test_one_address_may_not_try_many_names(ground: Ground) -> None:
    """Ten times the tries of one name, then the address waits; others don't."""
    for number in range(30):
        with pytest.raises(WrongPassword):
            await ground.auth.check(f"name{number}", "guess", "evil")
    with pytest.raises(TooMany):
        await ground.auth.check("lina", "lina-pass", "evil")
    assert (await ground.auth.check("lina", "lina-pass", "good")).name == "Lina"


async def test_an_office_that_logs_in_rightly_is_never_slowed(ground: Ground) -> None:
    """Good log-ins don't count against the address."""
    for _ in range(100):
        await ground.auth.check("lina", "lina-pass", "office")


async def test_only_the_hash_of_a_token_is_kept(ground: Ground) -> None:
    """Who reads the database can't log in with it, and each log-in has a token of its own."""
    one = await ground.auth.open(ground.user, extension="1001", address="a")
    two = await ground.auth.open(ground.user, extension="1001", address="a")
    assert one != two
    assert set(ground.users.sessions) == {token_hash(one), token_hash(two)}
    visitor = await ground.auth.visitor(one)
    assert visitor is not None
    assert visitor.csrf == csrf_of(one) != csrf_of(two)
    assert await ground.auth.visitor(token_hash(one)) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 101, "\udcff", "ключ"])
async def test_a_token_that_nobody_made_opens_nothing(ground: Ground, token: str) -> None:
    """Also those that can't be encoded."""
    assert await ground.auth.visitor(token) is None


async def test_a_session_ends_when_it_is_idle_and_when_it_is_old(ground: Ground) -> None:
    """Use keeps it alive, but not beyond twelve hours."""
    idle = await ground.auth.open(ground.user, extension="", address="a")
    used = await ground.auth.open(ground.user, extension="", address="a")
    for _ in range(13):
        ground.clock.move(IDLE_SECONDS * 0.9)
        assert await ground.auth.visitor(used) is not None
    assert await ground.auth.visitor(idle) is None
    ground.clock.move(IDLE_SECONDS * 0.9)
    assert await ground.auth.visitor(used) is None
    assert ground.users.sessions == {}
