"""What callers left, in a real Chromium: heard, taken, rung back from the desk's phone, done."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from callcenter.ids import AgentId
from callcenter.voicemails.voicemail import VoicemailState
from callcenter.web.rounds import WorkRound
from tests.browser.test_board import silence
from tests.fakes.chromium import DIST, chromium, connected, desk_page
from tests.fakes.fake_desk import pop_for, record
from tests.fakes.fake_work import callback, voicemail
from tests.fakes.web_site import AGENT, web_site

pytestmark = pytest.mark.browser


async def test_a_message_from_beginning_to_end(tmp_path: Path) -> None:
    """The player has loaded it; taken, rung back over the socket, done with a note."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        site.voicemails.add(voicemail(1))
        sound = site.parts.folders.recordings / "x.wav"
        sound.write_bytes(silence())
        site.records.recordings[f"{1:032x}"] = (sound, frozenset({1}))
        await page.goto(f"{site.url}/inbox")
        message = page.locator(f"#voicemail-{1:032x}")
        await expect(message).to_contain_text("王芳")
        length = await message.locator("audio").evaluate(
            "one => new Promise(done => { one.onloadedmetadata = () => done(one.duration); one.preload = 'auto'; })"
        )
        assert length > 0
        await message.get_by_role("button", name="Take it").click()
        await expect(message.locator(".state")).to_contain_text("Taken")
        await connected(site, page)
        await message.get_by_role("button", name="Call +8613800138000").click()
        await expect(page.locator("#message")).to_have_text("Your phone rings first; pick it up.")
        assert site.desk.told[-1][:2] == ("dial", AGENT)
        await message.locator("textarea").fill("Rang back")
        await message.get_by_role("button", name="It is done").click()
        await expect(message.locator(".state")).to_contain_text("Done")
        kept = site.voicemails.kept[f"{1:032x}"]
        assert (kept.state, kept.note, kept.owner_id) == (VoicemailState.DONE, "Rang back", AgentId(1))


async def test_the_count_is_in_the_agents_header(tmp_path: Path) -> None:
    """It changes without a reload, and opens beside the desk, which keeps its seat and its pops."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        await expect(page.locator("#work-link .count")).to_have_count(0)
        site.voicemails.add(voicemail(1))
        site.callbacks.add(callback(1))
        await WorkRound(site.parts).show()
        await expect(page.locator("#work-link .count")).to_have_text("2")
        async with page.context.expect_page() as opened:
            await page.click("#work-link")
        beside = await opened.value
        await expect(beside.locator(f"#callback-{1:032x}")).to_contain_text("In line")
        await connected(site, page, 2)
        assert site.desk.screens[AGENT] == 1
        assert await site.desk.offer(AGENT, pop_for(record()), 2) is True
        await expect(page.locator("#pop h1")).to_contain_text("王芳")


async def test_a_supervisor_cancels_a_callback(tmp_path: Path) -> None:
    """Two clicks, so that it is not done by accident."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "sofia") as page,
    ):
        site.callbacks.add(callback(1))
        await page.goto(f"{site.url}/inbox")
        row = page.locator(f"#callback-{1:032x}")
        await row.locator("summary").click()
        await row.get_by_role("button").click()
        await expect(row).to_contain_text("Cancelled")
        assert site.callbacks.cancelled == [(f"{1:032x}", 9)]
