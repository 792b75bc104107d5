"""Who may ask for what: the one table of all routes."""

import enum


class Role(enum.StrEnum):
    """What a user is."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Access(enum.Enum):
    """Who may use a route."""

    PUBLIC = "everybody"
    SIGNED_IN = "who is logged in"
    SUPERVISORS = "supervisors and administrators"
    LOOPBACK = "programs on this machine"


class Answer(enum.Enum):
    """How a refusal looks: a page for people, JSON for programs."""

    PAGE = "page"
    DATA = "data"


CALL_ID = r"{call_id:[0-9a-f]{32}}"
RECORDING_ID = r"{recording_id:[0-9a-f]{32}}"

ROUTES: dict[tuple[str, str], tuple[Access, Answer]] = {
    ("GET", "/"): (Access.SIGNED_IN, Answer.PAGE),
    ("GET", "/login"): (Access.PUBLIC, Answer.PAGE),
    ("POST", "/login"): (Access.PUBLIC, Answer.PAGE),
    ("POST", "/logout"): (Access.SIGNED_IN, Answer.PAGE),
    ("POST", "/language"): (Access.PUBLIC, Answer.PAGE),
    ("GET", "/agent"): (Access.SIGNED_IN, Answer.PAGE),
    ("GET", "/supervisor"): (Access.SUPERVISORS, Answer.PAGE),
    ("GET", f"/calls/{CALL_ID}"): (Access.SIGNED_IN, Answer.PAGE),
    ("GET", r"/customers/{customer_id:[0-9]{1,18}}"): (Access.SIGNED_IN, Answer.PAGE),
    ("GET", f"/recordings/{RECORDING_ID}.wav"): (Access.SIGNED_IN, Answer.DATA),
    ("GET", "/session"): (Access.SIGNED_IN, Answer.DATA),
    ("GET", "/ws"): (Access.SIGNED_IN, Answer.DATA),
    ("GET", r"/assets/{name:[a-z0-9_.-]{1,60}}"): (Access.PUBLIC, Answer.DATA),
    ("GET", "/healthz"): (Access.PUBLIC, Answer.DATA),
    ("GET", "/metrics"): (Access.LOOPBACK, Answer.DATA),
}
"""Routes are registered from this table, so that none can exist without a rule."""

OVERSEERS = frozenset({Role.SUPERVISOR, Role.ADMIN})


def may(role: str, access: Access) -> bool:
    """May somebody who is logged in with this role use such a route?"""
    return access is not Access.SUPERVISORS or role in OVERSEERS


def oversees(role: str) -> bool:
    """Does this role see everybody's calls?"""
    return role in OVERSEERS
