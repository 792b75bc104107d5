"""The agent's page in a real Chromium."""

import dataclasses
from pathlib import Path

import pytest
from playwright.async_api import expect

from callcenter.ids import CallId, CustomerId
from tests.fakes.chromium import DIST, chromium, connected, desk_page
from tests.fakes.fake_desk import agent_data, call_data, candidates, pop_for, record
from tests.fakes.web_site import AGENT, web_site

pytestmark = pytest.mark.browser
CALL = "a" * 32
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><svg/onload=alert(1)>"


async def test_a_pop_arrives_and_is_acknowledged(tmp_path: Path) -> None:
    """The page shows the caller and says so to the server; the tab's title names the caller; the clock runs."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        assert await site.desk.offer(AGENT, pop_for(record()), 2) is True
        pop = page.locator("#pop")
        await expect(pop.locator("h1")).to_contain_text("王芳")
        await expect(pop).to_contain_text("Late delivery")
        await expect(page).to_have_title("王芳 · Agent desk · Contact centre")
        await expect(page.locator("#announcement")).to_have_text("Call from 王芳, VIP, Support")
        await expect(page.locator("#call .clock").first).to_have_text("0:02", timeout=4000)
        site.desk.set(AGENT, "pop", None)
        await expect(page).to_have_title("Agent desk · Contact centre")


async def test_typing_survives_every_push_and_a_reload(tmp_path: Path) -> None:
    """Pushes of all kinds come while somebody types: neither text nor focus nor caret is lost. After a reload the
    text, the pop and the wrap-up are back."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        await site.desk.offer(AGENT, pop_for(record()), 2)
        note = page.locator("#outcome textarea")
        await note.click()
        for number, word in enumerate(("Asked ", "about ", "the ", "invoice.")):
            await page.keyboard.type(word)
            site.desk.set(
                AGENT, "agent", {**agent_data(), "state": "on_call", "state_seconds": float(number)}
            )
            site.desk.set(AGENT, "call", call_data(pop_for(record()), "talking"))
            await site.hub.show_pop(AGENT, pop_for(record()), 2)
        await page.select_option("#outcome select", "RESOLVED")
        await page.click("#complaint-card summary")
        await page.fill("#complaint [name=subject]", "Late again")
        site.desk.set(AGENT, "call", None)
        site.desk.set(AGENT, "wrap_up", {"call_id": CALL, "seconds_left": 45.0, "customer_id": 17})
        await expect(page.locator("#wrap-up")).to_contain_text("0:4")
        await expect(note).to_have_value("Asked about the invoice.")
        await page.reload()
        await expect(note).to_have_value("Asked about the invoice.")
        await expect(page.locator("#outcome select")).to_have_value("RESOLVED")
        await expect(page.locator("#complaint [name=subject]")).to_have_value("Late again")
        await expect(page.locator("#pop h1")).to_contain_text("王芳")
        await page.click("#outcome button[type=submit]")
        await expect(page.locator("#message")).to_have_text("The outcome is kept.")
        await expect(note).to_have_value("")
        assert site.desk.told[-1] == ("finish_wrap_up", AGENT, "RESOLVED", "Asked about the invoice.")


async def test_text_for_one_call_never_goes_to_the_next(tmp_path: Path) -> None:
    """A note that was not sent in time stays in sight when the next caller comes, and is not sent as theirs; a
    half-written complaint stays with its customer."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        await site.desk.offer(AGENT, pop_for(record()), 2)
        await page.fill("#outcome textarea", "of the first call")
        await page.click("#complaint-card summary")
        await page.fill("#complaint [name=subject]", "of the first customer")
        other = dataclasses.replace(record("Noah Smith"), id=CustomerId(18))
        await site.desk.offer(AGENT, dataclasses.replace(pop_for(other), call_id=CallId("b" * 32)), 2)
        await expect(page.locator("#pop h1")).to_contain_text("Noah Smith")
        await expect(page.locator("#outcome textarea")).to_have_value("")
        await expect(page.locator(".unsent")).to_contain_text("of the first call")
        await expect(page.locator("#complaint [data-bound-name]")).to_have_text("王芳")
        await page.click("#complaint button[type=submit]")
        await expect(page.locator("#message")).to_have_text("Complaint C-000042 is logged.")
        assert site.desk.told[-1][-1] == 17
        await page.click("[data-discard]")
        await expect(page.locator(".unsent")).to_be_hidden()


async def test_an_outcome_that_was_chosen_is_sent_before_the_time_runs_out(tmp_path: Path) -> None:
    """The server's timer would end the wrap-up without it."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        await site.desk.offer(AGENT, pop_for(record()), 2)
        await page.select_option("#outcome select", "RESOLVED")
        site.desk.set(AGENT, "wrap_up", {"call_id": CALL, "seconds_left": 2.5, "customer_id": 17})
        await expect(page.locator("#message")).to_have_text("The outcome is kept.", timeout=4000)
        assert site.desk.told == [("finish_wrap_up", AGENT, "RESOLVED", "")]


