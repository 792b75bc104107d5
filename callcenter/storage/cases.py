"""Orders and complaints for callers who serve themselves: how one stands, and a complaint that is spoken."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import RowMapping, Select, select

from callcenter.calls.call import Call
from callcenter.clock import Clock
from callcenter.complaints.complaint import NewComplaint, Severity
from callcenter.complaints.status import Status
from callcenter.errors import BadInput, NotFound
from callcenter.ids import AgentId, CustomerId
from callcenter.storage.complaints import StoredComplaints, complaint_number
from callcenter.storage.database import Database
from callcenter.storage.tables import complaints, orders, users

THE_SYSTEM = AgentId(0)
"""Who has logged what nobody typed."""
ORDERS_SEEN = 5_000
"""The latest orders of a customer among which a typed number is looked for."""
LARGEST_ID = 2**31 - 1

SUBJECTS = {"en": "Complaint by voice, {seconds} s", "zh": "语音投诉，{seconds} 秒"}
TEXTS = {
    "en": "The customer spoke it after the tone: listen to the recording.",
    "zh": "客户在提示音后口述，请收听录音。",
}


class StoredCases:
    """The ``CaseDesk``. ``zone``: where dates are told, for an order of tonight may be one of tomorrow elsewhere.
    Both methods may raise ``DatabaseAway``."""

    def __init__(self, database: Database, clock: Clock, zone: tzinfo = UTC) -> None:
        self._database = database
        self._zone = zone
        self._complaints = StoredComplaints(database, clock)

    async def status(self, of: str, customer_id: CustomerId, number: str | None) -> Status | None:
        """Of ``order`` or ``complaint``; only this customer's, the latest when there is no ``number``. A number may
        be typed by its digits alone."""
        if of == "order":
            return await self._order(customer_id, number)
        if of == "complaint":
            return await self._complaint(customer_id, number)
        raise BadInput(f"Nothing is known of how a thing named {of} stands.")

    async def complain(self, call: Call, category: str, severity: str, recording: str, seconds: float) -> str:
        """Keep a complaint that was spoken; gives its number (``C-000123``). The same recording is one complaint,
        however often it is told. Raises ``BadInput`` for an unknown severity."""
        known = await self._one(select(complaints.c.id).where(complaints.c.recording == recording).limit(1))
        if known is not None:
            return complaint_number(known["id"])
        spoken = _spoken(call, category, severity, seconds)
        try:
            _, number = await self._complaints.add(spoken, recording)
        except NotFound:  # the customer's record was deleted meanwhile: the call has it still
            _, number = await self._complaints.add(replace(spoken, customer_id=None), recording)
        return number

    async def _order(self, customer_id: CustomerId, number: str | None) -> Status | None:
        latest = orders.c.ordered_at.desc(), orders.c.id.desc()
        mine = orders.c.customer_id == customer_id
        order_id: int | None = None
        if number is not None:
            query = select(orders.c.id, orders.c.number).where(mine).order_by(*latest).limit(ORDERS_SEEN)
            order_id = matching(number, [(row["id"], row["number"]) for row in await self._all(query)])
            if order_id is None:
                return None
        wanted = mine if order_id is None else orders.c.id == order_id
        row = await self._one(select(orders).where(wanted).order_by(*latest).limit(1))
        if row is None:
            return None
        amount = f"{row['amount']:.2f} {row['currency']}"
        return Status(row["number"], row["state"], self._iso(row["ordered_at"]), amount=amount)

    async def _complaint(self, customer_id: CustomerId, number: str | None) -> Status | None:
        query = (
            select(complaints, users.c.display_name)
            .outerjoin(users, users.c.id == complaints.c.owner_id)
            .where(complaints.c.customer_id == customer_id)
            .order_by(complaints.c.opened_at.desc(), complaints.c.id.desc())
            .limit(1)
        )
        if number is not None:
            complaint_id = int(digits_of(number)[:18] or 0)
            if not 0 < complaint_id <= LARGEST_ID:
                return None
            query = query.where(complaints.c.id == complaint_id)
        row = await self._one(query)
        if row is None:
            return None
        return Status(
            complaint_number(row["id"]),
            row["state"],
            self._iso(row["opened_at"]),
            owner=row["display_name"] or "",
            due=self._iso(row["due_at"]),
        )

    async def _one(self, query: Select[Any]) -> RowMapping | None:
        found = await self._all(query)
        return found[0] if found else None

    async def _all(self, query: Select[Any]) -> Sequence[RowMapping]:
        async with self._database.reading() as connection:
            rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
        return rows

    def _iso(self, moment: datetime | None) -> str:
        return "" if moment is None else moment.astimezone(self._zone).isoformat(timespec="seconds")


def digits_of(text: str) -> str:
    """What of a number can be typed on a telephone."""
    return "".join(one for one in text if one in "0123456789")


def normalised(text: str) -> str:
    """A number as it is compared: letters and digits alone, without letter case."""
    return "".join(one for one in text.casefold() if one.isalnum())


def matching(typed: str, numbers: Iterable[tuple[int, str]]) -> int | None:
    """Which of these is meant (the latest comes first): the one with this very number, else the first whose digits
    are these."""
    wanted, digits = normalised(typed), digits_of(typed)
    by_digits: int | None = None
    for order_id, number in numbers:
        if wanted and normalised(number) == wanted:
            return order_id
        if by_digits is None and digits and digits == wanted and digits_of(number) == digits:
            by_digits = order_id
    return by_digits


def _spoken(call: Call, category: str, severity: str, seconds: float) -> NewComplaint:
    if severity not in set(Severity):
        raise BadInput(f"A complaint can't be as severe as “{severity}”.")
    language = call.language if call.language in SUBJECTS else "en"
    return NewComplaint(
        customer_id=call.customer_id,
        call_id=call.id,
        by=THE_SYSTEM,
        category=category,
        severity=Severity(severity),
        subject=SUBJECTS[language].format(seconds=round(seconds)),
        text=TEXTS[language],
    )
