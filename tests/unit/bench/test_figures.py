"""When a promise counts as kept, what is asked for, and that the readers do the same work."""

import dataclasses
import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from callcenter.bench import machine, parse, pops, replay, report
from callcenter.bench.lookup import LookupFigures
from callcenter.bench.machine import Machine
from callcenter.bench.pops import DirectFigures, OfferFigures, PopFigures
from callcenter.bench.replay import WholeFigures
from callcenter.bench.run import PARTS, Figures, chosen
from callcenter.bench.spread import Spread
from callcenter.errors import BadInput, PartMissing

pytestmark = pytest.mark.unit

RECORDINGS = Path(__file__).parents[2] / "recordings"
HERE = Machine(2, 23.5, "a processor", "Linux 6", "3.11.7", "3.40.1", "22.10", "3.6.1", "0.1.0", 0.1)
FAST = Spread(200, 4.0, 20.0, 60.0)


def direct(delay: Spread | None = FAST, missing: int = 0) -> DirectFigures:
    """Direct calls."""
    return DirectFigures(10, 5.0, 200, 0, missing, delay, 0.01, 0.5, 0.0)


def offer(*, offers: int = 200, first: float = 1.0, ratio: float = 0.9) -> OfferFigures:
    """Calls to the line."""
    return OfferFigures(10, 5.0, 200, 0, offers, first, 4.0, 2.0, 1.5, 20.0, 22.0, ratio, 17.2, 0.5)


def test_direct_pops_keep_their_promise() -> None:
    """By median and by the slowest hundredth; one pop that never came, or none measured, breaks it."""
    assert direct().kept
    assert not direct(Spread(200, 5.1, 20.0, 60.0)).kept
    assert not direct(Spread(200, 4.0, 50.1, 60.0)).kept
    assert not direct(missing=1).kept
    assert not direct(None).kept


def test_offers_keep_their_promises() -> None:
    """A call that was not offered at all, so that the fallback served it, is no cheap and no early one."""
    assert offer().kept
    assert offer().cheap
    assert not offer(first=0.995).kept
    assert not offer(ratio=1.01).cheap
    assert not offer(offers=199).kept
    assert not offer(offers=0, ratio=0.1).cheap


def test_lookups_keep_their_promise() -> None:
    """The warm ones count."""
    slow = Spread(200, 5.0, 90.0, 100.0)
    assert LookupFigures(10, 1.0, 1.0, slow, FAST).kept is False
    assert LookupFigures(10, 1.0, 1.0, slow, Spread(2000, 1.0, 5.0, 9.0)).kept is True


def test_what_can_be_asked_for() -> None:
    """All, one, and nothing that there isn't."""
    assert chosen("") == PARTS
    assert chosen("cpu") == ("cpu",)
    with pytest.raises(BadInput, match="parse, whole, lookup, routing, theory, pops, cpu, line, ivr"):
        chosen("speed")


def test_beyond_the_promised_rate_nothing_is_said() -> None:
    """Fifty calls a second are reported, whether they keep the figures or not."""
    assert direct().promised
    assert offer().promised
    flooded = dataclasses.replace(direct(Spread(200, 5.1, 20.0, 60.0)), rate=50.0)
    assert not flooded.promised
    assert report.kept(flooded.kept, promised=flooded.promised) == "-"
    assert report.kept(was=True) == "yes"
    assert report.kept(was=False) == "NO"


def test_the_grid_is_whole() -> None:
    """5, 20 and 50 calls a second with 10, 100 and 500 screens; the quick one is a part of its kind."""
    grid = {(scene.screens, load.rate) for scene in pops.SCENES for load in scene.direct}
    assert grid == {(screens, rate) for screens in (10, 100, 500) for rate in (5.0, 20.0, 50.0)}
    quick = {
        (scene.screens, load.rate) for scene in pops.QUICK_SCENES for load in (*scene.direct, *scene.offers)
    }
    assert quick < grid


def test_cpu_alone_makes_no_direct_calls() -> None:
    """The offers of each scene stay."""
    scenes = pops.without_direct(pops.SCENES)
    assert all(not scene.direct for scene in scenes)
    assert [scene.offers for scene in scenes] == [scene.offers for scene in pops.SCENES]


def test_all_readers_see_the_same_events() -> None:
    """Else the ratio would compare different work. Cut into blocks, nothing is lost either. panoramisk is no part of
    this program: it reads along only where somebody has installed it."""
    data = replay.captured(RECORDINGS, 3)
    events = data.count(b"Event: ")
    assert events > 200
    found = {name: read(data) for name, read in parse.readers().items()}
    assert set(found) - {parse.PANORAMISK} == {"parse", "translate", "asterisk-ami"}
    assert set(found.values()) == {events}


def test_a_banner_is_no_event(tmp_path: Path) -> None:
    """A capture may begin with Asterisk's greeting or with an event: neither loses one."""
    event = b"Event: Newchannel\r\nChannel: PJSIP/1-1\r\n\r\n"
    (tmp_path / "a_call.ami").write_bytes(b"Asterisk Call Manager/10.0.0\r\n" + event)
    (tmp_path / "b_call.ami").write_bytes(event)
    assert replay.captured(tmp_path, 2) == event * 4


def test_no_captures(tmp_path: Path) -> None:
    """It is said which folder is empty."""
    with pytest.raises(PartMissing, match="captured AMI bytes"):
        replay.captured(tmp_path, 1)


def test_the_machine() -> None:
    """From the kernel's words, with a fallback where it says less."""
    assert machine._memory("MemTotal:       24684928 kB\nMemFree: 1 kB\n") == 24_684_928
    assert machine._processor("processor : 0\nmodel name\t: Fast  One @ 2 GHz\n") == "Fast  One @ 2 GHz"
    assert machine._processor("processor : 0\n")


def test_everything_is_shown_and_is_json() -> None:
    """Each figure and each broken promise is in the tables; the object holds the same."""
    figures = Figures(
        HERE,
        parse.ParseFigures(3280, 60_000, 50_000, 55_000, 1.09, 0.91),
        lookup=[LookupFigures(10_000, 7.5, 2.0, FAST, Spread(2000, 0.8, 1.8, 4.0))],
        pops=PopFigures((direct(), direct(None, 200)), (offer(), offer(ratio=1.5))),
    )
    out = StringIO()
    console = Console(file=out, width=120)
    report.show_machine(console, figures.machine)
    assert figures.parse is not None
    assert figures.lookup is not None
    assert figures.pops is not None
    report.show_parse(console, figures.parse)
    report.show_parse(
        console, dataclasses.replace(figures.parse, panoramisk_per_second=33_333, panoramisk_ratio=0.61)
    )
    figures.whole = WholeFigures(7100, 200, 199, 4128, 8.6, 0.01)
    report.show_whole(console, figures.whole)
    report.show_lookup(console, figures.lookup)
    report.show_pops(console, figures.pops.direct, figures.pops.offers)
    report.show_cpu(console, figures.pops.offers)
    text = out.getvalue()
    assert text.count("yes") == 5
    assert text.count("NO") == 2
    for word in (
        "a processor",
        "50,000",
        "10,000",
        "22.10",
        "1.50",
        "shared this machine",
        "33,333",
        "pip install",
        "4,128",
    ):
        assert word in text
    data = json.loads(json.dumps(figures.to_json()))
    assert set(data) == {"machine", "parse", "whole", "lookup", "direct", "offers"}
    assert data["direct"][0]["delay"] == {"count": 200, "p50": 4.0, "p99": 20.0, "worst": 60.0}
    assert [each["ratio_kept"] for each in data["offers"]] == [True, False]
