"""Written callers on a real floor: the flows made ready for them, what each does and when, and what it must hear."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from callcenter.ivr.flow import template
from callcenter.ivr.flow.checks.finding import Known
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.loader import load_folder
from callcenter.ivr.flow.nodes import ComplaintNode, HoursNode, QueueNode, RecordNode, VoicemailNode
from callcenter.ivr.flow.texts import LANGUAGES, Language
from callcenter.ivr.ports import FlowSet
from callcenter.ivr.rehearsal import FlowHangsUp, Rehearsal, Timeline, load_rehearsals, timeline
from callcenter.ivr.speech.engine import Pyttsx3Engine
from callcenter.ivr.speech.prompts import PromptLibrary
from callcenter.ivr.walk.virtual_line import KEY_GAP, KEYS, REACTION, Heard
from callcenter.rig.cues import Act
from callcenter.rig.mulaw import SILENCE as SILENT
from callcenter.rig.mulaw import tone
from callcenter.rig.recognition import Piece, Recogniser

ROOT = Path(__file__).parents[2]
FLOWS = ROOT / "ivr_flows"
SPOKEN = 700
"""Hz of what a written caller says."""
LONGEST_SPEECH = 3.0
"""Seconds: what is rehearsed with half a minute of speech proves no more on a telephone."""
BEEP = 0.44
"""Seconds of Asterisk's own before a recording."""
WAIT = 5.0
"""Seconds after which waits end that are minutes in the shipped flows."""
OFFER = 5.0
SILENCE = 3.5
"""Seconds after which a question counts as not answered: as short as a busy machine may answer it."""
PATIENCE = 20.0
IN_LINE = 1.5
"""Seconds in line before the caller has seen enough."""
BRIEF = 0.5
"""What is shorter is too short to be sure of."""
NOW = dt.datetime.now(dt.UTC)


@dataclass
class Case:
    """One written caller: ``flow`` is the entrance (a variant of ``file``'s flow, where it has opening hours)."""

    file: str
    rehearsal: Rehearsal
    did: str
    flow: str = ""
    flows: Mapping[str, Flow] = field(default_factory=dict, repr=False)
    line: Timeline | None = field(default=None, repr=False)
    reason: str = ""
    """Why it can't run here."""

    @property
    def id(self) -> str:
        """For people."""
        return f"{self.file}: {self.rehearsal.name}"


def cases() -> list[Case]:
    """All that are shipped; each with a number of its own to dial and to call from."""
    found: list[Case] = []
    for path in sorted(FLOWS.glob("*.rehearsals.yaml")):
        for rehearsal in load_rehearsals(path):
            place = len(found)
            caller = rehearsal.caller if rehearsal.caller == "anonymous" else f"1390000{place:04d}"
            spoken = [min(seconds, LONGEST_SPEECH) for seconds in rehearsal.records]
            mine = rehearsal.model_copy(update={"caller": caller, "records": spoken})
            file = path.name.partition(".")[0]
            found.append(Case(file, mine, str(4200 + place), reason=_why_not(mine)))
    return found


def _why_not(rehearsal: Rehearsal) -> str:
    if "failed" in rehearsal.answers.values():
        return "what it asks is out of order, for all callers of the floor"
    if rehearsal.after_call:
        return "needs an agent: see test_ivr_faults and the surveys' own test"
    if not {"nobody", "closes", "unanswered"}.isdisjoint(rehearsal.outcomes):
        return "needs the agents to go home, or the clock to be set: see test_core_overflow"
    return ""


# ------------------------------------------------------------ the flows


