"""The supervisors' board: worked out from the living state when it is asked for."""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from callcenter.agents.roster import Roster
from callcenter.agents.states import RoutingState
from callcenter.calls.events import TelephonyUp
from callcenter.calls.live_calls import LiveCalls
from callcenter.calls.ports import QueueSettings
from callcenter.clock import Clock
from callcenter.customers.identification import Identification
from callcenter.desk.feed import Feed
from callcenter.desk.views import agent_view, call_view
from callcenter.ids import CallId, QueueName
from callcenter.routing.line import Line
from callcenter.routing.policy import order_key

GAPS_FOR = 3600.0
"""Seconds that a gap in Asterisk's events stays on the board."""


class Board:
    """``version`` grows with each change, so that a page need only be told when there is news."""

    def __init__(
        self,
        line: Line,
        roster: Roster,
        calls: LiveCalls,
        identification: Identification,
        feed: Feed,
        queues: Mapping[QueueName, QueueSettings],
        clock: Clock,
    ) -> None:
        self._line = line
        self._roster = roster
        self._calls = calls
        self._identification = identification
        self._feed = feed
        self._queues = queues
        self._clock = clock
        self._version = 0
        self._gaps: deque[tuple[float, float]] = deque(maxlen=50)

    def changed(self, _event: object) -> None:
        """Something happened."""
        self._version += 1

    def telephony_back(self, event: TelephonyUp) -> None:
        """What was not seen is said: figures of that time may be incomplete."""
        if event.gap_seconds > 0:
            self._gaps.append((event.at, event.gap_seconds))
        self.changed(event)

    def version(self) -> int:
        """Compare with what was shown last."""
        return self._version

    def snapshot(self) -> dict[str, Any]:
        """The whole board."""
        now = self._clock.now()
        names = {agent.id: agent.name for agent in self._roster}
        places = self._places(now)
        calls = []
        for call in self._calls:
            record = self._identification.of(call.id).record
            agent = names.get(call.agent_id, "") if call.agent_id is not None else ""
            more = {
                "customer_name": record.name if record else "",
                "agent": agent,
                "place": places.get(call.id),
            }
            calls.append({**call_view(call, now), **more})
        return {
            "queues": [self._queue(queue, now) for queue in self._queues.values()],
            "agents": [{**agent_view(agent, now), "call_id": agent.call_id} for agent in self._roster],
            "calls": calls,
            "telephony": "up" if self._feed.telephony_up else "down",
            "gaps": [
                {"seconds_ago": round(now - at), "seconds": round(seconds, 1)}
                for at, seconds in self._gaps
                if now - at < GAPS_FOR
            ],
        }

    def _places(self, now: float) -> dict[CallId, dict[str, float]]:
        """Everybody's place in the own queue, the seconds waited, the seconds promised to the tier, and how urgent that
        makes them (``urgency``: 1 where the promise is used up, the queue's weight counted)."""
        rules, found, before = self._line.rules, {}, Counter[QueueName]()
        for waiting in sorted(self._line, key=lambda one: order_key(one, now, rules)):
            before[waiting.queue] += 1
            waited = now - waiting.arrived
            found[waiting.call_id] = {
                "position": before[waiting.queue],
                "waited": round(max(0.0, waited - waiting.boost), 1),
                "promise": rules.promises[waiting.tier].seconds,
                "urgency": round(max(0.0, waited * rules.slope(waiting.queue, waiting.tier)), 2),
            }
        return found

    def _queue(self, queue: QueueSettings, now: float) -> dict[str, Any]:
        members = [agent for agent in self._roster if queue.name in agent.queues]
        ringing = [call for call in self._calls if call.queue == queue.name and call.stage.value == "ringing"]
        waiting = {tier.value: count for tier, count in self._line.counts(queue.name).items()}
        for call in ringing:
            waiting[call.tier] += 1
        longest = max([self._line.longest_wait(queue.name, now), *(call.waited(now) for call in ringing)])
        return {
            "name": queue.name,
            "title_en": queue.title_en,
            "title_zh": queue.title_zh,
            "waiting": waiting,
            "longest_wait": round(longest, 1),
            "agents_ready": sum(agent.state is RoutingState.READY for agent in members),
            "agents_on_call": sum(agent.state is RoutingState.ON_CALL for agent in members),
        }
