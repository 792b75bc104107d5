"""Skills with proficiency: what an agent can do, and how well; what a call needs, and how well at least.

A proficiency is a whole number from 1 (can do it) to 5 (best). People write ``billing=4, cantonese``; a skill without a
number is 1.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from callcenter.errors import BadInput

Levels: TypeAlias = Mapping[str, int]
"""Skill -> proficiency, 1 to 5."""

BEST = 5
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""As the settings and the flows write names."""


def parse_levels(text: str) -> dict[str, int]:
    """``billing=4, cantonese`` as levels; raises ``BadInput`` that says what is wrong."""
    found: dict[str, int] = {}
    for part in (one.strip() for one in text.split(",")):
        if not part:
            continue
        name, equals, level = (one.strip() for one in part.partition("="))
        if not NAME.fullmatch(name) or (equals and not re.fullmatch(r"[1-5]", level)):
            raise BadInput(
                f"“{part[:40]}” is no skill: write for example billing=4 (1 to {BEST}) or billing."
            )
        if name in found:
            raise BadInput(f"The skill {name} is named twice.")
        found[name] = int(level) if equals else 1
    return found


def levels_of(kept: object) -> dict[str, int]:
    """Levels as JSON has them; a plain list of names, as older records are, means 1 each. What is neither is left
    out."""
    if isinstance(kept, Mapping):
        pairs: Iterable[tuple[object, object]] = kept.items()
    else:
        pairs = ((name, 1) for name in kept) if isinstance(kept, list | tuple | set | frozenset) else ()
    return {
        name: level
        for name, level in pairs
        if isinstance(name, str) and type(level) is int and 1 <= level <= BEST
    }


def words(levels: Levels) -> str:
    """As people write it: ``billing=4, cantonese``."""
    return ", ".join(name if level == 1 else f"{name}={level}" for name, level in sorted(levels.items()))
