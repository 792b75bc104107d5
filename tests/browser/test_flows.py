"""The picture of a flow and its editor in a real Chromium."""

import dataclasses
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.fakes.chromium import DIST, chromium, desk_page
from tests.fakes.fake_flows import TEXT, big_graph
from tests.fakes.web_site import Site, web_site

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><svg/onload=alert(1)>"
REFUSED = "Failed to load resource: the server responded with a status of "
"""Chromium's line about an answer that is no 200."""


async def open_editor(site: Site, page: Page) -> None:
    """The editor, when its first check has been answered."""
    await page.goto(f"{site.url}/flows/main/edit")
    await expect(page.locator("[data-state=clean]")).to_be_visible()


async def type_at_end(page: Page, text: str) -> None:
    """Type below the flow's text."""
    await page.locator(".cm-content").click()
    await page.keyboard.press("Control+End")
    await page.keyboard.insert_text(text)


async def text_of(page: Page) -> str:
    """What is in the editor, as it would be published."""
    return "\n".join(await page.locator(".cm-line").all_inner_texts())


async def test_the_picture_has_every_node_and_way(tmp_path: Path) -> None:
    """Each node once and in the frame's drawing, each way between two nodes, keys on it; unusual ways can be hidden."""
    graph = big_graph()
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "sofia") as page,
    ):
        await page.goto(f"{site.url}/flows/main")
        await expect(page.locator("#picture .node")).to_have_count(len(graph.nodes))
        drawn = await page.eval_on_selector_all(
            "#picture .way", "all => all.map(one => [one.dataset.source, one.dataset.target])"
        )
        assert {tuple(one) for one in drawn} == {(one.source, one.target) for one in graph.edges}
        await expect(page.locator(".way[data-source=main_menu][data-target=sales] text")).to_have_text("1")
        places = await page.eval_on_selector_all(
            "#picture .node", "all => all.map(one => one.getAttribute('transform'))"
        )
        assert len(set(places)) == len(graph.nodes)
        await expect(page.locator(".way.unusual").first).to_be_visible()
        await page.uncheck("#unusual")
        await expect(page.locator(".way.unusual").first).to_be_hidden()


async def test_callers_appear_while_one_looks(tmp_path: Path) -> None:
    """The badge, the table, the sum and the chosen node's panel follow what is pushed."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "sofia") as page,
    ):
        await page.goto(f"{site.url}/flows/main")
        menu = page.locator(".node[data-node=main_menu]")
        await expect(menu.locator(".badge")).to_have_text("3")
        await page.click("[data-show-node=main_menu]")
        site.flows.count(main_menu=7, sales=2)
        await expect(menu.locator(".badge")).to_have_text("7")
        await expect(page.locator(".node[data-node=sales] .badge")).to_have_text("2")
        await expect(page.locator(".node[data-node=service] .badge")).to_have_count(0)
        await expect(page.locator("[data-now-of=main_menu]")).to_have_text("7")
        await expect(page.locator("#callers-now")).to_have_text("9")
        await expect(page.locator("[data-put=now]")).to_have_text("7")
        await expect(menu).to_have_attribute("aria-label", "Main menu, Menu, 7 callers now, visits: 640")


async def test_figures_by_mouse_and_by_keys(tmp_path: Path) -> None:
    """A node that is clicked, or reached by arrow keys and opened with Enter, shows its figures; + and 0 zoom."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "sofia") as page,
    ):
        await page.goto(f"{site.url}/flows/main")
        await page.locator(".node[data-node=welcome]").click()
        panel = page.locator("#node-panel")
        await expect(panel.locator("h2")).to_have_text("Welcome")
        await expect(panel.locator("[data-put=mean]")).to_have_text("3.0 s")
        await expect(panel.locator(".ways li").first).to_have_text("goes on803")
        await page.locator(".node[data-node=welcome]").focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(panel.locator("h2")).to_have_text("Language")
        await expect(panel.locator("[data-put=no_input]")).to_have_text("121")
        await page.locator("#picture").focus()
        before = await page.locator(".canvas").get_attribute("transform")
        await page.keyboard.press("+")
        zoomed = await page.locator(".canvas").get_attribute("transform")
        assert zoomed != before
        await page.keyboard.press("0")
        fitted = await page.locator(".canvas").get_attribute("transform")
        frame = await page.locator("#picture").bounding_box()
        for name in ("welcome", "end", "wrong"):
            box = await page.locator(f".node[data-node={name}]").bounding_box()
            assert frame is not None
            assert box is not None
            assert frame["x"] - 1 <= box["x"]
            assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 1
        assert fitted != zoomed


