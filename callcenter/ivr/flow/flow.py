"""A whole flow."""

from typing import Annotated

from pydantic import Field

from callcenter.ivr.flow.hours import Hours
from callcenter.ivr.flow.nodes import AnyNode, FlowName, Ways
from callcenter.ivr.flow.texts import Language, Name, Part, Queue, Texts

MAX_NODES = 2000


class Defaults(Part):
    """Ways for every node that does not write its own."""

    no_input: Ways | None = None
    wrong_input: Ways | None = None
    otherwise: Name | None = None
    failure: Name | None = None


class Flow(Part):
    """One way in, or a part that others call. ``language`` is spoken until the caller chooses another.

    ``default_queue`` is where a caller goes when nothing else is written; a flow without one (a survey, a part) ends
    there: it returns to the flow that called it, and hangs up when none did.
    """

    flow: FlowName
    title: Texts | None = None
    language: Language = "en"
    default_queue: Queue | None = None
    start: Name
    variables: dict[Name, str | int | float | bool] = {}
    """Variables and their first values; those that nodes fill need not be written here."""
    hours: dict[Name, Hours] = {}
    defaults: Defaults = Defaults()
    prompts: dict[Name, Texts] = {}
    nodes: Annotated[dict[Name, AnyNode], Field(min_length=1, max_length=MAX_NODES)]
