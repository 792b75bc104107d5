"""A caller who is not there: what is heard is noted, keys come from whoever plays the caller, time moves by itself."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from callcenter.calls.ports import Departure, DialResult, RecordedMessage
from callcenter.clock import ManualClock
from callcenter.errors import CallerGone
from callcenter.ids import CallId
from callcenter.ivr.flow.texts import Language

SILENCE = "silence"
HANG_UP = "hang up"
KEYS = frozenset("0123456789*#")
REACTION = 0.4
"""Seconds from the end of the words to the first key."""
KEY_GAP = 0.3
"""Seconds between two keys."""

Presses = Callable[[], Awaitable[str]]
"""What the caller does at the next question: keys (one or more), ``silence`` or ``hang up``."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Something that can be played. ``text`` is as spoken; ``seconds`` is its length."""

    prompt: str
    language: Language
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What the caller heard. ``start`` counts from the call's answer; ``seconds`` is as much as was played of it before
    a key cut it."""

    sound: Sound
    start: float
    seconds: float


class VirtualLine:
    """A ``CallerLine`` without Asterisk. ``sounds`` is filled by whoever makes the prompts: a path is an index in it.
    ``spoken``: seconds that the caller speaks at each recording; after the last nothing is said."""

    channel_id = "virtual-1.1"
    caller_name = ""

    def __init__(
        self,
        clock: ManualClock,
        presses: Presses,
        *,
        number: str = "",
        did: str = "",
        spoken: Iterable[float] = (),
    ) -> None:
        self.caller_number = number
        self.did = did
        self.sounds: list[Sound] = []
        self.heard: list[Heard] = []
        self.pressed: list[tuple[float, str]] = []
        self.hung_up_at: float | None = None
        self.told: Callable[[Heard], None] | None = None
        self._clock = clock
        self._began = clock.now()
        self._presses = presses
        self._spoken = deque(spoken)
        self._rest = ""  # keys of this answer that are still to come
        self._asked = True  # words were spoken since the last answer

    @property
    def now(self) -> float:
        """Seconds since the answer."""
        return round(self._clock.now() - self._began, 6)

    # -------------------------------------------------------- heard and pressed

    async def play(self, prompt: str, *, interrupt_keys: str = "") -> str:
        """All of it, or until a key that the caller is just pressing."""
        self._check()
        sound = self.sounds[int(prompt)]
        self._asked = True
        if self._rest and self._rest[0] in interrupt_keys:
            self._hear(sound, min(KEY_GAP, sound.seconds))
            return self._press()
        self._rest = ""  # pressed into words that can't be cut: lost
        self._hear(sound, sound.seconds)
        return ""

    async def read_key(self, seconds: float) -> str:
        """The next key of this answer, or the first one of the next."""
        self._check()
        if self._rest:
            self._clock.move(KEY_GAP)
            return self._press()
        if self._asked:
            self._asked = False
            answer = await self._presses()
            if answer == HANG_UP:
                self.leave()
            if answer and answer != SILENCE:
                self._clock.move(REACTION)
                self._rest = answer
                return self._press()
        self._clock.move(seconds)
        return ""

    async def record_message(
        self, path: str, *, max_seconds: int, silence: int, finish: str
    ) -> RecordedMessage:
        """The next speech, ended by a key."""
        del path
        self._check()
        self._rest, self._asked = "", True
        seconds = min(self._spoken.popleft() if self._spoken else 0.0, max_seconds)
        if not seconds:
            self._clock.move(silence)
            return RecordedMessage(0.0, "")
        self._clock.move(seconds)
        self.pressed.append((self.now, finish[0]))
        return RecordedMessage(seconds, finish[0])

    def leave(self) -> None:
        """Hang up: raises ``CallerGone``, from now on at everything."""
        self.hung_up_at = self.now
        self._check()

    def wait(self, seconds: float, key: str = "") -> None:
        """Let time pass in line, and press a key at its end."""
        self._clock.move(seconds)
        if key:
            self.pressed.append((self.now, key))

    def _press(self) -> str:
        key, self._rest = self._rest[0], self._rest[1:]
        self.pressed.append((self.now, key))
        return key

    def _hear(self, sound: Sound, seconds: float) -> None:
        heard = Heard(sound, self.now, seconds)
        self.heard.append(heard)
        if self.told is not None:
            self.told(heard)
        self._clock.move(seconds)

    def _check(self) -> None:
        if self.hung_up_at is not None:
            raise CallerGone("the caller hung up")

    # -------------------------------------------------------- what flows don't need

    async def answer(self) -> None:
        """At once."""
        self._check()

    async def read_variables(self, *names: str) -> Mapping[str, str]:
        """None is set."""
        return dict.fromkeys(names, "")

    async def set_variables(self, **values: str) -> None:
        """Nobody reads them."""

    async def start_music(self, music: str = "") -> None:
        """Nobody hears it."""

    async def stop_music(self) -> None:
        """Nobody hears it."""

    async def gone(self) -> None:
        """Callers who are not there don't leave by themselves."""
        raise NotImplementedError

    async def dial(
        self, phone: str, *, ring_seconds: int, call_id: CallId, predial: str = "", answered: str = ""
    ) -> DialResult:
        """Reception dials, not a flow."""
        raise NotImplementedError

    async def record(self, path: str) -> None:
        """Nothing to record."""

    async def departure(self) -> Departure:
        """Nobody is put through from a flow."""
        return "hung_up"

    async def finish(self) -> None:
        """No dialplan."""

    async def hang_up(self) -> None:
        """Nobody is there."""

    async def forget_missed(self, key: str) -> None:
        """Nothing was noted."""
