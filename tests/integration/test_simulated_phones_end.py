"""Simulated people don't outlive who started them, and a bad configuration stops them with its reason."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from callcenter.errors import PartMissing
from callcenter.rig.people import PhonesProcess

pytestmark = [pytest.mark.integration, pytest.mark.timeout(30)]

PARENT = """
import asyncio, sys
from pathlib import Path
from callcenter.rig.people import PhonesProcess

async def main():
    async with PhonesProcess(Path(sys.argv[1]), {"sip_port": 9, "phones": []}) as phones:
        print(phones.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def alive(pid: int) -> bool:
    """Whether this process runs (one that only waits to be reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_gone_with_the_parent(tmp_path: Path) -> None:
    """The one who started the phones is killed with SIGKILL: the phones end too."""
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path)), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(15):
        pid = int(await parent.stdout.readline())
    assert alive(pid)
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    async with asyncio.timeout(5):
        while alive(pid):
            await asyncio.sleep(0.05)
    events = [json.loads(line)["event"] for line in (tmp_path / "phones.jsonl").read_text().splitlines()]
    assert events == ["ready", "stopped"]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"sip_port": 99999, "phones": []}, "sip_port"),
        ({"sip_port": 9, "phones": [{"extension": "../x", "password": "p"}]}, "extension"),
        ({"sip_port": 9, "phones": [], "tpyo": 1}, "tpyo"),
        (
            {
                "sip_port": 9,
                "phones": [{"extension": "1", "password": "p", "behaviour": {"answer_after": [2, 1]}}],
            },
            "a <= b",
        ),
    ],
)
async def test_bad_configuration(tmp_path: Path, settings: dict[str, object], why: str) -> None:
    """A wrong setting ends the program at once and is named."""
    with pytest.raises(PartMissing, match=why):
        async with PhonesProcess(tmp_path, settings):
            pytest.fail("it started")
