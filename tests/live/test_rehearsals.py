"""Every written caller that can live, on a real Asterisk: SIPp presses real keys (RFC 4733), and by sound it is judged
whether the right prompts were played; the record is held against the written path and end."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from callcenter.demo.floor import Floor
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.loader import load_folder
from callcenter.ivr.flow.nodes import CallbackNode, ComplaintNode, SurveyNode, VoicemailNode
from callcenter.ivr.rehearsal import FlowHangsUp, InQueue
from callcenter.rig import hearing
from callcenter.rig.cues import CueCaller, CueResult
from callcenter.rig.recognition import Recogniser
from callcenter.rig.sipp import may_open_raw_sockets
from tests.live.conftest import MakeFloor
from tests.live.rehearsed_world import seed
from tests.live.rehearsing import (
    KNOWN,
    SPOKEN,
    Case,
    Voices,
    acts,
    cases,
    differences,
    length,
    sounds,
    stays,
    write_flows,
    written,
)
from tests.live.watching import rows, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

AT_ONCE = 24
FEW_AT_ONCE = 4
EVERY = 0.1
"""Seconds between two callers' beginnings."""


needs_raw_sockets = pytest.mark.skipif(
    not may_open_raw_sockets(), reason="SIPp needs root to press keys as RFC 4733"
)


@needs_raw_sockets
async def test_some_written_callers(make_floor: MakeFloor, prompts: Path, tmp_path: Path) -> None:
    """Of each flow the first one, and the first who says something: few at a time, beside other tests."""
    live = [case for case in cases() if not case.reason]
    flows = dict.fromkeys(case.file for case in live)
    chosen = {next(case.id for case in live if case.file == flow) for flow in flows}
    chosen |= {
        found.id
        for flow in flows
        if (found := next((c for c in live if c.file == flow and c.rehearsal.records), None))
    }
    assert len(chosen) >= 7
    await _judge(make_floor, prompts, tmp_path, [case for case in live if case.id in chosen], FEW_AT_ONCE)


@needs_raw_sockets
@pytest.mark.long
async def test_all_written_callers(make_floor: MakeFloor, prompts: Path, tmp_path: Path) -> None:
    """All of them, many at once."""
    live = [case for case in cases() if not case.reason]
    assert len(live) >= 30
    await _judge(make_floor, prompts, tmp_path, live, AT_ONCE)


async def _judge(
    make_floor: MakeFloor, prompts: Path, tmp_path: Path, live: list[Case], at_once: int
) -> None:
    """What each hears, where each goes, how each ends, and what stays of it."""
    write_flows(tmp_path / "flows", live)
    numbers = {case.did: case.flow for case in live}
    floor = await make_floor(
        agents=1,
        screen={"ready": False},  # somebody is there, and never free
        start=False,
        overrides={"ivr": {"folder": str(tmp_path / "flows")}, "ivr.numbers": numbers},
    )
    seed(floor.database, live)
    flows = load_folder(tmp_path / "flows", KNOWN)
    voices = Voices(flows, prompts, tmp_path / "said")
    try:
        await voices.prepare()
        for case in live:
            case.line = await written(flows, case, voices)
        await floor.start()
        began = time.monotonic()
        live.sort(key=length, reverse=True)
        results = await _call_all(floor, live, tmp_path, at_once)
        print(f"{len(live)} written callers in {time.monotonic() - began:.0f} s")  # noqa: T201  a figure
        faults = {case.id: await _faults(floor, flows, case, results[case.did]) for case in live}
        for case in live:
            case.line = await written(flows, case, voices)  # complaints have their numbers now
        recogniser = Recogniser(voices.files)
        for case in live:
            faults[case.id] += await differences(case, results[case.did].heard, recogniser, voices)
        wrong = "\n".join(f"{name}: {fault}" for name, its in faults.items() for fault in its)
        assert not wrong, wrong
        await _strangers_differ(live, results, recogniser, voices)
    finally:
        await voices.close()


