"""The calls that both systems get, and what is said of them."""

import sqlite3
from io import StringIO
from pathlib import Path
from statistics import fmean

import pytest
from rich.console import Console

from callcenter.bench import app_queue
from callcenter.bench.app_queue import OURS, SHORTEST, THEIRS, LineFigures, Load, SideBySide, draw
from callcenter.bench.ideal_line import Served
from callcenter.bench.line_report import show_line
from callcenter.bench.spread import Spread

pytestmark = pytest.mark.unit

MS = 1_000_000


def line(extra: Spread | None, *, system: str = OURS, served: int = 320) -> LineFigures:
    """Figures of one system."""
    return LineFigures(system, 320, served, 700.0, 650.0, extra, extra, extra, 12.5, 20.5, 0.4)


def test_draws_are_what_they_say() -> None:
    """Poisson arrivals at the rate that makes the load, exponential talks none of which is too short, no number twice;
    the same for a seed."""
    load = Load(agents=10, calls=4000, talk=4.0, load=0.85)
    drawn = draw(load, 3)
    assert drawn == draw(load, 3) != draw(load, 4)
    assert len({one.number for one in drawn}) == load.calls
    assert [one.at for one in drawn] == sorted(one.at for one in drawn)
    talk = fmean(one.talk for one in drawn)
    assert talk == pytest.approx(4.0, rel=0.05)
    assert min(one.talk for one in drawn) >= SHORTEST
    assert load.calls * talk / drawn[-1].at / load.agents == pytest.approx(0.85, rel=0.08)


def test_the_promise_is_kept_by_all_served() -> None:
    """By median and by the slowest hundredth; a call that nobody served breaks it."""
    assert line(Spread(320, 50.0, 250.0, 900.0)).kept
    assert not line(Spread(320, 50.1, 250.0, 900.0)).kept
    assert not line(Spread(320, 50.0, 250.1, 900.0)).kept
    assert not line(Spread(319, 5.0, 25.0, 90.0), served=319).kept
    assert not line(None).kept


def test_figures_of_the_calls() -> None:
    """Two calls to one agent, 20 ms between them, joined 5 ms after they were answered."""
    calls = [
        Served("1", "1001", 0, 4 * MS, 5 * MS, 105 * MS),
        Served("2", "1001", 10 * MS, 125 * MS, 126 * MS, 130 * MS),
    ]
    joined = {"1": 5 * MS, "2": 15 * MS}
    made = app_queue.figures(
        OURS, Load(agents=1, calls=2), calls, joined, core_ms=1.0, asterisk_ms=2.0, busy=0.123
    )
    assert made.served == made.calls == 2
    assert (made.mean_wait, made.mean_ideal) == (60.5, 45.0)
    assert made.extra == Spread(2, 5.0, 26.0, 26.0)
    assert made.in_line == Spread(2, 0.0, 21.0, 21.0)
    assert made.gap == Spread(1, 20.0, 20.0, 20.0)
    assert app_queue.figures(THEIRS, Load(), [], None, core_ms=0, asterisk_ms=0, busy=0).extra is None


def test_joining_is_read_from_the_record(tmp_path: Path) -> None:
    """The first wait of each caller, in nanoseconds."""
    path = tmp_path / "record.db"
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE calls (id, number_raw)")
        base.execute("CREATE TABLE segments (call_id, stage, started_at)")
        base.executemany("INSERT INTO calls VALUES (?, ?)", [("a", "1"), ("b", "2")])
        rows = [("a", "ivr", 5), ("a", "waiting", 7), ("a", "waiting", 9), ("b", "ivr", 6)]
        base.executemany("INSERT INTO segments VALUES (?, ?, ?)", rows)
    base.close()
    assert app_queue._joined(path) == {"1": 7000}


def test_both_are_shown() -> None:
    """Side by side; the promise is ours alone."""
    slow = line(Spread(320, 500.0, 1500.0, 1600.0), system=THEIRS)
    out = StringIO()
    show_line(
        Console(file=out, width=140),
        SideBySide(Load(), (slow, line(Spread(320, 13.4, 138.9, 150.0)))),
    )
    text = out.getvalue()
    assert "yes" in text
    assert "NO" not in text
    for word in (THEIRS, OURS, "1500.0", "138.9", "33.0", "320 of 320", "by our record"):
        assert word in text
