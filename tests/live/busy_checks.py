"""What must hold of a busy day, looked for in what is on record. Each check gives what is wrong, in words."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from callcenter.demo import judge
from callcenter.demo.floor import read_events
from callcenter.rig.callers import Outcome
from callcenter.routing.publishing import LOOK_EVERY
from tests.live.ami_witness import Leg, overlaps
from tests.live.busy_floor import MARGIN, OTHER_PROMISES, PROMISES, QUEUES, RING
from tests.live.busy_record import FOR_EVER, Agent, Called, Record, may_serve_from

ENDS = {"agent_hangup", "caller_hangup", "abandoned", "ivr_end"}
DIAL_RESULTS = {
    "ANSWER": {"answered"},
    "NOANSWER": {"no_answer", "rejected"},
    "BUSY": {"busy"},
    "CANCEL": {"caller_gone"},
}
"""What Asterisk says of a dial (it has no word of its own for a call that was turned down), and what is then on record
of the offer."""
SLACK = 0.3
"""Seconds between two processes' clocks of the same event, on a machine that is busy."""
IDLE_LIMIT = 2.0
Check = Callable[[Record], Iterator[str]]


def one_call_at_a_phone(record: Record) -> Iterator[str]:
    """No phone had two of our calls, no call rang two phones."""
    by_phone: dict[str, list[Leg]] = defaultdict(list)
    by_call: dict[str, list[Leg]] = defaultdict(list)
    for leg in record.legs:
        if leg.is_phone:
            by_phone[leg.who].append(leg)
            by_call[leg.call].append(leg)
    yield from (f"a leg of {leg.who} without our call" for leg in by_call.pop("", ()))
    for what, legs in (*by_phone.items(), *by_call.items()):
        for one, two in overlaps(legs):
            yield f"{what}: {one.who}/{one.call} until {one.ended}, {two.who}/{two.call} from {two.began}"
    for leg in record.legs:
        if leg.ended == FOR_EVER:
            yield f"the channel of {leg.who} (call {leg.call}) has not ended"


def calls_are_on_record(record: Record) -> Iterator[str]:
    """Each once, ended, as its caller and Asterisk saw it; what it was made of adds up."""
    yield from _the_same(
        "calls of each number",
        Counter(result.plan.number for result in record.day.results),
        Counter(call.number for call in record.inbound),
    )
    yield from _the_same(
        "callers' channels",
        Counter(leg.uniqueid for leg in record.legs if leg.who == "caller"),
        Counter(call.channel for call in record.inbound),
    )
    for result in record.day.results:
        if result.outcome not in {Outcome.ASTERISK, Outcome.PATIENCE}:
            yield f"{result.plan.number}: {result.outcome} ({result.last_message})"
    heard = {leg.uniqueid: leg.keys for leg in record.legs}
    for call in record.calls.values():
        yield from _call_is_whole(call)
        if call.direction == "inbound" and heard.get(call.channel, "")[:1] != call.key:
            yield f"call {call.id}: Asterisk heard {heard.get(call.channel)!r}, on record is {call.key!r}"
    if record.gaps:
        yield f"{record.gaps} gaps in what was seen of Asterisk"


def _the_same(what: str, seen: Counter[str], kept: Counter[str]) -> Iterator[str]:
    if seen != kept:
        yield f"{what}: missing {dict(seen - kept)}, too many {dict(kept - seen)}"


def _call_is_whole(call: Called) -> Iterator[str]:
    name = f"call {call.id} ({call.number}, {call.reason})"
    if call.ended is None:
        yield f"{name} has not ended"
        return
    if call.direction == "inbound" and call.reason not in ENDS:
        yield f"{name} ended in another way"
    talked = call.reason in {"agent_hangup", "caller_hangup"}
    left_the_menu = call.reason == "caller_hangup" and not call.waits
    if call.direction == "inbound" and not left_the_menu and call.answered != talked:
        yield f"{name}: answered is {call.answered}"
    total = sum((end or 0) - at for _, at, end in call.parts)
    joined = all(one[2] == two[1] for one, two in zip(call.parts, call.parts[1:], strict=False))
    if not joined or abs(total - (call.ended - call.began)) > 0.005:
        yield f"{name}: segments {total:.3f} s of {call.ended - call.began:.3f} s"


