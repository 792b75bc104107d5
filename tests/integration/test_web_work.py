"""What callers left: who sees it, who may take, finish and cancel it, and how its count reaches the desks."""

from pathlib import Path

import aiohttp
import pytest

from callcenter.callbacks.callback import CallbackState
from callcenter.history.story import CallbackLine, StepLine, SurveyLine, VoicemailLine
from callcenter.ids import AgentId, CallId, CustomerId, QueueName
from callcenter.voicemails.voicemail import VoicemailState
from callcenter.web.ports import CallStory
from callcenter.web.rounds import WorkRound
from tests.fakes.fake_work import AT, callback, voicemail
from tests.fakes.web_site import Site, receive, web_site

pytestmark = pytest.mark.integration

HOSTILE = "<img src=x onerror=alert(1)>"


async def act(site: Site, browser: aiohttp.ClientSession, path: str, **fields: str) -> tuple[int, str]:
    """Send a form with its token; gives the status and the page."""
    async with browser.get(f"{site.url}/session") as answer:
        token = (await answer.json())["csrf"]
    form = {"csrf": token, **fields}
    async with browser.post(f"{site.url}/inbox/{path}", data=form, allow_redirects=False) as answer:
        return answer.status, await answer.text()


async def page(site: Site, browser: aiohttp.ClientSession, path: str = "/inbox") -> str:
    """A page's source."""
    async with browser.get(site.url + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_agents_see_their_queues_and_supervisors_all(tmp_path: Path) -> None:
    """Messages and callbacks of other queues are not on an agent's page, and can't be taken from outside it."""
    async with web_site(tmp_path) as site, site.logged_in("lina") as agent, site.logged_in("sofia") as boss:
        site.users.change(1, queues=frozenset({QueueName("support")}))
        site.voicemails.add(voicemail(1), voicemail(2, "sales"))
        site.callbacks.add(callback(1), callback(2, "sales"))
        seen = await page(site, agent)
        assert (f"voicemail-{1:032x}" in seen, f"voicemail-{2:032x}" in seen) == (True, False)
        assert (f"callback-{1:032x}" in seen, f"callback-{2:032x}" in seen) == (True, False)
        assert "/cancel" not in seen
        seen = await page(site, boss)
        assert all(f"{kind}-{n:032x}" in seen for kind in ("voicemail", "callback") for n in (1, 2))
        for deed in ("take", "done"):
            status, _ = await act(site, agent, f"voicemails/{2:032x}/{deed}", note="mine")
            assert status == 404
        assert site.voicemails.kept[f"{2:032x}"].state is VoicemailState.NEW


async def test_a_message_is_taken_once_and_finished_with_a_note(tmp_path: Path) -> None:
    """The second who takes it is told so on the page; what was noted stays with it; it is in the audit."""
    async with web_site(tmp_path) as site, site.logged_in("lina") as lina, site.logged_in("wei") as wei:
        site.voicemails.add(voicemail(1))
        one = f"{1:032x}"
        assert (await act(site, lina, f"voicemails/{one}/take"))[0] == 303
        status, shown = await act(site, wei, f"voicemails/{one}/take")
        assert status == 409
        assert "Somebody else has this message." in shown
        assert (await act(site, wei, f"voicemails/{one}/done", note="x"))[0] == 409
        assert (await act(site, lina, f"voicemails/{one}/done", note="a\x00b"))[0] == 400
        assert (await act(site, lina, f"voicemails/{one}/done", note="n" * 2001))[0] == 400
        assert (await act(site, lina, f"voicemails/{one}/done", note=" Rang\nback "))[0] == 303
        kept = site.voicemails.kept[one]
        assert (kept.state, kept.owner_id, kept.note) == (VoicemailState.DONE, AgentId(1), "Rang\nback")
        assert [action for action, _, _ in site.audited if action.startswith("voice")] == [
            "voicemail_taken",
            "voicemail_done",
        ]


async def test_only_supervisors_cancel_and_only_what_waits(tmp_path: Path) -> None:
    """An agent may not; what is being dialled can't be."""
    async with web_site(tmp_path) as site, site.logged_in("lina") as agent, site.logged_in("sofia") as boss:
        site.callbacks.add(callback(1), callback(2, state=CallbackState.DIALLING))
        assert (await act(site, agent, f"callbacks/{1:032x}/cancel"))[0] == 403
        assert (await act(site, boss, f"callbacks/{1:032x}/cancel"))[0] == 303
        assert (await act(site, boss, f"callbacks/{2:032x}/cancel"))[0] == 409
        assert site.callbacks.cancelled == [(f"{1:032x}", 9)]


async def test_the_count_of_open_work_reaches_every_desk(tmp_path: Path) -> None:
    """In the header when the page comes, and over the socket when it changes: each user's own queues."""
    async with web_site(tmp_path) as site, site.logged_in("lina") as agent, site.logged_in("sofia") as boss:
        site.users.change(1, queues=frozenset({QueueName("support")}))
        done = voicemail(4, state=VoicemailState.DONE)
        site.voicemails.add(voicemail(1), voicemail(2, "sales"), done)
        site.callbacks.add(callback(1), callback(2, state=CallbackState.EXPIRED))
        assert 'alarm">2<' in await page(site, agent, "/agent")
        assert 'alarm">3<' in await page(site, boss, "/supervisor")
        async with site.socket(agent) as ws, site.socket(boss, query="") as other:
            round_ = WorkRound(site.parts)
            await receive(ws, "snapshot")
            await receive(other, "snapshot")
            await round_.show()
            assert (await receive(ws, "work"))["work"] == {"open": 2}
            assert 'alarm">3<' in (await receive(other, "work"))["html"]["work-link"]
            await round_.show()
            site.voicemails.add(voicemail(5))
            await round_.show()
            assert (await receive(ws, "work"))["work"] == {"open": 3}


async def test_a_calls_page_tells_path_survey_and_messages(tmp_path: Path) -> None:
    """Nodes by their titles, ways in words, secrets as dots, hostile words as text."""
    async with web_site(tmp_path) as site, site.logged_in("sofia") as boss:
        call = CallId("a" * 32)
        site.records.stories[call] = CallStory(
            call, "inbound", "+8613800138000", "400", CustomerId(17), "王芳", "vip", "support", AT, AT, "caller_hangup",
            keys=(("menu", "1"), ("pin", "****"), ("star", "*")),
            steps=(
                StepLine("main", "main_menu", "key 1", 9.0),
                StepLine("main", HOSTILE, "no_input", 3.0),
                StepLine("gone_flow", "thanks", "case 2", 1.0),
            ),
            survey=(SurveyLine(HOSTILE, 5, None, "asked"), SurveyLine("comment", None, "d" * 32, "asked")),
            voicemails=(VoicemailLine("e" * 32, "support", 42.0, "taken", "Li Na"),),
            callbacks=(CallbackLine("support", "+8613900139000", "no_answer", 3, "Li Na", AT, AT),),
        )  # fmt: skip
        shown = await page(site, boss, f"/calls/{call}")
        assert "<img" not in shown
        for words in (
            "Main menu",
            "no input",
            "case 2",
            "thanks",
            "gone_flow",
            "••••",
            "<kbd>*</kbd>",
            "<kbd>5</kbd>",
            "Not reached",
        ):
            assert words in shown, words
        assert "****" not in shown
        for sound in ("d", "e"):
            assert f"/recordings/{sound * 32}.wav" in shown
