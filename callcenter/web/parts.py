"""What the web application is built from."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from callcenter.clock import Clock
from callcenter.ids import UserId
from callcenter.web.limits import Window
from callcenter.web.nothing import (
    NO_CALLBACKS,
    NO_CANCELLER,
    NO_DECISIONS,
    NO_FLOWS,
    NO_ROUTING,
    NO_VOICEMAILS,
)
from callcenter.web.ports import (
    Audit,
    Board,
    CallbackCanceller,
    CallStories,
    Customers,
    Decisions,
    Desk,
    Flows,
    KeptCallbacks,
    Recordings,
    Routing,
    Users,
    Voicemails,
)
from callcenter.web.roles import Rule
from callcenter.wrap_up.dispositions import DEFAULTS, Disposition

if TYPE_CHECKING:
    from callcenter.web.auth import Auth, Passwords, Visitor
    from callcenter.web.fragments import Fragments
    from callcenter.web.orders import Orders
    from callcenter.web.screens import ScreenHub

log = structlog.get_logger(__name__)


def log_audit(action: str, user_id: UserId, **facts: str) -> None:
    """The audit that is kept when there is no better one: a line in the log."""
    log.info("audit", action=action, user_id=user_id, **facts)


@dataclass(frozen=True, slots=True)
class Titled:
    """A code with its titles: a queue, a reason for not being ready."""

    code: str
    title_en: str
    title_zh: str


@dataclass(frozen=True, slots=True)
class WebRules:
    """The limits that the settings give."""

    public_url: str = ""
    session_hours: float = 12
    login_tries: int = 5
    login_window: float = 300
    zone: dt.tzinfo = dt.UTC
    """Whose midnight a day of the figures begins at."""


@dataclass(frozen=True, slots=True)
class WebFolders:
    """Where the pages' sources are, and the root that recordings must be in."""

    templates: Path
    locales: Path
    dist: Path
    recordings: Path


@dataclass(frozen=True, slots=True)
class WebParts:
    """Everything by constructor; ``hub`` is made first, because the desk needs it too."""

    desk: Desk
    board: Board
    users: Users
    customers: Customers
    stories: CallStories
    recordings: Recordings
    hub: "ScreenHub"
    clock: Clock
    folders: WebFolders
    rules: WebRules = field(default_factory=WebRules)
    queues: Sequence[Titled] = ()
    reasons: Sequence[Titled] = ()
    dispositions: Sequence[Disposition] = DEFAULTS
    key_words: Mapping[tuple[str, str], Titled] = field(default_factory=dict)
    """What a key means at a node of the IVR."""
    audit: Audit = log_audit
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    passwords: "Passwords | None" = None
    flows: Flows = NO_FLOWS
    voicemails: Voicemails = NO_VOICEMAILS
    callbacks: KeptCallbacks = NO_CALLBACKS
    callback_desk: CallbackCanceller = NO_CANCELLER
    routing: Routing = NO_ROUTING
    decisions: Decisions = NO_DECISIONS


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the built front end, in memory."""

    body: bytes
    content_type: str
    etag: str


PARTS: web.AppKey[WebParts] = web.AppKey("PARTS", WebParts)
AUTH: "web.AppKey[Auth]" = web.AppKey("AUTH")
ORDERS: "web.AppKey[Orders]" = web.AppKey("ORDERS")
FRAGMENTS: "web.AppKey[Fragments]" = web.AppKey("FRAGMENTS")
ASSETS: web.AppKey[dict[str, Asset]] = web.AppKey("ASSETS")
RULES: web.AppKey[dict[web.AbstractRoute, Rule]] = web.AppKey("RULES")
CHECKS: web.AppKey[Window] = web.AppKey("CHECKS", Window)
"""How often one user may have a text checked, rehearsed or published."""
VISITOR: "web.RequestKey[Visitor | None]" = web.RequestKey("VISITOR")
