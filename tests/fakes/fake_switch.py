"""Orders to Asterisk, noted; each can be made to fail, and click-to-call can be joined to a scene."""

from collections.abc import Awaitable, Callable, Mapping

from callcenter.calls.ports import LiveChannel, MissedCall
from callcenter.errors import ActionFailed, CallcenterError
from callcenter.ids import CallId

Originate = Callable[[CallId, str, str, int], Awaitable[None]]


class FakeSwitch:
    """A ``Switch`` and ``LiveChannels``."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.members: dict[str, bool] = {}
        self.missed: list[MissedCall] = []
        self.channels: list[LiveChannel] = []
        self.withdrawn = 0
        self.fails: dict[str, CallcenterError] = {}
        self.on_click: Originate | None = None
        self.on_cut: Callable[[str, str], None] | None = None
        self.on_put_through: Callable[[CallId, str], None] | None = None

    async def click_to_call(
        self, call_id: CallId, phone: str, number: str, *, ring_seconds: int, variables: Mapping[str, str]
    ) -> None:
        self._do("click_to_call", call_id, phone, number, dict(variables))
        if self.on_click is not None:
            await self.on_click(call_id, phone, number, ring_seconds)

    async def hang_up_call(self, call_id: CallId) -> None:
        self._do("hang_up_call", call_id)

    async def hang_up_phone(self, call_id: CallId, phone: str) -> None:
        self._do("hang_up_phone", call_id, phone)

    async def put_through(self, call_id: CallId, target: str) -> None:
        self._do("put_through", call_id, target)
        if self.on_put_through is not None:
            self.on_put_through(call_id, target)

    async def cut_announcement(self, channel_id: str) -> None:
        self._cut(channel_id, "play")

    async def cut_listening(self, channel_id: str) -> None:
        self._cut(channel_id, "read_key")

    async def mirror_agent(self, phone: str, name: str, *, ready: bool) -> None:
        self._do("mirror_agent", phone, name, ready)
        self.members[phone] = ready

    async def drop_agent(self, phone: str) -> None:
        self._do("drop_agent", phone)
        self.members.pop(phone, None)

    async def withdraw_waiting(self) -> int:
        self._do("withdraw_waiting")
        return self.withdrawn

    async def missed_calls(self) -> list[MissedCall]:
        self._do("missed_calls")
        return list(self.missed)

    def live_channels(self) -> list[LiveChannel]:
        return list(self.channels)

    def refuse(self, order: str) -> None:
        """Asterisk refuses this order from now on."""
        self.fails[order] = ActionFailed(f"{order} was refused")

    def _cut(self, channel_id: str, kind: str) -> None:
        self._do(f"cut {kind}", channel_id)
        if self.on_cut is not None:
            self.on_cut(channel_id, kind)

    def _do(self, order: str, *facts: object) -> None:
        self.told.append((order, *facts))
        if order in self.fails:
            raise self.fails[order]
