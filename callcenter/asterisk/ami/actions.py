"""What we tell Asterisk over AMI: asterisk-ami's ``SimpleAction``, typed, and our own strict writer.

asterisk-ami's writer puts whatever it is given on the wire. ``encode`` refuses everything that could end a
header early, so that no text of a caller or an agent can become a second header or a second action.
"""

import re
from collections.abc import Iterator, Mapping

from asterisk.ami import SimpleAction as _SimpleAction

from callcenter.asterisk.ami.messages import CONTROLS
from callcenter.errors import BadInput

MAX_LINE = 1024
"""Bytes with CR LF; Asterisk reads a line into 1,025."""
MAX_HEADERS = 120
"""Asterisk takes 128 and ignores the rest in silence."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}(\([A-Za-z0-9_/-]{1,80}\))?")
# Asterisk splits one ``Variable`` header at commas, and takes quotes and backslashes for itself.
_SPLITS_VARIABLES = re.compile(r'[,"\\]')


class SimpleAction(_SimpleAction):  # type: ignore[misc]  # asterisk-ami has no types
    """An action's name, headers and variables. It prints without values: the log-in is one too."""

    name: str
    keys: dict[str, str]
    variables: dict[str, str]

    def __init__(self, name: str, **keys: str) -> None:
        super().__init__(name, **keys)

    def __repr__(self) -> str:
        return f"SimpleAction({self.name}: {', '.join(self.keys)})"

    __str__ = __repr__


def encode(action: SimpleAction, action_id: str) -> bytes:
    """The action as bytes for the wire.

    Raises BadInput, without repeating the value, for what could be read as more than one value.
    """
    lines = [_line(key, value) for key, value in _headers(action, action_id)]
    if len(lines) > MAX_HEADERS:
        raise BadInput(f"an AMI action has at most {MAX_HEADERS} headers")
    return b"".join(lines) + b"\r\n"


def _headers(action: SimpleAction, action_id: str) -> Iterator[tuple[str, str]]:
    if not _NAME.fullmatch(action.name):
        raise BadInput("an AMI action's name has letters, digits, dash and underscore only")
    yield "Action", action.name
    yield "ActionID", action_id
    seen = {"action", "actionid"}
    for key, value in action.keys.items():
        if not _NAME.fullmatch(key) or key.lower() in seen:
            raise BadInput(
                "an AMI header's name has letters, digits, dash and underscore only, and comes once"
            )
        seen.add(key.lower())
        yield key, value
    for name, value in action.variables.items():
        if not _VARIABLE.fullmatch(name):
            raise BadInput("a channel variable's name has letters, digits and underscore only")
        if _SPLITS_VARIABLES.search(value):
            raise BadInput("a channel variable's value can't have a comma, a quote or a backslash")
        yield "Variable", f"{name}={value}"