def offers_are_explained(record: Record) -> Iterator[str]:
    """Each has ended in time, and gives the same agent when it is decided again."""
    for one in record.offers:
        if one.ended is None or one.result == "offered":
            yield f"offer {one.id} has not ended"
        elif one.ended - one.at > RING + MARGIN + SLACK:
            yield f"offer {one.id} took {one.ended - one.at:.1f} s"
        if one.rerun != one.agent_id or one.explained is None or one.explained.chosen != one.agent_id:
            yield f"offer {one.id} was for {one.agent_id}, decided again for {one.rerun}"


def offers_agree_with_asterisk(record: Record) -> Iterator[str]:
    """Each leg of a phone is one offer, and its dial ended as the offer did."""
    legs: dict[tuple[str, str], list[Leg]] = defaultdict(list)
    for leg in record.legs:
        if leg.is_phone:
            legs[leg.call, leg.who].append(leg)
    for one in record.offers:
        its = legs[one.call_id, record.agents[one.agent_id].extension]
        rang = its.pop(0) if its and its[0].began <= (one.ended or FOR_EVER) + SLACK else None
        if rang is None:
            if one.result != "caller_gone":
                yield f"offer {one.id} ({one.result}): no phone was dialled"
        elif one.result not in _results_of(rang, record.calls[one.call_id]):
            yield f"offer {one.id} is {one.result}, the dial {rang.dial or 'nothing'}"
    for (call_id, extension), its in legs.items():
        yield from (f"{extension} rang for {call_id} without an offer" for _ in its)


def _results_of(leg: Leg, call: Called) -> set[str]:
    if call.direction == "outbound":  # an agent who is rung for a callback takes it or not: there is no Dial
        return {"no_answer"} if leg.answered is None else {"answered"}
    return DIAL_RESULTS.get(leg.dial, set())


def served_by_the_able(record: Record) -> Iterator[str]:
    """Nobody was offered to an agent without the level of the ring in force, but to the one whom they belong to."""
    for call in record.calls.values():
        for one in call.offers:
            agent, need = record.agents[one.agent_id], call.need
            if need is None:
                yield f"offer {one.id} for a call that chose no line"
            elif not one.bond:
                since = may_serve_from(agent, need)
                if since is None or one.at - call.arrival < since - SLACK:
                    yield f"offer {one.id}: {agent} for {need} after {one.at - call.arrival:.1f} s"
            elif call.customer_id is None:
                yield f"offer {one.id} for the {one.bond} of nobody"


def places_are_kept(record: Record) -> Iterator[str]:
    """Each decision counts the wait from the arrival on record: also after a missed offer, after a call that was
    given up, for a callback, and while the rules change."""
    for call in record.calls.values():
        for one in call.offers:
            told = one.explained
            if told is not None and abs(told.waited - (one.at - call.arrival)) > SLACK:
                yield (
                    f"offer {one.id} of {call.number} {sorted(call.marks)}: waited {told.waited:.2f} s, "
                    f"on record {one.at - call.arrival:.2f} s"
                )


def redials_resume(record: Record) -> Iterator[str]:
    """Who gave up in line and rings again for the same line has the old place."""
    gave_up: dict[tuple[str, str], Called] = {}
    for call in sorted(record.inbound, key=lambda one: one.began):
        place = (call.number, call.need.queue if call.need else "")
        before = gave_up.pop(place, None)
        if before is not None and call.waits and "resumed" not in call.marks:
            yield f"{call.number} gave up and rang again, and did not find the old place"
        if call.reason == "abandoned" and any(stage == "waiting" for stage, _, _ in call.parts):
            gave_up[place] = call


