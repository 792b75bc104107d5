"""Nodes that take the caller's voice: voicemail, record, complaint, survey.

What was said counts also when the caller hangs up instead of pressing the key that ends it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from callcenter.calls.call import Stage
from callcenter.errors import CallcenterError, CallerGone
from callcenter.ids import AgentId, QueueName, new_id
from callcenter.ivr.flow.nodes import ComplaintNode, MessageNode, RecordNode, SurveyNode, VoicemailNode
from callcenter.ivr.flow.parts import Node
from callcenter.ivr.flow.ways import after_no_input
from callcenter.ivr.walk import keys
from callcenter.ivr.walk.knowing import in_time
from callcenter.ivr.walk.walk import Handler, Next, Walk
from callcenter.surveys.answer import SurveyAnswer
from callcenter.voicemails.voicemail import Voicemail

log = structlog.get_logger(__name__)

LEAST_SECONDS = 1.0
"""Shorter ones hold no word."""
BYTES_A_SECOND = 16000
"""8 kHz, 16 bit, one channel."""
WAV_HEADER = 44
PATIENCE = 5.0
COMMENT_SILENCE = 4
COMMENT = "comment"
"""The name of the question whose answer is spoken."""

Keep = Callable[["Message"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Message:
    """A recording that is kept: its id, and how long it is."""

    id: str
    seconds: float


async def take(walk: Walk, prompt: str, keep: Keep, *, max_seconds: int, silence: int, finish: str) -> bool:
    """Speak, record, keep; False when nothing was said. Raises as the line and ``keep`` do."""
    walk.ahead = ""  # a key pressed before is no answer to this
    await walk.say(prompt)
    walk.ahead = ""  # nor is the one that made it begin
    recording = new_id(walk.services.clock)
    path = walk.services.recordings / f"{recording}.wav"
    try:
        said = await walk.line.record_message(
            str(path), max_seconds=max_seconds, silence=silence, finish=finish
        )
    except CallerGone:
        seconds = await asyncio.to_thread(_length, path)
        if seconds >= LEAST_SECONDS:
            await _keep_all_the_same(keep, Message(recording, seconds))
        raise
    if said.seconds < LEAST_SECONDS:
        await asyncio.to_thread(_remove, path)
        return False
    await keep(Message(recording, said.seconds))
    return True


async def _keep_all_the_same(keep: Keep, message: Message) -> None:
    try:
        await keep(message)
    except CallcenterError as error:
        log.warning("message of a caller who has gone", recording=message.id, reason=error.message)


def _length(path: Path) -> float:
    try:
        return max(0.0, (path.stat().st_size - WAV_HEADER) / BYTES_A_SECOND)
    except OSError:
        return 0.0


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("empty message not removed", reason=str(error.strerror))


# ------------------------------------------------------------ the nodes


async def voicemail(walk: Walk, node: VoicemailNode) -> Next:
    """Work for the people of a queue."""

    async def keep(message: Message) -> None:
        _to_people(walk, node.queue, message)

    return await _message(walk, node, keep)


async def record(walk: Walk, node: RecordNode) -> Next:
    """The recording's id in a variable."""

    async def keep(message: Message) -> None:
        walk.keep(node.into, message.id)

    return await _message(walk, node, keep)


async def complaint(walk: Walk, node: ComplaintNode) -> Next:
    """A complaint, whose number is read back. When it can't be kept it becomes a message for the default queue, so that
    somebody hears it. Raises ``DatabaseAway``, ``LookupFailed``."""
    numbers: list[str] = []

    async def keep(message: Message) -> None:
        kept = walk.services.cases.complain(
            walk.call, node.category, node.severity, message.id, message.seconds
        )
        try:
            numbers.append(await in_time(kept, PATIENCE))
        except CallcenterError:
            _rescue(walk, message)
            raise

    target = await _message(walk, node, keep)
    if numbers:
        walk.keep("complaint_number", numbers[0])
        await walk.say(node.said, interrupt=False)
    return target


async def _message(walk: Walk, node: MessageNode, keep: Keep) -> Next:
    said = await take(
        walk, node.prompt, keep, max_seconds=node.max_seconds, silence=node.silence, finish=node.finish
    )
    if not said:
        if walk.here is not None:
            walk.here.no_input += 1
        walk.way("no_input")
        return after_no_input(walk.flow, node)
    await walk.say_if_possible(node.thanks)
    return node.next


def _rescue(walk: Walk, message: Message) -> None:
    """A complaint that can't be kept as one: somebody must hear it all the same."""
    queue = walk.default_queue()
    if queue is None:
        log.error("spoken complaint is kept nowhere", alarm="complaint_lost", recording=message.id)
    else:
        _to_people(walk, queue, message)


def _to_people(walk: Walk, queue: QueueName, message: Message) -> None:
    call = walk.call
    walk.services.recorder.voicemail(
        Voicemail(
            id=message.id,
            call_id=call.id,
            queue=queue,
            customer_id=call.customer_id,
            number=call.number.key,
            seconds=message.seconds,
            language=walk.language,
            left_at=walk.services.clock.wall(),
        )
    )


# ------------------------------------------------------------ the survey


async def survey(walk: Walk, node: SurveyNode) -> Next:
    """Question after question; who does not answer one is asked no more."""
    for question in node.questions:
        how = keys.one_key(node.seconds)
        key = await keys.ask(walk, node, question.prompt, how, lambda key: key in set(question.keys))  # noqa: B023  used at once
        if key is None:
            return keys.unanswered(walk, node)
        _answer(walk, question.name, score=int(key))
    if node.comment is not None:

        async def keep(message: Message) -> None:
            _answer(walk, COMMENT, recording=message.id)

        await take(
            walk,
            node.comment.prompt,
            keep,
            max_seconds=node.comment.max_seconds,
            silence=COMMENT_SILENCE,
            finish="#",
        )
    await walk.say_if_possible(node.thanks)
    return node.next


def _answer(walk: Walk, question: str, *, score: int | None = None, recording: str | None = None) -> None:
    call = walk.call
    walk.services.recorder.survey_answer(
        SurveyAnswer(
            call_id=call.id,
            survey=walk.flow.flow,
            question=question,
            agent_id=_last_agent(walk),
            customer_id=call.customer_id,
            score=score,
            recording=recording,
            at=walk.services.clock.wall(),
        )
    )


def _last_agent(walk: Walk) -> AgentId | None:
    """Who talked with the caller last."""
    talks = (s.agent_id for s in reversed(walk.call.segments) if s.stage is Stage.TALKING)
    return next((agent for agent in talks if agent is not None), None)


NODES: dict[type[Node], Handler] = {
    VoicemailNode: voicemail,
    RecordNode: record,
    ComplaintNode: complaint,
    SurveyNode: survey,
}