async def test_hostile_names_are_shown_as_text(tmp_path: Path) -> None:
    """A8: no element is made of them, no script runs, and the tab's title can't be turned round."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        evil = dataclasses.replace(pop_for(record(HOSTILE + "\u202e", HOSTILE)), caller_name=HOSTILE)
        assert await site.desk.offer(AGENT, evil, 2)
        await expect(page.locator("#pop h1 bdi")).to_contain_text("<img src=x")
        assert await page.locator("#pop img, #pop svg").count() == 0
        title = await page.title()
        assert title.startswith("<img")
        assert "\u202e" not in title
        await page.reload()
        await expect(page.locator("#pop h1 bdi")).to_contain_text("<img src=x")
        assert await page.locator("#pop img, #pop svg").count() == 0


async def test_the_language_is_switched_and_what_is_typed_stays(tmp_path: Path) -> None:
    """Pushes after the switch come in the new language too."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        await page.click("#dial-card summary")
        await page.fill("#dial [name=number]", "+86 138")
        await page.click(".languages button[value=zh]")
        await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        await expect(page.locator("#dial [name=number]")).to_have_value("+86 138")
        await connected(site, page)
        assert await site.desk.offer(AGENT, pop_for(record()), 3)
        await expect(page.locator("#pop")).to_contain_text("未结投诉")
        await expect(page.locator("#call")).to_contain_text("振铃中")


async def test_two_tabs_show_one_pop_each(tmp_path: Path) -> None:
    """Both tabs are the agent's; each shows the caller once."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        second = await page.context.new_page()
        await second.goto(f"{site.url}/agent")
        await connected(site, second, 2)
        assert await site.desk.offer(AGENT, pop_for(record()), 2)
        for tab in (page, second):
            await expect(tab.locator("#pop h1")).to_have_count(1)
            await expect(tab.locator("#pop h1")).to_contain_text("王芳")


async def test_states_are_chosen_and_customers_called(tmp_path: Path) -> None:
    """Ready, not ready with a reason, call back by number and for a follow-up, answer."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        await page.click("[data-order=ready]")
        await expect(page.locator(".state-name")).to_have_text("Ready")
        await page.click(".menu summary")
        site.desk.set(AGENT, "agent", site.desk.seats[AGENT]["agent"])
        await page.click("[data-reason=LUNCH]")
        await expect(page.locator(".state-name")).to_have_text("Not ready · Lunch")
        await site.desk.offer(AGENT, pop_for(record()), 2)
        await page.click("[data-order=answer]")
        await page.click("#pop [data-number='+862112345678']")
        await page.click("#pop [data-follow_up_id='5']")
        await expect(page.locator("#message")).to_have_text("Your phone rings first; pick it up.")
        await page.wait_for_timeout(100)
        assert [one[0] for one in site.desk.told] == ["ready", "not_ready", "answer", "dial", "dial"]
        assert site.desk.told[3][2] == "+862112345678"
        assert site.desk.told[4][4] == 5


