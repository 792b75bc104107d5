"""What the dialplan, the fallback queue and the phones of this Asterisk look like from AMI."""

import re

from callcenter.asterisk.ami import actions
from callcenter.asterisk.ami.actions import SimpleAction
from callcenter.asterisk.ami.messages import Event
from callcenter.doctor.check import Check, failed, ok, warning
from callcenter.doctor.link import Link
from callcenter.errors import ActionFailed
from callcenter.settings import AsteriskSettings, PhoneSettings
from callcenter.telephony.phone_states import phone_state

TRIAL = "callcenter-doctor"
CONTEXTS = ("inbound", "core", "fallback", "note", "agent", "phones", "doctor")
SHIPPED_QUEUE = "callcenter-fallback"
"""The name that the shipped dialplan uses."""
_INCLUDE = (
    "copy config/asterisk/{file} beside {into} of Asterisk; at the end of {into} (FreePBX: {custom}):  "
    "#include {file}  and then  asterisk -rx '{reload}'"
)
DIALPLAN_REMEDY = _INCLUDE.format(
    file="extensions_callcenter.conf",
    into="extensions.conf",
    custom="extensions_custom.conf",
    reload="dialplan reload",
)
QUEUE_REMEDY = _INCLUDE.format(
    file="queues_callcenter.conf", into="queues.conf", custom="queues_custom.conf", reload="queue reload all"
)
_MANY = 5


async def check_dialplan(link: Link, phones: PhoneSettings) -> list[Check]:
    """Our contexts, and those that the settings of phones name. Raises ActionFailed, TelephonyDown."""
    missing = [name for name in (f"callcenter-{each}" for each in CONTEXTS) if not await _has(link, name)]
    checks = []
    if missing:
        checks.append(failed("dialplan", f"contexts are missing: {', '.join(missing)}", DIALPLAN_REMEDY))
    else:
        checks.append(ok("dialplan", f"all {len(CONTEXTS)} contexts of the call centre are there"))
    for setting, context in _named_contexts(phones):
        if not await _has(link, context):
            text = f"{setting} in [phones] names the context {context}, which this Asterisk does not have"
            checks.append(failed("dialplan", text, f"correct {setting}, or add [{context}] to the dialplan"))
    return checks


def _named_contexts(phones: PhoneSettings) -> list[tuple[str, str]]:
    """The contexts behind Local channels and the subroutine."""
    named = []
    for setting, template in (("dial", phones.dial), ("outbound", phones.outbound)):
        found = re.fullmatch(r"Local/.*@([A-Za-z0-9_-]+)(?:/n)?", template)
        if found:
            named.append((setting, found[1]))
    for setting, subroutine in (("predial", phones.predial), ("answered", phones.answered)):
        if subroutine:
            named.append((setting, subroutine.partition("^")[0]))
    return named


async def _has(link: Link, context: str) -> bool:
    try:
        return bool(await link.listing(SimpleAction("ShowDialPlan", Context=context)))
    except ActionFailed as error:
        if "did not find" in error.message.lower():
            return False
        raise


async def check_agi_address(link: Link, asterisk: AsteriskSettings) -> Check:
    """``CC_AGI`` says where Asterisk finds us. Raises ActionFailed, TelephonyDown."""
    found = (await link.ask(actions.getvar("", "CC_AGI"))).get("Value")
    wanted = f"{asterisk.agi_host}:{asterisk.agi_port}"
    remedy = (
        f"in extensions.conf, under [globals] (FreePBX: globals_custom.conf):  CC_AGI = {wanted}  and then  "
        "asterisk -rx 'dialplan reload'"
    )
    if not found:
        return failed("agi-address", "the dialplan does not know where our program listens", remedy)
    if found == wanted:
        return ok("agi-address", f"CC_AGI is {found}")
    if found.rpartition(":")[2] == str(asterisk.agi_port):
        text = f"CC_AGI is {found}, our settings say {wanted}: right only if both are this machine"
        return warning("agi-address", text, remedy)
    return failed("agi-address", f"CC_AGI is {found}, and our program listens on {wanted}", remedy)


async def check_queue(link: Link, queue: str) -> tuple[Check, int | None]:
    """The fallback queue; gives how many callers wait there, None if there is no such queue.

    Raises ActionFailed, TelephonyDown.
    """
    items = await link.listing(actions.queue_status(queue))
    if not any(item.name == "QueueParams" for item in items):
        return failed("fallback-queue", f"Asterisk has no queue {queue}", QUEUE_REMEDY), None
    waiting = sum(item.name == "QueueEntry" for item in items)
    members = sum(item.name == "QueueMember" for item in items)
    found = f"{queue} is there, {members} agents in it, {waiting} callers waiting"
    if queue != SHIPPED_QUEUE:
        text = f"{found}; but the dialplan sends callers to {SHIPPED_QUEUE}"
        remedy = f'set fallback_queue = "{SHIPPED_QUEUE}" in [asterisk], or change both in the dialplan'
        return failed("fallback-queue", text, remedy), waiting
    return ok("fallback-queue", found), waiting


async def check_phones(link: Link, phones: PhoneSettings, extensions: frozenset[str]) -> list[Check]:
    """Device states of agents' phones, and of the trunk; ``extensions`` are those of the users who are agents.

    Raises ActionFailed, TelephonyDown.
    """
    states = {item.get("Device"): item.get("State") for item in await _devices(link)}
    known = {device: state for device, state in states.items() if _is_phone(device, phones.device)}
    reachable = sum(phone_state(state) != "unreachable" for state in known.values())
    unknown = sorted(each for each in extensions if phones.device.format(extension=each) not in states)
    checks = []
    if not known:
        text = f"Asterisk knows the state of no device like {phones.device}"
        remedy = "correct device in [phones], or add the agents' phones to Asterisk (pjsip.conf, or FreePBX's pages)"
        checks.append(warning("phones", text, remedy))
    elif unknown:
        some = ", ".join(unknown[:_MANY]) + (", ..." if len(unknown) > _MANY else "")
        text = f"{len(unknown)} of our agents' extensions are unknown to Asterisk: {some}"
        checks.append(
            warning("phones", text, "correct the agents' extensions, or add their phones to Asterisk")
        )
    else:
        checks.append(ok("phones", f"states of {len(known)} devices are known, {reachable} can be reached"))
    trunk = re.fullmatch(r"(PJSIP)/\{number\}@([A-Za-z0-9_-]+)", phones.outbound)
    if trunk and f"{trunk[1]}/{trunk[2]}" not in states:
        text = f"outbound in [phones] names the trunk {trunk[2]}, which Asterisk does not know"
        checks.append(warning("trunk", text, "write the name of your trunk's endpoint in [phones] outbound"))
    return checks


async def _devices(link: Link) -> list[Event]:
    try:
        return await link.listing(actions.device_state_list())
    except ActionFailed as error:
        if "unknown command" in error.message.lower():
            return []
        raise


def _is_phone(device: str, template: str) -> bool:
    before, _, after = template.partition("{extension}")
    middle = device.removeprefix(before).removesuffix(after)
    return device.startswith(before) and device.endswith(after) and middle.isdecimal()


async def phone_names(link: Link, phones: PhoneSettings) -> list[str]:
    """Extensions that Asterisk knows as phones. Raises ActionFailed, TelephonyDown."""
    before, _, after = phones.device.partition("{extension}")
    devices = (item.get("Device") for item in await _devices(link))
    return [
        each.removeprefix(before).removesuffix(after) for each in devices if _is_phone(each, phones.device)
    ]
