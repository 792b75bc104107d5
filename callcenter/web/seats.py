"""A log-in remembers its phone: when the core has been restarted, the agent gets the seat back."""

from aiohttp import web

from callcenter.errors import BadInput, CallcenterError
from callcenter.ids import AgentId
from callcenter.web.auth import Visitor
from callcenter.web.orders import NUMBER
from callcenter.web.parts import AUTH, PARTS
from callcenter.web.ports import UserRow
from callcenter.web.roles import Role


def phone_for(user: UserRow, given: str) -> str:
    """The extension that a user takes at log-in; an empty one for those who take no calls."""
    extension = given.strip()
    if not extension and user.role == Role.AGENT:
        extension = user.extension
    if not extension and user.role == Role.AGENT:
        raise BadInput("An agent needs a phone: enter its extension, such as 1001.", code="no_phone")
    if extension and not (NUMBER.fullmatch(extension) and extension.isdigit()):
        raise BadInput("An extension has digits only, such as 1001.", code="bad_extension")
    return extension


async def sit_down(app: web.Application, user: UserRow, extension: str) -> None:
    """Log the agent in at the desk; raises ``Conflict`` when another has the phone."""
    if extension:
        await app[PARTS].desk.log_in(
            AgentId(int(user.id)), user.name, extension, user.queues, skills=user.skills
        )


async def take_seat(app: web.Application, visitor: Visitor) -> bool:
    """Make sure that who logged in with a phone is at the desk; False for those without a phone. When the phone is
    another's by now the session ends and the error is raised."""
    if app[PARTS].desk.logged_in(AgentId(int(visitor.user.id))):
        return True
    try:
        await sit_down(app, visitor.user, visitor.session.extension)
    except CallcenterError as error:
        if not error.retryable:
            await app[AUTH].close(visitor.session_id)
        raise
    return bool(visitor.session.extension)
