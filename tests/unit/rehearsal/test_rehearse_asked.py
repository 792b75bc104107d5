"""Plans as people write them, recorded days in files, and the commands that take them."""

import datetime as dt
import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from callcenter.cli_rehearse import rehearse, staff
from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.ids import QueueName
from callcenter.rehearsal.plan import TalkKind
from callcenter.rehearsal.recorded import COLUMNS, mean_patience, read_day
from callcenter.rehearsal.scenario import arrivals_of, parse_agents, parse_tiers, read
from callcenter.routing.rules import RoutingRules

pytestmark = pytest.mark.unit

DAY = """
begins = "08:00"
talk = 180
wrap_up = 30
patience = 120
tiers = { vip = 0.2, regular = 0.8 }

[[agents]]
count = [4, 6]
queues = ["support", "billing"]
skills = "billing=4, cantonese"

[[arrivals]]
queue = "support"
calls = [36, 90]

[[arrivals]]
queue = "billing"
calls = 18
talk = 240
talk_kind = "log-normal"
patience = 0
tiers = { small = 1 }
skills = "billing=3"
"""


def written(folder: Path, text: str, name: str = "plan.toml") -> Path:
    """A file with that text."""
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_scenario(tmp_path: Path) -> None:
    """Half hours, queues, skills; what a table does not say itself is said once for all."""
    plan = read(written(tmp_path, DAY), RoutingRules())
    support, billing = plan.streams
    assert (plan.intervals, plan.begins, plan.agents) == (2, dt.time(8), 6)
    assert support.rates == (0.02, 0.05)
    assert (support.talk, support.talk_kind, support.wrap_up, support.patience) == (
        180,
        TalkKind.EXPONENTIAL,
        30,
        120,
    )
    assert support.tiers == {Tier.VIP: 0.2, Tier.REGULAR: 0.8}
    assert (billing.rates, billing.talk_kind, billing.patience) == ((0.01,), TalkKind.LOG_NORMAL, math.inf)
    assert (billing.tiers, billing.needs) == ({Tier.SMALL: 1}, {"billing": 3})
    (group,) = plan.groups
    assert (group.counts, group.skills) == ((4, 6), {"billing": 4, "cantonese": 1})


def test_a_steady_scenario(tmp_path: Path) -> None:
    """Without any list the load is the same for ever."""
    text = (
        DAY.replace("[36, 90]", "36").replace("[4, 6]", "5").replace("patience = 0\n", "").replace("240", "9")
    )
    plan = read(written(tmp_path, text), RoutingRules())
    assert plan.steady
    assert plan.load == pytest.approx((0.02 * 210 + 0.01 * 39) / 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("agents = 3", "agents"),
        ("nonsense", "is no TOML"),
        (DAY.replace("[36, 90]", "[36, 90, 9]"), "their lengths are 2, 3"),
        (DAY.replace("36, 90", "36, -1"), r"arrivals\.0\.calls"),
        (DAY.replace('queue = "support"', 'queue = "Support Line"'), r"arrivals\.0\.queue"),
        (DAY.replace("vip = 0.2", "vip = 0.3"), "add up to 1, not 1.1"),
        (DAY.replace("vip = 0.2", "gold = 0.2"), "tiers"),
        (DAY.replace("billing=3", "billing=9"), "is no skill"),
        (DAY.replace("talk = 180\n", ""), "say how long talks are"),
        (DAY.replace("talk = 180\n", "talk = 180\ntlak = 3\n"), "tlak"),
        (DAY.replace('["support", "billing"]', '["support"]'), "No agent serves the queue billing"),
        (DAY.split("[[agents]]", maxsplit=1)[0], "nobody calls"),
    ],
)
def test_a_wrong_scenario(tmp_path: Path, text: str, words: str) -> None:
    """It is said what is wrong, and where."""
    with pytest.raises(BadInput, match=words):
        read(written(tmp_path, text), RoutingRules())


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    """A missing file, and a folder, are said to be so."""
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(BadInput, match=str(path)):
            arrivals_of(path)


@pytest.mark.parametrize("text", ["", "gold=1", "vip", "vip=x", "vip=2", "vip=nan", "vip=0.5,vip=0.5"])
def test_wrong_tiers(text: str) -> None:
    """Unknown, without a share, with an impossible one, named twice."""
    with pytest.raises(BadInput):
        parse_tiers(text)
    assert parse_tiers(" vip=0.25 , small=0.75") == {Tier.VIP: 0.25, Tier.SMALL: 0.75}


