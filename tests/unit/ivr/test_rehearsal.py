"""Rehearsals: every circumstance that can be written has its effect, and the timeline says when keys are pressed."""

from pathlib import Path
from typing import Any

import pytest

from callcenter.errors import BadInput
from callcenter.ivr.flow.document import FlowInvalid
from callcenter.ivr.rehearsal import Rehearsal, load_rehearsals, rehearse, timeline
from callcenter.ivr.trying import Try, checked, circumstances
from tests.fakes.fake_ivr import a_flow, flow_set

pytestmark = pytest.mark.unit

MAIN = a_flow(
    """
    language: {type: language, prompt: which, keys: {"1": en, "2": zh}, next: door}
    door: {type: hours, hours: office, open: menu, closed: leave, holiday: leave}
    menu: {type: menu, prompt: menu, keys: {"1": wait, "2": who, "3": part, "4": look, "5": put, "6": vip}, tries: 1}
    wait:
      type: queue
      queue: sales
      survey: how
      waiting: {keys: {"9": leave}, timeout: {seconds: 60, next: call}}
    call: {type: callback, queue: sales, prompt: agreed, next: bye, refused: leave}
    who: {type: identify, by: pin, prompt: number, pin_prompt: pin, next: state, unknown: bye, locked: leave}
    state: {type: status, of: order, found: found, next: bye, not_found: leave}
    part: {type: subflow, flow: part, results: {person: wait}, next: bye}
    look: {type: lookup, service: shop, into: {goods: name}, next: told, not_found: bye}
    told: {type: say, prompt: told, next: bye}
    put: {type: transfer, extension: "'1001'", busy: leave, no_answer: wait, failure: bye}
    vip: {type: branch, cases: [{when: "customer.tier == 'vip' and queue.waiting > 3", next: wait}], otherwise: bye}
    leave: {type: voicemail, queue: sales, prompt: speak, next: bye, no_input: wait}
    bye: {type: hangup, prompt: goodbye, reason: done}
    """,
    language="zh",
    hours={"office": {"zone": "Asia/Shanghai", "open": {"mon-fri": ["09:00-18:00"]}}},
    prompts={"told": {"en": "You have {goods}.", "zh": "您有{goods}。"}},
)
PART = a_flow(
    "ask: {type: menu, prompt: ask, keys: {'0': person}, tries: 1}\nperson: {type: return, result: person}",
    name="part",
    queue=None,
)
SURVEY = a_flow(
    "ask: {type: survey, questions: [{name: good, prompt: good}], next: end}\nend: {type: hangup}",
    name="how",
    queue=None,
)
FLOWS = flow_set(MAIN, PART, SURVEY)


def written(path: str, end: Any, presses: list[str], **more: Any) -> Rehearsal:
    """A rehearsal in short."""
    return Rehearsal.model_validate(
        {"name": "x", "path": path.split(), "end": end, "presses": presses, **more}
    )


SALES = {"queue": "sales", "language": "en"}
BYE = {"hangup": "done"}


