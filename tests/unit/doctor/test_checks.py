"""Each finding of the doctor, without Asterisk: what is ok, what is not, and that a remedy is named."""

import json
import socket
import stat
from pathlib import Path

import pytest

from callcenter.asterisk.ami.messages import Event
from callcenter.clock import ManualClock, SystemClock
from callcenter.doctor import account, here
from callcenter.doctor.check import Check, as_json, as_text, failed, good, ok, warning
from callcenter.doctor.findings import findings
from callcenter.doctor.registration import address
from callcenter.doctor.trial_call import NO_END, NO_EVENTS, Trial
from callcenter.errors import PartMissing, SettingsError
from callcenter.ivr.flow.texts import Language
from callcenter.ivr.speech.engine import Voice
from callcenter.settings import AsteriskSettings, Settings

pytestmark = pytest.mark.unit

CALL = "c" * 32
NEAR = "Local/far@callcenter-doctor-00000001;1"
SETTINGS = Settings()


def test_text_and_json() -> None:
    """A line for each check, its remedy under it; control characters of Asterisk's answers don't reach the terminal."""
    checks = [ok("a", "fine"), warning("b", "so\x1b[31m so\n", "do this"), failed("c", "bad", "do that")]
    assert as_text(checks).splitlines() == [
        "ok       a: fine",
        "warning  b: so [31m so ",
        "         -> do this",
        "failed   c: bad",
        "         -> do that",
        "Not good: 3 checks, 1 failed, 1 warnings.",
    ]
    told = json.loads(as_json(checks))
    assert told["good"] is False
    assert told["checks"][2] == {"name": "c", "status": "failed", "found": "bad", "remedy": "do that"}
    assert good(checks[:2])


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("22.10.1+dfsg+~cs6.17.60671434-1", "ok"),
        ("18.11.0", "ok"),
        ("certified/20.7-cert2", "ok"),
        ("18.9-cert4", "warning"),
        ("16.28.0", "failed"),
        ("GIT-master-1234", "warning"),
        ("", "warning"),
    ],
)
def test_version(version: str, status: str) -> None:
    """Asterisk 18.11 is the oldest that can do all; an unreadable version is said to be so."""
    assert account.version_check(version).status == status


def test_system_name_is_never_shown() -> None:
    """Only its length is told."""
    for name, status in (("", "failed"), ("pbx", "warning"), ("c" * 24, "ok")):
        check = account.name_check(name)
        assert check.status == status
        assert not name or name not in check.found + check.remedy


def event(name: str, **headers: object) -> tuple[float, Event]:
    """One event of the trial call, 10 ms after it happened."""
    keys: dict[str, object] = {"Channel": NEAR, "Timestamp": "1000.0", "ChanVariable": {"CC_CALL": CALL}}
    return 1000.01, Event(name, keys | headers)


def sound_trial() -> Trial:
    """A trial in which all went well."""
    names = ("Newchannel", "Newstate", "UserEvent", "QueueCallerJoin", "Hangup")
    return Trial(
        events=[event(name) for name in names], call_id=CALL, placed="", listened="", arrived=True, variable=CALL,
        played="", recorded="", joined_queue=True,
    )  # fmt: skip


def by_name(trial: Trial) -> dict[str, Check]:
    """What the trial shows."""
    return {check.name: check for check in findings(trial, SETTINGS)}


def test_a_sound_trial() -> None:
    """Everything is ok."""
    found = by_name(sound_trial())
    assert {check.status for check in found.values()} == {"ok"}
    assert set(found) == {
        "trial-call", "ami-read", "channelvars", "clock", "ami-filter", "fastagi", "prompts", "recordings",
    }  # fmt: skip


def test_what_a_trial_can_lack() -> None:
    """Each fault changes its own check only."""
    faults: dict[str, tuple[dict[str, object], str]] = {
        "trial-call": ({"placed": NO_END}, "failed"),
        "ami-read": ({"events": [e for e in sound_trial().events if e[1].name != "UserEvent"]}, "failed"),
        "channelvars": ({"call_id": CALL}, "failed"),
        "clock": ({"events": [(at + 60, each) for at, each in sound_trial().events]}, "warning"),
        "ami-filter": ({"events": [*sound_trial().events, event("VarSet")]}, "warning"),
        "prompts": ({"played": "no"}, "failed"),
        "recordings": ({"recorded": "no"}, "failed"),
    }
    for name, (changes, status) in faults.items():
        trial = sound_trial()
        for key, value in changes.items():
            setattr(trial, key, value)
        if name == "channelvars":
            trial.events = [event(each.name, ChanVariable={"CC_AGENT": ""}) for _, each in trial.events]
        found = by_name(trial)
        assert {key for key, check in found.items() if check.status != "ok"} == {name}
        assert found[name].status == status
        assert found[name].remedy


