"""A busy minute on a real Asterisk, judged from the record alone: of Asterisk, of the screens, of the database."""

from pathlib import Path

import pytest

from tests.live.busy_figures import judged
from tests.live.busy_floor import Size

pytestmark = [pytest.mark.live, pytest.mark.timeout(150)]

MINUTE = Size(
    agents=8,
    waves=((16, 2.4), (16, 2.4), (10, 2.4)),
    talk=(3.0, 5.0),
    moody=1,
    mood=6,
    hasty=0.3,
    call_me=0.12,
    again=1.0,
)


async def test_a_busy_minute(prompts: Path) -> None:
    """Four tiers, skills, missed calls, people who give up and ring again, callbacks, owners, and rules published in
    between: everything that must hold does."""
    assert await judged(prompts, MINUTE) == []
