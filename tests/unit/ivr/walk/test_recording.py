"""Nodes that take the caller's voice: what is kept, also of callers who hang up, and what is not."""

from pathlib import Path

import pytest
import structlog

from callcenter.calls.call import Stage
from callcenter.errors import CallerGone
from callcenter.ids import AgentId, SegmentId
from callcenter.ivr.front import FlowVisit
from tests.fakes.fake_ivr import DatabaseAway, Ground, a_flow, customer, passed
from tests.fakes.fake_line import HANG_UP, SILENCE, FakeLine

pytestmark = pytest.mark.unit

ENDS = """
    good: {type: hangup, reason: good}
    nothing: {type: hangup, reason: nothing}
    trouble: {type: hangup, reason: trouble}
"""
VOICEMAIL = a_flow(f"""
    leave: {{type: voicemail, queue: sales, prompt: speak, thanks: thanks, max_seconds: 60, silence: 3, next: good,
            no_input: nothing, failure: trouble}}
    {ENDS}""")


async def reason(visit: FlowVisit) -> str:
    """Why the flow hung up."""
    return str(getattr(await visit.start(), "reason", ""))


async def test_a_message(tmp_path: Path) -> None:
    """It becomes work for the queue, with all that is known of who left it; its name is its recording's."""
    ground = Ground(FakeLine(spoken=[12.5]), tmp_path)
    visit = ground.visit(VOICEMAIL)
    visit.walk.call.customer_id = customer().id
    assert await reason(visit) == "good"
    (left,) = ground.recorder.voicemails.values()
    assert ground.line.recorded == [str(tmp_path / f"{left.id}.wav")]
    assert (left.queue, left.number, left.seconds, left.language, left.customer_id) == (
        "sales",
        "+8613800138000",
        12.5,
        "en",
        7,
    )
    assert ground.line.played == ["try.speak/en", "try.thanks/en"]


@pytest.mark.parametrize("seconds", [0.0, 0.4])
async def test_nothing_is_said(tmp_path: Path, seconds: float) -> None:
    """Silence, or less than a word: nothing is kept, not even the file."""
    ground = Ground(FakeLine(spoken=[seconds]), tmp_path)
    visit = ground.visit(VOICEMAIL)
    assert await reason(visit) == "nothing"
    assert ground.recorder.voicemails == {}
    assert list(tmp_path.iterdir()) == []
    assert passed(visit)[0] == "leave: no_input"


@pytest.mark.parametrize(("seconds", "kept"), [(8.0, True), (1.0, True), (0.5, False)])
async def test_a_hang_up_while_speaking(tmp_path: Path, seconds: float, kept: bool) -> None:
    """Most people end a message by hanging up: it counts as long as there is something in it."""
    ground = Ground(FakeLine(spoken=[-seconds]), tmp_path)
    visit = ground.visit(VOICEMAIL)
    with pytest.raises(CallerGone):
        await visit.start()
    assert [left.seconds for left in ground.recorder.voicemails.values()] == ([seconds] if kept else [])
    assert passed(visit) == ["leave: gone"]


async def test_a_hang_up_without_a_file(tmp_path: Path) -> None:
    """Asterisk wrote nothing: no message, and no fault."""
    ground = Ground(FakeLine(spoken=[-8.0]), tmp_path / "elsewhere")
    with pytest.raises(CallerGone):
        await ground.visit(VOICEMAIL).start()
    assert ground.recorder.voicemails == {}


async def test_a_key_in_the_words_is_no_answer(tmp_path: Path) -> None:
    """It starts the recording sooner, and does not count for the next question."""
    ground = Ground(FakeLine(spoken=[5.0], cuts={"try.speak/en": "1"}), tmp_path)
    visit = ground.visit(VOICEMAIL)
    assert await reason(visit) == "good"
    assert visit.walk.ahead == ""


async def test_record(tmp_path: Path) -> None:
    """The recording's id is a variable."""
    flow = a_flow(f"\n    ask: {{type: record, into: said, prompt: speak, next: good}}{ENDS}")
    ground = Ground(FakeLine(spoken=[5.0]), tmp_path)
    visit = ground.visit(flow)
    assert await reason(visit) == "good"
    assert ground.line.recorded == [str(tmp_path / f"{visit.walk.variables['said']}.wav")]


# ------------------------------------------------------------ complaints


def complaint(queue: str | None = "support") -> str:
    """A flow that takes complaints."""
    del queue
    return f"""
    take: {{type: complaint, category: goods, severity: high, prompt: speak, said: told, next: good,
           no_input: nothing, failure: trouble}}
    {ENDS}"""


TOLD = {"told": {"en": "It is {complaint_number:digits}.", "zh": "编号{complaint_number:digits}。"}}