def write_flows(folder: Path, wanted: Sequence[Case]) -> None:
    """Copies of the shipped flows: waits are seconds, and each case has an entrance whose opening hours are, now, what
    they are at the moment it is written for. Who says nothing at all is asked once in menus: it would take minutes."""
    folder.mkdir(parents=True, exist_ok=True)
    shipped = load_folder(FLOWS, KNOWN)
    for name in shipped:
        text = yaml.safe_load((FLOWS / f"{name}.yaml").read_text("utf-8"))
        _hasten(text)
        _write(folder, name, text)
    for case in wanted:
        states = _states(shipped[case.file], case.rehearsal)
        silent = not any(set(keys) & KEYS for keys in case.rehearsal.presses)
        case.rehearsal = case.rehearsal.model_copy(update={"at": NOW.isoformat()})
        case.flow = "_".join([case.file, *sorted(set(states.values())), *(["silent"] if silent else [])])
        if case.flow != case.file and not (folder / f"{case.flow}.yaml").exists():
            text = yaml.safe_load((FLOWS / f"{case.file}.yaml").read_text("utf-8"))
            _hasten(text)
            text["flow"] = case.flow
            for node in text["nodes"].values():
                if silent and node["type"] == "menu":
                    node["tries"] = 1
            for hours, state in states.items():
                text["hours"][hours] = _hours(text["hours"][hours]["zone"], state)
            _write(folder, case.flow, text)


def _states(flow: Flow, rehearsal: Rehearsal) -> dict[str, str]:
    """What each of the flow's opening hours says at the written moment."""
    if rehearsal.at is None:
        return {}
    at = dt.datetime.fromisoformat(rehearsal.at)
    named = {node.hours for node in flow.nodes.values() if isinstance(node, HoursNode)}
    return {name: flow.hours[name].state(at) for name in named}


def _hours(zone: str, state: str) -> dict[str, Any]:
    local = NOW.astimezone(ZoneInfo(zone))
    if state == "open":
        return {"zone": zone, "open": {"daily": ["00:00-24:00"]}}
    if state == "closed":
        far = local + dt.timedelta(hours=12)
        return {"zone": zone, "open": {"daily": [f"{far:%H}:00-{far:%H}:30"]}}
    days = (local + dt.timedelta(days=more) for more in (-1, 0, 1))
    return {
        "zone": zone,
        "open": {"daily": ["09:00-18:00"]},
        "holidays": {f"{day:%Y-%m-%d}": "A day off" for day in days},
    }


def _hasten(text: dict[str, Any]) -> None:
    for node in text["nodes"].values():
        if node["type"] in {"menu", "survey"}:
            node["seconds"] = SILENCE
        waiting = node.get("waiting", {})
        if "timeout" in waiting:
            waiting["timeout"]["seconds"] = WAIT
        if "callback" in waiting:
            waiting["callback"]["after"] = OFFER


def _write(folder: Path, name: str, text: dict[str, Any]) -> None:
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(text, allow_unicode=True, sort_keys=False), "utf-8")


KNOWN = Known(queues=frozenset({"sales", "support", "complaints"}))


# ------------------------------------------------------------ what is said


