"""A schema's findings in plain words: what is wrong, and what would be right."""

from collections.abc import Collection, Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from callcenter.ivr.flow.document import MAX_PROBLEMS, Document, Place, Problem
from callcenter.ivr.flow.near import Near
from callcenter.ivr.flow.nodes import AnyNode
from callcenter.ivr.flow.parts import Node

TYPES: dict[str, type[Node]] = {
    get_args(node.model_fields["type"].annotation)[0]: node for node in get_args(get_args(AnyNode)[0])
}
"""Every type of node."""
_SIMPLE = frozenset(
    {"str", "bool", "int", "float", "constrained-str", "constrained-int", "constrained-float"}
)
"""Pydantic's names for the kinds of a variable's first value."""


def problems_of(error: ValidationError, document: Document, model: type[BaseModel]) -> Iterator[Problem]:
    """Every fault that a schema found, each place once."""
    near = Near()
    seen: set[Place] = set()
    for fault in error.errors(include_url=False, include_context=True)[: 4 * MAX_PROBLEMS]:
        place = document.place_of(fault["loc"])
        missing = (*place, str(fault["loc"][-1])) if fault["type"] == "missing" else place
        if missing in seen:
            continue
        seen.add(missing)
        yield document.problem(place, explain(fault, place, near, model))


def explain(
    fault: ErrorDetails, place: Place = (), near: Near | None = None, model: type[BaseModel] | None = None
) -> str:
    """One finding in words. ``place`` is where it stands in the file."""
    field = _field(fault, place)
    near = near or Near()
    match fault["type"]:
        case "missing":
            return f"“{fault['loc'][-1]}” is missing"
        case "extra_forbidden":
            return f"“{field}” is not a word that is known here{near(field, _words(fault, model))}"
        case "union_tag_not_found":
            return f"“type” is missing: it must be one of {', '.join(TYPES)}"
        case "union_tag_invalid":
            wrong = str(fault.get("ctx", {}).get("tag", ""))[:40]
            return f"“type” must be one of {', '.join(TYPES)}{near(wrong, TYPES)}"
        case "string_pattern_mismatch" if fault["loc"][-1:] == ("[key]",):
            return f"“{field[:60]}” can't be a key: phones have 0-9, * and #, names are like main_menu"
        case "string_pattern_mismatch":
            return (
                f"“{field}”: “{str(fault['input'])[:60]}” can't stand here: it must match {_pattern(fault)}"
            )
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"“{field}” must have lines of its own below it (name: value)"
        case "node":
            return fault["msg"]
        case _:
            return f"“{field}”: {_message(fault)}"


def _field(fault: ErrorDetails, place: Place) -> str:
    """The word that the fault is about; of a list's item, the list."""
    if len(place) > 1 and place[-1].isdigit() and int(place[-1]) in fault["loc"]:
        return place[-2]
    return place[-1] if place else str(fault["loc"][-1]) if fault["loc"] else "the file"


def _pattern(fault: ErrorDetails) -> str:
    pattern = str(fault.get("ctx", {}).get("pattern", ""))
    if pattern.startswith("^[a-z]"):
        return f"{pattern} (a small letter first, then small letters, digits and {'-' if '-]' in pattern else '_'})"
    return pattern


def _message(fault: ErrorDetails) -> str:
    if fault["loc"] and fault["loc"][-1] in _SIMPLE:
        return "write a text, a number of 15 digits at most, true or false"
    if fault["type"] == "string_type" and isinstance(fault["input"], bool):
        return "Input should be a valid string: YAML reads yes, no, on and off as true and false, so quote it"
    if fault["type"] == "string_type" and isinstance(fault["input"], int | float):
        return "Input should be a valid string: quote the number"
    if fault["type"] == "too_long":
        limit = fault.get("ctx", {}).get("max_length")
        advice = (
            "split the flow, and join its parts with subflow"
            if fault["loc"] == ("nodes",)
            else "take some out"
        )
        return f"there are more than {limit}: {advice}"
    return fault["msg"].removeprefix("Value error, ")


def _words(fault: ErrorDetails, model: type[BaseModel] | None) -> Collection[str]:
    """The words that are known where this one stands, as far as the location tells."""
    location = [str(part) for part in fault["loc"]]
    if len(location) > 3 and location[0] == "nodes" and location[2] in TYPES:
        model, location = TYPES[location[2]], location[3:]
    if model is None:
        return ()
    for part in location[:-1]:
        model = _model_below(model, part) or model
    return model.model_fields.keys()


def _model_below(model: type[BaseModel], field: str) -> type[BaseModel] | None:
    found = model.model_fields.get(field)
    return None if found is None else next(_models_in(found.annotation), None)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