async def _call_all(floor: Floor, live: list[Case], folder: Path, at_once: int) -> dict[str, CueResult]:
    slots = asyncio.Semaphore(at_once)

    async def call(place: int, case: Case) -> CueResult:
        await asyncio.sleep(place * EVERY)
        async with slots:
            caller = CueCaller(
                folder / case.did,
                acts(case),
                sip_port=floor.asterisk_plan.sip_port,
                number=case.rehearsal.caller,
                dial=case.did,
                stays=stays(case),
            )
            return await caller.run()

    results = await asyncio.gather(*(call(place, case) for place, case in enumerate(live)))
    return {case.did: result for case, result in zip(live, results, strict=True)}


async def _faults(floor: Floor, flows: Mapping[str, Flow], case: Case, result: CueResult) -> list[str]:
    """The record against what is written."""
    faults = []
    if result.missed is not None:
        faults.append(f"what comes before act {result.missed + 1} was not heard")
    usual = "asterisk" if isinstance(case.rehearsal.end, FlowHangsUp) else "caller"
    if result.ended != usual:
        faults.append(f"ended by {result.ended}, not by {usual}")
    visits = await until(lambda: _visits(floor, case), 8, f"the visit of {case.id} on record")
    [visit] = visits
    steps = rows(floor, "SELECT * FROM flow_steps WHERE call_id = ? ORDER BY position", visit["call_id"])
    path = [f"{step['flow']}.{step['node']}".removeprefix(f"{case.flow}.") for step in steps]
    if path != case.rehearsal.path:
        faults.append(f"path {' → '.join(path)}, written {' → '.join(case.rehearsal.path)}")
    [call] = rows(floor, "SELECT * FROM calls WHERE id = ?", visit["call_id"])
    end = case.rehearsal.end
    if isinstance(end, InQueue):
        told = visit["end"], call["queue"], call["language"]
        if told != ("queue", end.queue, end.language):
            faults.append(f"ended as {told}")
    elif visit["end"] != ("gone" if end == "gone" else "hangup"):
        faults.append(f"ended as {visit['end']}")
    return faults + _left(floor, flows[case.flow], case, visit["call_id"])


def _visits(floor: Floor, case: Case) -> list[dict[str, Any]]:
    query = "SELECT v.* FROM flow_visits v JOIN calls c ON c.id = v.call_id WHERE c.did = ?"
    return rows(floor, query, case.did)


def _left(floor: Floor, flow: Flow, case: Case, call_id: str) -> list[str]:
    """What stays: messages, complaints, answers, callbacks."""
    kinds = {type(flow.nodes[name]) for name in case.rehearsal.path if name in flow.nodes}
    spoken = bool(case.rehearsal.records)
    found = {
        VoicemailNode: rows(floor, "SELECT id AS recording FROM voicemails WHERE call_id = ?", call_id),
        ComplaintNode: rows(floor, "SELECT id, recording FROM complaints WHERE call_id = ?", call_id),
        SurveyNode: rows(floor, "SELECT recording FROM survey_answers WHERE call_id = ?", call_id),
        CallbackNode: rows(floor, "SELECT state, number FROM callbacks WHERE call_id = ?", call_id),
    }
    wanted: dict[type, bool] = {
        VoicemailNode: spoken,
        ComplaintNode: spoken,
        SurveyNode: any(keys.isdecimal() for keys in case.rehearsal.presses),
        CallbackNode: "kept" in case.rehearsal.answers.values(),
    }
    faults = [
        f"{kind.__name__}: {len(its)} on record"
        for kind, its in found.items()
        if bool(its) != (kind in kinds and wanted[kind])
    ]
    for one in found[ComplaintNode]:
        case.rehearsal.answers["by_voice"] = f"C-{one['id']:06d}"
    recordings = [one["recording"] for its in found.values() for one in its if one.get("recording")]
    if len(recordings) != spoken:
        faults.append(f"{len(recordings)} recordings")
    for name in recordings:
        path = floor.asterisk_plan.recordings_folder / f"{name}.wav"
        if not path.exists() or not hearing.hears(path, SPOKEN, case.rehearsal.records[0] - 0.5):
            faults.append("what was said is not in the recording")
    return faults


async def _strangers_differ(
    live: list[Case], results: dict[str, CueResult], recogniser: Recogniser, voices: Voices
) -> None:
    """The same judge finds fault with what another caller heard: it can fail."""
    for case, other in zip(live, live[1:] + live[:1], strict=True):
        if await sounds(case, voices) != await sounds(other, voices):
            assert await differences(case, results[other.did].heard, recogniser, voices), (case.id, other.id)