class Voices:
    """The sound of every prompt: fixed ones as the core has rendered them, others spoken here anew."""

    def __init__(self, flows: Mapping[str, Flow], prompts: Path, folder: Path) -> None:
        self.files: dict[str, Path] = {}
        self._labels: dict[str, str] = {}
        self._flows = flows
        self._engine = Pyttsx3Engine()
        self._library = PromptLibrary(self._engine, prompts)
        self._folder = folder
        self._seconds: dict[str, float] = {}

    async def prepare(self) -> None:
        """All fixed prompts."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, flow in self._flows.items():
            await self._library.prepare(flow)
            for prompt, texts in flow.prompts.items():
                for language in LANGUAGES:
                    text = texts.within(language)
                    if template.parse(text).fixed:
                        path = await self._library.sound(f"{name}.{prompt}", text, language, {})
                        self.files[path] = Path(f"{path}.wav")
                        self._labels[path] = f"{name}.{prompt} ({language})"

    async def close(self) -> None:
        """End the engine."""
        await self._library.close()

    async def file(self, prompt: str, language: Language, said: str) -> str:
        """The name of the sound of a prompt, as spoken."""
        flow, _, name = prompt.rpartition(".")
        own = self._flows[flow].prompts.get(name) if flow in self._flows else None
        if own is not None and template.parse(own.within(language)).fixed:
            return await self._library.sound(prompt, own.within(language), language, {})
        digest = hashlib.sha256(f"{language} {said}".encode()).hexdigest()[:16]
        path = self._folder / f"{digest}.wav"
        if not path.exists():
            await self._engine.speak(" ".join(said.split()), language, path)
        self.files[str(path)] = path
        self._labels[str(path)] = f"{prompt} ({language})"
        return str(path)

    def in_line(self) -> frozenset[str]:
        """The sounds of what may be said to who waits."""
        waits = (
            (name, node.waiting)
            for name, flow in self._flows.items()
            for node in flow.nodes.values()
            if isinstance(node, QueueNode)
        )
        said = {
            f"{name}.{one.prompt}"
            for name, waiting in waits
            for one in (waiting.callback, *waiting.messages)
            if one is not None
        }
        return frozenset(path for path, label in self._labels.items() if label.partition(" ")[0] in said)

    def told(self, pieces: Iterable[Piece]) -> str:
        """Pieces in words."""
        return ", ".join(
            f"{'/'.join(sorted({self._labels[name] for name in piece.names})) or 'a stranger'}"
            f" at {piece.start:.1f} for {piece.seconds:.1f} s"
            for piece in pieces
        )

    async def length(self, prompt: str, language: Language, said: str) -> float:
        """Seconds, for ``timeline``."""
        name = await self.file(prompt, language, said)
        if name not in self._seconds:
            # 16-bit samples at 8 kHz behind a header
            self._seconds[name] = ((self.files.get(name) or Path(f"{name}.wav")).stat().st_size - 44) / 16000
        return self._seconds[name]


# ------------------------------------------------------------ what a caller does


async def written(flows: Mapping[str, Flow], case: Case, voices: Voices) -> Timeline:
    """The case on a clock, in the flow that it enters here."""
    case.flows = flows
    return await timeline(FlowSet(case.flow, flows, {}), case.rehearsal, voices.length)


def acts(case: Case) -> list[Act]:
    """What the caller does, each at its time."""
    line = case.line
    assert line is not None
    found: list[Act] = []
    records = list(case.rehearsal.records)
    before = 0.0
    for at, keys in sorted([*_answers(line.presses), *_silences(case)]):
        sound = _sound_between(line.heard, before, at, case)
        since = at - max((one.start + one.seconds for one in line.heard if one.start < at), default=0.0)
        patience = at - before + PATIENCE
        if not keys:
            found.append(Act(speech=bytes([SILENT]) * 8000 * 12, sound=sound + BEEP, patience=patience))
        elif abs(since - REACTION) < 0.01:
            found.append(Act(keys, sound=sound, patience=patience))
        elif records and abs(since - records[0]) < 0.01:
            speech = (tone(SPOKEN) * 4)[: round(records.pop(0) * 8000)]
            found.append(Act(keys, speech, sound=sound + BEEP, patience=patience))
        else:
            found.append(Act(keys, sound=sound, pause=0.0, later=since, patience=patience))
        before = at
    if case.rehearsal.end == "gone":
        assert line.hangs_up is not None
        sound = _sound_between(line.heard, before, line.hangs_up + 1, case)
        found.append(Act(leaves=True, sound=sound, patience=line.hangs_up - before + PATIENCE))
    elif not isinstance(case.rehearsal.end, FlowHangsUp):
        end = length(case)
        sound = _sound_between(line.heard, before, end + 1, case)
        wait = max(0.0, end - before) + PATIENCE
        later = max(0.0, line.passed[-1].at - end) + IN_LINE
        found.append(Act(leaves=True, sound=sound, pause=0.0, later=later, patience=wait))
    return found


def stays(case: Case) -> float:
    """Seconds after the last act in which the flow must have hung up."""
    assert case.line is not None
    last = case.line.presses[-1][0] if case.line.presses else 0.0
    end = max((one.start + one.seconds for one in case.line.heard), default=0.0)
    return max(0.0, end - last) + PATIENCE


def _silences(case: Case) -> list[tuple[float, str]]:
    """When a recording begins into which nothing is said: a telephone sends silence then, and Asterisk needs it to
    notice."""
    assert case.line is not None
    found = []
    for place, one in enumerate(case.line.passed):
        node = case.flows[one.flow].nodes[one.node]
        if isinstance(node, VoicemailNode | RecordNode | ComplaintNode) and one.heard:
            begun = one.heard[0].start + one.heard[0].seconds
            left = case.line.passed[place + 1].at if place + 1 < len(case.line.passed) else begun + 1
            if not any(begun <= at <= left for at, _ in case.line.presses):
                found.append((begun + 0.1, ""))
    return found


def length(case: Case) -> float:
    """Seconds that the call takes."""
    assert case.line is not None
    return max((one.start + one.seconds for one in case.line.heard), default=0.0)


def _answers(presses: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Keys that follow at once are one act."""
    found: list[tuple[float, str]] = []
    last = -1.0
    for at, key in presses:
        if found and at - last <= KEY_GAP + 0.05:
            found[-1] = found[-1][0], found[-1][1] + key
        else:
            found.append((at, key))
        last = at
    return found


