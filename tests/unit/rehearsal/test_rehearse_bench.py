"""What the bench says of the routing and theory, at a size that says nothing but how it is said."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from callcenter.bench import theory, theory_report, waiting
from callcenter.bench.theory import Load, Row, TheoryFigures
from callcenter.customers.customer import Tier
from callcenter.errors import BadInput

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def figures() -> TheoryFigures:
    """A few calls of small floors with little to do, so that they need no long warm-up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theory, "SHARED_LOAD", 0.5)
        patch.setattr(theory, "SHARED_AGENTS", 10)
        patch.setattr(theory, "PATTERN_LOAD", 0.6)
        return theory.measure(0.005, loads=[Load(3, 0.4, 60_000)])


def test_every_theory_is_asked(figures: TheoryFigures) -> None:
    """A row for each figure of each theory, with its distance; both ends of sharing agents."""
    found = {row.theory for row in figures.rows}
    assert {name.split(",")[0] for name in found} == {
        "Erlang C",
        "Cobham",
        "Kleinrock",
        "Erlang A",
        "Adan and Weiss",
    }
    for row in figures.rows:
        assert row.error > 0
        assert row.z * row.error == pytest.approx(row.simulated - row.expected)
    assert [one.flexible for one in figures.shared] == [0.0, 0.2, 0.4, 1.0]


def test_chance_is_named() -> None:
    """How many rows would lie beyond the limit by chance: Student's t, as tables have it."""
    assert theory.student_beyond(2.045, 29) == pytest.approx(0.05, abs=1e-4)
    rows = [Row("Erlang C", 5, 0.7, "mean wait", 30, 1.0, 1.0, 1.0, z) for z in (-1.0, 1.0, 4.0)]
    found = TheoryFigures(rows)
    assert (found.beyond, found.chi_square) == (1, 6.0)


def test_told(figures: TheoryFigures, tmp_path: Path) -> None:
    """Tables for the terminal and for documents say each figure and the chance; pictures run nothing."""
    out = StringIO()
    theory_report.show_theory(Console(file=out, width=160), figures)
    text = theory_report.markdown(figures)
    for told in (out.getvalue(), text):
        assert "by chance alone" in told
        assert told.count("Kleinrock, 4 tiers") == 4
    pictures = theory_report.draw_theory(figures, tmp_path / "pictures")
    assert len(pictures) == 3
    for path in pictures:
        assert "<script" not in path.read_text("utf-8")
    with pytest.raises(BadInput):
        theory_report.draw_theory(figures, Path("/dev/null/pictures"))


def test_announced_waits() -> None:
    """Each caller who waited was told something, and tiers are told apart."""
    told = waiting.simulate(waiting.Scenario(0.9, tiers=waiting.FOUR_TIERS, agents=4, calls=300), 7)
    assert {one.tier for one in told} == set(Tier)
    assert all(one.announced > 0 and one.waited > 0 for one in told)
    assert waiting.figures(told)["n"] == len(told)
