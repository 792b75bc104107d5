"""What the caller's coroutine needs of the line it speaks on, and of the switch behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from callcenter.ids import CallId, Extension, QueueName

DialOutcome = Literal["answered", "no_answer", "busy", "rejected", "cancelled", "failed"]
Departure = Literal["hung_up", "put_through", "elsewhere"]
"""Why a caller has gone from a dialogue. ``put_through``: an agent transferred the caller, who comes back to us on a
new line with the same channel. ``elsewhere``: the caller lives on in a part of the dialplan that isn't ours."""


@dataclass(frozen=True, slots=True)
class DialResult:
    """How ringing a phone from the caller's dialogue ended.

    ``answered``: there was a talk and it is over. ``ring_seconds`` and ``talk_seconds`` are of our own clock; when
    the answer was not seen (no events), the talk is the most it can have been. ``caller_gone``: the caller hung up,
    or was transferred away by the phone.
    """

    outcome: DialOutcome
    ring_seconds: float
    talk_seconds: float
    caller_gone: bool


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """What became of recording the caller: ``seconds`` as Asterisk counted them; ``key`` ended it, or silence did (an
    empty string). 0 seconds: nothing was said."""

    seconds: float
    key: str


class CallerLine(Protocol):
    """One caller's channel, as the coroutine that serves the caller sees it.

    Every method raises ``CallerGone`` once the caller has hung up, and ``ActionFailed`` when Asterisk does
    not answer in time. Prompts are extension-less sound paths.
    """

    @property
    def channel_id(self) -> str:
        """Asterisk's unique id of the channel."""

    @property
    def caller_number(self) -> str:
        """The raw number the trunk sent, unchecked."""

    @property
    def caller_name(self) -> str:
        """The raw display name, unchecked."""

    @property
    def did(self) -> str:
        """The number that was dialled, safe (``[0-9*#+]``) or empty."""

    async def answer(self) -> None:
        """Take the call."""

    async def read_variables(self, *names: str) -> Mapping[str, str]:
        """Channel variables; an unset one is an empty string."""

    async def set_variables(self, **values: str) -> None:
        """Set channel variables which the channels that this one dials inherit."""

    async def play(self, prompt: str, *, interrupt_keys: str = "") -> str:
        """Play a prompt to its end; gives the key that cut it short, or an empty string."""

    async def read_key(self, seconds: float) -> str:
        """Wait for one key; an empty string when none came in time."""

    async def record_message(
        self, path: str, *, max_seconds: int, silence: int, finish: str
    ) -> RecordedMessage:
        """Play a tone and record the caller alone to this server-made path (``.wav``), until one of the ``finish``
        keys, ``silence`` seconds of it, or ``max_seconds``. After a hang-up while it records, what was said is in the
        file all the same (``CallerGone``)."""

    async def start_music(self, music: str = "") -> None:
        """Music on hold (of this class; empty: the default one), with no command in flight afterwards."""

    async def stop_music(self) -> None:
        """Silence again."""

    async def gone(self) -> None:
        """Return when the caller has hung up; cancel it freely. No command is in flight meanwhile."""

    async def dial(
        self, phone: str, *, ring_seconds: int, call_id: CallId, predial: str = "", answered: str = ""
    ) -> DialResult:
        """Ring a phone (a dial string such as ``PJSIP/1001``) and, if it answers, stay until the talk is
        over. The caller survives the agent's hang-up. Doesn't raise ``CallerGone``: the result says so."""

    async def record(self, path: str) -> None:
        """Start recording both sides to this server-made path."""

    async def departure(self) -> Departure:
        """Once the caller has gone: why. Never raises; when it can't be known, it was a hang-up."""

    async def finish(self) -> None:
        """Tell the dialplan that we are done with this caller (also when the caller has gone already), so
        that the fallback does not take over."""

    async def hang_up(self) -> None:
        """End the caller's call from our side."""

    async def forget_missed(self, key: str) -> None:
        """Delete a note of the fallback that has been put on record (``MissedCall.key``)."""


