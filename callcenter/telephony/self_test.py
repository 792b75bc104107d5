"""Whether our AMI account may do what it must, and nothing that would be a shell on Asterisk's machine.

Each write class is tried with an action that belongs to it and lacks its argument: Asterisk says ``Permission
denied`` before it looks at arguments, so nothing is ever done.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from callcenter.asterisk.ami.actions import SimpleAction
from callcenter.asterisk.ami.messages import Response
from callcenter.errors import ActionFailed

WRITE_LINE = "write = call,agent,originate,reporting"
"""What manager.conf must say, exactly."""
READ_LINE = "read = system,call,agent,user"
_ACCOUNT = f"in manager.conf, in the account of the call centre:  {WRITE_LINE}  and then  manager reload"

Ask = Callable[[SimpleAction], Awaitable[Response]]


class Asks(Protocol):
    """Somebody who can have Asterisk do something: ``Telephony``."""

    async def action(self, action: SimpleAction) -> Response:
        """Raises ActionFailed when refused."""


@dataclass(frozen=True, slots=True)
class _Needed:
    action: str
    module: str
    purpose: str


_NEEDED = {
    "call": _Needed("Setvar", "", "hang up calls and cut announcements"),
    "agent": _Needed("QueueAdd", "app_queue", "keep ready agents in the fallback queue"),
    "originate": _Needed("Originate", "", "call customers at a click"),
    "reporting": _Needed("CoreStatus", "", "see the channels and phones there are"),
}
_REFUSED = {"system": "ModuleCheck", "command": "Command", "config": "ListCategories"}


@dataclass(frozen=True, slots=True)
class Rights:
    """Write classes: those that are missing, those that are too much, and modules that Asterisk lacks."""

    missing: tuple[str, ...]
    excessive: tuple[str, ...]
    unloaded: tuple[str, ...]

    def problems(self) -> list[tuple[str, str]]:
        """What is wrong, and the line to write, for each."""
        found = [
            (f'the AMI account lacks the write class "{name}", needed to {_NEEDED[name].purpose}', _ACCOUNT)
            for name in self.missing
        ]
        danger = "with which whoever steals its secret can run programs on Asterisk's machine"
        found += [
            (f'the AMI account has the write class "{name}", {danger}', _ACCOUNT) for name in self.excessive
        ]
        found += [
            (f"Asterisk has not loaded {name}", f"in modules.conf:  load = {name}.so")
            for name in self.unloaded
        ]
        return found


async def account_faults(telephony: Asks) -> list[str]:
    """What is wrong with the account's rights, a sentence each; empty when it is as it should be (A20).

    Ask once the link is up. Raises TelephonyDown when it is lost meanwhile, ActionFailed when Asterisk does not
    answer in time.
    """
    return [f"{text}: {remedy}" for text, remedy in (await rights(telephony.action)).problems()]


async def rights(ask: Ask) -> Rights:
    """Try every class. Raises as ``account_faults``."""
    missing, unloaded, excessive = [], [], []
    for name, needed in _NEEDED.items():
        answer = await _answer(ask, needed.action)
        if answer == "denied":
            missing.append(name)
        elif answer == "unknown" and needed.module:
            unloaded.append(needed.module)
    for name, action in _REFUSED.items():
        if await _answer(ask, action) == "allowed":
            excessive.append(name)
    return Rights(tuple(missing), tuple(excessive), tuple(unloaded))


async def _answer(ask: Ask, action: str) -> str:
    """``allowed``, ``denied``, or ``unknown`` to this Asterisk."""
    try:
        await ask(SimpleAction(action))
    except ActionFailed as error:
        if error.code == "action_timeout":
            raise
        text = error.message.lower()
        if "permission denied" in text:
            return "denied"
        return "unknown" if "unknown command" in text else "allowed"
    return "allowed"
