"""What can be asked of the theory, and what makes no sense."""

import math
from collections.abc import Sequence

from callcenter.errors import BadInput

MOST_AGENTS = 10_000
"""What the tests hold; also a limit to what one question costs."""


def check_agents(agents: int) -> None:
    """Raise ``BadInput`` unless there are 1 to ``MOST_AGENTS``."""
    if not 1 <= agents <= MOST_AGENTS or agents != int(agents):
        raise BadInput(f"agents must be a whole number from 1 to {MOST_AGENTS}, not {agents}")


def check_positive(name: str, value: float) -> None:
    """Raise ``BadInput`` unless it is a number above 0."""
    if not (math.isfinite(value) and value > 0):
        raise BadInput(f"{name} must be more than 0, not {value}")


def check_not_negative(name: str, value: float) -> None:
    """Raise ``BadInput`` unless it is a number from 0 on."""
    if not (math.isfinite(value) and value >= 0):
        raise BadInput(f"{name} must be 0 or more, not {value}")


def check_share(name: str, value: float) -> None:
    """Raise ``BadInput`` unless it is from 0 to below 1."""
    if not 0 <= value < 1:
        raise BadInput(f"{name} must be from 0 to below 1, not {value}")


def check_line(agents: int, rate: float, service: float) -> None:
    """Raise ``BadInput`` where these are no line of callers."""
    check_agents(agents)
    check_not_negative("rate", rate)
    check_positive("service", service)
    check_not_negative("rate times service", rate * service)


def check_rates(rates: Sequence[float]) -> None:
    """Raise ``BadInput`` unless there is a class of callers and each rate is 0 or more."""
    if not rates:
        raise BadInput("there must be at least one class of callers")
    for rate in rates:
        check_not_negative("rate", rate)