async def test_a_fault_is_marked_as_one_types(tmp_path: Path) -> None:
    """Its line is underlined and listed, publishing is off; mended, all is well; the picture follows the text."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "root") as page,
    ):
        await open_editor(site, page)
        nodes = await page.locator("#picture .node").count()
        await type_at_end(page, "  bad: way")
        line = len(TEXT.splitlines()) + 1
        await expect(page.locator("#faults li")).to_have_count(1)
        await expect(page.locator("#faults button")).to_have_text(f"Line {line}")
        await expect(page.locator(".cm-lintRange-error")).to_have_text("bad: way")
        await expect(page.locator("#publish-button")).to_be_disabled()
        for _ in range(len("  bad: way")):
            await page.keyboard.press("Backspace")
        await page.keyboard.insert_text("  extra_one:")
        await expect(page.locator("[data-state=clean]")).to_be_visible()
        await expect(page.locator(".cm-lintRange-error")).to_have_count(0)
        await expect(page.locator("#picture .node")).to_have_count(nodes + 1)
        await expect(page.locator("#publish-button")).to_be_enabled()
        await page.evaluate("localStorage.clear()")


async def test_publishing_and_being_too_late(tmp_path: Path) -> None:
    """What was typed survives a reload; it is published with its note; when another was quicker the text stays, can be
    compared with theirs, and published over it."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "root", [REFUSED + "409"]) as page,
    ):
        page.on("dialog", lambda dialog: dialog.accept())
        await open_editor(site, page)
        await type_at_end(page, "# one")
        await page.fill("#note", "A word at the end")
        await page.reload()
        await expect(page.locator("#restored")).to_be_visible()
        await expect(page.locator("#note")).to_have_value("A word at the end")
        await expect(page.locator("#difference .diff-added")).to_have_text("+# one")
        await page.click("#publish-button")
        await expect(page.locator("#published")).to_contain_text("Version 3 is published.")
        assert (site.flows.kept[-1].text, site.flows.kept[-1].note) == (TEXT + "# one", "A word at the end")
        await expect(page.locator("#same")).to_be_visible()
        assert await page.evaluate("Object.keys(localStorage).length") == 0
        site.flows.publish_meanwhile(TEXT + "# theirs")
        await type_at_end(page, "\n# two")
        await page.click("#publish-button")
        await expect(page.locator("#behind")).to_contain_text("Version 4 was published by Sofia")
        assert (await text_of(page)).endswith("# one\n# two")
        await page.click("#rebase")
        await expect(page.locator("#difference .diff-removed")).to_have_text("\u2212# theirs")
        await page.click("#publish-button")
        await expect(page.locator("#published")).to_contain_text("Version 5 is published.")
        assert site.flows.kept[-1].text == TEXT + "# one\n# two"


