"""What stands where a part of the program is not joined: no flows, no messages, no callbacks, no rules of routing."""

import datetime as dt
from collections.abc import Mapping, Sequence

from callcenter.callbacks.callback import Callback
from callcenter.errors import NotFound
from callcenter.history.decisions import DecisionLine
from callcenter.history.flows import FlowFigures, FlowVersion
from callcenter.ids import AgentId, QueueName, UserId
from callcenter.routing.publishing import RulesVersion
from callcenter.routing.rules import RoutingRules
from callcenter.supervision.flows import Fault, FlowLine, Graph, Tried
from callcenter.voicemails.voicemail import Voicemail


def _no_flow() -> NotFound:
    return NotFound("There is no such flow.")


class NoFlows:
    """Implements ``supervision.flows.Flows``: there are none."""

    def listing(self) -> Sequence[FlowLine]:
        """None."""
        return ()

    def text(self, flow: str) -> tuple[int, str]:
        """``NotFound``, as all of the following."""
        raise _no_flow()

    def graph(self, flow: str) -> Graph:
        """``NotFound``."""
        raise _no_flow()

    def draw(self, text: str) -> Graph | None:
        """Nothing is drawn."""
        return None

    def now(self, flow: str) -> Mapping[str, int]:
        """``NotFound``."""
        raise _no_flow()

    def version(self) -> int:
        """Never changes."""
        return 0

    async def check(self, flow: str, text: str) -> Sequence[Fault]:
        """``NotFound``."""
        raise _no_flow()

    async def rehearse(self, text: str, keys: Sequence[str], facts: Mapping[str, str]) -> Tried:
        """``NotFound``."""
        raise _no_flow()

    async def publish(self, flow: str, text: str, by: UserId, note: str, over: int | None) -> FlowVersion:
        """``NotFound``."""
        raise _no_flow()

    async def roll_back(self, flow: str, version: int, by: UserId) -> FlowVersion:
        """``NotFound``."""
        raise _no_flow()

    async def versions(self, flow: str) -> Sequence[FlowVersion]:
        """``NotFound``."""
        raise _no_flow()

    async def figures(self, flow: str, since: dt.datetime, until: dt.datetime) -> FlowFigures:
        """``NotFound``."""
        raise _no_flow()


class NoVoicemails:
    """Implements ``voicemails.ports.Voicemails``: nobody left any."""

    async def recent(self, queues: frozenset[QueueName] | None, limit: int = 200) -> list[Voicemail]:
        """None."""
        return []

    async def take(self, voicemail_id: str, agent_id: AgentId) -> Voicemail:
        """``NotFound``."""
        raise NotFound("There is no such message.")

    async def finish(self, voicemail_id: str, agent_id: AgentId, note: str) -> Voicemail:
        """``NotFound``."""
        raise NotFound("There is no such message.")


class NoCallbacks:
    """Implements ``callbacks.ports.KeptCallbacks``: none on record."""

    async def open_callbacks(self) -> list[Callback]:
        """None."""
        return []

    async def recent(self, queues: frozenset[QueueName] | None, limit: int = 200) -> list[Callback]:
        """None."""
        return []


class NoCanceller:
    """Implements ``web.ports.CallbackCanceller``: none is waiting."""

    def cancel(self, callback_id: str, by: UserId) -> bool:
        """There is none to cancel."""
        return False


class NoRouting:
    """Implements ``web.ports.Routing``: no rules were published."""

    @property
    def rules(self) -> RoutingRules:
        """``NotFound``, as all of the following."""
        raise NotFound("No rules of routing are published.")

    @property
    def version(self) -> RulesVersion:
        """``NotFound``."""
        raise NotFound("No rules of routing are published.")

    async def versions(self, limit: int) -> Sequence[RulesVersion]:
        """``NotFound``."""
        raise NotFound("No rules of routing are published.")

    async def roll_back(self, version: int, by: UserId) -> RulesVersion:
        """``NotFound``."""
        raise NotFound("No rules of routing are published.")


class NoDecisions:
    """Implements ``history.decisions.Decisions``: none on record."""

    async def latest(self, limit: int) -> Sequence[DecisionLine]:
        """None."""
        return ()


NO_FLOWS, NO_VOICEMAILS, NO_CALLBACKS, NO_CANCELLER = NoFlows(), NoVoicemails(), NoCallbacks(), NoCanceller()
NO_ROUTING, NO_DECISIONS = NoRouting(), NoDecisions()
