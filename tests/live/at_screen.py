"""An agent, or a supervisor, at a screen: the test's own hands and eyes on the real socket."""

import asyncio
import itertools
from types import TracebackType
from typing import Any, Self

from callcenter.demo.floor import Floor
from callcenter.rig.screen_client import Message, ScreenClient, Session, log_in
from tests.live.watching import until


class AtScreen:
    """``async with AtScreen(floor, "agent1001", "1001") as desk``: logged in and shown the snapshot.

    ``agent``, ``call``, ``pop``, ``wrap_up``, ``telephony`` and ``board`` are the last that was told; ``seen`` is all.
    """

    def __init__(self, floor: Floor, username: str, extension: str | None = None) -> None:
        self._floor, self._username, self._extension = floor, username, extension
        self._refs = itertools.count(1)
        self._client: ScreenClient | None = None
        self._running: asyncio.Task[None] | None = None
        self.session = Session("", "")
        self.seen: list[Message] = []
        self.told: dict[str, Any] = {}
        self.drops = 0

    async def __aenter__(self) -> Self:
        self.session = await log_in(
            self._floor.address, self._username, self._floor.plan.password, self._extension
        )
        self._client = ScreenClient(self._floor.address, self.session, self._told, on_drop=self._dropped)
        self._running = asyncio.create_task(self._client.run(), name=f"screen of {self._username}")
        await until(lambda: self.seen, 10, f"{self._username} has a snapshot")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Close the page."""
        if self._client is not None and self._running is not None:
            await self._client.close()
            try:
                async with asyncio.timeout(3):
                    await self._running
            except TimeoutError:
                self._running.cancel()

    async def drop(self) -> None:
        """Lose the socket without a good-bye; it comes back by itself."""
        assert self._client is not None
        await self._client.drop()

    async def order(self, kind: str, **values: object) -> Message:
        """Send an order; what was answered, ``done`` or ``error``."""
        assert self._client is not None
        ref = next(self._refs)
        assert await self._client.send(kind, ref=ref, **values)
        found: Message = await until(
            lambda: next(
                (one for one in self.seen if one["type"] in {"done", "error"} and one.get("ref") == ref), None
            ),
            8,
            f"{kind} is answered",
        )
        return found

    async def done(self, kind: str, **values: object) -> Message:
        """Send an order that can be done."""
        answer = await self.order(kind, **values)
        assert answer["type"] == "done", answer
        return answer

    async def until_state(self, state: str, limit: float, reason: str | None = None) -> None:
        """Until the agent is in this routing state (for this reason)."""

        def so() -> bool:
            return self.state == state and reason in {None, self.agent.get("reason")}

        try:
            await until(so, limit, f"{self._username} is {state}")
        except AssertionError as error:
            raise AssertionError(f"{error}, but {self.agent}") from None

    async def until_no_call(self, limit: float) -> None:
        """Until the screen shows no call."""
        await until(lambda: self.call is None, limit, f"{self._username} has no call on the screen")

    @property
    def agent(self) -> dict[str, Any]:
        """The agent as last told."""
        return self.told.get("agent") or {}

    @property
    def state(self) -> str:
        """The agent's routing state."""
        return str(self.agent.get("state"))

    @property
    def call(self) -> dict[str, Any] | None:
        """The call at hand."""
        return self.told.get("call")

    @property
    def pop(self) -> dict[str, Any] | None:
        """The pop that is on the screen."""
        return self.told.get("pop")

    @property
    def telephony(self) -> str:
        """up or down."""
        return str(self.told.get("telephony"))

    def pops(self) -> list[dict[str, Any]]:
        """Every pop that was pushed (snapshots not counted)."""
        return [one["pop"] for one in self.seen if one["type"] == "pop" and one["pop"]]

    def states(self) -> list[tuple[str, str]]:
        """Each state that the agent was told, with its reason."""
        agents = [one["agent"] for one in self.seen if one.get("agent")]
        return [(agent["state"], agent["reason"]) for agent in agents]

    def _dropped(self, _code: int) -> None:
        self.drops += 1

    async def _told(self, message: Message, _t: int) -> None:
        self.seen.append(message)
        self.told.update({key: value for key, value in message.items() if key not in {"type", "seq", "t"}})
        pop = message.get("pop")
        if isinstance(pop, dict) and self._client is not None:
            await self._client.send("pop_shown", call_id=pop["call_id"], offer_id=pop["offer_id"])
        if isinstance(work := message.get("wrap_up"), dict) and self._client is not None:
            await self._client.send(
                "finish_wrap_up", disposition="RESOLVED", note=f"of {work['call_id'][:4]}"
            )
