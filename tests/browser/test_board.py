"""The supervisor's board and a call's page in a real Chromium."""

import datetime as dt
from pathlib import Path

import pytest
from playwright.async_api import expect

from callcenter.ids import CallId, CustomerId
from callcenter.web.ports import CallStory, OfferLine, SegmentLine
from tests.fakes.chromium import DIST, chromium, desk_page
from tests.fakes.fake_desk import AT
from tests.fakes.web_site import web_site

pytestmark = pytest.mark.browser
CALL = CallId("a" * 32)


async def test_the_board_follows_the_floor(tmp_path: Path) -> None:
    """Waiting by tier, agents with running clocks, calls with links; a change shows without a reload, and so does
    that telephony is down."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "sofia") as page,
    ):
        await expect(page.locator(".queue").first).to_contain_text("Support")
        await expect(page.locator("#agent-1")).to_contain_text("On a call")
        await expect(page.locator("#agent-1 .clock")).to_have_text("1:17", timeout=4000)
        await expect(page.locator(f"#call-{CALL} a")).to_have_attribute("href", f"/calls/{CALL}")
        site.board.board["queues"][0]["waiting"]["vip"] = 7
        site.board.board["telephony"] = "down"
        site.board.changes += 1
        await expect(page.locator(".queue .number").first).to_have_text("10")
        await expect(page.locator("#telephony")).to_be_visible()


async def test_a_calls_page_adds_up_and_plays(tmp_path: Path) -> None:
    """The bar's parts fill it exactly, and the player has loaded the recording."""
    minute = dt.timedelta(seconds=60)
    story = CallStory(
        CALL, "inbound", "+8613800138000", "400", CustomerId(17), "王芳", "vip", "support", AT, AT + minute,
        "caller_hangup", agent_ids=frozenset({1}), recording_id="c" * 32,
        segments=(
            SegmentLine("ivr", "", "", AT, 12.5),
            SegmentLine("waiting", "support", "", AT, 17.5),
            SegmentLine("talking", "support", "Li Na", AT, 30.0),
        ),
        offers=(OfferLine("Li Na", AT, None, "answered", "longest idle"),),
    )  # fmt: skip
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        site.records.stories[CALL] = story
        sound = site.parts.folders.recordings / "x.wav"
        sound.write_bytes(silence())
        site.records.recordings["c" * 32] = (sound, frozenset({1}))
        await page.goto(f"{site.url}/calls/{CALL}")
        widths = await page.eval_on_selector_all(
            ".segments rect", "all => all.map(one => Number(one.getAttribute('width')))"
        )
        assert widths == [208.33, 291.67, 500.0]
        await expect(page.locator("tfoot td")).to_have_text("60.0 s")
        loaded = "audio => new Promise(done => { audio.onloadedmetadata = () => done(audio.duration); audio.load(); })"
        assert await page.eval_on_selector(
            "audio", loaded.replace("audio.load()", "audio.preload = 'auto'; audio.load()")
        ) == pytest.approx(1, abs=0.01)


def silence(seconds: int = 1, rate: int = 8000) -> bytes:
    """A WAV file of silence: 16 bit, mono."""
    data = bytes(2 * rate * seconds)
    head = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    head += (1).to_bytes(2, "little") + (1).to_bytes(2, "little") + rate.to_bytes(4, "little")
    head += (2 * rate).to_bytes(4, "little") + (2).to_bytes(2, "little") + (16).to_bytes(2, "little")
    return head + b"data" + len(data).to_bytes(4, "little") + data
