"""The account's self-test against an Asterisk of words (A20)."""

from collections.abc import Mapping

import pytest

from callcenter.asterisk.ami.actions import SimpleAction
from callcenter.asterisk.ami.messages import Response
from callcenter.errors import ActionFailed
from callcenter.telephony.self_test import account_faults

pytestmark = pytest.mark.unit

GOOD = {
    "Setvar": "No variable specified",
    "QueueAdd": "'Queue' not specified.",
    "Originate": "Channel not specified",
    "CoreStatus": "",
    "ModuleCheck": "Permission denied",
    "Command": "Permission denied",
    "ListCategories": "Permission denied",
}


class Words:
    """Answers each action with an error's text; empty is success."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.answers = answers
        self.asked: list[SimpleAction] = []

    async def action(self, action: SimpleAction) -> Response:
        """As Telephony."""
        self.asked.append(action)
        text = self.answers[action.name]
        if text == "timeout":
            raise ActionFailed("no answer", code="action_timeout")
        if text:
            raise ActionFailed(f"{action.name}: {text}")
        return Response("Success", {})


async def test_the_right_account() -> None:
    """No fault, and no action had an argument: nothing could have been done."""
    asterisk = Words(GOOD)
    assert await account_faults(asterisk) == []
    assert len(asterisk.asked) == len(GOOD)
    assert all(action.keys == {} for action in asterisk.asked)


@pytest.mark.parametrize(
    ("action", "answer", "word"),
    [
        ("Setvar", "Permission denied", '"call"'),
        ("QueueAdd", "Permission denied", '"agent"'),
        ("Originate", "Permission denied", '"originate"'),
        ("CoreStatus", "Permission denied", '"reporting"'),
        ("ModuleCheck", "Module not loaded", '"system"'),
        ("Command", "No command provided", '"command"'),
        ("ListCategories", "Filename not specified", '"config"'),
        ("QueueAdd", "Invalid/unknown command: QueueAdd. Use Action: ListCommands", "app_queue"),
    ],
)
async def test_each_fault_is_named(action: str, answer: str, word: str) -> None:
    """One class too few or too many is one sentence that names it and the line to write."""
    (fault,) = await account_faults(Words(GOOD | {action: answer}))
    assert word in fault
    assert "write = call,agent,originate,reporting" in fault or "modules.conf" in fault


async def test_silence_is_no_answer() -> None:
    """An Asterisk that does not answer in time is not called fit."""
    with pytest.raises(ActionFailed):
        await account_faults(Words(GOOD | {"Command": "timeout"}))
