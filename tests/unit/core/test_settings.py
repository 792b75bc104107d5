"""The settings: right ones are read, wrong ones stop the start with name, problem and example."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from callcenter.errors import SettingsError
from callcenter.settings import Settings, load

pytestmark = pytest.mark.unit

SHIPPED = Path(__file__).parents[3] / "config" / "callcenter.toml"


def read(tmp_path: Path, text: str) -> Settings:
    """Settings from this text."""
    file = tmp_path / "callcenter.toml"
    file.write_text(text, "utf-8")
    return load(file)


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every single setting of the plain sections."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from leaves(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_nothing_set(tmp_path: Path) -> None:
    """An empty file is the defaults."""
    settings = read(tmp_path, "")
    assert settings == Settings()
    assert [queue.name for queue in settings.queues] == ["sales", "support", "complaints"]


def test_the_file_that_ships_names_every_default() -> None:
    """It reads, changes nothing, and has a line for each setting."""
    if not SHIPPED.exists():
        pytest.skip("config/callcenter.toml is not there yet")
    assert load(SHIPPED) == Settings()
    text = SHIPPED.read_text("utf-8")
    for name in leaves(Settings):
        assert re.search(rf"(?m)^#? ?{name.split('.')[-1]} *=|\[\[?{name}\]\]?", text), name


WRONG = {
    "web.port": ("[web]\nport = 99999", "less than or equal to 65535", "port = 8080"),
    "web.login_tries": ("[web]\nlogin_tries = 0", "greater than or equal to 1", "login_tries = 5"),
    "region": ('region = "China"', "pattern", 'region = "CN"'),
    "database.url": ('[database]\nurl = "sqlite:///x.db"', "async URL", "sqlite+aiosqlite"),
    "phones.dial": ('[phones]\ndial = "PJSIP/1001"', "{extension}", "PJSIP/{extension}"),
    "phones.device": ('[phones]\ndevice = "{extension}{extension}"', "once", "PJSIP/{extension}"),
    "phones.outbound": ('[phones]\noutbound = "PJSIP/@trunk"', "{number}", "PJSIP/{number}@trunk"),
    "routing.ceiling": ("[routing]\nceiling = -1", "greater than 0", "ceiling = 300"),
    "routing.vip.seconds": ('[routing.vip]\nseconds = "soon"', "number", "seconds = 10"),
    "routing.vip.share": ("[routing.vip]\nshare = 1.5", "less than or equal to 1", "share = 0.9"),
    "routing.owner_wait": ("[routing]\nowner_wait = -1", "greater than or equal to 0", "owner_wait = 0"),
    "routing.pop_ack_limit": ("[routing]\npop_ack_limit = nan", "", "pop_ack_limit = 0.03"),
    "asterisk.release_after": ("[asterisk]\nrelease_after = inf", "", "release_after = 15"),
    "log.level": ('[log]\nlevel = "LOUD"', "'DEBUG'", 'level = "INFO"'),
    "log.personal": ('[log]\npersonal = "perhaps"', "boolean", "personal = false"),
    "queues.0.name": (
        '[[queues]]\nname = "Big One"\ntitle_en = "x"\ntitle_zh = "x"',
        "pattern",
        'name = "support"',
    ),
    "queues.0.title_zh": ('[[queues]]\nname = "a"\ntitle_en = "x"', "required", "title_zh"),
    "queues": ("queues = []", "at least 1", ""),
    "not_ready_reasons.0.code": (
        '[[not_ready_reasons]]\ncode = "a b"\ntitle_en = "x"\ntitle_zh = "x"',
        "pattern",
        'code = "BREAK"',
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value(name: str, tmp_path: Path) -> None:
    """Its name, what is wrong with it, what would be right."""
    text, problem, example = WRONG[name]
    with pytest.raises(SettingsError) as wrong:
        read(tmp_path, text)
    message = wrong.value.message
    assert f"  {name}:" in message
    assert problem in message
    assert example in message
    assert "callcenter.toml" in message


def _other(value: Any) -> str:
    return "[[1]]" if not isinstance(value, tuple) else "7"


@pytest.mark.parametrize("name", [name for name in leaves(Settings)])  # noqa: C416  a list is what is wanted
def test_every_setting_says_its_name(name: str, tmp_path: Path) -> None:
    """A value of the wrong kind is told by name, with an example, for each setting there is."""
    section, _, last = name.rpartition(".")
    node: Any = Settings()
    for part in name.split("."):
        node = getattr(node, part)
    text = f"[{section}]\n{last} = {_other(node)}" if section else f"{last} = {_other(node)}"
    with pytest.raises(SettingsError) as wrong:
        read(tmp_path, text)
    assert f"  {name}" in wrong.value.message
    if not isinstance(node, tuple) and node is not None:
        assert f"for example: {last} = " in wrong.value.message


def test_all_problems_at_once(tmp_path: Path) -> None:
    """One start shows them all."""
    with pytest.raises(SettingsError) as wrong:
        read(tmp_path, "nonsense = 1\n[web]\nport = -1\nbogus = 2\n[log]\nlevel = 3")
    message = wrong.value.message
    for name in ("nonsense", "web.port", "web.bogus", "log.level"):
        assert f"  {name}:" in message
    assert message.count("there is no such setting") == 2


def test_two_queues_of_one_name(tmp_path: Path) -> None:
    """They would be one in the line."""
    queue = '[[queues]]\nname = "a"\ntitle_en = "x"\ntitle_zh = "x"\n'
    with pytest.raises(SettingsError, match="same name"):
        read(tmp_path, queue * 2)


@pytest.mark.parametrize(
    "template", ["P/{extension}{0}", "P/{extension}{x}", "P/{extension}}", "{extension!r}"]
)
def test_templates_that_would_fail_at_the_first_call(template: str, tmp_path: Path) -> None:
    """A brace too many is found at the start, not when the first phone should ring."""
    with pytest.raises(SettingsError, match=r"phones\.dial"):
        read(tmp_path, f'[phones]\ndial = "{template}"')


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    """Missing, no TOML, no text, a folder: each with the file's name and no traceback."""
    with pytest.raises(SettingsError, match="no such file"):
        load(tmp_path / "missing.toml")
    with pytest.raises(SettingsError, match=str(tmp_path)):
        load(tmp_path)
    for data in (b"[web\n", b"\xff\xfe", b"\x00"):
        file = tmp_path / "bad.toml"
        file.write_bytes(data)
        with pytest.raises(SettingsError, match=r"bad\.toml"):
            load(file)


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Value by value; other variables of ours are no settings."""
    monkeypatch.setenv("CALLCENTER_WEB__PORT", "9001")
    monkeypatch.setenv("CALLCENTER_HEARTBEAT_FD", "7")
    monkeypatch.setenv("CALLCENTER_ASTERISK__AGI_NODES", '["10.0.0.1"]')
    settings = read(tmp_path, '[web]\nport = 9000\nhost = "127.0.0.2"')
    assert (settings.web.port, settings.web.host) == (9001, "127.0.0.2")
    assert settings.asterisk.agi_nodes == ("10.0.0.1",)


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("CALLCENTER_WEB__PORT", "many", "web.port"),
        ("CALLCENTER_WEB__BOGUS", "1", "web.bogus"),
        ("CALLCENTER_ASTERISK__AGI_NODES", "10.0.0.1", "AGI_NODES"),
        ("CALLCENTER_QUEUES", "sales,support", "queues"),
    ],
)
def test_a_wrong_variable(
    variable: str, value: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named like a wrong line of the file."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=named):
        read(tmp_path, "")


def test_a_secret_in_a_wrong_url_is_not_shown(tmp_path: Path) -> None:
    """The message goes to screens and logs."""
    with pytest.raises(SettingsError) as wrong:
        read(tmp_path, '[database]\nurl = "postgresql://core:hunter2@db/callcenter"')
    assert "hunter2" not in wrong.value.message