def _sound_between(heard: Sequence[Heard], start: float, end: float, case: Case) -> float:
    within = [one for one in heard if start <= one.start < end]
    sound = sum(one.seconds for one in within)
    if "timeout" in case.rehearsal.outcomes:
        ends = [start, *(one.start + one.seconds for one in within)]
        gaps = (one.start - gone for gone, one in zip(ends, within, strict=False))
        sound += sum(WAIT - 1.0 for gap in gaps if gap > WAIT - 0.1)  # music
    return sound


# ------------------------------------------------------------ what it must have heard


async def sounds(case: Case, voices: Voices) -> list[str]:
    """The files that must be heard, in order."""
    assert case.line is not None
    heard = [one.sound for one in case.line.heard]
    return [await voices.file(one.prompt, one.language, one.text) for one in heard]


async def differences(case: Case, heard: bytes, recogniser: Recogniser, voices: Voices) -> list[str]:
    """What was heard against what is written: in words, and nothing when all is well."""
    line = case.line
    assert line is not None
    expected = [
        (await voices.file(one.sound.prompt, one.sound.language, one.sound.text), one) for one in line.heard
    ]
    pieces = recogniser.recognise(heard)
    got = [piece for piece in pieces if piece.names]
    in_line = voices.in_line() if case.rehearsal.outcomes else frozenset()
    found: list[str] = []
    for name, one in expected:
        while got and name not in got[0].names and (got[0].seconds < BRIEF or got[0].names <= in_line):
            got.pop(0)
        if len(got) > 1 and got[0].seconds < BRIEF <= one.seconds and name in got[1].names:
            got.pop(0)  # a crumb of the music that happens to sound alike
        if one.seconds < BRIEF and not (got and name in got[0].names):
            continue
        if not got:
            found.append(
                f"{one.sound.prompt} ({one.sound.language}) was not heard; heard: {voices.told(pieces)}"
            )
            return found
        piece = got.pop(0)
        if name not in piece.names:
            found.append(f"instead of {one.sound.prompt} ({one.sound.language}): {voices.told([piece])}")
        elif piece.offset > 0.1 or piece.seconds < one.seconds - 0.2:
            found.append(f"only {piece.seconds:.2f} of {one.seconds:.2f} s of {one.sound.prompt} were heard")
    beyond = [piece for piece in got if piece.seconds >= BRIEF and not piece.names <= in_line]
    if beyond:
        found.append(f"beyond what is written: {voices.told(beyond)}")
    return found + _strangers(case, pieces)


def _strangers(case: Case, pieces: Sequence[Piece]) -> list[str]:
    """Sound that is no prompt of a flow: beeps, and in line music and announcements."""
    waited = case.rehearsal.outcomes or not (
        case.rehearsal.end == "gone" or isinstance(case.rehearsal.end, FlowHangsUp)
    )
    if waited:
        return []
    unknown = sum(piece.seconds for piece in pieces if not piece.names)
    beeps = len(case.rehearsal.records) + 1
    return [f"{unknown:.2f} s of sound that is no prompt"] if unknown > beeps * (BEEP + 0.2) else []
