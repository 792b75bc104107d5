"""The settings: typed, read once, at the top. Only ``app.py`` and the command line see them.

They come from a TOML file (``config/callcenter.toml`` names every default) and from environment variables such as
``CALLCENTER_WEB__PORT``. A wrong one stops the start with its name, what is wrong and an example.
"""

import datetime as dt
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as EnvironmentUnreadable

from callcenter.errors import SettingsError

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
NoSeconds = Annotated[float, Field(ge=0, le=86400)]
"""0 is: not at all."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
FlowName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""As flows name things: no dash."""
Prefixes = tuple[Annotated[str, Field(pattern=r"^\+[0-9]{1,15}$")], ...]
"""How numbers begin, with their country code."""


class Section(BaseModel):
    """A frozen section that refuses names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AsteriskSettings(Section):
    """``[asterisk]``: where it is and how we log in."""

    host: str = "127.0.0.1"
    ami_port: Port = 5038
    ami_user: str = "callcenter"
    ami_secret_file: Path | None = None
    allow_plain_remote: bool = False
    agi_host: str = "127.0.0.1"
    agi_port: Port = 4573
    agi_nodes: tuple[str, ...] = ("127.0.0.1",)
    fallback_queue: Name = "callcenter-fallback"
    release_after: Seconds = 15


class PhoneSettings(Section):
    """``[phones]``: how extensions are dialled and watched."""

    dial: str = "PJSIP/{extension}"
    device: str = "PJSIP/{extension}"
    predial: str = "callcenter-leg^s^1"
    answered: str = "callcenter-answered"
    outbound: str = "PJSIP/{number}@trunk"
    caller_id: str = ""
    action_uri: str = ""
    action_method: Literal["GET", "POST"] = "GET"

    @field_validator("dial", "device")
    @classmethod
    def _has_extension(cls, value: str) -> str:
        if value.count("{extension}") != 1 or _braces(value) != 2:
            raise ValueError("must contain {extension} once, for example PJSIP/{extension}")
        return value

    @field_validator("outbound")
    @classmethod
    def _has_number(cls, value: str) -> str:
        if value.count("{number}") != 1 or _braces(value) != 2:
            raise ValueError("must contain {number} once, for example PJSIP/{number}@trunk")
        return value


def _braces(template: str) -> int:
    """More than the two of its one place would make a template fail when the first phone should ring."""
    return template.count("{") + template.count("}")


class WebSettings(Section):
    """``[web]``: the pages and the screens' sockets."""

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: str = ""
    session_hours: Annotated[int, Field(ge=1, le=168)] = 12
    login_tries: Annotated[int, Field(ge=1, le=1000)] = 5
    login_window: Seconds = 300
    assets_folder: Path = Path("agent_ui")


class DatabaseSettings(Section):
    """``[database]``"""

    url: str = "sqlite+aiosqlite:///var/callcenter.db"
    journal: Path = Path("var/record.journal")

    @field_validator("url")
    @classmethod
    def _async_driver(cls, value: str) -> str:
        if not re.match(r"^(sqlite\+aiosqlite|postgresql\+(asyncpg|psycopg))://", value):
            raise ValueError("must be an async URL, for example sqlite+aiosqlite:///var/callcenter.db")
        return value


class RecordingSettings(Section):
    """``[recordings]``"""

    folder: Path = Path("var/recordings")


class QuerySection(Section):
    """One ``[[ivr.queries]]`` table: a query that flows may ask by its name."""

    name: FlowName
    sql: Annotated[str, Field(min_length=1, max_length=4000)]


class ServiceSection(Section):
    """One ``[[ivr.services]]`` table: a web service that flows may ask by its name."""

    name: FlowName
    url: Annotated[str, Field(pattern=r"^https?://[^\s]{1,500}$")]
    method: Literal["GET", "POST"] = "GET"
    send: Literal["query", "json"] = "query"
    headers_file: Path | None = None


class SpeechSection(Section):
    """One ``[[ivr.speech]]`` table: a program that speaks, before pyttsx3 is asked."""

    name: FlowName
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    languages: Annotated[tuple[Literal["en", "zh"], ...], Field(min_length=1)]


