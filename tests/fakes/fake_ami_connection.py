"""An AMI connection without a socket: it keeps the bytes that would have gone out, and answers from lists."""

from collections.abc import Callable

from callcenter.asterisk.ami.actions import SimpleAction, encode
from callcenter.asterisk.ami.messages import Event, Response
from callcenter.errors import ActionFailed


class FakeAmiConnection:
    """``refusals`` maps an action's name to Asterisk's message; ``lists`` to the items of its list."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.refusals: dict[str, list[str]] = {}
        self.lists: dict[str, list[list[Event]]] = {}
        """One list for each time it is asked; the last one stays."""
        self.on_action: Callable[[str], None] = lambda _action_id: None

    async def action(self, action: SimpleAction, timeout: float = 5.0) -> Response:
        """As the real one: refuse, or say yes."""
        action_id = f"x{len(self.sent)}"
        self.sent.append(encode(action, action_id).decode())
        self.on_action(action_id)
        refusals = self.refusals.get(action.name)
        if refusals and (message := refusals.pop(0)):
            raise ActionFailed(f"{action.name}: {message}")
        return Response("Success", {"ActionID": action_id})

    async def listing(self, action: SimpleAction, timeout: float = 10.0) -> list[Event]:
        """As the real one."""
        await self.action(action)
        lists = self.lists.get(action.name, [[]])
        return lists.pop(0) if len(lists) > 1 else lists[0]
