"""The language of flows as a JSON Schema, for editors: ``# yaml-language-server: $schema=flow.schema.json``.

It is made from the models that read flows, so it can't differ from them. What goes beyond one value (names that lead
nowhere, rings, hours) is for ``callcenter ivr check``.
"""

import json
from typing import Any, TypeAlias

from callcenter.ivr.flow.faults import TYPES
from callcenter.ivr.flow.flow import Flow

FILE = "flow.schema.json"

_Schema: TypeAlias = dict[str, Any]

WORDS: dict[str, str] = {
    "after": "Seconds of waiting before the first time.",
    "announce": "Seconds between two announcements of the position; not written, there are none.",
    "between_seconds": "Seconds to wait for the next digit.",
    "busy": "The node when the line is busy; not written, the way of failure.",
    "by": "How: `number` (the caller's own) or `pin` (customer number and PIN).",
    "calendar": "A country's code: its public holidays and make-up workdays.",
    "callback": "The offer to be called back.",
    "cases": "Conditions, tried in order; the first that holds decides.",
    "category": "What the complaint is about.",
    "closed": "The node when closed.",
    "closes": "Elsewhere, outside opening hours.",
    "comment": "A word in the caller's own voice, after the questions.",
    "default_queue": "The queue of callers for whom no way is written.",
    "defaults": "Ways for every node that does not write its own.",
    "en": "In English.",
    "every": "Seconds between two times; not written, it is said once.",
    "expected_wait": "Announce the expected wait too.",
    "extension": "An expression: the extension, one that callers may reach.",
    "failure": "The node when it can't be done; not written, the flow's default.",
    "finish": "The keys that end the recording.",
    "flow": "The flow's name, as its file's; of a subflow, the flow to walk.",
    "found": "The prompt that tells what was found.",
    "full": "Elsewhere, when too many wait already.",
    "holiday": "The node on a public holiday; not written, as when closed.",
    "holiday_hours": "Times on public holidays.",
    "hours": "Opening hours by name; of a node, one of these names.",
    "interrupt": "May a key cut it short?",
    "into": "The variable, or variables, that it fills.",
    "key": "The key to press.",
    "keys": "What may be pressed, and where each key leads.",
    "language": "Spoken until the caller chooses: en or zh.",
    "locked": "The node of a caller whose customer number is locked; not written, as unknown.",
    "max_digits": "The input ends at so many digits.",
    "max_seconds": "The recording ends after so many seconds.",
    "messages": "Prompts said while waiting.",
    "min_digits": "Fewer digits are wrong input.",
    "music": "A class of music on hold; empty: the usual one.",
    "name": "How it is called in the record.",
    "next": "The node to go on to; not written, the flow's default queue (or its end).",
    "nobody": "The node when nobody who serves this queue is logged in; not written, the caller waits.",
    "no_answer": "The node when nobody answers; not written, the way of failure.",
    "no_input": "When nothing is pressed: a prompt, or `say` and `then`. When nothing is said: a node.",
    "nodes": "What the flow does, by name.",
    "not_found": "The node when there is nothing; not written, the way of failure.",
    "number": "An expression: the number.",
    "of": "`order` or `complaint`.",
    "open": "Weekdays and their times; of a node, the node when open.",
    "otherwise": "The node after the last try, or when no condition holds.",
    "pin_prompt": "The prompt that asks for the PIN.",
    "position": "Announce the position.",
    "prompt": "The prompt that is spoken.",
    "prompts": "What is spoken, by name, in every language.",
    "query": "A database query that the settings name.",
    "questions": "Asked one after the other.",
    "queue": "A queue of the settings.",
    "reason": "Why the call ends, for the record.",
    "refused": "The node when no callback can be promised; not written, the way of failure.",
    "result": "What the calling flow may go by.",
    "results": "Ways by what the flow returned.",
    "ring_seconds": "How long it rings.",
    "said": "The prompt that reads the number back: `{complaint_number}`.",
    "say": "The prompt before it asks again.",
    "seconds": "Seconds to wait; for a key, from the end of the words.",
    "secret": "The digits are in no log and no record; only identify and lookup may read them.",
    "send": "Expressions that are sent, by name.",
    "serve_waiting": "Are those who wait already served when the hours end?",
    "service": "A web service that the settings name.",
    "severity": "How bad it is.",
    "silence": "So many seconds of silence end the recording.",
    "skills": "Skills that the agent must have: names, or each with its level from 1 to 5.",
    "start": "The first node.",
    "survey": "The flow that asks, after the call, how it was.",
    "terminator": "The key that ends the input; empty: none.",
    "thanks": "The prompt at the end.",
    "then": "The node after the last try.",
    "timeout": "Elsewhere, after some time.",
    "title": "How agents and pages call it.",
    "tries": "How often it asks.",
    "type": "What the node does.",
    "unknown": "The node of a caller who could not be identified.",
    "unanswered": "The node when too many offers of this call came to nothing; not written, the caller waits.",
    "valid": "An expression that judges the digits.",
    "values": "Variables and the expressions that give their values, in this order.",
    "waiting": "What is heard and may be pressed while waiting; or so many waiting.",
    "when": "The condition.",
    "wrong_input": "When a wrong key is pressed: a prompt, or `say` and `then`.",
    "zh": "In Chinese.",
    "zone": "A time zone such as Asia/Shanghai.",
}
"""What the words mean where the models say no more."""

_ONE_OF = {"LookupNode": ("query", "service"), "TransferNode": ("extension", "number", "queue")}


def schema_text() -> str:
    """The schema as the text of its file."""
    return json.dumps(flow_schema(), ensure_ascii=False, indent=1) + "\n"


def flow_schema() -> _Schema:
    """A JSON Schema, draft 2020-12."""
    schema: _Schema = _plain(Flow.model_json_schema())
    [names] = schema["properties"]["nodes"]["patternProperties"]
    schema["properties"]["nodes"]["patternProperties"][names] = _by_type()
    for model, words in _ONE_OF.items():
        schema["$defs"][model]["oneOf"] = [{"required": [word]} for word in words]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FILE, "title": "A flow"}
    return {**head, **schema}


def _by_type() -> _Schema:
    """A node by its type: editors then speak of that type's words, and not of twenty-one possibilities."""
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": list(TYPES), "description": WORDS["type"]}},
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/{model.__name__}"},
            }
            for name, model in TYPES.items()
        ],
    }


def _plain(schema: Any) -> Any:
    """Without what is noise to who writes a flow: made-up titles, null, empty defaults."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(value) for key, value in schema.items() if not _noise(key, value)}
    if isinstance(plain.get("properties"), dict):
        plain["properties"] = {word: _described(word, below) for word, below in plain["properties"].items()}
    if "patternProperties" in plain:
        plain["additionalProperties"] = False
    if isinstance(plain.get("description"), str):
        plain["description"] = " ".join(plain["description"].replace("``", "`").split())
    kinds = [kind for kind in plain.pop("anyOf", ()) if kind != {"type": "null"}]
    return {**kinds[0], **plain} if len(kinds) == 1 else {**({"anyOf": kinds} if kinds else {}), **plain}


def _noise(key: str, value: Any) -> bool:
    if key == "title":
        return isinstance(value, str)
    if key == "default":
        return value is None or isinstance(value, dict | list)
    return key == "discriminator"


def _described(word: str, schema: _Schema) -> _Schema:
    return schema if "description" in schema or word not in WORDS else {**schema, "description": WORDS[word]}
