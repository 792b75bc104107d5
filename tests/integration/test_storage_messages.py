"""Callbacks, messages, answers: told to the recorder, kept once, worked on by one."""

import asyncio
import datetime as dt
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from callcenter.accounts.user import UserRow
from callcenter.callbacks.callback import Callback, CallbackState
from callcenter.callbacks.ports import KeptCallbacks
from callcenter.calls.call import Call, Direction, Stage
from callcenter.calls.number import normalise
from callcenter.clock import ManualClock
from callcenter.errors import BadInput, Conflict, NotFound
from callcenter.history.ports import OfferRow, StepRow, VisitRow
from callcenter.history.story import CallbackLine, StepLine, SurveyLine, VoicemailLine
from callcenter.ids import AgentId, CallId, CustomerId, OfferId, QueueName, SegmentId, UserId
from callcenter.recordings.files import RecordingFiles
from callcenter.storage import tables
from callcenter.storage.callbacks import StoredCallbacks
from callcenter.storage.calls import StoredCalls
from callcenter.storage.cases import StoredCases
from callcenter.storage.database import Database, upgrade
from callcenter.storage.recorder import DatabaseRecorder, Limits
from callcenter.storage.voicemails import StoredVoicemails
from callcenter.surveys.answer import SurveyAnswer
from callcenter.voicemails.ports import Voicemails
from callcenter.voicemails.voicemail import Voicemail, VoicemailState

pytestmark = pytest.mark.integration

NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
CALL = CallId("c" * 32)
SALES, SUPPORT = QueueName("sales"), QueueName("support")
FAST = Limits(batch=50, gather=0.001, patience=0.3, retry=0.05)


