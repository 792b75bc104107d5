"""A line simulated in the plainest way, sharing no code with what it checks: a list that is searched at each step."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Urgency = Callable[[int, float], float]


@dataclass
class Seen:
    """What happened to the callers of one class: seconds until the answer, or until they hung up."""

    answered: list[float] = field(default_factory=list)
    gone: list[float] = field(default_factory=list)

    @property
    def mean_wait(self) -> float:
        """Of all of them."""
        return (sum(self.answered) + sum(self.gone)) / (len(self.answered) + len(self.gone))

    def within(self, seconds: float) -> float:
        """The share of all who were answered in time."""
        return sum(wait <= seconds for wait in self.answered) / (len(self.answered) + len(self.gone))


def first_come(_: int, waited: float) -> float:
    """No classes."""
    return waited


def simulate(
    agents: int,
    rates: Sequence[float],
    service: float,
    urgency: Urgency,
    *,
    calls: int,
    seed: int,
    patience: float | None = None,
    warm_up: int = 500,
) -> list[Seen]:
    """Poisson calls, exponential services and patience; ``urgency(class, waited)``: the greatest is next."""
    draw = random.Random(seed)
    seen = [Seen() for _ in rates]
    busy_until: list[float] = []
    line: list[tuple[int, float, float, bool]] = []
    clock = 0.0
    for number in range(calls):
        arrival = clock + draw.expovariate(sum(rates))
        while busy_until and min(busy_until) <= arrival:
            clock = min(busy_until)
            busy_until.remove(clock)
            line = _hang_ups(line, clock, seen)
            if line:
                chosen = max(line, key=lambda caller: urgency(caller[0], clock - caller[1]))
                line.remove(chosen)
                busy_until.append(clock + draw.expovariate(1 / service))
                if chosen[3]:
                    seen[chosen[0]].answered.append(clock - chosen[1])
        clock = arrival
        which = draw.choices(range(len(rates)), rates)[0]
        gives_up = clock + (draw.expovariate(1 / patience) if patience else float("inf"))
        counted = number >= warm_up
        if len(busy_until) < agents:
            busy_until.append(clock + draw.expovariate(1 / service))
            if counted:
                seen[which].answered.append(0.0)
        else:
            line.append((which, clock, gives_up, counted))
    return seen


def _hang_ups(
    line: list[tuple[int, float, float, bool]], now: float, seen: list[Seen]
) -> list[tuple[int, float, float, bool]]:
    for which, arrived, gives_up, counted in line:
        if gives_up <= now and counted:
            seen[which].gone.append(gives_up - arrived)
    return [caller for caller in line if caller[2] > now]