def test_agents_of_queues() -> None:
    """As people write them."""
    assert parse_agents("support=12, billing=6") == {QueueName("support"): 12, QueueName("billing"): 6}
    for text in ("support", "support=x", "=3", "support=-1"):
        with pytest.raises(BadInput, match="is no number of agents"):
            parse_agents(text)


# ------------------------------------------------------------ recorded days

RECORDED = ",".join(COLUMNS) + "\n09:00:01.5,support,vip,8,60,5,no\n09:00:00,support,small,12,,0,yes\n"


def test_a_recorded_day(tmp_path: Path) -> None:
    """In the order of joining, counted from the beginning; 20 s of waiting and one hang-up are a patience of 20 s."""
    day = read_day(written(tmp_path, RECORDED, "day.csv"), dt.time(9))
    first, second = day.contacts
    assert (first.at, first.tier, first.talk, first.waited) == (0.0, Tier.SMALL, None, 12.0)
    assert (second.at, second.tier, second.talk, second.wrap_up) == (1.5, Tier.VIP, 60.0, 5.0)
    assert day.mean_patience == 20
    assert mean_patience([1.0, 2.0], 0) == math.inf


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("joined,", "", "joined is missing"),
        ("09:00:00,support", "noon,support", "line 3"),
        ("small", "gold", "line 3"),
        (",12,", ",-12,", "line 3: waited must be between"),
        (",12,", ",nan,", "line 3: waited must be between"),
        (",12,,0,yes", "", "line 3"),
        ("yes", "maybe", "yes or no"),
        ("8,60,5,no", "8,,5,no", "nobody was served"),
        (RECORDED[RECORDED.index("\n") :], "\n", "nobody called"),
    ],
)
def test_a_wrong_day(tmp_path: Path, old: str, new: str, words: str) -> None:
    """It is said what is wrong, and in which line."""
    with pytest.raises(BadInput, match=words):
        read_day(written(tmp_path, RECORDED.replace(old, new), "day.csv"), dt.time(9))


# ------------------------------------------------------------ the commands

app = typer.Typer()
app.command("rehearse")(rehearse)
app.command("staff")(staff)
SMALL = ("--agents", "3", "--calls-per-hour", "20", "--talk", "180", "--calls", "60", "--seed", "7")


def said(*words: str | Path) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    found = CliRunner().invoke(app, [str(word) for word in words])
    return found.exit_code, found.stdout, found.stderr


def json_of(words: Sequence[str | Path]) -> dict[str, object]:
    """What a command that works prints."""
    status, out, error = said(*words)
    assert (status, error) == (0, "")
    found: dict[str, object] = json.loads(out)
    return found


def test_the_one_liner() -> None:
    """All figures under ``all`` and under each tier; the same seed gives the same figures."""
    words = (
        "rehearse",
        *SMALL,
        "--tiers",
        "vip=0.2,regular=0.8",
        "--policy",
        "strict",
        "--patience",
        "0",
        "--json",
    )
    found = json_of(words)
    figures = [
        "n",
        "mean_wait",
        "standard_error",
        "p50",
        "p90",
        "p99",
        "within_promise",
        "abandoned",
        "occupancy",
    ]
    assert list(found) == ["all", "tiers"]
    assert list(found["all"]) == figures  # type: ignore[call-overload]
    assert list(found["tiers"]) == ["vip", "regular"]  # type: ignore[call-overload]
    assert json_of(words) == found
    assert json_of((*words, "--seed", "8")) != found


def test_side_by_side(tmp_path: Path) -> None:
    """Two numbers of agents: a table with both, and a chart as a file that loads nothing from elsewhere."""
    chart = tmp_path / "chart.svg"
    status, out, _ = said("rehearse", *SMALL, "--compare-agents", "4", "--chart", chart)
    assert status == 0
    assert "3 agents" in out
    assert "4 agents" in out
    picture = chart.read_text("utf-8")
    assert picture.startswith("<?xml")
    assert "<script" not in picture
    compared = json_of(("rehearse", *SMALL, "--compare-agents", "4", "--json"))
    assert list(compared) == ["all", "tiers", "compared"]