async def test_a_complaint(tmp_path: Path) -> None:
    """It is kept, and its number read back, which is a variable afterwards."""
    ground = Ground(FakeLine(spoken=[20.0]), tmp_path)
    visit = ground.visit(a_flow(complaint(), prompts=TOLD))
    assert await reason(visit) == "good"
    ((category, severity, recording, seconds),) = ground.cases.complaints
    assert (category, severity, seconds) == ("goods", "high", 20.0)
    assert ground.line.recorded == [str(tmp_path / f"{recording}.wav")]
    assert ground.prompts.asked[-1][3]["complaint_number"] == "C-000123"
    assert ground.line.played == ["try.speak/en", "try.told/en"]


async def test_a_complaint_of_who_hangs_up(tmp_path: Path) -> None:
    """What was said is a complaint all the same."""
    ground = Ground(FakeLine(spoken=[-20.0]), tmp_path)
    with pytest.raises(CallerGone):
        await ground.visit(a_flow(complaint(), prompts=TOLD)).start()
    assert len(ground.cases.complaints) == 1


@pytest.mark.parametrize("gone", [False, True])
async def test_a_complaint_that_can_not_be_kept(tmp_path: Path, gone: bool) -> None:
    """The database is away: it becomes a message for the default queue, so that somebody hears it."""
    ground = Ground(FakeLine(spoken=[-20.0 if gone else 20.0]), tmp_path)
    ground.cases.error = DatabaseAway("gone")
    visit = ground.visit(a_flow(complaint(), prompts=TOLD))
    if gone:
        with pytest.raises(CallerGone):
            await visit.start()
    else:
        assert await reason(visit) == "trouble"
        assert "try.told/en" not in ground.line.played
    (left,) = ground.recorder.voicemails.values()
    assert (left.queue, left.seconds) == ("support", 20.0)


async def test_a_complaint_that_nobody_can_have(tmp_path: Path) -> None:
    """No database, no queue: an alarm names the recording."""
    ground = Ground(FakeLine(spoken=[20.0]), tmp_path)
    ground.cases.error = DatabaseAway("gone")
    with structlog.testing.capture_logs() as logs:
        assert await reason(ground.visit(a_flow(complaint(), queue=None, prompts=TOLD))) == "trouble"
    assert [line["recording"] for line in logs if line.get("alarm") == "complaint_lost"] == [
        Path(ground.line.recorded[0]).stem
    ]


# ------------------------------------------------------------ the survey


SURVEY = a_flow(
    f"""
    ask:
      type: survey
      questions: [{{name: satisfied, prompt: first, keys: "12345"}}, {{name: solved, prompt: second, keys: "12"}}]
      comment: {{prompt: speak, max_seconds: 30}}
      thanks: thanks
      wrong_input: wrong
      next: good
    {ENDS}""",
    queue=None,
    name="satisfaction",
)


def after_a_talk(ground: Ground) -> FlowVisit:
    """The caller has talked with two agents; the second one's survey begins."""
    visit = ground.visit(SURVEY)
    call = visit.walk.call
    call.customer_id = customer().id
    for number, agent in enumerate((4, 5)):
        call.enter(Stage.TALKING, 1000.0, SegmentId(f"a{number}"), agent_id=AgentId(agent))
        call.enter(Stage.HELD, 1000.0, SegmentId(f"b{number}"), agent_id=AgentId(agent))
    call.enter(Stage.IVR, 1000.0, SegmentId("c"))
    return visit


def answers(ground: Ground) -> dict[str, int | None]:
    """Scores by question."""
    return {answer.question: answer.score for answer in ground.recorder.survey_answers.values()}


async def test_a_survey(tmp_path: Path) -> None:
    """Each answer is kept with the call, the customer and the agent who talked last; the comment is a recording."""
    ground = Ground(FakeLine(["4", "2"], spoken=[9.0]), tmp_path)
    assert await reason(after_a_talk(ground)) == "good"
    assert answers(ground) == {"satisfied": 4, "solved": 2, "comment": None}
    rows = list(ground.recorder.survey_answers.values())
    assert {(row.survey, row.agent_id, row.customer_id) for row in rows} == {("satisfaction", 5, 7)}
    assert ground.line.recorded == [str(tmp_path / f"{rows[2].recording}.wav")]


async def test_who_does_not_answer_is_asked_no_more(tmp_path: Path) -> None:
    """Silence ends it, with the answers that there are."""
    ground = Ground(FakeLine(["4", SILENCE, SILENCE, "1"]), tmp_path)
    assert await reason(after_a_talk(ground)) == "good"
    assert answers(ground) == {"satisfied": 4}
    assert ground.line.recorded == []


async def test_a_key_that_is_no_answer(tmp_path: Path) -> None:
    """Only the keys of this question count."""
    ground = Ground(FakeLine(["9", "4", "5", "2"]), tmp_path)
    assert await reason(after_a_talk(ground)) == "good"
    assert answers(ground) == {"satisfied": 4, "solved": 2}
    assert ground.line.played.count("satisfaction.wrong/en") == 2


async def test_a_hang_up_in_the_survey(tmp_path: Path) -> None:
    """What was answered until then is kept."""
    ground = Ground(FakeLine(["4", HANG_UP]), tmp_path)
    with pytest.raises(CallerGone):
        await after_a_talk(ground).start()
    assert answers(ground) == {"satisfied": 4}