def _line(key: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise BadInput(f"the AMI header {key} must be text")
    if CONTROLS.search(value):
        raise BadInput(f"the AMI header {key} can't have a control character")
    try:
        line = f"{key}: {value}\r\n".encode()
    except UnicodeEncodeError:
        raise BadInput(f"the AMI header {key} is no valid Unicode text") from None
    if len(line) > MAX_LINE:
        raise BadInput(f"the AMI header {key} is longer than {MAX_LINE} bytes")
    return line


def _yes_no(value: bool) -> str:
    return "true" if value else "false"


def login(username: str, secret: str) -> SimpleAction:
    """Log in with a plain secret: the link is loopback or an own network. Events come at once."""
    return SimpleAction("Login", Username=username, Secret=secret, Events="on")


def ping() -> SimpleAction:
    """Ask for a sign of life; the answer carries Asterisk's clock."""
    return SimpleAction("Ping")


def event_filter(expression: str) -> SimpleAction:
    """Filter events at Asterisk for this log-in. Needs write class ``system``; prefer manager.conf."""
    return SimpleAction("Filter", Operation="Add", Filter=expression)


def core_settings() -> SimpleAction:
    """Ask for the version and the system name."""
    return SimpleAction("CoreSettings")


def core_status() -> SimpleAction:
    """Ask for the time of start-up."""
    return SimpleAction("CoreStatus")


def core_show_channels() -> SimpleAction:
    """List all channels."""
    return SimpleAction("CoreShowChannels")


def bridge_list() -> SimpleAction:
    """List all bridges."""
    return SimpleAction("BridgeList")


def bridge_info(bridge_id: str) -> SimpleAction:
    """List the channels in one bridge."""
    return SimpleAction("BridgeInfo", BridgeUniqueid=bridge_id)


def device_state_list() -> SimpleAction:
    """List the states of all devices."""
    return SimpleAction("DeviceStateList")


def queue_status(queue: str = "") -> SimpleAction:
    """List app_queue's queues, members and callers, or those of one queue."""
    return SimpleAction("QueueStatus", **({"Queue": queue} if queue else {}))


def queue_add(
    queue: str, interface: str, member_name: str = "", state_interface: str = "", *, paused: bool = False
) -> SimpleAction:
    """Put a phone into an app_queue."""
    action = SimpleAction("QueueAdd", Queue=queue, Interface=interface, Paused=_yes_no(paused))
    if member_name:
        action.keys["MemberName"] = member_name
    if state_interface:
        action.keys["StateInterface"] = state_interface
    return action


def queue_remove(queue: str, interface: str) -> SimpleAction:
    """Take a phone out of an app_queue."""
    return SimpleAction("QueueRemove", Queue=queue, Interface=interface)


def queue_pause(queue: str, interface: str, *, paused: bool, reason: str = "") -> SimpleAction:
    """Pause or unpause a member of an app_queue."""
    action = SimpleAction("QueuePause", Queue=queue, Interface=interface, Paused=_yes_no(paused))
    if reason:
        action.keys["Reason"] = reason
    return action


def queue_withdraw_caller(queue: str, caller_channel: str, info: str = "") -> SimpleAction:
    """Take a waiting caller out of an app_queue; the dialplan goes on with ``QUEUE_WITHDRAW_INFO``."""
    action = SimpleAction("QueueWithdrawCaller", Queue=queue, Caller=caller_channel)
    if info:
        action.keys["WithdrawInfo"] = info
    return action


def originate(
    channel: str,
    context: str,
    exten: str,
    priority: int = 1,
    *,
    timeout_ms: int = 30_000,
    caller_id: str = "",
    variables: Mapping[str, str] | None = None,
    channel_id: str = "",
    asynchronous: bool = True,
) -> SimpleAction:
    """Ring ``channel`` and put it, once answered, at ``exten`` in ``context``.

    Asynchronous: the response only says that it was taken; the outcome is the event ``OriginateResponse``.
    ``channel_id`` becomes the Uniqueid of the new channel.
    """
    action = SimpleAction(
        "Originate",
        Channel=channel,
        Context=context,
        Exten=exten,
        Priority=str(priority),
        Timeout=str(timeout_ms),
        Async=_yes_no(asynchronous),
    )
    if caller_id:
        action.keys["CallerID"] = caller_id
    if channel_id:
        action.keys["ChannelId"] = channel_id
    action.variables.update(variables or {})
    return action


def hangup(channel: str, cause: int = 16) -> SimpleAction:
    """Hang up one channel by its exact name; cause 16 is a normal end."""
    # Asterisk takes /.../ for a pattern over all channels.
    if channel.startswith("/"):
        raise BadInput("a channel's name does not begin with a slash")
    return SimpleAction("Hangup", Channel=channel, Cause=str(cause))


def redirect(channel: str, context: str, exten: str, priority: int = 1) -> SimpleAction:
    """Send a channel to another place of the dialplan."""
    return SimpleAction("Redirect", Channel=channel, Context=context, Exten=exten, Priority=str(priority))


def control_playback(channel: str, control: str = "stop") -> SimpleAction:
    """Steer a running ``CONTROL STREAM FILE``: stop, pause, restart, forward or reverse."""
    return SimpleAction("ControlPlayback", Channel=channel, Control=control)


def db_get_tree(family: str, key: str = "") -> SimpleAction:
    """List what is in AstDB under a family, and under a key if given."""
    return SimpleAction("DBGetTree", Family=family, **({"Key": key} if key else {}))


def getvar(channel: str, variable: str) -> SimpleAction:
    """Read a variable of a channel (or a global one, with an empty channel)."""
    return SimpleAction("Getvar", Variable=variable, **({"Channel": channel} if channel else {}))


def setvar(channel: str, variable: str, value: str) -> SimpleAction:
    """Set a variable of a channel."""
    return SimpleAction("Setvar", Channel=channel, Variable=variable, Value=value)


def status(channel: str = "") -> SimpleAction:
    """List the state of one channel, or of all."""
    return SimpleAction("Status", **({"Channel": channel} if channel else {}))


def play_dtmf(channel: str, digit: str, *, receive: bool = False) -> SimpleAction:
    """Press a key towards the channel's party, or with ``receive`` as if that party had pressed it."""
    return SimpleAction("PlayDTMF", Channel=channel, Digit=digit, Receive=_yes_no(receive))