@dataclass(frozen=True, slots=True)
class MissedCall:
    """A call, or the rest of one, that went by without us: read back from Asterisk's database.

    Dates are epoch seconds; 0 means unknown or not yet. ``key`` is the record's key there.
    """

    key: str
    call_id: CallId | None
    did: str
    number: str
    arrived: int
    stage: str
    queue: str
    dial_status: str
    answered: int
    agent_phone: str
    queue_status: str
    ended: int


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """A channel that Asterisk has now, from a snapshot. ``phone`` is the device part, such as ``PJSIP/1001``."""

    channel_id: str
    linked_id: str
    channel: str
    phone: str
    call_id: CallId | None
    """Our id, when the channel carries one."""
    state: str
    application: str
    bridged: bool
    seconds: int
    caller_number: str


class Switch(Protocol):
    """Orders to Asterisk about others than the caller of the running dialogue.

    All raise ``TelephonyDown`` or ``ActionFailed``.
    """

    async def click_to_call(
        self, call_id: CallId, phone: str, number: str, *, ring_seconds: int, variables: Mapping[str, str]
    ) -> None:
        """Ring the agent's phone; when it is answered, its channel enters the outbound dialogue, which
        dials ``number``. Returns when Asterisk has accepted the order, not when somebody answered."""

    async def hang_up_call(self, call_id: CallId) -> None:
        """End the caller's channel of a call."""

    async def hang_up_phone(self, call_id: CallId, phone: str) -> None:
        """End the agent's leg of a call; the caller stays ours."""

    async def put_through(self, call_id: CallId, target: str) -> None:
        """Take the caller out of the talk, as a telephone's blind transfer to this number would: the agent's leg ends,
        the caller comes back to us on a new line that brings the target. Raises ``BadInput`` too."""

    async def cut_announcement(self, channel_id: str) -> None:
        """End what ``CallerLine.play`` plays on this channel now. Refused when nothing plays."""

    async def cut_listening(self, channel_id: str) -> None:
        """End ``CallerLine.read_key`` on this channel now; it gives no key that a caller can press."""

    async def mirror_agent(self, phone: str, name: str, *, ready: bool) -> None:
        """Have this phone in the fallback queue, paused unless ready."""

    async def drop_agent(self, phone: str) -> None:
        """Take this phone out of the fallback queue."""

    async def withdraw_waiting(self) -> int:
        """Bring callers who wait in the fallback queue back to us; gives how many."""

    async def missed_calls(self) -> list[MissedCall]:
        """What the fallback wrote down while we were away."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """A queue as configured."""

    name: QueueName
    title_en: str
    title_zh: str
    record: bool
    ring_seconds: int
    wrap_up_seconds: int
    number: str = ""
    """What a telephone transfers callers to this queue by; empty: nothing."""


@dataclass(frozen=True, slots=True)
class PhoneBook:
    """How an agent's extension is dialled and watched.

    ``dial`` and ``device`` are templates with ``{extension}``: ``PJSIP/{extension}`` for phones registered here,
    ``Local/{extension}@from-queue/n`` on a FreePBX. ``predial`` and ``answered`` are the dialplan's subroutines for
    an agent's leg before it rings and when it is answered: they note there what the fallback must know without us.
    """

    dial: str
    device: str
    predial: str
    outbound: str
    """Template with ``{number}`` for calls to the outside, such as ``PJSIP/{number}@trunk``."""
    answered: str = ""

    def dial_string(self, extension: Extension) -> str:
        """What to give to Dial."""
        return self.dial.format(extension=extension)

    def device_name(self, extension: Extension) -> str:
        """The device whose state tells whether the phone is free."""
        return self.device.format(extension=extension)

    def extension_of(self, device: str) -> Extension | None:
        """The extension whose device this is, if it is one of ours."""
        before, _, after = self.device.partition("{extension}")
        if device.startswith(before) and device.endswith(after) and len(device) > len(before) + len(after):
            middle = device[len(before) : len(device) - len(after) or None]
            return Extension(middle) if middle.isalnum() else None
        return None