class IvrSettings(Section):
    """``[ivr]``: the flows that callers meet, and how they are spoken."""

    folder: Path = Path("ivr_flows")
    flow: FlowName = "main"
    numbers: dict[Annotated[str, Field(pattern=r"^\+?[0-9*#]{1,32}$")], FlowName] = {}
    prompts_folder: Path = Path("var/prompts")
    prompts_seen_as: str = ""
    outside_prefixes: Prefixes = ()
    extensions: tuple[Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,32}$")], ...] = ()
    queries: tuple[QuerySection, ...] = ()
    services: tuple[ServiceSection, ...] = ()
    speech: tuple[SpeechSection, ...] = ()


class CallbackSettings(Section):
    """``[callbacks]``: callers who asked to be called back. Seconds, unless the name says hours."""

    tries: Annotated[int, Field(ge=1, le=20)] = 3
    pause: Seconds = 300
    expires_hours: Annotated[float, Field(gt=0, le=720)] = 24
    opens: dt.time = dt.time(8)
    closes: dt.time = dt.time(21)
    prefixes: Prefixes = ()


class PromiseSection(Section):
    """``[routing.vip]`` and so on: so many of the tier's callers are answered within so many seconds."""

    seconds: Annotated[float, Field(gt=0, le=86400)] = 30
    share: Annotated[float, Field(gt=0, le=1)] = 0.8


class RoutingSettings(Section):
    """``[routing]``: who is next, who serves, and the times around an offer. Seconds."""

    order: Literal["aging", "strict"] = "aging"
    vip: PromiseSection = PromiseSection(seconds=10, share=0.9)
    key: PromiseSection = PromiseSection(seconds=20, share=0.8)
    regular: PromiseSection = PromiseSection(seconds=30, share=0.8)
    small: PromiseSection = PromiseSection(seconds=60, share=0.7)
    ceiling: Seconds = 300
    late_promise: NoSeconds = 60
    resume_within: NoSeconds = 600
    max_offers: Annotated[int, Field(ge=1, le=100)] = 5
    owner_wait: NoSeconds = 0
    last_agent_wait: NoSeconds = 0
    last_agent_days: Annotated[float, Field(ge=0, le=3650)] = 7
    ring_seconds: Annotated[int, Field(ge=1, le=120)] = 20
    wrap_up_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    reservation_margin: Seconds = 5
    screen_grace: Seconds = 15
    pop_ack_limit: Seconds = 0.03
    missed_before_not_ready: Annotated[int, Field(ge=1, le=20)] = 1


class RingSection(Section):
    """One table of a queue's ``rings``: who may be offered its calls from ``after`` seconds on."""

    after: Annotated[float, Field(ge=0, le=86400)]
    lower: Annotated[int, Field(ge=0, le=4)] = 0
    drop: tuple[FlowName, ...] = ()
    also: tuple[Name, ...] = ()


class QueueSection(Section):
    """One ``[[queues]]`` table."""

    name: Name
    title_en: Annotated[str, Field(min_length=1, max_length=60)]
    title_zh: Annotated[str, Field(min_length=1, max_length=60)]
    number: Annotated[str, Field(pattern=r"^[0-9*#]{0,10}$")] = ""
    record: bool = False
    ring_seconds: Annotated[int, Field(ge=1, le=120)] | None = None
    wrap_up_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    weight: Annotated[float, Field(gt=0, le=100)] = 1
    strategy: Literal["longest_idle", "least_work", "most_proficient"] = "longest_idle"
    prefers: tuple[FlowName, ...] = ()
    rings: tuple[RingSection, ...] = ()
    hard: bool = False
    rest: NoSeconds = 0


class ReasonSection(Section):
    """One ``[[not_ready_reasons]]`` table."""

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,29}$")]
    title_en: str
    title_zh: str


class LogSettings(Section):
    """``[log]``"""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    form: Literal["json", "console"] = "json"
    personal: bool = False


DEFAULT_QUEUES = (
    QueueSection(name="sales", title_en="Sales", title_zh="销售"),
    QueueSection(name="support", title_en="Support", title_zh="客户服务"),
    QueueSection(name="complaints", title_en="Complaints", title_zh="投诉", record=True),
)
DEFAULT_REASONS = (
    ReasonSection(code="BREAK", title_en="Break", title_zh="小休"),
    ReasonSection(code="LUNCH", title_en="Lunch", title_zh="午餐"),
    ReasonSection(code="MEETING", title_en="Meeting", title_zh="会议"),
    ReasonSection(code="TRAINING", title_en="Training", title_zh="培训"),
    ReasonSection(code="BACKOFFICE", title_en="Back office", title_zh="后台工作"),
)


