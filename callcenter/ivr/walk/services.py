"""What a walk is given: the parts behind its ports."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from callcenter.clock import Clock
from callcenter.ivr.ports import (
    CallbackAsking,
    CaseDesk,
    Counting,
    Dialling,
    Identities,
    Knowing,
    Lines,
    Lookups,
    Prompts,
    VisitRecorder,
)


@dataclass(frozen=True, slots=True)
class Services:
    """``recordings``: the folder where Asterisk writes what callers say. ``zone``: what ``time.hour`` and its like
    count in, for flows that have no opening hours whose zone they could take."""

    clock: Clock
    recordings: Path
    prompts: Prompts
    identification: Knowing
    identities: Identities
    lookups: Lookups
    cases: CaseDesk
    dialling: Dialling
    callbacks: CallbackAsking
    lines: Lines
    counting: Counting
    recorder: VisitRecorder
    zone: dt.tzinfo = dt.UTC
