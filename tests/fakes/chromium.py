"""A real Chromium for tests of the pages; the setting ``CALLCENTER_CHROMIUM`` names another one."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.fakes.web_site import AGENT_UI, Site

CHROMIUM = Path(os.environ.get("CALLCENTER_CHROMIUM", "/usr/bin/chromium"))
DIST = AGENT_UI / "dist"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Started for one test, closed at its end."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: install chromium or set CALLCENTER_CHROMIUM")
    if not (DIST / "app.js").exists():
        pytest.fail("agent_ui/dist is missing: run npm ci and npm run build in agent_ui")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def desk_page(
    site: Site, browser: Browser, username: str = "lina", expected: Sequence[str] = ()
) -> AsyncIterator[Page]:
    """A person at a page of theirs, logged in through the form. Anything that the browser complains about (a script's
    error, something that the content policy forbade) fails the test, unless it begins with one of ``expected``."""
    complaints: list[str] = []
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    await page.goto(site.url)
    await page.fill("[name=username]", username)
    await page.fill("[name=password]", f"{username}-pass")
    await page.click("button.primary")
    await page.wait_for_selector("#agent-bar, #board")
    await connected(site, page)
    yield page
    await context.close()
    known = [one for one in complaints if "ERR_CONNECTION" in one or "WebSocket" in one]
    known += [one for one in complaints if one.startswith(tuple(expected))]
    assert [one for one in complaints if one not in known] == []


async def connected(site: Site, page: Page, screens: int = 1) -> None:
    """Wait until this many pages are connected."""
    for _ in range(300):
        if len(site.hub) >= screens:
            return
        await page.wait_for_timeout(10)
    pytest.fail("the page did not connect")
