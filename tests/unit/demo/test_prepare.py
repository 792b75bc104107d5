"""The demo's settings and people fit together: what they say of routing is understood, and has somebody for it."""

from pathlib import Path

import pytest

from callcenter.app_settings import routing_rules
from callcenter.demo import prepare
from callcenter.demo.floor import Floor, FloorPlan
from callcenter.ids import QueueName
from callcenter.routing.rules import RingRule, Strategy
from callcenter.settings import Settings, load
from callcenter.storage import sample

pytestmark = pytest.mark.unit


def settings_of(folder: Path, **plan: object) -> Settings:
    """As the core of such a floor reads them."""
    agents = prepare.agents(2)
    floor = Floor(FloorPlan(folder, folder / "launcher", agents, "secret", **plan))  # type: ignore[arg-type]
    floor.write_settings()
    return load(floor.config)


def test_a_floor_says_nothing_of_routing(tmp_path: Path) -> None:
    """Without a word of it, the usual queues and no skills: what tests and benches are made on."""
    settings = settings_of(tmp_path)
    assert (settings.skills, settings.queues) == ((), Settings().queues)
    assert settings.routing == Settings().routing


def test_the_demos_routing_is_understood(tmp_path: Path) -> None:
    """Skills, queues with their rings, relationship; the rules contradict nothing."""
    settings = settings_of(
        tmp_path, skills=sample.SKILLS, queues=prepare.QUEUES, overrides={"routing": prepare.ROUTING}
    )
    assert settings.skills == sample.SKILLS
    assert [queue.name for queue in settings.queues] == list(sample.QUEUES)
    rules = routing_rules(settings)
    assert (rules.relationship.owner_wait, rules.relationship.last_agent_wait) == (6, 4)
    support = rules.queue(QueueName("support"))
    assert (support.strategy, support.prefers) == (Strategy.MOST_PROFICIENT, ("technical",))
    assert support.rings == (RingRule(15, also=frozenset({QueueName("sales")})),)
    assert len({rules.queue(QueueName(name)).strategy for name in sample.QUEUES}) == len(sample.QUEUES)


def test_every_skill_is_somebodys() -> None:
    """Those that people have are those that the settings name and the queues prefer."""
    had = {skill for _, _, skills in sample.STAFF for skill in skills}
    preferred = {skill for queue in prepare.QUEUES for skill in queue.get("prefers", ())}
    assert had == set(sample.SKILLS)
    assert preferred | set(prepare.SEAT.skills) <= had
    assert {level for _, _, skills in sample.STAFF for level in skills.values()} <= {1, 2, 3, 4, 5}