async def test_leaving_with_unsaved_text_asks(tmp_path: Path) -> None:
    """The browser's own question comes; a text made from an older version is offered, not forced."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "root") as page,
    ):
        asked: list[str] = []

        async def answer(dialog: object) -> None:
            asked.append(dialog.type)  # type: ignore[attr-defined]
            await dialog.accept()  # type: ignore[attr-defined]

        page.on("dialog", answer)
        await open_editor(site, page)
        await type_at_end(page, "# mine")
        await expect(page.locator("#difference .diff-added")).to_have_text("+# mine")
        site.flows.publish_meanwhile(TEXT + "# theirs")
        await page.goto(f"{site.url}/flows")
        assert asked == ["beforeunload"]
        await open_editor(site, page)
        assert (await text_of(page)).endswith("# theirs")
        await expect(page.locator("#older")).to_contain_text("made from version 2")
        await page.click("#take-older")
        await expect(page.locator("#difference .diff-removed")).to_have_text("\u2212# theirs")
        assert (await text_of(page)).endswith("# mine")


async def test_a_rehearsal_shows_what_is_heard(tmp_path: Path) -> None:
    """It stops at each question for an answer by mouse or keyboard, digits that belong together are one answer; undone,
    begun anew; a text with faults says so."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "root", [REFUSED + "400"]) as page,
    ):
        await open_editor(site, page)
        await page.select_option("[data-fact='customer.tier']", "vip")
        await page.click("[data-act=start]")
        await expect(page.locator(".tried-step .link").last).to_have_text("Language")
        await expect(page.locator(".tried-question")).to_be_visible()
        await page.click("[data-press='1']")
        await expect(page.locator(".tried-step .link").last).to_have_text("Main menu")
        await page.keyboard.press("4")
        await expect(page.locator(".tried-step .link").last).to_have_text("Order number")
        await page.keyboard.type("12")
        await expect(page.locator("[data-keys]")).to_have_text("1412_")
        await expect(page.locator(".tried-question")).to_be_visible()
        await page.keyboard.press("#")
        await expect(page.locator(".tried-end")).to_have_text(
            "waits in the queue support [('customer.tier', 'vip')]"
        )
        await expect(page.locator(".tried-step").last.locator("kbd")).to_have_text("12#")
        await page.click("[data-act=undo]")
        await expect(page.locator(".tried-question")).to_be_visible()
        await page.click("[data-press=silence]")
        await expect(page.locator(".tried-step").last.locator("kbd")).to_have_text("Silence")
        await page.click("[data-act=start]")
        await page.click("[data-press='hang up']")
        await expect(page.locator(".tried-end")).to_have_text("the caller hung up")
        await type_at_end(page, "  bad: way")
        await expect(page.locator("[data-stale]")).to_be_visible()
        await page.click("[data-act=start]")
        await expect(page.locator("[data-tried] .form-error")).to_contain_text("mend them first")
        await page.evaluate("localStorage.clear()")


async def test_hostile_words_are_drawn_as_text(tmp_path: Path) -> None:
    """Titles, prompts, conditions and figures make no element and run nothing, in the picture and in the editor."""
    async with (
        web_site(tmp_path, dist=DIST) as site,
        chromium() as browser,
        desk_page(site, browser, "root") as page,
    ):
        graph = site.flows.graphs["main"]
        first = dataclasses.replace(graph.nodes[0], title_en=HOSTILE, text_en=HOSTILE, type=HOSTILE)
        way = dataclasses.replace(graph.edges[0], label=HOSTILE)
        nodes, ways = (first, *graph.nodes[1:]), (way, *graph.edges[1:])
        site.flows.graphs["main"] = dataclasses.replace(graph, nodes=nodes, edges=ways)
        kept = site.flows.kept[-1]
        site.flows.kept[-1] = dataclasses.replace(kept, text=TEXT + f"# {HOSTILE}</textarea>\n", note=HOSTILE)
        for path in ("", "/edit"):
            await page.goto(f"{site.url}/flows/main{path}")
            await expect(page.locator(".node[data-node=welcome] .node-title").first).to_contain_text(
                "<img src=x"
            )
            assert await page.locator("img, [onload], [onerror]").count() == 0
            assert "owned" not in await page.title()
        await expect(page.locator(".cm-content")).to_contain_text("</textarea>")
