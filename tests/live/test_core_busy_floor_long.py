"""A thousand calls and fifty agents on a real Asterisk, judged from the record alone."""

from pathlib import Path

import pytest

from tests.live.busy_figures import judged
from tests.live.busy_floor import Size

pytestmark = [pytest.mark.live, pytest.mark.long, pytest.mark.timeout(900)]

THOUSAND = Size(
    agents=50,
    waves=tuple((100, rate) for _ in range(5) for rate in (6.0, 4.0)),
    talk=(7.0, 13.0),
    moody=4,
    call_me=0.08,
)


async def test_a_thousand_calls(prompts: Path) -> None:
    """Bursts of more callers than fifty agents can serve and lulls after them: everything that must hold does."""
    assert THOUSAND.calls == 1000
    assert await judged(prompts, THOUSAND) == []