def first_come_first_served(record: Record) -> Iterator[str]:
    """Within one queue, tier and need nobody was offered before one who came earlier, but by their own agent or while
    the other waited for that one's own."""
    classes: dict[tuple[str, str], list[Called]] = defaultdict(list)
    for call in record.calls.values():
        if call.need is not None:
            classes[call.key, call.tier].append(call)
    for members in classes.values():
        for call in members:
            for one in call.offers:
                for other in members:
                    if not one.bond and other.since < call.since - 0.01 and _waited_at(other, one.at):
                        yield (
                            f"{call.number} was offered {one.at - other.since:.1f} s after {other.number} "
                            f"came ({other.id}), who is {call.since - other.since:.2f} s ahead"
                        )


def _waited_at(call: Called, at: float) -> bool:
    return at > call.bound + SLACK and any(begin + SLACK < at < end - SLACK for begin, end in call.waits)


def nobody_waits_beside_a_free_agent(record: Record) -> Iterator[str]:
    """No caller for more than ``IDLE_LIMIT`` seconds while one who could serve said ready and had a silent phone."""
    for seconds, call, agent in beside(record):
        if seconds > IDLE_LIMIT:
            yield f"{call.number} waited {seconds:.1f} s beside {agent.extension} ({call.id})"


def beside(record: Record) -> Iterator[tuple[float, Called, Agent]]:
    """Each stretch that somebody waited while somebody who could serve was free."""
    rests = {str(queue["name"]): float(queue.get("rest", 0.0)) for queue in QUEUES}
    for call in record.inbound:
        for agent in record.agents.values():
            since = None if call.need is None else may_serve_from(agent, call.need)
            if call.need is None or since is None:
                continue
            able = max(call.bound, call.arrival + max(since, rests[call.need.queue]))
            for begin, end in call.waits:
                for free, busy in agent.free:
                    seconds = min(end, busy) - max(begin, free, able)
                    if seconds > 0:
                        yield seconds, call, agent


def callbacks_have_their_agent(record: Record) -> Iterator[str]:
    """A customer is dialled only while the phone of the agent who is reserved for that callback is off the hook."""
    phones = {leg.call: leg for leg in record.legs if leg.is_phone}
    agents = [leg for leg in record.legs if leg.is_phone]
    for leg in record.legs:
        if leg.who != "customers":
            continue
        there = [one for one in agents if one.call == leg.call and (one.answered or FOR_EVER) <= leg.began]
        if not any(one.ended >= leg.began for one in there):
            yield f"a customer was dialled for {leg.call} without an agent ({phones.get(leg.call)})"
    for row in record.callbacks:
        if row["state"] not in {"connected", "no_answer", "merged"}:
            yield f"the callback of {row['number']} is {row['state']}"


def rules_change_in_one_step(record: Record) -> Iterator[str]:
    """Decisions are made by the promises of the first version, then by those of the second, and never by the first
    again."""
    versions = [(one.at, one.explained.version) for one in record.offers if one.explained]
    wrong = [version for at, version in versions if version != 1 + (at > second_version(record))]
    if wrong or {version for _, version in versions} != {1, 2}:
        yield f"versions are mixed: {[version for _, version in versions]}"
    late = second_version(record) - record.day.published
    if late > LOOK_EVERY + 2 * IDLE_LIMIT and not _nothing_between(record):
        yield f"the new rules came {late:.1f} s after they were published"
    promises = {1: PROMISES, 2: OTHER_PROMISES}
    weights = {str(queue["name"]): float(queue.get("weight", 1)) for queue in QUEUES}
    for told in (one.explained for one in record.offers if one.explained):
        urgency = weights[told.queue] * told.head.waited / promises[told.version][told.tier.value]
        if told.head.level == 1 and abs(told.urgency - urgency) > 1e-6:
            yield f"an urgency of {told.urgency} by version {told.version}, which is {urgency}"
    if not waited_through(record):
        yield "nobody waited when the rules were published: nothing is proved"


