"""The word that was meant."""

from collections.abc import Iterable
from difflib import get_close_matches

_BUDGET = 20_000


class Near:
    """Suggests a word. It stops when it has compared enough: a hostile file can have thousands of wrong words."""

    def __init__(self) -> None:
        self._left = _BUDGET

    def __call__(self, word: str, words: Iterable[str]) -> str:
        """``: did you mean “menu”?``, or nothing."""
        if self._left <= 0:
            return ""
        known = sorted(words)[: self._left]
        self._left -= len(known)
        close = get_close_matches(word[:60], known, 1)
        return f": did you mean “{close[0]}”?" if close else ""
