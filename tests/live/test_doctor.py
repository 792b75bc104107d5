"""``callcenter doctor`` as a process of its own, on a real Asterisk that is as it should be, and on broken ones."""

import asyncio
import json
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from callcenter.asterisk.agi.server import AgiServer
from callcenter.asterisk.ami import actions
from callcenter.asterisk.ami.connection import AmiTarget
from callcenter.bus import Bus
from callcenter.calls.ports import PhoneBook
from callcenter.clock import SystemClock
from callcenter.demo.floor import toml
from callcenter.doctor.link import logged_in
from callcenter.rig import asterisk_texts
from callcenter.rig.asterisk_config import AsteriskPlan, fresh_plan
from callcenter.rig.asterisk_install import find_launcher
from callcenter.rig.asterisk_server import PrivateAsterisk
from callcenter.storage.database import upgrade
from callcenter.tasks import Tasks
from callcenter.telephony.link import Telephony
from callcenter.telephony.self_test import account_faults
from tests.live.conftest import MakeFloor
from tests.live.watching import LINE, choose, ear, phone_events, until_hears

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

SHIPPED = Path(__file__).parents[2] / "config" / "asterisk"
DOCTOR = (
    "import sys; from pathlib import Path; from callcenter.settings import load;"
    "from callcenter.doctor.command import run_doctor;"
    "sys.exit(run_doctor(load(Path(sys.argv[1])), as_json=sys.argv[2] == 'json', sip=sys.argv[3] or None))"
)
WATCH = """
[watch]
exten => 8888,1,Set(DB(rang/it)=yes)
 same => n,Wait(5)
exten => 7777,1,Queue(callcenter-fallback,,,,2)
"""