def waited_through(record: Record) -> int:
    """How many waited when the core said that it serves with the new rules."""
    said = next(
        line["timestamp"]
        for line in record.log
        if line["event"] == "routing rules are in service" and line["version"] == 2
    )
    at = dt.datetime.fromisoformat(said).timestamp()
    return sum(any(begin < at < end for begin, end in call.waits) for call in record.calls.values())


def second_version(record: Record) -> float:
    """Just before the first decision by the second version."""
    return (
        min((one.at for one in record.offers if one.explained and one.explained.version == 2), default=0)
        - 1e-6
    )


def _nothing_between(record: Record) -> bool:
    published = record.day.published
    return not any(
        published + LOOK_EVERY + IDLE_LIMIT < one.at < second_version(record) for one in record.offers
    )


def pops_come_first(record: Record) -> Iterator[str]:
    """The screen had the pop before the phone had the INVITE: for callers as the phones saw it; for callbacks, whose
    INVITE comes from no caller and carries no id of ours, before Asterisk made the channel of the phone."""
    floor, offset = record.day.floor, record.day.offset
    screens = read_events(floor.screen_events)
    found = judge.rings(read_events(floor.phone_events), screens)
    rings = [ring for its in found.values() for ring in its]
    yield from (
        f"{ring.extension} rang before its pop ({ring.call_id})" for ring in rings if not ring.in_time
    )
    with_id = {(ring.call_id, ring.extension) for ring in rings}
    first: dict[tuple[str, str], float] = {}
    for event in screens:
        if event["event"] == "pop" and event.get("pop"):
            place = (event["pop"]["call_id"], event["extension"])
            first.setdefault(place, event["t"] / 1e9 + offset)
    for leg in record.legs:
        if leg.is_phone and (leg.call, leg.who) not in with_id:
            direction = record.calls[leg.call].direction
            if direction != "outbound" or first.get((leg.call, leg.who), FOR_EVER) > leg.began:
                yield f"{leg.who} rang before its pop ({leg.call}, {direction})"


def the_log_is_clean(record: Record) -> Iterator[str]:
    """No error, and no alarm of the line's own watch."""
    for line in record.log:
        if line["level"] in {"error", "critical"} or line["event"] == "a caller waits while an agent is free":
            yield f"the core says: {line}"


def everything_happened(record: Record) -> Iterator[str]:
    """What is proved has happened at all: misses, people who gave up, rang again, were called back, met their own."""
    results = Counter(one.result for one in record.offers)
    rules = Counter(one.explained.because.rule for one in record.offers if one.explained)
    states = {row["state"] for row in record.callbacks}
    happened = {
        "a call was missed": results["no_answer"],
        "somebody gave up": sum(call.reason == "abandoned" for call in record.inbound),
        "somebody found the old place": sum("resumed" in call.marks for call in record.inbound),
        "somebody was called back": "connected" in states,
        "somebody met the account's owner": rules["owner"],
        "four tiers called": len({call.tier for call in record.inbound}) == 4,
    }
    yield from (f"not in this run: {what}" for what, so in happened.items() if not so)


CHECKS: tuple[Check, ...] = (
    one_call_at_a_phone,
    calls_are_on_record,
    offers_are_explained,
    offers_agree_with_asterisk,
    served_by_the_able,
    places_are_kept,
    redials_resume,
    first_come_first_served,
    nobody_waits_beside_a_free_agent,
    callbacks_have_their_agent,
    rules_change_in_one_step,
    pops_come_first,
    the_log_is_clean,
    everything_happened,
)


def wrongs(record: Record) -> list[str]:
    """All that is not as it must be."""
    return [f"{check.__name__}: {what}" for check in CHECKS for what in check(record)]