@pytest.mark.parametrize(
    "rehearsal",
    [
        written("language door menu wait", SALES, ["1", "1"]),
        written("language door menu", {"queue": "support", "language": "zh"}, []),
        written("language door menu", "gone", ["1", "hang up"]),
        written("language door leave bye", BYE, ["1"], at="2026-01-10T12:00:00+08:00", records=[4.5]),
        written("language door leave wait", SALES, ["1"], at="2026-01-10T12:00:00+08:00"),
        written("language door menu who state leave wait", SALES, ["1", "2", "7#", "1#"], customer={}),
        written(
            "language door menu who state bye",
            BYE,
            ["1", "2", "7#", "1#"],
            customer={"known_by": "pin"},
            answers={"order": {"number": "20"}},
        ),
        written(
            "language door menu who leave wait", SALES, ["1", "2", "7#", "1#"], answers={"pin": "locked"}
        ),
        written("language door menu who bye", BYE, ["1", "2", "7#", "1#", "7#", "2#", "7#", "3#"]),
        written(
            "language door menu who state bye",
            BYE,
            ["1", "2", "7#", "1#", "7#", "2#"],
            customer={},
            answers={"who": ["wrong", "known"], "state": {"number": "20"}},
        ),
        written(
            "language door menu who",
            {"queue": "support", "language": "en"},
            ["1", "2", "7#", "1#"],
            answers={"who": "failed"},
        ),
        written("language door menu part part.ask part.person wait", SALES, ["1", "3", "0"]),
        written("language door menu part part.ask bye", BYE, ["1", "3"]),
        written("language door menu look bye", BYE, ["1", "4"]),
        written("language door menu look told bye", BYE, ["1", "4"], answers={"shop": {"name": "tea"}}),
        written(
            "language door menu look",
            {"queue": "support", "language": "en"},
            ["1", "4"],
            answers={"look": "failed"},
        ),
        written("language door menu put", {"transfer": "1001"}, ["1", "5"]),
        written("language door menu put wait", SALES, ["1", "5"], outcomes=["no_answer"]),
        written("language door menu put bye", BYE, ["1", "5"], answers={"put": "refused"}),
        written("language door menu wait call bye", BYE, ["1", "1"], outcomes=["timeout"]),
        written(
            "language door menu wait call leave wait",
            SALES,
            ["1", "1"],
            outcomes=["timeout"],
            caller="anonymous",
        ),
        written(
            "language door menu wait leave wait call bye", BYE, ["1", "1"], outcomes=["key:9", "timeout"]
        ),
        written("language door menu wait how.ask how.end", SALES, ["1", "1", "5"], after_call=True),
        written("language door menu vip wait", SALES, ["16"], customer={"tier": "vip"}, waiting=4),
        written("language door menu vip bye", BYE, ["16"], customer={"tier": "key"}, waiting=4),
    ],
    ids=lambda rehearsal: " ".join(rehearsal.path),
)
async def test_circumstances(rehearsal: Rehearsal) -> None:
    """Who calls, when, what the world answers and what becomes of a wait lead where they should."""
    assert await rehearse(FLOWS, rehearsal) == []


async def test_what_is_heard() -> None:
    """In order; a prompt in both languages counts once, another flow's has its name before it."""
    rehearsal = written(
        "language door menu part part.ask bye",
        BYE,
        ["1", "3"],
        hears=["which", "menu", "part.ask", "goodbye"],
    )
    assert await rehearse(FLOWS, rehearsal) == []


async def test_a_wrong_expectation_is_told() -> None:
    """Path, words and end: each that differs is told as expected and as it was."""
    wrong = written("language menu", {"hangup": "other"}, ["1", "1"], hears=["menu"])
    assert await rehearse(FLOWS, wrong) == [
        "path: expected language → menu, was language → door → menu → wait",
        "hears: expected menu, was which, menu",
        "end: expected hangup other, was queue sales, language en",
    ]


async def test_the_timeline() -> None:
    """With real lengths: the first key 0.4 s after the words, further ones 0.3 s apart; each sound when it begins."""
    lengths = {"try.which": 1.5, "try.menu": 4.0, "try.number": 2.0, "try.pin": 1.0, "try.goodbye": 1.0}

    async def length(prompt: str, language: str, text: str) -> float:
        assert text == f"Say {prompt.partition('.')[2]}." or language == "zh"
        return lengths[prompt]

    rehearsal = written("language door menu who bye", BYE, ["1", "2", "77#", "hang up"])
    line = await timeline(FLOWS, rehearsal, length)
    assert [(heard.sound.prompt, heard.start, heard.seconds) for heard in line.heard] == [
        ("try.which", 0.0, 1.5),
        ("try.which", 1.5, 1.5),
        ("try.menu", 3.4, 4.0),
        ("try.number", 7.8, 2.0),
        ("try.pin", 10.8, 1.0),
    ]
    assert line.presses == ((3.4, "1"), (7.8, "2"), (10.2, "7"), (10.5, "7"), (10.8, "#"))
    assert line.hangs_up == pytest.approx(11.8)


