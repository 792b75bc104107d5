"""What the settings mean to the parts that are built from them."""

import datetime as dt
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
from callcenter.routing.policy import LinePolicy
from callcenter.settings import AsteriskSettings, IvrSettings, PhoneSettings, Settings

LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


def queue_settings(settings: Settings) -> dict[QueueName, QueueSettings]:
    """The queues, each with its own times or the common ones."""
    routing = settings.routing
    return {
        QueueName(queue.name): QueueSettings(
            name=QueueName(queue.name),
            title_en=queue.title_en,
            title_zh=queue.title_zh,
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


def line_policy(settings: Settings) -> LinePolicy:
    """The promises per tier."""
    routing = settings.routing
    promises = {
        Tier.VIP: routing.promise_vip,
        Tier.KEY: routing.promise_key,
        Tier.REGULAR: routing.promise_regular,
        Tier.SMALL: routing.promise_small,
    }
    return LinePolicy(promises, routing.ceiling)


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