class Ground:
    """A database with two agents and a customer, and a running recorder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "callcenter.db"
        self.clock = ManualClock(NOW)
        self.url = f"sqlite+aiosqlite:///{self.path}"
        self.database = Database(self.url, busy_seconds=0.05)
        self.recorder = DatabaseRecorder(self.database, folder / "journal", self.clock, limits=FAST)

    async def people(self) -> None:
        """王芳 (1), Emma (2), and customer 1."""
        async with self.database.writing() as connection:
            for number, name in ((1, "王芳"), (2, "Emma")):
                user = {
                    "username": name, "username_key": name, "display_name": name, "role": "agent", "language": "en",
                    "password_hash": "", "extension": str(number), "queues": [], "active": True, "created_at": NOW,
                }  # fmt: skip
                await connection.execute(insert(tables.users), user)
            customer = {
                "name": "李雷", "company": "", "tier": "key", "language": "zh", "notes": "", "extra": {},
                "created_at": NOW,
            }  # fmt: skip
            await connection.execute(insert(tables.customers), customer)


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    """Ready to be told."""
    ground = Ground(tmp_path)
    await upgrade(ground.url)
    await ground.people()
    await ground.recorder.start()
    yield ground
    await ground.recorder.close()
    await ground.database.close()
    assert ground.recorder.rejected == 0


def a_callback(name: str, minutes: float = 0, **facts: object) -> Callback:
    """A callback whose place was taken so many minutes after nine."""
    arrived = NOW + dt.timedelta(minutes=minutes)
    kept = Callback(
        id=name,
        number="+8613800138000",
        queue=SALES,
        tier="key",
        language="zh",
        call_id=CALL,
        customer_id=CustomerId(1),
        arrived_at=arrived,
        asked_at=arrived + dt.timedelta(seconds=40),
        not_before=arrived,
        expires_at=arrived + dt.timedelta(hours=8),
        skills={"billing": 3, "cantonese": 1},
    )
    return replace(kept, **facts)  # type: ignore[arg-type]


def a_message(number: int, minutes: float = 0, queue: QueueName = SALES) -> Voicemail:
    """A message that was left so many minutes after nine."""
    left = NOW + dt.timedelta(minutes=minutes)
    return Voicemail(f"{number:032x}", CALL, queue, CustomerId(1), "+8613800138000", 12.345, "zh", left)


# ------------------------------------------------------------ callbacks


async def test_a_callback_is_kept_in_its_last_form(ground: Ground) -> None:
    """All its facts come back as they were; an open state that comes late never undoes its end."""
    first = a_callback("a")
    ground.recorder.callback(first)
    await ground.recorder.settled()
    stored = StoredCallbacks(ground.database)
    kept: KeptCallbacks = stored
    assert await kept.open_callbacks() == [first]
    tried = replace(first, state=CallbackState.RESERVED, tries=1, agent_id=AgentId(2))
    back = replace(
        tried, state=CallbackState.QUEUED, agent_id=None, not_before=NOW + dt.timedelta(minutes=10)
    )
    ground.recorder.callback(tried)
    ground.recorder.callback(back)
    await ground.recorder.settled()
    assert await kept.open_callbacks() == [back]
    over = replace(tried, state=CallbackState.CONNECTED, ended_at=NOW + dt.timedelta(minutes=12))
    ground.recorder.callback(over)
    ground.recorder.callback(tried)
    await ground.recorder.settled()
    assert await kept.open_callbacks() == []
    assert await kept.recent(None) == [over]


async def test_callbacks_are_listed_open_ones_first(ground: Ground) -> None:
    """Open ones by their place in line, then the latest; of some queues or of all; never more than the limit."""
    for minutes, name in enumerate("abcdef"):
        state = CallbackState.QUEUED if name in "be" else CallbackState.EXPIRED
        queue = SUPPORT if name in "ef" else SALES
        ground.recorder.callback(a_callback(name, minutes, state=state, queue=queue))
    await ground.recorder.settled()
    stored = StoredCallbacks(ground.database)
    assert [one.id for one in await stored.open_callbacks()] == ["b", "e"]
    assert [one.id for one in await stored.recent(None)] == ["b", "e", "f", "d", "c", "a"]
    assert [one.id for one in await stored.recent(None, limit=3)] == ["b", "e", "f"]
    assert [one.id for one in await stored.recent(None, limit=1)] == ["b"]
    assert [one.id for one in await stored.recent(frozenset({SUPPORT}))] == ["e", "f"]
    assert await stored.recent(frozenset()) == []


# ------------------------------------------------------------ messages


async def test_a_message_told_again_does_not_undo_work(ground: Ground) -> None:
    """Written twice, or replayed later, it stays taken, and done with its note."""
    message = a_message(1)
    ground.recorder.voicemail(message)
    ground.recorder.voicemail(message)
    await ground.recorder.settled()
    stored: Voicemails = StoredVoicemails(ground.database, ground.clock)
    [kept] = await stored.recent(None)
    assert kept == replace(message, customer="李雷")
    taken = await stored.take(message.id, AgentId(1))
    assert (taken.state, taken.owner, taken.owner_id) == (VoicemailState.TAKEN, "王芳", 1)
    ground.recorder.voicemail(message)
    await ground.recorder.settled()
    assert await stored.recent(None) == [taken]
    ground.clock.move(60)
    done = await stored.finish(message.id, AgentId(1), "已回电")
    assert (done.state, done.note, done.done_at) == (VoicemailState.DONE, "已回电", ground.clock.wall())
    ground.recorder.voicemail(message)
    await ground.recorder.settled()
    assert await stored.recent(None) == [done]


async def test_of_two_who_take_a_message_one_gets_it(ground: Ground) -> None:
    """However they meet; the other is told who has it. Who has it may take it again."""
    stored = StoredVoicemails(ground.database, ground.clock)
    for number in range(10):
        ground.recorder.voicemail(a_message(number))
    await ground.recorder.settled()
    for number in range(10):
        tries = [stored.take(f"{number:032x}", AgentId(who)) for who in (1, 2)]
        first, second = await asyncio.gather(*tries, return_exceptions=True)
        assert isinstance(first, Conflict) != isinstance(second, Conflict)
        winner = second if isinstance(first, Conflict) else first
        assert isinstance(winner, Voicemail)
        assert await stored.one(winner.id) == winner
        assert winner.owner_id is not None
        assert await stored.take(winner.id, winner.owner_id) == winner
        other = AgentId(3 - winner.owner_id)
        with pytest.raises(Conflict, match=rf"^{winner.owner} has this message"):
            await stored.finish(winner.id, other, "")


async def test_what_can_not_be_done_with_a_message(ground: Ground) -> None:
    """One that is not there, one that is done, and an endless note."""
    stored = StoredVoicemails(ground.database, ground.clock)
    ground.recorder.voicemail(a_message(1))
    await ground.recorder.settled()
    name = a_message(1).id
    for wrong in ("0" * 32, "' OR 1=1 --", ""):
        with pytest.raises(NotFound):
            await stored.take(wrong, AgentId(1))
        with pytest.raises(NotFound):
            await stored.finish(wrong, AgentId(1), "")
    with pytest.raises(BadInput, match="4000"):
        await stored.finish(name, AgentId(1), "x" * 4001)
    await stored.finish(name, AgentId(2), "heard at once")
    with pytest.raises(Conflict, match="Emma has seen to"):
        await stored.take(name, AgentId(1))
    with pytest.raises(Conflict, match="Emma has seen to"):
        await stored.finish(name, AgentId(2), "again")
    kept = await stored.one(name)
    assert kept is not None
    assert kept.note == "heard at once"


async def test_messages_are_listed_undone_ones_first(ground: Ground) -> None:
    """The oldest undone first, then the latest done; of some queues or of all; never more than the limit."""
    stored = StoredVoicemails(ground.database, ground.clock)
    for number in range(6):
        ground.recorder.voicemail(a_message(number, number, SUPPORT if number > 3 else SALES))
    await ground.recorder.settled()
    for number in (0, 3, 5):
        ground.clock.move(1)
        await stored.finish(f"{number:032x}", AgentId(1), "")

    async def listed(queues: frozenset[QueueName] | None, limit: int = 200) -> list[int]:
        return [int(one.id, 16) for one in await stored.recent(queues, limit)]

    assert await listed(None) == [1, 2, 4, 5, 3, 0]
    assert await listed(None, 4) == [1, 2, 4, 5]
    assert await listed(None, 2) == [1, 2]
    assert await listed(frozenset({SUPPORT})) == [4, 5]
    assert await listed(frozenset()) == []


# ------------------------------------------------------------ while the database is away


async def test_all_kinds_survive_in_the_journal(ground: Ground) -> None:
    """Told while the database is locked, they are there afterwards as if nothing had been."""
    other = sqlite3.connect(ground.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    answer = SurveyAnswer(CALL, "csat", "friendly", AgentId(1), CustomerId(1), 5, None, NOW)
    step = StepRow("main", 2, "menu", NOW, 1.5, "key 1", 1, 0)
    visit = VisitRow(CALL, "main", 2, NOW, NOW, "queue", contained=False, steps=(step,))
    ground.recorder.callback(a_callback("a"))
    ground.recorder.voicemail(a_message(1))
    ground.recorder.survey_answer(answer)
    ground.recorder.visit(visit)
    async with asyncio.timeout(5):
        await ground.recorder.safe()
    assert ground.recorder.journalled == 4
    other.close()
    async with asyncio.timeout(5):
        await ground.recorder.settled()
    assert await StoredCallbacks(ground.database).open_callbacks() == [a_callback("a")]
    [message] = await StoredVoicemails(ground.database, ground.clock).recent(None)
    assert message == replace(a_message(1), customer="李雷")
    async with ground.database.reading() as connection:
        row = (await connection.execute(select(tables.survey_answers))).mappings().one()
        assert SurveyAnswer(**row) == answer
        kept = (await connection.execute(select(tables.flow_steps))).mappings().one()
        assert (kept["node"], kept["duration_ms"], kept["entered_at"]) == ("menu", 1500, NOW)


async def test_a_later_answer_to_the_same_question_counts(ground: Ground) -> None:
    """One row per call, survey and question; an older answer that comes late changes nothing."""
    first = SurveyAnswer(CALL, "csat", "friendly", AgentId(1), None, 2, None, NOW)
    later = replace(first, score=5, at=NOW + dt.timedelta(seconds=3))
    for answer in (first, later, first, replace(first, question="solved", score=1)):
        ground.recorder.survey_answer(answer)
        await ground.recorder.settled()
    async with ground.database.reading() as connection:
        query = select(tables.survey_answers.c.question, tables.survey_answers.c.score)
        assert sorted((await connection.execute(query)).all()) == [("friendly", 5), ("solved", 1)]
        assert await connection.scalar(select(func.count()).select_from(tables.survey_answers)) == 2


# ------------------------------------------------------------ the call's page


def a_call(ground: Ground) -> Call:
    """A call of customer 1."""
    clock = ground.clock
    number = normalise("+8613800138000", "CN")
    call = Call(CALL, Direction.INBOUND, number, "", "4001", clock.now(), clock.wall())
    call.customer_id = CustomerId(1)
    call.enter(Stage.ARRIVED, clock.now(), SegmentId("s"))
    return call


async def test_the_story_tells_flow_survey_message_and_callback(ground: Ground) -> None:
    """In order, with the names of who has what; of this call only."""
    call, other = a_call(ground), CallId("d" * 32)
    ground.recorder.call(call)
    later = NOW + dt.timedelta(seconds=90)
    steps = (
        StepRow("main", 1, "menu", NOW, 2.5, "key 1", 0, 0),
        StepRow("pin", 3, "who", NOW, 7, "next", 0, 1),
    )
    end = StepRow("csat", 1, "ask", later, 4, "next", 0, 0)
    ground.recorder.visit(VisitRow(CALL, "csat", 1, later, later, "hangup", contained=False, steps=(end,)))
    ground.recorder.visit(VisitRow(CALL, "main", 1, NOW, later, "queue", contained=False, steps=steps))
    ground.recorder.visit(VisitRow(other, "main", 1, NOW, later, "queue", contained=False, steps=steps))
    score = SurveyAnswer(CALL, "csat", "friendly", AgentId(1), None, 4, None, later)
    ground.recorder.survey_answer(score)
    said = replace(
        score, question="comment", score=None, recording="e" * 32, at=later + dt.timedelta(seconds=5)
    )
    ground.recorder.survey_answer(said)
    ground.recorder.voicemail(a_message(1))
    ground.recorder.callback(a_callback("a", tries=1, agent_id=AgentId(2)))
    await ground.recorder.settled()
    await StoredVoicemails(ground.database, ground.clock).take(a_message(1).id, AgentId(1))
    story = await StoredCalls(ground.database, ground.clock).story(CALL)
    assert story is not None
    assert story.steps == (
        StepLine("main", "menu", "key 1", 2.5),
        StepLine("pin", "who", "next", 7),
        StepLine("csat", "ask", "next", 4),
    )
    assert story.survey == (
        SurveyLine("friendly", 4, None, "csat"),
        SurveyLine("comment", None, "e" * 32, "csat"),
    )
    assert story.voicemails == (VoicemailLine(a_message(1).id, "sales", 12.345, "taken", "王芳"),)
    asked = a_callback("a")
    assert story.callbacks == (
        CallbackLine("sales", asked.number, "queued", 1, "Emma", asked.asked_at, None),
    )


# ------------------------------------------------------------ who may hear what


def a_user(number: int, role: str, *queues: QueueName) -> UserRow:
    """Somebody at a page."""
    return UserRow(UserId(number), f"u{number}", "", role, "", queues=frozenset(queues))


async def test_who_may_hear_what(ground: Ground, tmp_path: Path) -> None:
    """Messages: who is in the queue. Complaints by voice and words after a survey: who was in the call. Overseers:
    all. Everybody else gets the answer of a recording that isn't there."""
    call = a_call(ground)
    ground.recorder.call(call)
    ground.recorder.offer(OfferRow(OfferId("f" * 32), CALL, AgentId(1), NOW, NOW, "answered", ""))
    message, comment, complaint = a_message(1).id, "e" * 32, "b" * 32
    ground.recorder.voicemail(a_message(1))
    said = SurveyAnswer(CALL, "csat", "comment", AgentId(1), None, None, comment, NOW)
    ground.recorder.survey_answer(said)
    await ground.recorder.settled()
    await StoredCases(ground.database, ground.clock).complain(call, "service", "high", complaint, 35)
    for name in (message, comment, complaint, "a" * 32):
        (tmp_path / f"{name}.wav").touch()
    files = RecordingFiles(StoredCalls(ground.database, ground.clock), tmp_path)
    people = {
        "served": a_user(1, "agent"),
        "in the queue": a_user(2, "agent", SALES),
        "stranger": a_user(3, "agent", SUPPORT),
        "overseer": a_user(4, "supervisor"),
    }
    everybody = set(people)
    heard = {
        message: everybody - {"stranger"},
        comment: {"served", "overseer"},
        complaint: {"served", "overseer"},
        "a" * 32: set[str](),
    }
    for name, allowed in heard.items():
        for who, user in people.items():
            if who in allowed:
                assert await files.open(name, user) == tmp_path / f"{name}.wav"
            else:
                with pytest.raises(NotFound, match="no such recording"):
                    await files.open(name, user)


async def test_whose_work_it_is_may_hear_it(ground: Ground, tmp_path: Path) -> None:
    """A message that somebody has taken and left the queue with; a complaint that was given to somebody."""
    ground.recorder.voicemail(a_message(1))
    await ground.recorder.settled()
    await StoredVoicemails(ground.database, ground.clock).take(a_message(1).id, AgentId(3))
    await StoredCases(ground.database, ground.clock).complain(a_call(ground), "service", "low", "b" * 32, 3)
    async with ground.database.writing() as connection:
        await connection.execute(tables.complaints.update().values(owner_id=2))
    files = RecordingFiles(StoredCalls(ground.database, ground.clock), tmp_path)
    for name, owner in ((a_message(1).id, 3), ("b" * 32, 2)):
        (tmp_path / f"{name}.wav").touch()
        assert (await files.open(name, a_user(owner, "agent", SUPPORT))).stem == name
        with pytest.raises(NotFound):
            await files.open(name, a_user(9, "agent", SUPPORT))