def test_a_trial_without_a_dialogue() -> None:
    """A taken port is a warning; a call that does not arrive, or from an address that is not listed, is a failure."""
    trial = sound_trial()
    trial.listened = "Address already in use"
    assert by_name(trial)["fastagi"].status == "warning"
    trial.listened, trial.arrived = "", False
    assert "no call" in by_name(trial)["fastagi"].found
    trial.refused_from_elsewhere = True
    assert "agi_nodes" in by_name(trial)["fastagi"].found
    trial.arrived, trial.variable = True, "other"
    assert by_name(trial)["fastagi"].status == "failed"


def test_a_trial_that_can_not_be_made() -> None:
    """One failure, with the line that helps."""
    for placed, remedy in (
        ("Originate: Extension does not exist.", "#include extensions_callcenter.conf"),
        ("Originate: Permission denied", "originate"),
        (NO_EVENTS, "read = system,call,agent,user"),
    ):
        (check,) = findings(Trial(placed=placed), SETTINGS)
        assert check.status == "failed"
        assert remedy in check.remedy


async def test_host_name() -> None:
    """A slow look-up is a warning, and so is one that fails."""
    clock = ManualClock()
    fast = await here.check_host_name(clock, "pbx", lambda _name: None)
    slow = await here.check_host_name(clock, "pbx", lambda _name: clock.move(6))

    def fails(_name: str) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    unknown = await here.check_host_name(clock, "pbx", fails)
    assert [check.status for check in (fast, slow, unknown)] == ["ok", "warning", "warning"]
    assert "took 6.0 s" in slow.found
    assert "/etc/hosts" in slow.remedy
    assert "Name or service not known" in unknown.found


async def test_places(tmp_path: Path) -> None:
    """A folder that can't be made is a failure that names its setting; others are made, and left empty."""
    (tmp_path / "file").write_text("x", "utf-8")
    settings = Settings.model_validate(
        {
            "ivr": {"prompts_folder": tmp_path / "file" / "prompts"},
            "recordings": {"folder": tmp_path / "recordings"},
            "database": {"url": f"sqlite+aiosqlite:///{tmp_path}/db/cc.db"},
        }
    )
    checks = {check.name: check for check in await here.check_places(settings)}
    assert checks["prompts-folder"].status == "failed"
    assert "prompts_folder in [ivr]" in checks["prompts-folder"].remedy
    assert checks["recordings-folder"].status == checks["database-folder"].status == "ok"
    assert list((tmp_path / "recordings").iterdir()) == []


async def test_secret_file(tmp_path: Path) -> None:
    """A secret that others may read is a warning; what is in the file is never told."""
    path = tmp_path / "secret"
    path.write_text("topsecret", "utf-8")
    path.chmod(0o640)
    (check,) = await here.check_secret_file(path)
    assert (check.status, "topsecret" in check.found) == ("warning", False)
    path.chmod(stat.S_IRUSR)
    assert (await here.check_secret_file(path))[0].status == "ok"
    assert await here.check_secret_file(tmp_path / "none") == []
    assert await here.check_secret_file(None) == []


class OneVoice:
    """Speaks English only."""

    async def voice(self, language: Language) -> Voice:
        """As SpeechEngine."""
        if language == "en":
            return Voice("e", "1", "en-us", 170)
        raise PartMissing("no voice")

    async def speak(self, text: str, language: Language, target: Path) -> float:
        """Not used."""
        raise NotImplementedError

    async def convert(self, recording: Path, target: Path) -> float:
        """Not used."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing runs."""


async def test_voices() -> None:
    """A language without a voice is a failure of its own."""
    checks = await here.check_speech(OneVoice())
    assert [(check.name, check.status) for check in checks] == [("voice-en", "ok"), ("voice-zh", "failed")]


def test_exposure() -> None:
    """An AMI that listens on all addresses, or is on another machine, is a warning (A19)."""
    head = "  sl  local_address rem_address   st tx_queue\n"
    closed = head + "   0: 0100007F:13AE 00000000:0000 0A 0\n"
    wide = head + "   0: 00000000:13AE 00000000:0000 0A 0\n"
    client = head + "   0: 00000000:13AE 0100007F:1111 01 0\n"
    six = head + f"   0: {'0' * 32}:13AE {'0' * 32}:0000 0A 0\n"
    local = AsteriskSettings(ami_port=5038)
    statuses = [here.check_exposure(local, text)[0].status for text in (closed, wide, client, six, "")]
    assert statuses == ["ok", "warning", "ok", "warning", "ok"]
    remote = AsteriskSettings(host="10.0.0.5", allow_plain_remote=True)
    assert here.check_exposure(remote, "")[0].status == "warning"


def test_sip_address() -> None:
    """Only host:port."""
    assert address("127.0.0.1:5060") == ("127.0.0.1", 5060)
    assert address("[::1]:5060") == ("::1", 5060)
    for wrong in ("5060", "pbx", "pbx:", "pbx:0", "pbx:70000", ":5060"):
        with pytest.raises(SettingsError, match="for example"):
            address(wrong)


async def test_the_clock_of_the_machine() -> None:
    """With the real clock a quick look-up takes no time."""
    assert (await here.check_host_name(SystemClock(), "pbx", lambda _name: None)).status == "ok"
