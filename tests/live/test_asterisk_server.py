"""The private Asterisk: it starts, restarts, is gone with its parent; AMI tells only what was asked."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from callcenter.errors import BadInput, PartMissing, TelephonyDown
from callcenter.rig.asterisk_config import AsteriskPlan, PhonePlan, fresh_plan
from callcenter.rig.asterisk_install import find_launcher
from callcenter.rig.asterisk_server import PrivateAsterisk
from callcenter.rig.asterisk_texts import MODULES

# What the dialplan and the program use
NEEDED = {
    *("app_stack", "app_mixmonitor", "app_queue", "app_controlplayback", "app_chanspy", "func_db", "res_agi"),
    *("res_pjsip_header_funcs", "res_pjsip_authenticator_digest", "res_manager_devicestate"),
}
pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]


@pytest.fixture
def plan(tmp_path: Path) -> AsteriskPlan:
    """A plan of its own for each test."""
    return fresh_plan(tmp_path / "a")


@pytest.fixture
async def asterisk(plan: AsteriskPlan) -> AsyncIterator[PrivateAsterisk]:
    """A running Asterisk."""
    server = PrivateAsterisk(find_launcher(), plan)
    await server.start()
    yield server
    await server.stop()


async def session(plan: AsteriskPlan, *actions: str, seconds: float = 1.0) -> str:
    """All that AMI says to these actions after the log-in, within ``seconds``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", plan.ami_port)
    login = f"Action: Login\nUsername: {plan.ami_user}\nSecret: {plan.ami_secret}"
    for action in (login, *actions):
        writer.write((action + "\n\n").replace("\n", "\r\n").encode())
    said = b""
    try:
        async with asyncio.timeout(seconds):
            while got := await reader.read(65536):
                said += got
    except TimeoutError:
        writer.close()
    return said.decode()


def alive(pid: int) -> bool:
    """Whether this process runs (one that only waits to be reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


async def test_it_starts_and_stops_and_leaves_nothing(plan: AsteriskPlan) -> None:
    """Start to stop: the ports answer between, the process is gone after, and stopping twice is no fault."""
    server = PrivateAsterisk(find_launcher(), plan)
    assert not server.running
    await server.start()
    pid = server.pid
    assert "FullyBooted" in await session(plan, seconds=0.3)
    assert "pjsip" in (await server.command("module show like chan_pjsip")).lower()
    await server.stop()
    await server.stop()
    assert not alive(pid)
    with pytest.raises(TelephonyDown):
        _ = server.pid


async def test_every_module_that_is_asked_for_runs(asterisk: PrivateAsterisk) -> None:
    """No module is missing or declined, and Asterisk warns of nothing at its start."""
    shown = await asterisk.command("module show")
    running = {line.split(".so")[0] for line in shown.splitlines() if " Running " in line}
    assert set(MODULES) - running == set()
    assert running >= NEEDED
    messages = (asterisk.plan.run / "log" / "messages").read_text()
    assert "WARNING" not in messages
    assert "ERROR" not in messages


async def test_the_core_has_local_channels(asterisk: PrivateAsterisk) -> None:
    """Local/...@context works, which members of a FreePBX queue use."""
    assert "Local" in await asterisk.command("core show channeltypes")


async def test_a_restart_keeps_plan_and_database(asterisk: PrivateAsterisk) -> None:
    """After a restart the same ports answer, and AstDB and the fallback queue's members are still there."""
    pid = asterisk.pid
    await asterisk.command("database put callcenter missed/x v1")
    await session(
        asterisk.plan,
        "Action: QueueAdd\nQueue: callcenter-fallback\nInterface: PJSIP/1001",
        seconds=0.3,
    )
    await asyncio.sleep(1.1)  # Asterisk writes AstDB to disk once a second
    await asterisk.restart()
    assert asterisk.pid != pid
    assert "v1" in await asterisk.command("database get callcenter missed/x")
    assert "PJSIP/1001" in await asterisk.command("queue show callcenter-fallback")


async def test_a_killed_one_can_be_started_again(asterisk: PrivateAsterisk) -> None:
    """After a SIGKILL (a power cut) the same plan starts again."""
    asterisk.kill()
    await asterisk.stop()
    await asterisk.start()
    assert asterisk.running


