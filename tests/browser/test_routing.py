"""The rules of routing and a call's decisions in a real Chromium: read, opened, rolled back."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.test_board import CALL as ON_THE_BOARD
from tests.fakes.chromium import DIST, chromium, desk_page
from tests.fakes.fake_routing import decision_line
from tests.fakes.web_site import web_site
from tests.integration.test_web_routing import CALL, furnish

pytestmark = pytest.mark.browser


async def test_a_supervisor_reads_the_rules_and_how_a_call_was_decided(tmp_path: Path) -> None:
    """From the board to the rules, from a decision to its call, and there into the details, in both languages."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "sofia") as page,
    ):
        furnish(site)
        site.routing.decided = [decision_line(1, call_id=CALL)]
        await page.get_by_role("link", name="Routing").click()
        await expect(page.locator("h1")).to_have_text("Routing rules")
        await expect(page.locator("#version-2")).to_contain_text("In use")
        await expect(page.locator("#version-1 .confirm")).to_have_count(0)
        await page.locator("#version-2 .why summary").click()
        await expect(page.locator("#version-2 .changes")).to_contain_text("promised time 10 s → 8 s")
        await page.get_by_role("link", name="王芳").click()
        details = page.locator("details.why")
        await expect(details.locator(".why-parts")).to_be_hidden()
        await details.locator("summary").click()
        await expect(details.locator(".kept-out")).to_contain_text("1004 陈静")
        await expect(details.locator(".mine")).to_contain_text("300 %")
        await page.get_by_role("button", name="中文").click()
        await page.locator("details.why summary").click()
        await expect(page.locator("details.why")).to_contain_text("为何此来电优先")


async def test_an_admin_rolls_back(tmp_path: Path) -> None:
    """Two clicks, so that it is not done by accident; the page then shows the new version in use."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "root") as page,
    ):
        await page.goto(f"{site.url}/routing")
        row = page.locator("#version-1")
        await row.locator("summary").click()
        await row.get_by_role("button", name="Publish version 1 again").click()
        await expect(page.locator("#version-3")).to_contain_text("In use")
        await expect(page.locator("tr", has_text="answered in 10 s")).to_have_count(1)


async def test_a_caller_beyond_the_promise_is_late_on_the_board(tmp_path: Path) -> None:
    """The clock runs on by itself, and the word comes with the colour."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "sofia") as page,
    ):
        place = page.locator(f"#call-{'f' * 32} .place")
        await expect(place).to_contain_text("No. 1")
        await expect(place.locator(".late-word")).to_be_visible(timeout=6000)
        await expect(place.locator(".clock")).to_have_class("clock late")
        await expect(page.locator(f"#call-{ON_THE_BOARD} .place")).to_have_count(0)