async def test_several_customers_are_chosen_from_by_the_agent(tmp_path: Path) -> None:
    """A follow-up needs a customer: without a choice the page asks for one; the choice survives pushes."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        pop = dataclasses.replace(pop_for(None, match="several"), candidates=candidates())
        await site.desk.offer(AGENT, pop, 2)
        await page.click("#follow-up-card summary")
        await page.fill("#follow-up [name=reason]", "Offer")
        await page.fill("#follow-up [name=due_at]", "2030-01-31T15:00")
        await page.click("#follow-up button[type=submit]")
        await expect(page.locator("#follow-up .form-error")).to_contain_text("Choose a customer first")
        await page.check("#pop input[value='18']")
        assert await site.hub.show_pop(AGENT, pop, 2)
        await expect(page.locator("#pop input[value='18']")).to_be_checked()
        await page.click("#follow-up button[type=submit]")
        await expect(page.locator("#message")).to_have_text("The follow-up call is planned.")
        assert site.desk.told[-1][:3] == ("plan_follow_up", AGENT, 18)


async def test_a_lost_connection_is_shown_and_comes_back(tmp_path: Path) -> None:
    """The bar appears, orders say that nothing was sent, typed text stays; then the page is connected again."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        await page.fill("#outcome textarea", "still here")
        await page.route("**/session", lambda route: route.abort())
        site.hub.close_all()
        await expect(page.locator("#connection-lost")).to_be_visible()
        await page.click("[data-order=ready]")
        await expect(page.locator("#message")).to_have_text("Not connected: nothing was sent.")
        await expect(page.locator("#connection-lost")).to_be_hidden(timeout=5000)
        await expect(page.locator("#outcome textarea")).to_have_value("still here")
        await page.click("[data-order=ready]")
        await expect(page.locator(".state-name")).to_have_text("Ready")


async def test_a_session_that_ends_leads_to_the_log_in(tmp_path: Path) -> None:
    """Within 5 s, without a click."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        site.users.sessions.clear()
        await page.wait_for_url("**/login", timeout=5000)


async def test_a_caller_is_put_through_by_keyboard(tmp_path: Path) -> None:
    """The dialogue shows who is there, is sifted and walked through by keys, says what can't be done, and closes when
    the caller is on the way, or gone."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        await site.desk.offer(AGENT, pop_for(record()), 2)
        await expect(page.locator("#transfer-button")).to_have_count(0)
        site.desk.set(AGENT, "call", call_data(pop_for(record()), "talking"))
        dialog = page.locator("#transfer")
        await expect(dialog).to_be_hidden()
        await page.locator("#transfer-button").press("Enter")
        await expect(dialog).to_be_visible()
        await expect(dialog.locator("[name=filter]")).to_be_focused()
        targets = dialog.locator(".target:visible")
        await expect(targets).to_have_count(4)
        await expect(targets.first).to_contain_text("Noah <b>Smith</b>")
        await expect(targets.first).to_contain_text("Ready")
        await page.keyboard.type("wang")
        await expect(targets).to_have_count(1)
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(dialog.locator(".form-error")).to_contain_text("logged in at this phone")
        await dialog.locator("[name=filter]").fill("60")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(dialog).to_be_hidden()
        await expect(page.locator("#message")).to_have_text("The caller is put through.")
        assert site.desk.told[-1] == ("transfer", AGENT, CALL, "", "sales")
        await page.click("#transfer-button")
        await expect(dialog).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await page.click("#transfer-button")
        site.desk.set(AGENT, "call", None)
        await expect(dialog).to_be_hidden()


async def test_the_dialogue_speaks_chinese_and_the_pop_says_who_put_it_through(tmp_path: Path) -> None:
    """Pushed fragments are in the page's language."""
    async with web_site(tmp_path, dist=DIST) as site, chromium() as browser, desk_page(site, browser) as page:
        await page.click(".languages button[value=zh]")
        await connected(site, page)
        await site.desk.offer(AGENT, dataclasses.replace(pop_for(record()), put_through_by="Li Na"), 2)
        await expect(page.locator("#pop")).to_contain_text("转接人")
        await expect(page.locator("#pop")).to_contain_text("Li Na")
        site.desk.set(AGENT, "call", call_data(pop_for(record()), "held"))
        await page.click("#transfer-button")
        await expect(page.locator("#transfer .target").first).to_contain_text("就绪")
        await expect(page.locator("#transfer h2")).to_have_text("转接来电")
