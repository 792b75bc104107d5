"""What a page may order over its socket: strict parsing here, the deed at the desk."""

import datetime as dt
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from callcenter.complaints.complaint import SUBJECT_LIMIT, TEXT_LIMIT, Severity
from callcenter.errors import BadInput
from callcenter.follow_ups.follow_up import NOTE_LIMIT
from callcenter.ids import AgentId, CallId, CustomerId, FollowUpId, OfferId, UserId
from callcenter.web.parts import log_audit
from callcenter.web.ports import Audit, Desk
from callcenter.web.screens import ScreenHub

Fields = Mapping[str, Any]
Done = dict[str, Any]

NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
CODE = re.compile(r"[A-Z][A-Z0-9_]{0,29}")
HEX_ID = re.compile(r"[0-9a-f]{32}")
EXTENSION = re.compile(r"[0-9A-Za-z]{1,20}")
QUEUE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
CATEGORY_LIMIT = 60
SPACING = str.maketrans("", "", " -()./\u00a0")
"""What people write between the digits of a number."""


class Orders:
    """The table of orders: type of message -> what is done."""

    def __init__(self, desk: Desk, hub: ScreenHub, audit: Audit = log_audit) -> None:
        self._desk, self._hub, self._audit = desk, hub, audit
        self._table: dict[str, Callable[[AgentId, Fields], Awaitable[Done | None]]] = {
            "pop_shown": self._pop_shown,
            "alive": self._alive,
            "ready": self._ready,
            "not_ready": self._not_ready,
            "answer": self._answer,
            "hang_up": self._hang_up,
            "dial": self._dial,
            "transfer_targets": self._transfer_targets,
            "transfer": self._transfer,
            "finish_wrap_up": self._finish_wrap_up,
            "log_complaint": self._log_complaint,
            "plan_follow_up": self._plan_follow_up,
        }

    async def obey(self, agent_id: AgentId, fields: Fields) -> Done | None:
        """Do what a message says; gives the fields of ``done``, or None when nothing is to be said. Raises
        ``CallcenterError``."""
        order = self._table.get(_text(fields, "type", 40))
        if order is None:
            raise BadInput("There is no such order.")
        return await order(agent_id, fields)

    async def _pop_shown(self, agent_id: AgentId, fields: Fields) -> None:
        offer = fields.get("offer_id")
        offer_id = None if offer is None else OfferId(_hex(fields, "offer_id"))
        self._hub.pop_shown(agent_id, CallId(_hex(fields, "call_id")), offer_id)

    async def _alive(self, _agent_id: AgentId, _fields: Fields) -> None:
        return None

    async def _ready(self, agent_id: AgentId, _fields: Fields) -> Done:
        self._desk.ready(agent_id)
        return {}

    async def _not_ready(self, agent_id: AgentId, fields: Fields) -> Done:
        self._desk.not_ready(agent_id, _code(fields, "reason"))
        return {}

    async def _answer(self, agent_id: AgentId, _fields: Fields) -> Done:
        await self._desk.answer(agent_id)
        return {}

    async def _hang_up(self, agent_id: AgentId, _fields: Fields) -> Done:
        await self._desk.hang_up(agent_id)
        return {}

    async def _dial(self, agent_id: AgentId, fields: Fields) -> Done:
        given = [
            name for name in ("number", "customer_id", "follow_up_id") if fields.get(name) not in (None, "")
        ]
        if len(given) != 1:
            raise BadInput("Say one of number, customer_id and follow_up_id.")
        match given[0]:
            case "number":
                call_id = await self._desk.dial(agent_id, number=_number(fields))
            case "customer_id":
                call_id = await self._desk.dial(
                    agent_id, customer_id=CustomerId(_whole(fields, "customer_id"))
                )
            case _:
                call_id = await self._desk.dial(
                    agent_id, follow_up_id=FollowUpId(_whole(fields, "follow_up_id"))
                )
        return {"call_id": call_id}

    async def _transfer_targets(self, agent_id: AgentId, _fields: Fields) -> Done:
        """They come as a message of their own, which browsers get drawn."""
        self._hub.update(agent_id, "targets", {"targets": self._desk.targets(agent_id)})
        return {}

    async def _transfer(self, agent_id: AgentId, fields: Fields) -> Done:
        given = {
            name: _text(fields, name, 40) for name in ("agent", "queue") if fields.get(name) not in (None, "")
        }
        if len(given) != 1:
            raise BadInput("Say one of agent and queue.")
        ((kind, target),) = given.items()
        if not (EXTENSION if kind == "agent" else QUEUE).fullmatch(target):
            raise BadInput(
                "An agent is named by the extension, such as 1001; a queue by its name, such as sales."
            )
        call_id = CallId(_hex(fields, "call_id"))
        if kind == "agent":
            await self._desk.transfer(agent_id, call_id, agent=target)
        else:
            await self._desk.transfer(agent_id, call_id, queue=target)
        self._audit("call_put_through", UserId(agent_id), call_id=call_id, **{f"to_{kind}": target})
        return {}

    async def _finish_wrap_up(self, agent_id: AgentId, fields: Fields) -> Done:
        self._desk.finish_wrap_up(
            agent_id, _code(fields, "disposition"), _text(fields, "note", NOTE_LIMIT, "")
        )
        return {}

    async def _log_complaint(self, agent_id: AgentId, fields: Fields) -> Done:
        severity = _text(fields, "severity", 10)
        if severity not in {one.value for one in Severity}:
            raise BadInput("The severity must be low, medium or high.")
        customer = fields.get("customer_id")
        number = await self._desk.log_complaint(
            agent_id,
            category=_text(fields, "category", CATEGORY_LIMIT),
            severity=severity,
            subject=_text(fields, "subject", SUBJECT_LIMIT),
            text=_text(fields, "text", TEXT_LIMIT, ""),
            customer_id=None if customer in (None, "") else CustomerId(_whole(fields, "customer_id")),
            call_id=_call(fields),
        )
        return {"number": number}

    async def _plan_follow_up(self, agent_id: AgentId, fields: Fields) -> Done:
        follow_up_id = await self._desk.plan_follow_up(
            agent_id,
            customer_id=CustomerId(_whole(fields, "customer_id")),
            reason=_text(fields, "reason", 200),
            note=_text(fields, "note", NOTE_LIMIT, ""),
            due_at=_date(fields, "due_at"),
            call_id=_call(fields),
        )
        return {"follow_up_id": follow_up_id}


