"""The page of the rules of routing, and a call's decisions, over HTTP."""

from pathlib import Path

import pytest

from callcenter.ids import CallId
from callcenter.web.ports import CallStory, OfferLine
from tests.fakes.fake_desk import AT
from tests.fakes.fake_routing import NAMES, decision, decision_line
from tests.fakes.web_site import CSRF, Site, web_site

pytestmark = pytest.mark.integration

CALL = CallId("a" * 32)


def furnish(site: Site) -> None:
    """A call that agent 1 answered after agent 3 had been asked."""
    site.records.stories[CALL] = CallStory(
        CALL, "inbound", "+8613800138000", "400", None, "", "vip", "support", AT, AT, "caller_hangup",
        agent_ids=frozenset({1, 3}),
        offers=(
            OfferLine("Zhang Wei", AT, AT, "no_answer", "kept words", decision().packed()),
            OfferLine("Li Na", AT, AT, "answered", "kept words of the second", "{"),
        ),
        names=NAMES,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ("95 % answered in 8 s", "least work lately", "from 30 s", "levels lower by 1", "VIP sooner")),
        ("zh", ("8 秒内接听 95%", "近期工作最少者", "30 秒起", "技能要求降低 1 级", "11 处变更")),
    ],
)
async def test_the_page_has_all_of_the_rules(tmp_path: Path, language: str, shown: tuple[str, ...]) -> None:
    """Promises, queues, versions with what changed, decisions that lead to their calls; damaged ones left out."""
    async with web_site(tmp_path) as site:
        site.users.change(9, language=language)
        site.routing.decided = [decision_line(1), decision_line(2, decision="{")]
        async with site.logged_in("sofia") as browser, browser.get(f"{site.url}/routing") as answer:
            page = await answer.text()
        assert answer.status == 200
        for text in shown:
            assert text in page
        assert f'href="/calls/{1:032x}"' in page
        assert f'href="/calls/{2:032x}"' not in page
        assert "/routing/versions/1/publish" not in page  # a supervisor only looks


async def test_only_an_admin_rolls_back_and_with_a_form_of_ours(tmp_path: Path) -> None:
    """It is a new version and on the audit; what can't be done is told with the right status."""
    async with web_site(tmp_path) as site:
        url = f"{site.url}/routing/versions/1/publish"
        async with site.logged_in("root") as admin, site.logged_in("sofia") as supervisor:
            async with admin.get(f"{site.url}/routing") as answer:
                token = CSRF.findall(await answer.text())[0]
            async with supervisor.get(f"{site.url}/routing") as answer:
                other = CSRF.findall(await answer.text())[0]
            async with supervisor.post(url, data={"csrf": other}, allow_redirects=False) as answer:
                assert answer.status == 403
            async with admin.post(url, data={"csrf": other}, allow_redirects=False) as answer:
                assert answer.status == 403
            assert len(site.routing.kept) == 2
            async with admin.post(url, data={"csrf": token}, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "/routing")
            assert [(one.version, one.by) for one in site.routing.kept[2:]] == [(3, 10)]
            for version, status in ((3, 409), (99, 404), (0, 404), ("x", 404)):
                path = f"{site.url}/routing/versions/{version}/publish"
                async with admin.post(path, data={"csrf": token}, allow_redirects=False) as answer:
                    assert answer.status == status
        assert ("routing_rolled_back", 10, {"to": "1", "version": "3"}) in site.audited


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        (
            "en",
            ("Why this agent", "billing 4 &lt; 5 (for 18 s more)", "not ready: Lunch", "300 %", "this call"),
        ),
        ("zh", ("为何选此坐席", "billing 4 &lt; 5（再过 18 秒 放宽）", "示忙：午餐", "300 %", "此来电")),
    ],
)
async def test_a_calls_page_explains_its_offers(
    tmp_path: Path, language: str, shown: tuple[str, ...]
) -> None:
    """In the reader's language, to the agents of the call too; where a record can't be read the kept words stand."""
    async with web_site(tmp_path) as site:
        furnish(site)
        site.users.change(1, language=language)
        async with site.logged_in("lina") as agent, agent.get(f"{site.url}/calls/{CALL}") as answer:
            page = await answer.text()
        for text in (*shown, "1003 Zhang Wei", "1005 Noah", "kept words of the second"):
            assert text in page
        assert page.count('<details class="why">') == 1
        async with site.logged_in("wei") as stranger, stranger.get(f"{site.url}/calls/{CALL}") as answer:
            assert answer.status == 404