async def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """A parent that is killed with SIGKILL leaves no Asterisk behind."""
    code = (
        "import asyncio, sys, time\nfrom pathlib import Path\n"
        "from callcenter.rig.asterisk_config import fresh_plan\n"
        "from callcenter.rig.asterisk_install import find_launcher\n"
        "from callcenter.rig.asterisk_server import PrivateAsterisk\n"
        "async def main():\n"
        "    server = PrivateAsterisk(find_launcher(), fresh_plan(Path(sys.argv[1])))\n"
        "    await server.start()\n"
        "    print(server.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path / "a"), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(3):
        while alive(pid):
            await asyncio.sleep(0.02)


async def test_a_taken_port_is_said(asterisk: PrivateAsterisk, tmp_path: Path) -> None:
    """A second Asterisk on the first one's AMI port does not pass for ready: the message names the port."""
    second = replace(fresh_plan(tmp_path / "b"), ami_port=asterisk.plan.ami_port)
    server = PrivateAsterisk(find_launcher(), second)
    with pytest.raises(PartMissing, match=str(second.ami_port)):
        await server.start()
    assert not server.running


async def test_a_start_that_fails_shows_the_log(plan: AsteriskPlan, tmp_path: Path) -> None:
    """A launcher that ends at once is reported with what it said."""
    broken = tmp_path / "asterisk"
    broken.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(PartMissing, match=r"(?s)\(3\).*no such luck"):
        await PrivateAsterisk(broken, plan).start()


async def test_too_long_a_path_is_refused(tmp_path: Path) -> None:
    """A folder whose control socket can't exist is refused before anything is written."""
    folder = tmp_path / ("x" * 90)
    with pytest.raises(PartMissing, match="too long a path"):
        await PrivateAsterisk(find_launcher(), fresh_plan(folder)).start()
    assert not folder.exists()


@pytest.mark.parametrize("secret", ["a\nb", "a;b", "", "[x]", "a b"])
async def test_a_secret_that_would_break_the_configuration_is_refused(
    plan: AsteriskPlan, secret: str
) -> None:
    """Words of the plan can't end a line, begin a comment or open a section."""
    bad = replace(plan, phones=(PhonePlan("1001", secret),))
    with pytest.raises(BadInput):
        await PrivateAsterisk(find_launcher(), bad).start()


async def test_secrets_are_for_the_owner_only(asterisk: PrivateAsterisk) -> None:
    """The files with passwords can be read by nobody else."""
    for name in ("manager.conf", "pjsip.conf"):
        assert os.stat(asterisk.plan.conf / name).st_mode & 0o077 == 0  # noqa: PTH116


async def test_ami_sends_only_what_was_asked_for(asterisk: PrivateAsterisk) -> None:
    """Of a call's events the listed ones arrive, with our system name, time and ids; no VarSet, no Newexten.

    A text chosen from outside that looks like a listed event does not get another event through.
    """
    said = await session(
        asterisk.plan,
        "Action: Originate\nChannel: Local/s@callcenter-inbound/n\nApplication: Wait\nData: 1\nAsync: true\n"
        "Variable: __CC_CALL=abc\nVariable: X=Event: Hangup",
        seconds=2.5,
    )
    events = [line.removeprefix("Event: ") for line in said.split("\r\n") if line.startswith("Event: ")]
    assert {"FullyBooted", "Newchannel", "Hangup", "QueueCallerJoin"} <= set(events)
    assert not {"VarSet", "Newexten", "MusicOnHoldStart", "TestEvent", "RTCPSent"} & set(events)
    block = next(block for block in said.split("\r\n\r\n") if "Event: QueueCallerJoin" in block)
    assert f"SystemName: {asterisk.plan.system_name}" in block
    assert "Timestamp: " in block
    assert "CC_CALL=abc" in block


@pytest.mark.parametrize(
    "action",
    [
        "Command\nCommand: core show version",
        "GetConfig\nFilename: manager.conf",
        "DBPut\nFamily: a\nKey: b\nVal: c",
    ],
)
async def test_the_account_is_no_shell(asterisk: PrivateAsterisk, action: str) -> None:
    """What would let the account read secrets or run programs is denied."""
    said = await session(asterisk.plan, f"Action: {action}", seconds=0.3)
    assert "Permission denied" in said


async def test_phones_are_asked_for_a_digest(asterisk: PrivateAsterisk) -> None:
    """Each phone has its secret, and the module is there without which any password would do."""
    shown = await asterisk.command("pjsip show endpoint 1001")
    assert "InAuth:  1001/1001" in shown
    assert "res_pjsip_authenticator_digest.so" in await asterisk.command(
        "module show like authenticator_digest"
    )
