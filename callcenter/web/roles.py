"""Who may ask for what: the one table of all routes."""

import enum
from typing import NamedTuple


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
    ADMINS = "administrators"
    LOOPBACK = "programs on this machine"


class Answer(enum.Enum):
    """How a refusal looks: a page for people, JSON for programs."""

    PAGE = "page"
    DATA = "data"


class Body(enum.Enum):
    """What a route reads. JSON comes from our scripts alone, with the form token in a header."""

    FORM = "application/x-www-form-urlencoded"
    JSON = "application/json"


class Rule(NamedTuple):
    """What holds for one route."""

    access: Access
    answer: Answer
    body: Body = Body.FORM


CALL_ID = r"{call_id:[0-9a-f]{32}}"
RECORDING_ID = r"{recording_id:[0-9a-f]{32}}"
FLOW = r"{flow:[a-z][a-z0-9_]{0,39}}"
FLOW_VERSION = FLOW + r"/versions/{version:[1-9][0-9]{0,8}}"
RULES_VERSION = r"{version:[1-9][0-9]{0,8}}"
WORK_ID = r"{work_id:[0-9a-f]{32}}"

ROUTES: dict[tuple[str, str], Rule] = {
    ("GET", "/"): Rule(Access.SIGNED_IN, Answer.PAGE),
    ("GET", "/login"): Rule(Access.PUBLIC, Answer.PAGE),
    ("POST", "/login"): Rule(Access.PUBLIC, Answer.PAGE),
    ("POST", "/logout"): Rule(Access.SIGNED_IN, Answer.PAGE),
    ("POST", "/language"): Rule(Access.PUBLIC, Answer.PAGE),
    ("GET", "/agent"): Rule(Access.SIGNED_IN, Answer.PAGE),
    ("GET", "/supervisor"): Rule(Access.SUPERVISORS, Answer.PAGE),
    ("GET", f"/calls/{CALL_ID}"): Rule(Access.SIGNED_IN, Answer.PAGE),
    ("GET", r"/customers/{customer_id:[0-9]{1,18}}"): Rule(Access.SIGNED_IN, Answer.PAGE),
    ("GET", f"/recordings/{RECORDING_ID}.wav"): Rule(Access.SIGNED_IN, Answer.DATA),
    ("GET", "/inbox"): Rule(Access.SIGNED_IN, Answer.PAGE),
    ("POST", f"/inbox/voicemails/{WORK_ID}/take"): Rule(Access.SIGNED_IN, Answer.PAGE),
    ("POST", f"/inbox/voicemails/{WORK_ID}/done"): Rule(Access.SIGNED_IN, Answer.PAGE),
    ("POST", f"/inbox/callbacks/{WORK_ID}/cancel"): Rule(Access.SUPERVISORS, Answer.PAGE),
    ("GET", "/flows"): Rule(Access.SUPERVISORS, Answer.PAGE),
    ("GET", f"/flows/{FLOW}"): Rule(Access.SUPERVISORS, Answer.PAGE),
    ("GET", f"/flows/{FLOW_VERSION}.yaml"): Rule(Access.SUPERVISORS, Answer.DATA),
    ("GET", f"/flows/{FLOW}/edit"): Rule(Access.ADMINS, Answer.PAGE),
    ("POST", f"/flows/{FLOW}/check"): Rule(Access.ADMINS, Answer.DATA, Body.JSON),
    ("POST", f"/flows/{FLOW}/rehearse"): Rule(Access.ADMINS, Answer.DATA, Body.JSON),
    ("POST", f"/flows/{FLOW}/publish"): Rule(Access.ADMINS, Answer.DATA, Body.JSON),
    ("POST", f"/flows/{FLOW_VERSION}/publish"): Rule(Access.ADMINS, Answer.PAGE),
    ("GET", "/routing"): Rule(Access.SUPERVISORS, Answer.PAGE),
    ("POST", f"/routing/versions/{RULES_VERSION}/publish"): Rule(Access.ADMINS, Answer.PAGE),
    ("GET", "/session"): Rule(Access.SIGNED_IN, Answer.DATA),
    ("GET", "/ws"): Rule(Access.SIGNED_IN, Answer.DATA),
    ("GET", r"/assets/{name:[a-z0-9_.-]{1,60}}"): Rule(Access.PUBLIC, Answer.DATA),
    ("GET", "/healthz"): Rule(Access.PUBLIC, Answer.DATA),
    ("GET", "/metrics"): Rule(Access.LOOPBACK, Answer.DATA),
}
"""Routes are registered from this table, so that none can exist without a rule."""

OVERSEERS = frozenset({Role.SUPERVISOR, Role.ADMIN})
ALLOWED: dict[Access, frozenset[Role]] = {
    Access.PUBLIC: frozenset(Role),
    Access.SIGNED_IN: frozenset(Role),
    Access.LOOPBACK: frozenset(Role),
    Access.SUPERVISORS: OVERSEERS,
    Access.ADMINS: frozenset({Role.ADMIN}),
}


def may(role: str, access: Access) -> bool:
    """May somebody who is logged in with this role use such a route?"""
    return role in ALLOWED[access]


def oversees(role: str) -> bool:
    """Does this role see everybody's calls?"""
    return role in OVERSEERS