async def test_keys_pressed_ahead() -> None:
    """More keys than the question needs go on into the next one, and cut it short."""
    line = await timeline(FLOWS, written("x", "gone", ["11"]), _two)
    assert line.presses == ((4.4, "1"), (4.7, "1"))
    assert line.heard[-1].seconds == 0.3


async def _two(prompt: str, language: str, text: str) -> float:
    del prompt, language, text
    return 2.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("presses: [9a]", "presses"),
        ("presses: []\n    at: 2026-01-10T12:00:00", "zone"),
        ("presses: []\n    at: yesterday", "at"),
        ("presses: []\n    nonsense: 1", "nonsense"),
        ("presses: []\n    records: [-1.0]", "records"),
    ],
)
def test_a_file_with_faults(tmp_path: Path, text: str, message: str) -> None:
    """What can't be read is told with its line."""
    file = tmp_path / "x.rehearsals.yaml"
    file.write_text(f"rehearsals:\n  - name: x\n    path: [a]\n    end: gone\n    {text}\n")
    with pytest.raises(FlowInvalid, match=message):
        load_rehearsals(file)


# ------------------------------------------------------------ trying


async def test_a_try_with_given_keys() -> None:
    """Each node with what is heard there as spoken, what is pressed, and since when; and where it ends."""
    told: list[tuple[str, str]] = []
    facts = {
        "answers.shop": "failed",
        "customer.tier": "vip",
        "color": "red",
        "at": "2026-01-05T12:00:00+08:00",
    }
    tried = await Try(FLOWS, facts).walk_with(
        ["1", "2", "77#", "4821#"], lambda node, text: told.append((node, text))
    )
    assert [(step.node, step.heard, step.pressed) for step in tried.steps] == [
        ("language", ("说which。", "Say which."), "1"),
        ("door", (), ""),
        ("menu", ("Say menu.",), "2"),
        ("who", ("Say number.", "Say pin."), "77#*****"),
        ("state", (), ""),
        ("leave", ("Say speak.",), ""),
        ("wait", (), ""),
    ]
    assert tried.end == "waits in the queue sales, language en"
    assert told[0] == ("language", "说which。")
    assert [step.at for step in tried.steps][:3] == [0.0, 4.4, 4.4]


@pytest.mark.parametrize(
    ("keys", "end"),
    [
        (["1", "hang up"], "the caller hung up"),
        (["1", "5"], "is put through to the extension 1001"),
        (["1", "4"], "the flow hangs up: done"),
        (["", "silence"], "waits in the queue support, language zh"),
    ],
)
async def test_how_a_try_ends(keys: list[str], end: str) -> None:
    """In words."""
    assert (await Try(FLOWS).walk_with(keys)).end == end


async def test_a_try_by_hand() -> None:
    """Somebody is asked at each question, after the words were told."""
    happened: list[str] = []

    async def press() -> str:
        happened.append("?")
        return "1" if len(happened) < 5 else "hang up"

    tried = await Try(FLOWS).walk(press, lambda node, text: happened.append(text))
    assert happened == ["说which。", "Say which.", "?", "Say menu.", "?"]
    assert tried.end == "the caller hung up"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"at": "tomorrow"}, "isoformat"),
        ({"at": "2026-01-05T12:00:00"}, "zone"),
        ({"customer.tier": "gold"}, "tier"),
        ({"customer.nonsense": "1"}, "nonsense"),
        ({"waiting": "many"}, "many"),
    ],
)
def test_facts_that_can_not_be_read(facts: dict[str, str], message: str) -> None:
    """Refused, saying which."""
    with pytest.raises(BadInput, match=message):
        circumstances(facts)


@pytest.mark.parametrize("entry", ["a", "1a", "hang", "1" * 65, "1 2"])
def test_entries_that_are_no_keys(entry: str) -> None:
    """Refused."""
    with pytest.raises(BadInput):
        checked(entry)
