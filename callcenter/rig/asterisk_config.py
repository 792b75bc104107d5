"""What a private Asterisk is told: a plan, and the configuration folder that is written from it.

The dialplan, the fallback queue and the AMI rights are the files of ``config/asterisk/`` that are shipped to
administrators, included as they are: what the tests prove is what users get.
"""

import dataclasses
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from callcenter.errors import BadInput, PartMissing
from callcenter.rig import asterisk_texts as texts
from callcenter.rig.ports import LOOPBACK, free_ports, free_range

SHIPPED = Path("config/asterisk")
RTP_PORTS = 1000  # two per leg, two legs per call: 250 calls at once
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclasses.dataclass(frozen=True)
class PhonePlan:
    """One phone that may register: its extension (its user name too) and its SIP password."""

    extension: str
    secret: str


@dataclasses.dataclass(frozen=True)
class AsteriskPlan:
    """All that is particular to one private Asterisk. Ports are on 127.0.0.1.

    ``folder`` holds its configuration (``conf``) and what it writes (``run``); keep its path short, for a
    control socket's path in it has 107 bytes at most. Calls to ``PJSIP/<number>@customers`` go to
    ``trunk_host`` and ``trunk_port``. Callers of the trunk arrive in ``caller_context``.
    """

    folder: Path
    sip_port: int
    ami_port: int
    agi_host: str
    agi_port: int
    rtp_start: int
    rtp_end: int
    ami_user: str
    ami_secret: str
    system_name: str
    phones: tuple[PhonePlan, ...]
    sounds_folder: Path
    recordings_folder: Path
    trunk_host: str
    trunk_port: int
    extra_dialplan: str = ""
    extra_globals: tuple[tuple[str, str], ...] = ()
    extra_queues: str = ""
    caller_context: str = "callcenter-inbound"
    shipped: Path = SHIPPED

    @property
    def conf(self) -> Path:
        """The configuration folder, which Asterisk only reads."""
        return self.folder / "conf"

    @property
    def run(self) -> Path:
        """The folder of what Asterisk writes: its database, logs, sockets."""
        return self.folder / "run"


def fresh_plan(
    folder: Path,
    *,
    extensions: Sequence[str] = ("1001", "1002"),
    agi_host: str = LOOPBACK,
    agi_port: int | None = None,
    **given: object,
) -> AsteriskPlan:
    """A plan with free ports, fresh secrets and an unguessable system name; ``given`` overrides any field."""
    sip_port, ami_port, trunk_port, free_agi_port = free_ports(4)
    rtp_start, rtp_end = free_range(RTP_PORTS)
    plan = AsteriskPlan(
        folder=folder,
        sip_port=sip_port,
        ami_port=ami_port,
        agi_host=agi_host,
        agi_port=agi_port or free_agi_port,
        rtp_start=rtp_start,
        rtp_end=rtp_end,
        ami_user="callcenter",
        ami_secret=secrets.token_hex(16),
        system_name=f"cc{secrets.token_hex(12)}",
        phones=tuple(PhonePlan(extension, secrets.token_hex(8)) for extension in extensions),
        sounds_folder=folder / "sounds",
        recordings_folder=folder / "recordings",
        trunk_host=LOOPBACK,
        trunk_port=trunk_port,
    )
    return dataclasses.replace(plan, **given)  # type: ignore[arg-type]  # checked by the names of the fields


def write_config(plan: AsteriskPlan) -> None:
    """Lay down ``plan.conf`` and the folders that Asterisk needs.

    Raises PartMissing when the shipped files aren't at ``plan.shipped``, BadInput when a name in the plan
    could end a line or a section of the configuration.
    """
    _check(plan)
    for folder in (plan.conf, plan.run, plan.sounds_folder, plan.recordings_folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in _files(plan).items():
        path = plan.conf / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


def _check(plan: AsteriskPlan) -> None:
    words = [plan.ami_user, plan.ami_secret, plan.system_name, plan.caller_context]
    words += [word for phone in plan.phones for word in (phone.extension, phone.secret)]
    for word in words:
        if not _WORD.fullmatch(word):
            raise BadInput(
                f"{word!r} can't stand in Asterisk's configuration: use letters, digits, '.', '-', '_'"
            )
    for name in ("extensions_callcenter.conf", "queues_callcenter.conf", "manager_callcenter.conf"):
        if not (plan.shipped / name).is_file():
            raise PartMissing(
                f"the dialplan that is shipped isn't there ({plan.shipped.absolute() / name}): "
                "start in the project's folder"
            )


def _files(plan: AsteriskPlan) -> dict[str, str]:
    return {
        **{f"{name}.conf": texts.EMPTY for name in texts.EMPTY_FILES},
        "asterisk.options.conf": texts.OPTIONS.format(system_name=plan.system_name),
        "modules.conf": "[modules]\nautoload = no\n"
        + "".join(f"load = {name}.so\n" for name in texts.MODULES),
        "logger.conf": texts.LOGGER,
        "confbridge.conf": texts.CONFERENCES,
        "cdr.conf": "[general]\nenable = no\n",
        "cel.conf": "[general]\nenable = no\n",
        "http.conf": "[general]\nenabled = no\n",
        "indications.conf": texts.INDICATIONS,
        "musiconhold.conf": texts.MUSIC,
        "rtp.conf": texts.RTP.format(start=plan.rtp_start, end=plan.rtp_end),
        "manager.conf": texts.MANAGER.format(
            port=plan.ami_port, shipped=plan.shipped.absolute(), user=plan.ami_user, secret=plan.ami_secret
        ),
        "queues.conf": texts.QUEUES.format(shipped=plan.shipped.absolute()) + plan.extra_queues,
        "extensions.conf": _extensions(plan),
        "pjsip.conf": _pjsip(plan),
    }


def _extensions(plan: AsteriskPlan) -> str:
    named = {"CC_AGI": f"{plan.agi_host}:{plan.agi_port}", **dict(plan.extra_globals)}
    lines = "".join(f"{name} = {value}\n" for name, value in named.items())
    return texts.EXTENSIONS.format(globals=lines, shipped=plan.shipped.absolute()) + plan.extra_dialplan


def _pjsip(plan: AsteriskPlan) -> str:
    trunk = texts.TRUNK.format(
        sip_port=plan.sip_port, context=plan.caller_context, host=plan.trunk_host, port=plan.trunk_port
    )
    return trunk + "".join(
        texts.PHONE.format(extension=phone.extension, secret=phone.secret) for phone in plan.phones
    )