@dataclass
class Patient:
    """An Asterisk, and settings that name it."""

    plan: AsteriskPlan
    asterisk: PrivateAsterisk
    config: Path

    async def examine(self, form: str = "json", sip: str = "") -> tuple[int, str]:
        """Exit status and standard output."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DOCTOR, str(self.config), form, sip,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert not err, err.decode()
        return process.returncode or 0, out.decode()


def statuses(text: str) -> dict[str, str]:
    """Check by check; of two with one name the worse."""
    found: dict[str, str] = {}
    for check in json.loads(text)["checks"]:
        assert check["status"] == "ok" or check["remedy"], check
        if found.get(check["name"]) != "failed":
            found[check["name"]] = check["status"]
    return found


def shipped_without(folder: Path, **changes: tuple[tuple[str, str], ...]) -> Path:
    """A copy of what we ship, with some words replaced: (old, new) by file."""
    copy = folder / "shipped"
    shutil.copytree(SHIPPED, copy)
    for name, pairs in changes.items():
        path = copy / f"{name}_callcenter.conf"
        text = path.read_text("utf-8")
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
    return copy


@asynccontextmanager
async def patient(*, start: bool = True, **given: object) -> AsyncIterator[Patient]:
    """``given``: fields of the plan."""
    folder = Path(tempfile.mkdtemp(prefix="ccd"))
    shipped = given.pop("changes", None)
    if isinstance(shipped, dict):
        given["shipped"] = shipped_without(folder, **shipped)
    plan = fresh_plan(folder, **given)  # type: ignore[arg-type]  # the plan checks the names
    asterisk = PrivateAsterisk(find_launcher(), plan)
    secret = folder / "ami.secret"
    secret.touch(mode=0o600)
    secret.write_text(plan.ami_secret, "utf-8")
    database = f"sqlite+aiosqlite:///{folder}/cc.db"
    tables: dict[str, dict[str, object]] = {
        "asterisk": {"ami_port": plan.ami_port, "agi_port": plan.agi_port, "ami_secret_file": str(secret)},
        "phones": {"outbound": "PJSIP/{number}@customers"},
        "database": {"url": database},
        "recordings": {"folder": str(plan.recordings_folder)},
        "ivr": {"prompts_folder": str(plan.sounds_folder)},
    }
    (folder / "cc.toml").write_text(toml(tables), "utf-8")
    await upgrade(database)
    try:
        if start:
            await asterisk.start()
        yield Patient(plan, asterisk, folder / "cc.toml")
    finally:
        await asterisk.stop()
        shutil.rmtree(folder)


async def test_a_sound_asterisk_passes() -> None:
    """Every check is ok, no secret is printed, no member of the fallback queue is rung, nothing is left behind."""
    async with patient(extra_dialplan=WATCH) as here:
        plan = here.plan
        await here.asterisk.command("queue add member Local/8888@watch/n to callcenter-fallback")
        status, text = await here.examine(sip=f"127.0.0.1:{plan.sip_port}")
        found = statuses(text)
        assert {name for name, state in found.items() if state != "ok"} <= {"host-name"}, text
        assert (status, json.loads(text)["good"]) == (0, True)
        wanted = {"trial-call", "channelvars", "clock", "fastagi", "prompts", "recordings", "sip-password"}
        assert wanted <= set(found)
        assert plan.ami_secret not in text
        assert plan.system_name not in text
        assert "0 results" in await here.asterisk.command("database show rang")
        assert list(plan.recordings_folder.iterdir()) == []
        assert list(plan.sounds_folder.iterdir()) == []
        # That member would have been rung by a caller without the doctor's penalty.
        target = AmiTarget("127.0.0.1", plan.ami_port, plan.ami_user, plan.ami_secret)
        async with logged_in(target, SystemClock()) as link:
            await link.ask(actions.originate("Local/far@callcenter-doctor/n", "watch", "7777"))
        async with asyncio.timeout(5):
            while "1 results" not in await here.asterisk.command("database show rang"):
                await asyncio.sleep(0.1)


async def test_a_fastagi_port_that_is_taken() -> None:
    """Where the program itself holds it, the rest is still tried; one who holds it and says nothing is found, and the
    trial call does not stay."""
    async with patient() as here:
        plan = here.plan
        running = AgiServer("127.0.0.1", plan.agi_port, {}, frozenset({"127.0.0.1"}), SystemClock())
        await running.start()
        status, text = await here.examine("text")
        await running.stop()
        assert status == 0
        assert "warning  fastagi: FastAGI, sound and recording not tried" in text
        assert "ok       channelvars" in text
        assert text.splitlines()[-1].startswith("Good: ")
        with socket.create_server(("127.0.0.1", plan.agi_port)):
            status, text = await here.examine("text")
        assert status == 1
        assert "failed   trial-call: a call from Asterisk to itself: it did not end in time" in text
        assert "0 active channels" in await here.asterisk.command("core show channels")


async def test_beside_a_call_centre_that_works(make_floor: MakeFloor) -> None:
    """With a ready agent in the fallback queue nobody's phone rings, the core is not disturbed and serves a call."""
    floor = await make_floor()
    await asyncio.sleep(1)
    assert "PJSIP/1001" in await floor.asterisk.command("queue show callcenter-fallback")
    plan = floor.asterisk_plan
    status, text = await Patient(plan, floor.asterisk, floor.config).examine(sip=f"127.0.0.1:{plan.sip_port}")
    found = statuses(text)
    assert status == 0, text
    assert found["fastagi"] == "warning"
    assert {name for name, state in found.items() if state != "ok"} <= {"fastagi", "host-name", "phones"}, (
        text
    )
    assert phone_events(floor, "invite") == []
    assert '"level": "error"' not in floor.log("core")
    async with ear(floor, "+8613911110001") as caller:
        assert await caller.call(LINE) == 200
        await choose(caller)
        await until_hears(caller, floor.tone_of("1001"), 8)
        await caller.hang_up()
    assert len(phone_events(floor, "invite")) == 1