class Settings(BaseSettings):
    """All of them."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="CALLCENTER_", env_nested_delimiter="__"
    )

    region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "CN"
    zone: str = "Asia/Shanghai"
    asterisk: AsteriskSettings = AsteriskSettings()
    phones: PhoneSettings = PhoneSettings()
    web: WebSettings = WebSettings()
    database: DatabaseSettings = DatabaseSettings()
    recordings: RecordingSettings = RecordingSettings()
    ivr: IvrSettings = IvrSettings()
    callbacks: CallbackSettings = CallbackSettings()
    routing: RoutingSettings = RoutingSettings()
    queues: Annotated[tuple[QueueSection, ...], Field(min_length=1)] = DEFAULT_QUEUES
    skills: tuple[FlowName, ...] = ()
    not_ready_reasons: tuple[ReasonSection, ...] = DEFAULT_REASONS
    log: LogSettings = LogSettings()

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError) as error:
            raise ValueError("must be a time zone such as Asia/Shanghai") from error
        return value

    @model_validator(mode="after")
    def _queue_names_differ(self) -> "Settings":
        names = [queue.name for queue in self.queues]
        if len(set(names)) != len(names):
            raise ValueError("two queues have the same name")
        numbers = [queue.number for queue in self.queues if queue.number]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two queues have the same number")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, value by value."""
        return (env_settings, init_settings)


def load(path: Path) -> Settings:
    """Read and check the settings; raises ``SettingsError`` listing every problem at once."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        text = f"{path}: there is no such file; copy config/callcenter.toml and name it with --config"
        raise SettingsError(text) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    try:
        return Settings(**table)
    except ValidationError as error:
        raise SettingsError("\n".join([f"{path} can't be used:", *map(_problem, error.errors())])) from error
    except EnvironmentUnreadable as error:
        raise SettingsError(_problem_in_environment(error)) from error


SHOWN_LIMIT = 200
"""Characters of a wrong value that are shown."""
EXAMPLES = {
    "region": 'region = "CN"',
    "url": 'url = "sqlite+aiosqlite:///var/callcenter.db"',
    "name": 'name = "support"',
    "dial": 'dial = "PJSIP/{extension}"',
    "device": 'device = "PJSIP/{extension}"',
    "outbound": 'outbound = "PJSIP/{number}@trunk"',
    "code": 'code = "BREAK"',
    "port": "port = 8080",
    "ami_port": "ami_port = 5038",
    "agi_port": "agi_port = 4573",
}


def _problem_in_environment(error: EnvironmentUnreadable) -> str:
    """A list or a table in a variable is written as JSON."""
    names = sorted(name for name in os.environ if name.startswith("CALLCENTER_"))
    example = """CALLCENTER_ASTERISK__AGI_NODES='["127.0.0.1"]'"""
    return (
        f"The environment ({', '.join(names)}) can't be used: {error}; lists are JSON, for example: {example}"
    )


def _shown(name: str, value: object) -> str:
    """A wrong value as it may be shown: not with the password of a database's address."""
    text = repr(value)
    if name == "url":
        text = re.sub(r"(://[^:@/]*:)[^@]*@", r"\1***@", text)
    return text if len(text) <= SHOWN_LIMIT else f"{text[:SHOWN_LIMIT]}..."


def _problem(error: Any) -> str:
    """One line for one wrong setting: its name, the problem, what was there, an example."""
    place = ".".join(str(part) for part in error["loc"]) or "(the file)"
    last = str(error["loc"][-1]) if error["loc"] else ""
    text = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"  {place}: there is no such setting; config/callcenter.toml lists all"
    given = "" if isinstance(error.get("input"), dict) else f", not {_shown(last, error.get('input'))}"
    example = EXAMPLES.get(last) or _default_example(error["loc"])
    return f"  {place}: {text}{given}" + (f"; for example: {example}" if example else "")


def _default_example(place: tuple[int | str, ...]) -> str:
    node: Any = Settings.model_construct()
    for part in place:
        node = getattr(node, str(part), None)
    return "" if node is None or isinstance(node, BaseModel) else f"{place[-1]} = {_toml(node)}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else f'"{value}"'
