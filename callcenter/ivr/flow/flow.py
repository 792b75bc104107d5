"""A whole flow."""

from typing import Annotated, TypeAlias

from pydantic import Field

from callcenter.ivr.flow.hours import Hours
from callcenter.ivr.flow.nodes import AnyNode, FlowName
from callcenter.ivr.flow.parts import Ways
from callcenter.ivr.flow.texts import Language, Name, Part, Queue, Texts

MAX_NODES = 2000
"""A person can't oversee more; larger flows are several flows."""

First: TypeAlias = (
    Annotated[str, Field(max_length=1000)]
    | bool
    | Annotated[int, Field(ge=-(10**15), le=10**15)]
    | Annotated[float, Field(ge=-(10**15), le=10**15, allow_inf_nan=False)]
)
"""A variable's first value."""


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
    variables: dict[Name, First] = Field({})
    """Variables and their first values; those that nodes fill need not be written here."""
    hours: dict[Name, Hours] = Field({})
    defaults: Defaults = Defaults()
    prompts: dict[Name, Texts] = Field({})
    nodes: Annotated[dict[Name, AnyNode], Field(min_length=1, max_length=MAX_NODES)]
