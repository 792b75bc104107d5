"""Recorded days, from the database or from a file, as the floor replays them.

How patient callers are is not on record: of those who were served it is only known that they waited so long. With
exponential patience and such censored waits the likeliest mean is all the waiting there was (of everybody) over the
number of those who hung up (Brown et al., "Statistical analysis of a telephone call center", Journal of the American
Statistical Association 100, 2005). Callers who left the line in another way (to a voicemail, to a callback) leave it in
the replay after the same wait; for the estimate they are callers who would have waited on.

A file is CSV with a line of names: ``joined`` (time of day), ``queue``, ``tier``, ``waited``, ``talked`` (empty: not
served), ``wrap_up`` (seconds), ``abandoned`` (yes or no).
"""

import csv
import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from callcenter.customers.customer import Tier
from callcenter.errors import BadInput
from callcenter.ids import QueueName
from callcenter.rehearsal.plan import Day, Recorded
from callcenter.storage.arrivals import Arrival

COLUMNS = ("joined", "queue", "tier", "waited", "talked", "wrap_up", "abandoned")
MOST_ROWS = 1_000_000
LONGEST = 86400.0
"""Seconds that a wait or a talk may last in a file."""


def day_of(name: str, arrivals: Sequence[Arrival], zone: ZoneInfo, begins: dt.time) -> Day:
    """A day of the database; ``begins``: the time of day that the plan counts from. Raises ``BadInput`` when nobody
    called."""
    if not arrivals:
        raise BadInput(f"{name}: no calls that waited in a queue are on record.")
    found = [
        Recorded(
            at=_since(one.joined.astimezone(zone).time(), begins),
            queue=one.queue,
            tier=_tier(one.tier),
            talk=one.talked or None,
            wrap_up=one.wrap_up,
            waited=one.waited,
        )
        for one in arrivals
    ]
    return _day(name, found, sum(one.abandoned for one in arrivals))


def read_day(path: Path, begins: dt.time) -> Day:
    """A day of a file; raises ``BadInput`` that says what is wrong, with the line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(_rows(path, csv.DictReader(file), begins))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: is no CSV: {error}") from error
    if not rows:
        raise BadInput(f"{path}: nobody called.")
    return _day(str(path), [one for one, _ in rows], sum(abandoned for _, abandoned in rows))


def write_day(path: Path, arrivals: Iterable[Arrival], zone: ZoneInfo) -> None:
    """A day of the database as a file that ``read_day`` reads; raises ``BadInput`` when it can't be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for one in arrivals:
                joined = one.joined.astimezone(zone).time().isoformat()
                talked = "" if one.talked is None else f"{one.talked:.3f}"
                told = "yes" if one.abandoned else "no"
                writer.writerow(
                    (joined, one.queue, one.tier, f"{one.waited:.3f}", talked, f"{one.wrap_up:.3f}", told)
                )
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error


def mean_patience(waits: Iterable[float], hung_up: int) -> float:
    """Seconds, as the module says; infinite when nobody hung up."""
    return math.fsum(waits) / hung_up if hung_up else math.inf


def _day(name: str, found: list[Recorded], hung_up: int) -> Day:
    found.sort(key=lambda one: one.at)
    if all(one.talk is None for one in found):
        raise BadInput(f"{name}: nobody was served, so nothing says how long talks are.")
    return Day(name, tuple(found), mean_patience((one.waited for one in found), hung_up))


def _rows(path: Path, reader: "csv.DictReader[str]", begins: dt.time) -> Iterator[tuple[Recorded, bool]]:
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
        raise BadInput(f"{path}: the first line must name the columns; {', '.join(missing)} is missing.")
    for row in reader:
        if reader.line_num > MOST_ROWS:
            raise BadInput(f"{path}: more than {MOST_ROWS} lines.")
        try:
            yield _row(row, begins)
        except (ValueError, TypeError) as error:
            raise BadInput(f"{path}, line {reader.line_num}: {error}") from error


def _row(row: dict[str, str], begins: dt.time) -> tuple[Recorded, bool]:
    if row["abandoned"] not in {"yes", "no"}:
        raise ValueError("abandoned must be yes or no")
    contact = Recorded(
        at=_since(dt.time.fromisoformat(row["joined"]), begins),
        queue=QueueName(row["queue"]),
        tier=Tier(row["tier"]),
        talk=_seconds("talked", row["talked"]) if row["talked"] else None,
        wrap_up=_seconds("wrap_up", row["wrap_up"]),
        waited=_seconds("waited", row["waited"]),
    )
    return contact._replace(talk=contact.talk or None), row["abandoned"] == "yes"


def _seconds(name: str, text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"{name} must be between 0 and {LONGEST:g} s, not {text[:20]}")
    return seconds


def _since(time: dt.time, begins: dt.time) -> float:
    return _of_day(time) - _of_day(begins)


def _of_day(time: dt.time) -> float:
    return time.hour * 3600 + time.minute * 60 + time.second + time.microsecond / 1e6


def _tier(name: str) -> Tier:
    """A tier that has been given up since counts as regular."""
    return Tier(name) if name in set(Tier) else Tier.REGULAR
