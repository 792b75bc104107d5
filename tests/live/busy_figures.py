"""A busy day from its first call to the verdict, and its figures for people."""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from tests.live.busy_checks import beside, second_version, waited_through, wrongs
from tests.live.busy_floor import OTHER_PROMISES, PROMISES, Size, busy_day, live_through
from tests.live.busy_record import Record, read_record


async def judged(prompts: Path, size: Size) -> list[str]:
    """What is not as it must be after such a day; its figures are printed."""
    # A short path: Asterisk's control socket must fit into 107 bytes.
    with tempfile.TemporaryDirectory(prefix="cb", dir="/tmp") as folder:
        async with busy_day(Path(folder), prompts, size) as day:
            await live_through(day)
        record = read_record(day)
        found = wrongs(record)
        sys.stdout.write(json.dumps(figures(record), indent=1) + "\n")
        if found:
            sys.stderr.write("\n".join([day.floor.log("core")[-6000:], *found, ""]))
        return found


def figures(record: Record) -> dict[str, Any]:
    """Counts, and what each tier met; seconds."""
    told = [one.explained for one in record.offers if one.explained]
    return {
        "calls": len(record.inbound),
        "redials": record.day.redialled,
        "resumed": sum("resumed" in call.marks for call in record.inbound),
        "without a key": sum(not call.key for call in record.inbound),
        "ends": dict(Counter(call.reason for call in record.inbound)),
        "offers": dict(Counter(one.result for one in record.offers)),
        "because": dict(Counter(one.because.rule for one in told)),
        "rings": dict(Counter(one.ring for one in told)),
        "callbacks": dict(Counter(row["state"] for row in record.callbacks)),
        "boosted": sum(call.boost > 0 for call in record.calls.values()),
        "versions": dict(Counter(one.version for one in told)),
        "waited when the rules changed": waited_through(record),
        "longest beside a free agent": round(max((one[0] for one in beside(record)), default=0.0), 3),
        "warnings": dict(Counter(line["event"] for line in record.log if line["level"] == "warning")),
        "tiers": {tier: _tier(record, tier) for tier in PROMISES},
    }


def _tier(record: Record, tier: str) -> dict[str, Any]:
    """Waits of those who were answered; ``within promise``: the share of all who stood in line, by the promise that
    held when they came."""
    second = second_version(record)
    calls = [call for call in record.inbound if call.tier == tier and call.need is not None]
    waits = sorted(call.waited for call in calls if call.answered)
    promised = {call.id: (OTHER_PROMISES if call.began > second else PROMISES)[tier] for call in calls}
    kept = sum(call.answered and call.waited <= promised[call.id] for call in calls)
    return {
        "calls": len(calls),
        "answered": len(waits),
        "wait p50": round(median(waits), 1) if waits else None,
        "wait p90": round(waits[int(len(waits) * 0.9)], 1) if waits else None,
        "wait max": round(waits[-1], 1) if waits else None,
        "within promise": round(kept / len(calls), 3) if calls else None,
    }