def test_rules_side_by_side(tmp_path: Path) -> None:
    """Two files of settings: each gives its own rules."""
    other = written(tmp_path, "[routing]\norder = 'strict'\n", "other.toml")
    usual = written(tmp_path, "[routing]\norder = 'aging'\n", "usual.toml")
    words = ("rehearse", *SMALL, "--tiers", "vip=0.5,small=0.5", "--calls-per-hour", "45", "--config", other)
    found = json_of((*words, "--compare", usual, "--json"))
    (case,) = found["compared"].values()  # type: ignore[attr-defined]
    assert case["all"]["n"] == found["all"]["n"]  # type: ignore[index]
    assert case["tiers"]["vip"]["mean_wait"] > found["tiers"]["vip"]["mean_wait"]  # type: ignore[index]


def test_a_day_and_a_file_of_calls(tmp_path: Path) -> None:
    """A scenario is rehearsed by queue; recorded calls are replayed by its agents, or by others."""
    plan = written(tmp_path, DAY)
    found = json_of(("rehearse", "--scenario", plan, "--replications", "30", "--json"))
    assert list(found["queues"]) == ["billing", "support"]  # type: ignore[call-overload]
    day = written(tmp_path, RECORDED, "day.csv")
    for staffed in (("--scenario", plan), ("--agents", "2")):
        replayed = json_of(("rehearse", "--day", day, *staffed, "--json"))
        assert replayed["all"]["n"] == 2  # type: ignore[index]
        assert replayed["all"]["standard_error"] is None  # type: ignore[index]


def test_advice(tmp_path: Path) -> None:
    """For a steady load, and for each half hour and queue of a file; the rehearsal keeps what it promises."""
    found = json_of(("staff", "--calls-per-hour", "60", "--tiers", "vip=0.2,regular=0.8", "--json"))
    (row,) = found["half_hours"]  # type: ignore[misc]
    agents = row["agents"]  # type: ignore[has-type]
    assert row["fewest"] <= agents  # type: ignore[has-type]
    words = ("--calls-per-hour", "60", "--tiers", "vip=0.2,regular=0.8", "--calls", "3000", "--seed", "1")
    tiers = json_of(("rehearse", "--agents", f"{agents}", *words, "--json"))["tiers"]
    assert tiers["vip"]["within_promise"] > 0.87  # type: ignore[index]
    status, out, _ = said("staff", "--scenario", written(tmp_path, DAY))
    assert status == 0
    assert [text in out for text in ("08:00", "08:30", "support", "billing")] == [True] * 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--agents", "0"), "number of agents must be 1 or more"),
        (("--agents", "-3"), "can't be -3"),
        (("--calls-per-hour", "0"), "more than 0"),
        (("--calls-per-hour", "nan"), "more than 0"),
        (("--talk", "-1"), "more than 0 s"),
        (("--talk-kind", "uniform"), "exponential or log-normal"),
        (("--patience", "-5"), "0 (nobody hangs up) or more"),
        (("--tiers", "vip=0.2"), "add up to 1"),
        (("--tiers", "gold=1"), "no tier “gold”"),
        (("--calls", "3"), "At least 30 calls"),
        (("--day", "x.csv", "--recorded", "2026-11-20"), "not both"),
        (("--day", "/no/such.csv"), "No such file"),
        (("--recorded", "tomorrow"), "is no day"),
        (("--recorded", "2026-11-20..2026-11-01"), "the earlier first"),
        (("--save", "x.csv"), "--recorded 2026-11-20"),
        (("--agents-per-queue", "support=3"), "not both"),
        (("--compare-agents", "3"), "nothing to compare"),
        (("--chart", "/no/such/chart.svg"), "No such file"),
    ],
)
def test_bad_options(words: Sequence[str], told: str) -> None:
    """One clear line, status 1."""
    status, out, error = said("rehearse", *SMALL, *words)
    assert (status, out) == (1, "")
    assert told in error
    assert error.count("\n") == 1


def test_more_than_can_be_done() -> None:
    """It is said that the line grows for ever, and the figures are given all the same."""
    status, out, error = said("rehearse", *SMALL, "--calls-per-hour", "90", "--json")
    assert status == 0
    assert "grows for ever" in error
    assert json.loads(out)["all"]["n"] == 60
