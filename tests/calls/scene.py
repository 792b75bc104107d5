"""A scenario is a table: at which second who does what. ``play`` runs it on a centre, on virtual time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from callcenter.agents.states import RoutingState
from callcenter.calls.events import PhoneState
from callcenter.ids import AgentId
from tests.fakes.centre import Centre, adds_up, told
from tests.fakes.scripted_line import ScriptedLine
from tests.virtual_time import settle

Deed = tuple[float, str, str]
"""(second, who, what): who is ``caller``, ``caller 2``, a phone such as ``1001``, ``agent 1`` or ``link``."""


@dataclass
class Scene:
    """What happens, and what is to come of it. An entry that is left out is not looked at."""

    happens: list[Deed]
    reason: str | None = None
    """The end reason of the first caller's call."""
    segments: list[tuple[str, float]] | None = None
    offers: list[tuple[int, str]] | None = None
    states: dict[int, RoutingState] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    agents: int = 1


class Stage:
    """Where a scene is played."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.lines: dict[str, ScriptedLine] = {}

    async def play(self, deeds: list[Deed]) -> None:
        """Let it happen."""
        for at, who, what in sorted(deeds, key=lambda deed: deed[0]):
            await asyncio.sleep(max(0.0, at - self.centre.at()))
            self.act(who, what)
            await settle()

    def act(self, who: str, what: str) -> None:
        """One deed, at once."""
        if who.startswith("caller"):
            self._caller(who, what)
        elif who.startswith("agent"):
            self._agent(AgentId(int(who.split()[1])), what)
        elif who == "link":
            self.centre.down() if what == "lost" else self.centre.up(gap=float(what.split()[1]))
        else:
            self._phone(who, what)

    def _caller(self, who: str, what: str) -> None:
        deed, _, rest = what.partition(" ")
        if deed == "calls":
            self.lines[who] = self.centre.call(rest) if rest else self.centre.call()
        elif deed == "presses":
            self.lines[who].press(rest)
        else:
            self.lines[who].leave(seen=rest != "unseen")

    def _agent(self, agent_id: AgentId, what: str) -> None:
        desk = self.centre.desk
        deeds: dict[str, Callable[[], None]] = {
            "ready": lambda: desk.ready(agent_id),
            "not ready": lambda: desk.not_ready(agent_id, "BREAK"),
            "closes the screen": lambda: desk.screen_closed(agent_id),
            "opens the screen": lambda: desk.screen_opened(agent_id),
            "finishes": lambda: desk.finish_wrap_up(agent_id, "RESOLVED", "done"),
        }
        deeds[what]()

    def _phone(self, extension: str, what: str) -> None:
        phone = self.centre.trunk.phones[extension]
        match what:
            case "answers":
                phone.move(answered=True)
            case "hangs up":
                phone.move()
            case "rejects":
                phone.move(reaction="rejected")
            case "is engaged":
                # Its state is not known to us yet: Asterisk finds out by ringing it.
                phone.state = PhoneState.BUSY
            case _:
                raise AssertionError(what)


async def run(scene: Scene) -> Centre:
    """Play a scene and look at what came of it."""
    async with Centre() as centre:
        for number in range(1, scene.agents + 1):
            await centre.agent(number)
        stage = Stage(centre)
        await stage.play(scene.happens)
        check(scene, centre, stage.lines["caller"])
        return centre


def check(scene: Scene, centre: Centre, line: ScriptedLine) -> None:
    """The call, the offers and the agents are as the scene says; the call is on record once, whole."""
    call = centre.record_of(line)
    if scene.reason is not None:
        assert call.end_reason is not None
        assert call.end_reason.value == scene.reason
        assert centre.recorder.ended.count(call.id) == 1
        assert adds_up(call)
        assert centre.calls.get(call.id) is None
    assert call.marks == scene.marks
    if scene.segments is not None:
        assert told(call) == scene.segments
    if scene.offers is not None:
        assert centre.results() == scene.offers
    for number, state in scene.states.items():
        assert centre.roster.get(AgentId(number)).state is state
    for number, reason in scene.reasons.items():
        assert centre.roster.get(AgentId(number)).reason == reason