def _call(fields: Fields) -> CallId | None:
    """The call that a form was begun for; None leaves it to the desk."""
    return CallId(_hex(fields, "call_id")) if fields.get("call_id") else None


def _text(fields: Fields, name: str, limit: int, default: str | None = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise BadInput(f"{name} must be a text.")
    if len(value) > limit:
        raise BadInput(f"{name} is longer than {limit} characters.")
    if any(ord(c) < 32 and c not in "\n\t\r" for c in value) or any(0xD800 <= ord(c) < 0xE000 for c in value):
        raise BadInput(f"{name} contains control characters.")
    return value


def _code(fields: Fields, name: str) -> str:
    value = _text(fields, name, 30)
    if not CODE.fullmatch(value):
        raise BadInput(f"{name} must be a code of capital letters, such as LUNCH.")
    return value


def _hex(fields: Fields, name: str) -> str:
    value = _text(fields, name, 32)
    if not HEX_ID.fullmatch(value):
        raise BadInput(f"{name} must be 32 hexadecimal digits.")
    return value


def _whole(fields: Fields, name: str) -> int:
    value = fields.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise BadInput(f"{name} must be a positive whole number.")
    return value


def _number(fields: Fields) -> str:
    value = _text(fields, "number", 60).translate(SPACING)
    if not NUMBER.fullmatch(value):
        raise BadInput(
            "A number has digits, and a + in front if it is international: +8613800138000 or 1001."
        )
    return value


def _date(fields: Fields, name: str) -> dt.datetime:
    try:
        value = dt.datetime.fromisoformat(_text(fields, name, 40))
    except ValueError:
        raise BadInput(f"{name} must be a date and time such as 2026-01-31T15:00:00+08:00.") from None
    if value.tzinfo is None:
        raise BadInput(f"{name} needs a time zone, such as +08:00 at its end.")
    return value.astimezone(dt.UTC)
