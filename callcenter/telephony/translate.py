"""One AMI event becomes what happened to a call. State is in the table; nothing here waits or sends.

Who is who: a channel that another one dialled is a **leg**; the phone's own leg counts, not the ``Local`` channels
before it. Any other channel with our id **carries** the call: the caller's own, or for a click-to-call the agent's.
A phone of ours that rings for a channel without our id is a **direct call** and gets an id of its own, one for each
pair of caller's channel and leg.

For an outbound call the far party's answer is told as ``PartyAnswered`` with an empty extension: nobody of ours.
"""

from collections.abc import Callable

from callcenter.asterisk.ami.messages import Event
from callcenter.calls import events as seen
from callcenter.calls.ports import PhoneBook
from callcenter.ids import CallId, Extension
from callcenter.telephony import safe
from callcenter.telephony.channels import MOST_DIRECT, Channel, ChannelTable
from callcenter.telephony.phone_states import PhoneStates

OUTSIDE = Extension("")
"""The extension of a party that has none: whom an outbound call reached."""


class Translator:
    """``new_call_id`` names direct calls."""

    def __init__(self, phone_book: PhoneBook, new_call_id: Callable[[], CallId]) -> None:
        self._book = phone_book
        self._new_call_id = new_call_id
        self._rules: dict[str, Callable[[ChannelTable, Event, float], list[object]]] = {
            "Newchannel": self._noted,
            "Newstate": self._noted,
            "Rename": self._renamed,
            "DialBegin": self._dial_begun,
            "DialEnd": self._dial_ended,
            "BridgeEnter": self._bridged,
            "BridgeLeave": self._unbridged,
            "Hold": self._held,
            "Unhold": self._resumed,
            "AttendedTransfer": self._joined,
            "Hangup": self._hung_up,
        }

    def apply(self, table: ChannelTable, phones: PhoneStates, event: Event, now: float) -> list[object]:
        """What this event means, in order. Events that mean nothing, or are half a truth, give nothing."""
        if event.name == "DeviceStateChange":
            return list(phones.apply(event, now))
        rule = self._rules.get(event.name)
        return rule(table, event, now) if rule is not None else []

    def ended(self, table: ChannelTable, uniqueid: str, now: float) -> list[object]:
        """What the end of this channel means, however it became known; the channel is forgotten."""
        channel = table.remove(uniqueid)
        if channel is None:
            return []
        happened: list[object] = []
        extension = self._own_phone(table, channel)
        if channel.call_id and channel.rung and extension is not None:
            happened.append(seen.PartyGone(channel.call_id, extension, now))
        happened += [seen.CallerLeft(call_id, now) for call_id in channel.direct]
        if channel.call_id and self._was_the_caller(table, channel):
            happened.append(seen.CallerLeft(channel.call_id, now))
        return happened

    def found(self, table: ChannelTable, channel: Channel, now: float) -> list[object]:
        """What a channel in a list, after a gap, shows to have happened meanwhile. Direct calls that began in
        the gap stay unknown: nobody was told of them."""
        happened: list[object] = []
        extension = self._own_phone(table, channel)
        dialled = channel.leg or channel.originated
        if channel.call_id and extension is not None and dialled and not channel.rung:
            channel.rung = True
            happened.append(seen.PartyRinging(channel.call_id, extension, now))
        if channel.state == "Up":
            happened += self._answered(table, channel, now)
        return happened

    # ------------------------------------------------------------ one method for each kind of event

    def _noted(self, table: ChannelTable, event: Event, _now: float) -> list[object]:
        table.note(event)
        return []

    def _renamed(self, table: ChannelTable, event: Event, _now: float) -> list[object]:
        channel = table.get(event.get("Uniqueid"))
        if channel is not None and event.get("Newname"):
            channel.name = event.get("Newname")
        return []

    def _dial_begun(self, table: ChannelTable, event: Event, now: float) -> list[object]:
        dialler = table.note(event)
        leg = table.note(event, "Dest")
        if leg is None:
            return []
        extension = self._book.extension_of(leg.device)
        if dialler is None:
            return self._originated(leg, extension, now)
        dialler.reached_at = None
        caller = self._caller_of(table, dialler)
        leg.leg, leg.dialler = True, caller.uniqueid
        if leg.call_id is None:
            leg.call_id = dialler.call_id or caller.call_id
        if extension is None or leg.local or leg.rung or leg.answered or dialler.originated:
            return []
        leg.rung = True
        if leg.call_id is not None:
            return [seen.PartyRinging(leg.call_id, extension, now)]
        return self._direct(caller, leg, extension, event, now)

    def _originated(self, leg: Channel, extension: Extension | None, now: float) -> list[object]:
        """A phone that no channel dials: a click-to-call of ours, or somebody else's business. The near half of a
        ``Local`` channel stands for the phone behind it, which rings later as its leg."""
        if leg.call_id is not None and leg.local:
            leg.originated = True
            return []
        if leg.call_id is None or extension is None or leg.rung:
            return []
        leg.originated = leg.rung = True
        return [seen.PartyRinging(leg.call_id, extension, now)]

    def _direct(
        self, caller: Channel, leg: Channel, extension: Extension, event: Event, now: float
    ) -> list[object]:
        leg.call_id = self._new_call_id()
        caller.direct.append(leg.call_id)
        del caller.direct[:-MOST_DIRECT]
        number = safe.unknown_as_empty(event.get("CallerIDNum"))
        name = safe.unknown_as_empty(event.get("CallerIDName"))
        return [seen.DirectCallRinging(leg.call_id, caller.uniqueid, extension, number, name, now)]

    def _dial_ended(self, table: ChannelTable, event: Event, now: float) -> list[object]:
        leg = table.get(event.get("DestUniqueid"))
        dialler = table.get(event.get("Uniqueid"))
        if event.get("DialStatus") != "ANSWER" or leg is None:
            return []
        if dialler is not None:
            dialler.reached_at = now
        return self._answered(table, leg, now)

    def _bridged(self, table: ChannelTable, event: Event, now: float) -> list[object]:
        channel = table.note(event)
        if channel is None:
            return []
        channel.bridge = event.get("BridgeUniqueid")
        # Usually DialEnd came before; it may have fallen into a gap.
        return self._answered(table, channel, now) if channel.leg else []

    def _unbridged(self, table: ChannelTable, event: Event, _now: float) -> list[object]:
        channel = table.note(event)
        if channel is not None and channel.bridge == event.get("BridgeUniqueid"):
            channel.bridge = ""
        return []

    def _held(self, table: ChannelTable, event: Event, now: float) -> list[object]:
        return self._hold(table, event, now, on=True)

    def _resumed(self, table: ChannelTable, event: Event, now: float) -> list[object]:
        return self._hold(table, event, now, on=False)

    def _hold(self, table: ChannelTable, event: Event, now: float, *, on: bool) -> list[object]:
        channel = table.note(event)
        if channel is None or channel.held is on:
            return []
        channel.held = on
        call_id = channel.call_id or (channel.direct[-1] if channel.direct else None)
        if call_id is None:
            return []
        return [seen.PartyHeld(call_id, now) if on else seen.PartyResumed(call_id, now)]

    def _hung_up(self, table: ChannelTable, event: Event, now: float) -> list[object]:
        return self.ended(table, event.get("Uniqueid"), now)

    def _joined(self, table: ChannelTable, event: Event, now: float) -> list[object]:
        """An agent joins two calls of one phone, and leaves both. One is ours; the other, which the agent made to ask
        somebody, goes on as part of it."""
        both = [table.get(event.get(f"{which}TransfererUniqueid")) for which in ("Orig", "Second")]
        mine = next(
            (c for c in both if c is not None and c.leg and c.call_id and not table.is_direct(c)), None
        )
        asking = next((c for c in both if c is not None and c is not mine), None)
        by = self._own_phone(table, mine) if mine is not None else None
        if (
            event.get("Result") != "Success"
            or mine is None
            or mine.call_id is None
            or asking is None
            or by is None
        ):
            return []
        asked = next((c for c in table if c.dialler == asking.uniqueid and c.answered and not c.local), None)
        to, before = (self._own_phone(table, asked), asked.call_id) if asked is not None else (None, None)
        if asked is not None:
            asked.call_id = mine.call_id
        return [seen.PartyTransferred(mine.call_id, by, to or OUTSIDE, before, now)]

    # ------------------------------------------------------------ who is who

    def _own_phone(self, table: ChannelTable, channel: Channel) -> Extension | None:
        """The extension of a phone of ours that this channel rings; whom an outbound call dials is none."""
        dialler = table.get(channel.dialler)
        if channel.local or (dialler is not None and dialler.originated):
            return None
        return self._book.extension_of(channel.device)

    def _answered(self, table: ChannelTable, leg: Channel, now: float) -> list[object]:
        if leg.answered:
            return []
        leg.answered = True
        dialler = table.get(leg.dialler)
        if dialler is not None and dialler.originated and dialler.call_id:
            return [seen.PartyAnswered(dialler.call_id, OUTSIDE, now)]
        extension = self._own_phone(table, leg)
        if leg.call_id is None or extension is None or not leg.rung:
            return []
        return [seen.PartyAnswered(leg.call_id, extension, now)]

    def _caller_of(self, table: ChannelTable, dialler: Channel) -> Channel:
        """The line behind a ``Local`` channel; Asterisk links them by the id of the first."""
        if dialler.local:
            first = table.get(dialler.linkedid)
            if first is not None and not first.local:
                return first
        return dialler

    def _was_the_caller(self, table: ChannelTable, channel: Channel) -> bool:
        """Whether its end is the caller's. An originated phone that never answered ends by OutboundFailed."""
        if channel.call_id is None or not channel.carries or (channel.originated and not channel.answered):
            return False
        return not any(other.carries for other in table.of_call(channel.call_id))
