"""Ways, periods and pictures in words; what stands in for parts that are not joined; messages that are sent once."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from callcenter.errors import BadInput, NotFound
from callcenter.history.flows import FlowFigures, NodeFigures
from callcenter.ids import AgentId, UserId
from callcenter.supervision.flows import Graph, GraphEdge, GraphNode
from callcenter.web.fragments import Fragments
from callcenter.web.nothing import NO_CALLBACKS, NO_CANCELLER, NO_FLOWS, NO_VOICEMAILS
from callcenter.web.periods import period_of
from callcenter.web.pictures import figures_data, graph_data, table_rows
from callcenter.web.screen import Message, Screen
from tests.fakes.fake_users import FakeRecords, FakeUsers
from tests.fakes.web_site import parts_for

pytestmark = pytest.mark.unit

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = dt.datetime(2026, 1, 5, 17, 30, tzinfo=dt.UTC)


@pytest.fixture
def fragments(tmp_path: Path) -> Fragments:
    """With the real catalogues."""
    made = Fragments(parts_for(tmp_path, FakeUsers(), FakeRecords()))
    made.load()
    return made


@pytest.mark.parametrize(
    ("way", "english", "chinese"),
    [
        ("next", "goes on", "继续"),
        ("no_input", "no input", "无输入"),
        ("not found", "not found", "未找到"),
        ("key 1", "1", "1"),
        ("key:5", "5", "5"),
        ("case 2", "case 2", "条件 2"),
        ("return person", "back with person", "返回 person"),
        ("customer.tier == 'vip'", "customer.tier == 'vip'", "customer.tier == 'vip'"),
        ("1 en / 2 zh", "1 en / 2 zh", "1 en / 2 zh"),
        ("title", "title", "title"),
        ("", "", ""),
    ],
)
def test_ways_in_words(fragments: Fragments, way: str, english: str, chinese: str) -> None:
    """Names from the catalogue, keys as they are, conditions and unknown words untouched."""
    assert (fragments.way("en", way), fragments.way("zh", way)) == (english, chinese)


def test_a_picture_without_titles(fragments: Fragments) -> None:
    """A node without a title goes by its name; the way on has no label; unknown types are shown as they are."""
    graph = Graph(
        "a",
        (GraphNode("a", "say", "", "甲", "Hello", ""), GraphNode("b", "new_type", "B", "", "", "")),
        (GraphEdge("a", "b", "next", usual=True), GraphEdge("b", "a", "failure", usual=False)),
    )
    drawn = graph_data(graph, "en", fragments)
    assert [(one["title"], one["kind"]) for one in drawn["nodes"]] == [
        ("a", "Announcement"),
        ("B", "new_type"),
    ]
    assert [one["label"] for one in drawn["edges"]] == ["", "failure"]
    assert graph_data(graph, "zh", fragments)["nodes"][0]["title"] == "甲"


def test_figures_by_node(fragments: Fragments) -> None:
    """A mean without visits is 0, the most used way is first, and nodes of old versions are in the table's end."""
    figures = FlowFigures(
        3, 1, 0, {"old": NodeFigures(2, 5.0, 0, 0, {"next": 1, "gone": 1}), "a": NodeFigures(0, 0.0, 0, 0)}
    )
    data = figures_data(figures, "en", fragments)
    assert (data["old"]["mean"], data["a"]["mean"]) == (2.5, 0.0)
    assert data["old"]["ways"] == [["hung up", 1], ["goes on", 1]]
    graph = Graph("a", (GraphNode("a", "say", "A", "", "", ""), GraphNode("c", "say", "", "", "", "")), ())
    rows = table_rows(graph, figures, {"c": 4}, "en")
    assert [(row["name"], row["type"], row["now"]) for row in rows] == [
        ("a", "say", 0),
        ("c", "say", 4),
        ("old", "", 0),
    ]


def test_today_is_the_centres(fragments: Fragments) -> None:
    """Half past five in the afternoon in London is tomorrow in Shanghai; summer time makes a day of 23 hours."""
    assert period_of({}, NOW, SHANGHAI).first == dt.date(2026, 1, 6)
    assert period_of({}, NOW, dt.UTC).first == dt.date(2026, 1, 5)
    asked = {"period": "custom", "from": "2026-03-29", "to": "2026-03-29"}
    day = period_of(asked, NOW, ZoneInfo("Europe/Berlin"))
    assert day.until - day.since == dt.timedelta(hours=23)


@pytest.mark.parametrize(
    "first", ["", "x", "2026-13-01", "0001-01-01", "9999-12-31", "2026-01-01T00:00", "٢٠٢٦-٠١-٠١"]
)
def test_days_that_are_none(first: str) -> None:
    """Refused, also at the calendar's ends."""
    with pytest.raises(BadInput):
        period_of({"period": "custom", "from": first, "to": first}, NOW, SHANGHAI)


async def test_parts_that_are_not_joined() -> None:
    """Nothing is listed, nothing is found, nothing breaks."""
    assert list(NO_FLOWS.listing()) == []
    assert (NO_FLOWS.draw("x"), NO_FLOWS.version()) == (None, 0)
    for ask in (NO_FLOWS.text, NO_FLOWS.graph, NO_FLOWS.now):
        with pytest.raises(NotFound):
            ask("main")
    deeds: tuple[Any, ...] = (
        NO_FLOWS.check("main", ""),
        NO_FLOWS.rehearse("", (), {}),
        NO_FLOWS.publish("main", "", UserId(1), "", None),
        NO_FLOWS.roll_back("main", 1, UserId(1)),
        NO_FLOWS.versions("main"),
        NO_FLOWS.figures("main", NOW, NOW),
        NO_VOICEMAILS.take("a", AgentId(1)),
        NO_VOICEMAILS.finish("a", AgentId(1), ""),
    )
    for deed in deeds:
        with pytest.raises(NotFound):
            await deed
    assert await NO_VOICEMAILS.recent(None) == []
    assert await NO_CALLBACKS.recent(None) == []
    assert await NO_CALLBACKS.open_callbacks() == []
    assert NO_CANCELLER.cancel("a", UserId(1)) is False


def test_what_has_not_changed_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared by kind with what was sent last, so that a page hears of changes only."""
    user = SimpleNamespace(id=9, role="supervisor")
    visitor = cast("Any", SimpleNamespace(user=user, session_id="s"))
    screen = Screen(cast("Any", None), visitor, language=None, desk=False, flow="main")
    put: list[Message] = []
    monkeypatch.setattr(screen, "put", put.append)
    for nodes in ({"a": 1}, {"a": 1}, {"a": 2}, {}, {}):
        screen.put_changed(Message("now", {"now": {"flow": "main", "nodes": nodes}}))
    screen.put_changed(Message("work", {"work": {"open": 0}}))
    assert [message.data for message in put] == [
        {"now": {"flow": "main", "nodes": {"a": 1}}},
        {"now": {"flow": "main", "nodes": {"a": 2}}},
        {"now": {"flow": "main", "nodes": {}}},
        {"work": {"open": 0}},
    ]
    assert screen.board is False
