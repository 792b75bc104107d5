"""A caller's line without Asterisk: keys are written down beforehand, and time moves as it would."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path

from callcenter.calls.ports import Departure, DialResult, RecordedMessage
from callcenter.clock import ManualClock
from callcenter.errors import ActionFailed, CallerGone
from callcenter.ids import CallId

SILENCE = "silence"
HANG_UP = "hang up"
NO_ANSWER = "asterisk is away"
"""A scripted moment at which Asterisk stops answering."""
PROMPT_SECONDS = 2.0
KEY_SECONDS = 1.0


class FakeLine:
    """A ``CallerLine``. ``presses`` answers each question in turn; ``cuts`` maps a prompt's path to the key
    that is pressed while it plays, once. After the script there is silence.

    What happened is in ``played``, ``variables``, ``dialled``, ``recorded``, ``finished`` and ``hung_up``.
    """

    def __init__(
        self,
        presses: Iterable[str] = (),
        *,
        clock: ManualClock | None = None,
        cuts: Mapping[str, str] | None = None,
        number: str = "13800138000",
        name: str = "",
        did: str = "4001",
        spoken: Iterable[float] = (),
        lengths: Mapping[str, float] | None = None,
    ) -> None:
        self._spoken = deque(spoken)
        self._lengths = dict(lengths or {})
        self.keys_read = 0
        self.music_class = ""
        self.clock = clock or ManualClock()
        self._presses = deque(presses)
        self._cuts = dict(cuts or {})
        self._number = number
        self._name = name
        self._did = did
        self.played: list[str] = []
        self.variables: dict[str, str] = {}
        self.dialled: list[str] = []
        self.dial_results: deque[DialResult] = deque()
        self.recorded: list[str] = []
        self.forgotten: list[str] = []
        self.music = False
        self.answered = False
        self.finished = False
        self.hung_up = False
        self.caller_left = False

    @property
    def channel_id(self) -> str:
        """As Asterisk would number it."""
        return "node7f-1795368184.1"

    @property
    def caller_number(self) -> str:
        """The scripted number."""
        return self._number

    @property
    def caller_name(self) -> str:
        """The scripted name."""
        return self._name

    @property
    def did(self) -> str:
        """The scripted dialled number."""
        return self._did

    async def answer(self) -> None:
        """Note it."""
        self._check()
        self.answered = True

    async def read_variables(self, *names: str) -> Mapping[str, str]:
        """What was set before."""
        self._check()
        return {name: self.variables.get(name, "") for name in names}

    async def set_variables(self, **values: str) -> None:
        """Keep them."""
        self._check()
        self.variables.update(values)

    async def play(self, prompt: str, *, interrupt_keys: str = "") -> str:
        """Play for some seconds, or until the scripted key, if it may cut."""
        self._check()
        self.played.append(prompt)
        key = self._cuts.get(prompt, "")
        if key == HANG_UP or (key and key in interrupt_keys):
            del self._cuts[prompt]
            self.clock.move(KEY_SECONDS)
            return self._do(key)
        if key == NO_ANSWER:
            del self._cuts[prompt]
            return self._do(key)
        self.clock.move(self._lengths.get(prompt, PROMPT_SECONDS))
        return ""

    async def read_key(self, seconds: float) -> str:
        """The next scripted press."""
        self._check()
        press = self._presses.popleft() if self._presses else SILENCE
        self.keys_read += 1
        if press == SILENCE:
            self.clock.move(seconds)
            return ""
        self.clock.move(KEY_SECONDS)
        return self._do(press)

    async def record_message(
        self, path: str, *, max_seconds: int, silence: int, finish: str
    ) -> RecordedMessage:
        """The next scripted speech; after the last nothing is said. Writes a file as long as what was said, where there
        is a folder for it."""
        self._check()
        self.recorded.append(path)
        seconds = self._spoken.popleft() if self._spoken else 0.0
        length = min(abs(seconds), max_seconds)
        await asyncio.to_thread(_write, Path(path), length)
        self.clock.move(length if seconds else silence)
        if seconds < 0:
            self._do(HANG_UP)
        return RecordedMessage(length, finish[0] if seconds else "")

    async def start_music(self, music: str = "") -> None:
        """On."""
        self._check()
        self.music, self.music_class = True, music

    async def stop_music(self) -> None:
        """Off."""
        self._check()
        self.music = False

    async def gone(self) -> None:
        """Only a caller who has left is gone; nobody leaves while nothing is scripted."""
        if not self.caller_left:
            raise AssertionError("the fake caller would wait for ever")

    async def dial(
        self, phone: str, *, ring_seconds: int, call_id: CallId, predial: str = "", answered: str = ""
    ) -> DialResult:
        """The next scripted result; nobody answers after the last."""
        self.dialled.append(phone)
        if self.dial_results:
            return self.dial_results.popleft()
        self.clock.move(ring_seconds)
        return DialResult("no_answer", float(ring_seconds), 0.0, caller_gone=False)

    async def record(self, path: str) -> None:
        """Note it."""
        self._check()
        self.recorded.append(path)

    async def departure(self) -> Departure:
        """Nobody is put through here."""
        return "hung_up"

    async def finish(self) -> None:
        """Note it; also allowed after the caller has gone."""
        self.finished = True

    async def hang_up(self) -> None:
        """Note it."""
        self.hung_up = True

    async def forget_missed(self, key: str) -> None:
        """Note it."""
        self.forgotten.append(key)

    def _check(self) -> None:
        if self.caller_left:
            raise CallerGone("the fake caller has gone")

    def _do(self, press: str) -> str:
        if press == HANG_UP:
            self.caller_left = True
            self._check()
        if press == NO_ANSWER:
            raise ActionFailed("the fake Asterisk does not answer")
        return press


def _write(file: Path, seconds: float) -> None:
    """As Asterisk would, where there is a folder for it."""
    if file.parent.is_dir():
        file.write_bytes(bytes(44 + round(seconds * 16000)))