async def test_a_broken_asterisk_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights that are too strong and too weak, no channelvars, no time in events, noise, a guessable name, no fallback
    queue, missing contexts, phones without passwords: each has its line, and the status is 1 (A20)."""
    modules = tuple(name for name in asterisk_texts.MODULES if name != "res_pjsip_authenticator_digest")
    monkeypatch.setattr(asterisk_texts, "MODULES", modules)
    changes = {
        "manager": (
            ("channelvars = CC_CALL,CC_AGENT,CC_QUEUE", "channelvars = CC_AGENT"),
            ("timestampevents = yes", "timestampevents = no"),
            (
                "write = call,agent,originate,reporting",
                "write = call,originate,reporting,system,command,config",
            ),
            ("read = system,call,agent,user", "read = system,call,dialplan"),
            ("eventfilter = ", "; "),
        ),
        "extensions": (("[callcenter-agent]", "[elsewhere]"),),
        "queues": (("[callcenter-fallback]", "[elsewhere]"),),
    }
    async with patient(changes=changes, system_name="short") as here:
        (here.plan.folder / "ami.secret").chmod(0o644)
        status, text = await here.examine(sip=f"127.0.0.1:{here.plan.sip_port}")
        found = statuses(text)
        assert status == 1
        failures = {
            "ami-rights", "channelvars", "dialplan", "fallback-queue", "ami-read", "sip-password",
        }  # fmt: skip
        assert {name for name, state in found.items() if state == "failed"} == failures, text
        warnings = {"system-name", "clock", "ami-filter", "ami-secret"}
        assert {name for name, state in found.items() if state == "warning"} - {"host-name"} == warnings, text
        assert "callcenter-agent" in text
        telephony = Telephony(
            AmiTarget("127.0.0.1", here.plan.ami_port, here.plan.ami_user, here.plan.ami_secret),
            Bus(),
            SystemClock(),
            PhoneBook("PJSIP/{extension}", "PJSIP/{extension}", "", "PJSIP/{number}@t"),
            "callcenter-fallback",
        )
        tasks = Tasks("test")
        _ = tasks.start(telephony.run(), "telephony")
        async with asyncio.timeout(5):
            while not telephony.up:
                await asyncio.sleep(0.05)
        faults = await account_faults(telephony)
        await tasks.close()
        named = [fault.partition('class "')[2].partition('"')[0] for fault in faults]
        assert named == ["agent", "system", "command", "config"]
        assert all("write = call,agent,originate,reporting" in fault for fault in faults)


async def test_sound_and_recordings_that_asterisk_can_not_reach() -> None:
    """A dialplan that looks for us elsewhere, and folders that Asterisk can't use, are each found by trying."""
    async with patient() as here:
        broken = here.config.read_text("utf-8")
        for folder in (here.plan.sounds_folder, here.plan.recordings_folder):
            # A path with a mark that neither AGI nor MixMonitor may be given: no file can be used there.
            broken = broken.replace(str(folder), f"{folder}&x")
        here.config.write_text(broken, "utf-8")
        status, text = await here.examine()
        found = statuses(text)
        assert status == 1
        assert (found["prompts"], found["recordings"], found["fastagi"]) == ("failed", "failed", "ok"), text
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
        here.config.write_text(
            broken.replace(f"agi_port = {here.plan.agi_port}", f"agi_port = {port}"), "utf-8"
        )
        status, text = await here.examine()
        assert (statuses(text)["agi-address"], statuses(text)["fastagi"]) == ("failed", "failed"), text


async def test_no_log_in() -> None:
    """A wrong secret, and no Asterisk at all: one clear failure each, and what hangs on it is said not to be tried."""
    async with patient() as here:
        (here.plan.folder / "ami.secret").write_text("wrong", "utf-8")
        status, text = await here.examine()
        assert status == 1
        assert "refuses the log-in of callcenter: Login: Authentication failed" in text
        assert statuses(text)["asterisk"] == "warning"
        await here.asterisk.stop()
        status, text = await here.examine()
        assert status == 1
        assert "no connection to Asterisk's manager interface" in text
