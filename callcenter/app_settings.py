"""What the settings mean to the parts that are built from them."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from callcenter.asterisk.ami.connection import AmiTarget
from callcenter.callbacks.rules import CallbackRules
from callcenter.calls.ports import PhoneBook, QueueSettings
from callcenter.customers.customer import Tier
from callcenter.errors import SettingsError
from callcenter.ids import QueueName
from callcenter.ivr.flow.checks.finding import Known
from callcenter.ivr.shelf import Entrances
from callcenter.lookups.services import ServicePlan
from callcenter.routing.rules import (
    Order,
    Promise,
    QueueRules,
    Relationship,
    RingRule,
    RoutingRules,
    Strategy,
    problems,
)
from callcenter.settings import AsteriskSettings, IvrSettings, PhoneSettings, QueueSection, Settings

LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


def queue_settings(settings: Settings) -> dict[QueueName, QueueSettings]:
    """The queues, each with its own times or the common ones."""
    routing = settings.routing
    return {
        QueueName(queue.name): QueueSettings(
            name=QueueName(queue.name),
            title_en=queue.title_en,
            title_zh=queue.title_zh,
            number=queue.number,
            record=queue.record,
            ring_seconds=queue.ring_seconds or routing.ring_seconds,
            wrap_up_seconds=routing.wrap_up_seconds
            if queue.wrap_up_seconds is None
            else queue.wrap_up_seconds,
        )
        for queue in settings.queues
    }


def ivr_known(settings: Settings, today: dt.date) -> Known:
    """What flows may name."""
    ivr = settings.ivr
    return Known(
        queues=frozenset(queue.name for queue in settings.queues),
        skills=frozenset(settings.skills),
        queries=frozenset(query.name for query in ivr.queries),
        services=frozenset(service.name for service in ivr.services),
        entrances=entrances(settings).flows(),
        today=today,
    )


def entrances(settings: Settings) -> Entrances:
    """Which number leads to which flow."""
    return Entrances(settings.ivr.flow, dict(settings.ivr.numbers))


def callback_rules(settings: Settings) -> CallbackRules:
    """When and how often callers are called back."""
    callbacks = settings.callbacks
    return CallbackRules(
        zone=ZoneInfo(settings.zone),
        opens=callbacks.opens,
        closes=callbacks.closes,
        tries=callbacks.tries,
        pause=callbacks.pause,
        expires_hours=callbacks.expires_hours,
        prefixes=callbacks.prefixes,
    )


def service_plans(ivr: IvrSettings) -> list[ServicePlan]:
    """The web services, with their headers; raises ``SettingsError``."""
    return [
        ServicePlan(one.name, one.url, one.method, _headers(one.name, one.headers_file), one.send)
        for one in ivr.services
    ]


def _headers(service: str, path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"ivr.services {service}: headers_file {path} can't be read: {error}") from error
    headers = {}
    for number, line in enumerate(lines, 1):
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise SettingsError(f"ivr.services {service}: line {number} of {path} is no header (Name: value)")
        headers[name.strip()] = value.strip()
    return headers


def routing_rules(settings: Settings) -> RoutingRules:
    """The rules of routing; raises ``SettingsError`` naming all that contradicts."""
    routing = settings.routing
    rules = RoutingRules(
        promises={
            tier: Promise(section.seconds, section.share)
            for tier, section in (
                (Tier.VIP, routing.vip),
                (Tier.KEY, routing.key),
                (Tier.REGULAR, routing.regular),
                (Tier.SMALL, routing.small),
            )
        },
        ceiling=routing.ceiling,
        order=Order(routing.order),
        queues={QueueName(queue.name): _queue_rules(queue) for queue in settings.queues},
        relationship=Relationship(routing.owner_wait, routing.last_agent_wait, routing.last_agent_days),
        late_promise=routing.late_promise,
        resume_within=routing.resume_within,
        max_offers=routing.max_offers,
    )
    found = [*problems(rules), *_unknown_skills(settings)]
    if found:
        raise SettingsError("\n  ".join(["The rules of routing can't be used:", *found]))
    return rules


def _queue_rules(queue: QueueSection) -> QueueRules:
    return QueueRules(
        weight=queue.weight,
        strategy=Strategy(queue.strategy),
        prefers=queue.prefers,
        rings=tuple(
            RingRule(ring.after, ring.lower, frozenset(ring.drop), frozenset(map(QueueName, ring.also)))
            for ring in queue.rings
        ),
        hard=queue.hard,
        rest=queue.rest,
    )


def _unknown_skills(settings: Settings) -> Iterator[str]:
    there = ", ".join(settings.skills) or "none"
    for queue in settings.queues:
        named = {*queue.prefers, *(skill for ring in queue.rings for skill in ring.drop)}
        for skill in sorted(named - set(settings.skills)):
            yield f"queue {queue.name}: there is no skill {skill} (skills there: {there})"


def ami_secret(path: Path | None) -> str:
    """The AMI secret from its file; raises ``SettingsError`` saying what to do."""
    example = 'ami_secret_file = "/etc/callcenter/ami.secret"'
    if path is None:
        raise SettingsError(
            f"asterisk.ami_secret_file: is needed to log in to Asterisk; for example: {example}"
        )
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"asterisk.ami_secret_file: {path} can't be read: {error}") from error
    if not lines or not lines[0].strip():
        raise SettingsError(f"asterisk.ami_secret_file: the first line of {path} must be the secret")
    return lines[0].strip()


def ami_target(asterisk: AsteriskSettings) -> AmiTarget:
    """Where to log in; raises ``SettingsError`` for a network that would carry the secret in the clear."""
    if not asterisk.allow_plain_remote and asterisk.host not in LOCAL:
        raise SettingsError(
            f"asterisk.host: {asterisk.host} is another machine and AMI is not encrypted; set "
            "allow_plain_remote = true only if the network between is yours alone"
        )
    secret = ami_secret(asterisk.ami_secret_file)
    return AmiTarget(asterisk.host, asterisk.ami_port, asterisk.ami_user, secret)


def phone_book(phones: PhoneSettings) -> PhoneBook:
    """How phones are dialled."""
    return PhoneBook(phones.dial, phones.device, phones.predial, phones.outbound, phones.answered)
