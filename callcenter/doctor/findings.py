"""What the trial call showed, as findings."""

from collections.abc import Sequence

from callcenter.doctor.check import Check, failed, ok, warning
from callcenter.doctor.dialplan import DIALPLAN_REMEDY
from callcenter.doctor.trial_call import NO_END, NO_EVENTS, Trial
from callcenter.settings import Settings
from callcenter.telephony.self_test import READ_LINE

LATE = 1.0
"""Seconds between Asterisk's clock and ours, or for an event to reach us."""
UNWANTED = ("Newexten", "VarSet", "RTCPSent", "RTCPReceived")
"""Events that an account without our eventfilter gets by the hundred."""
_RELOAD = "and then  asterisk -rx 'manager reload'"
_GENERAL = "in manager.conf, under [general]:  {line}  " + _RELOAD


def findings(trial: Trial, settings: Settings) -> list[Check]:
    """One or more checks for everything that the call went through."""
    if trial.placed and not trial.events:
        return [_call(trial)]
    return [
        _call(trial),
        *_reads(trial),
        _channelvars(trial),
        *_clock(trial),
        _noise(trial),
        *_dialogue(trial, settings),
    ]


def _call(trial: Trial) -> Check:
    if not trial.placed:
        return ok("trial-call", "a call from Asterisk to itself went through the dialplan and ended")
    remedy = DIALPLAN_REMEDY
    if "Permission" in trial.placed:
        remedy = "give the account the write class originate (see ami-rights)"
    elif trial.placed == NO_EVENTS:
        remedy = f"in manager.conf, in our account:  {READ_LINE}  and no eventfilter but ours;  {_RELOAD}"
    elif trial.placed == NO_END:
        remedy = (
            "whoever listens on the FastAGI port takes calls and does not answer: restart the call centre"
        )
    return failed("trial-call", f"a call from Asterisk to itself: {trial.placed}", remedy)


def _reads(trial: Trial) -> list[Check]:
    """Read classes, by what arrived."""
    wanted = {"call": "Newchannel", "user": "UserEvent"}
    if trial.joined_queue:
        wanted["agent"] = "QueueCallerJoin"
    missing = [name for name, event in wanted.items() if not trial.of(event)]
    if missing:
        text = f"no events of the class {', '.join(missing)} reach us"
        remedy = f"in manager.conf, in our account:  {READ_LINE}  and the eventfilter as shipped;  {_RELOAD}"
        return [failed("ami-read", text, remedy)]
    return [ok("ami-read", f"events of the classes {', '.join(sorted(wanted))} reach us")]


def _channelvars(trial: Trial) -> Check:
    if any(
        event.variables.get("CC_CALL") == trial.call_id for event in trial.of("Newstate") + trial.of("Hangup")
    ):
        return ok("channelvars", "our id of a call comes with the events of its channels")
    line = "channelvars = CC_CALL,CC_AGENT,CC_QUEUE"
    text = "events come without our id of the call: agents' phones could not be told from direct calls"
    return failed("channelvars", text, _GENERAL.format(line=line))


def _clock(trial: Trial) -> list[Check]:
    """When Asterisk says that things happened, and when we heard of it."""
    lags = sorted(at - stamp for at, event in trial.events if (stamp := _stamp(event.get("Timestamp"))))
    if not lags:
        text = "events come without the time at which they happened: late ones can't be told"
        return [warning("clock", text, _GENERAL.format(line="timestampevents = yes"))]
    lag = lags[len(lags) // 2]
    if abs(lag) > LATE:
        text = f"Asterisk's clock and ours differ by {abs(lag):.1f} s"
        return [
            warning("clock", text, "let both machines follow one time server (chrony, systemd-timesyncd)")
        ]
    return [ok("clock", f"Asterisk's clock and ours differ by {abs(lag) * 1000:.0f} ms")]


def _stamp(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _noise(trial: Trial) -> Check:
    found = sorted({event.name for _, event in trial.events} & set(UNWANTED))
    if not found:
        return ok("ami-filter", "only events that are needed are sent")
    text = f"Asterisk sends events that nobody needs ({', '.join(found)}): under load they delay the others"
    remedy = f"in manager.conf, in our account:  {READ_LINE}  and the eventfilter as shipped;  {_RELOAD}"
    return warning("ami-filter", text, remedy)


def _dialogue(trial: Trial, settings: Settings) -> Sequence[Check]:
    """What went through FastAGI."""
    asterisk = settings.asterisk
    where = f"{asterisk.agi_host}:{asterisk.agi_port}"
    if trial.listened:
        text = f"FastAGI, sound and recording not tried: {where} can't be listened on ({trial.listened})"
        remedy = "if the call centre runs, stop it and ask again; if it does not, choose another agi_port"
        return [warning("fastagi", text, remedy)]
    if not trial.arrived:
        return [_not_arrived(trial, where, ", ".join(asterisk.agi_nodes))]
    return [_arrived(trial, where), _sound(trial, settings), _recording(trial, settings)]


def _not_arrived(trial: Trial, where: str, nodes: str) -> Check:
    if trial.refused_from_elsewhere:
        text = f"Asterisk came to {where} from an address that is not in agi_nodes ({nodes})"
        return failed("fastagi", text, "add Asterisk's address to agi_nodes in [asterisk]")
    text = f"Asterisk handed no call to us at {where}"
    remedy = (
        f"under [globals] in extensions.conf:  CC_AGI = {where};  in modules.conf:  load = res_agi.so;  let a firewall "
        "pass it"
    )
    return failed("fastagi", text, remedy)


def _arrived(trial: Trial, where: str) -> Check:
    if trial.variable == trial.call_id:
        return ok("fastagi", f"Asterisk handed a call to us at {where}")
    text = f"a call came to {where}, but it was not the one that we made"
    return failed("fastagi", text, "does another Asterisk use this address? Give each its own agi_port")


def _sound(trial: Trial, settings: Settings) -> Check:
    folder = settings.ivr.prompts_folder.absolute()
    if not trial.played:
        return ok("prompts", f"Asterisk plays what we write to {folder}")
    text = f"Asterisk can't play a sound that we wrote to {folder}: {trial.played}"
    remedy = (
        "let Asterisk's user enter and read that folder and all above it (chmod o+rx, or a group that both are in), "
        "or set prompts_folder in [ivr] to one that it can read; modules.conf:  load = format_wav.so"
    )
    return failed("prompts", text, remedy)


def _recording(trial: Trial, settings: Settings) -> Check:
    folder = settings.recordings.folder.absolute()
    if not trial.recorded:
        return ok("recordings", f"Asterisk writes to {folder}, and we can read and delete it")
    text = f"a trial recording in {folder} failed: {trial.recorded}"
    remedy = (
        f"make a group that Asterisk's user and ours are in;  chgrp GROUP {folder};  chmod 2775 {folder};  let both "
        "enter the folders above it; modules.conf:  load = app_mixmonitor.so"
    )
    return failed("recordings", text, remedy)
