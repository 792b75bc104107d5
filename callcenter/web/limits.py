"""How often something may be tried: a sliding window per key, in bounded memory."""

from collections import OrderedDict, deque

from callcenter.clock import Clock

KEYS_KEPT = 10_000
"""More names than this are an attack; the keys used longest ago are forgotten first."""


class Window:
    """At most ``tries`` per ``seconds`` for each key."""

    def __init__(self, clock: Clock, tries: int, seconds: float) -> None:
        self._clock, self._tries, self._seconds = clock, tries, seconds
        self._used: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Seconds until this key may try again; 0 when it may now."""
        used = self._fresh(key)
        if len(used) < self._tries:
            return 0.0
        return max(0.1, used[0] + self._seconds - self._clock.now())

    def note(self, key: str) -> None:
        """Count one try, at its beginning: tries that run at the same time count as well."""
        self._used.setdefault(key, deque()).append(self._clock.now())
        self._used.move_to_end(key)
        while len(self._used) > KEYS_KEPT:
            self._used.popitem(last=False)

    def forgive(self, key: str) -> None:
        """Forget the key: it has proved itself."""
        self._used.pop(key, None)

    def _fresh(self, key: str) -> deque[float]:
        used = self._used.get(key)
        if used is None:
            return deque()
        while used and used[0] <= self._clock.now() - self._seconds:
            used.popleft()
        return used


class Rate:
    """One window for one socket."""

    def __init__(self, clock: Clock, tries: int, seconds: float) -> None:
        self._window = Window(clock, tries, seconds)

    def allows(self) -> bool:
        """Count one more; False when that is one too many."""
        if self._window.wait(""):
            return False
        self._window.note("")
        return True
