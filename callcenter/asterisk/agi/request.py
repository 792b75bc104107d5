"""What Asterisk says about a call when it hands it over."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from callcenter.errors import BadInput

_MAX_QUERY_FIELDS = 20


@dataclass(frozen=True, slots=True)
class AgiRequest:
    """One hand-over. All texts are as the caller's side sent them: raw, never to be trusted.

    ``script`` is the URL's path without its first slash and without the query: only a key for the table of
    handlers. ``query`` and ``arguments`` come from the dialplan and may hold caller's text, so they decide
    nothing by themselves. Texts that Asterisk does not know are empty.
    """

    script: str
    query: Mapping[str, str]
    arguments: tuple[str, ...]
    channel: str
    uniqueid: str
    caller_number: str
    caller_name: str
    dnid: str
    extension: str
    context: str
    language: str

    @classmethod
    def parse(cls, variables: Mapping[str, str]) -> "AgiRequest":
        """Read the environment.

        Raises:
            BadInput: the call has no channel or unique id, or the query can't be read in one way only.
        """
        script, _, query = variables.get("network_script", "").partition("?")
        channel, uniqueid = variables["channel"], variables["uniqueid"]
        if not channel or not uniqueid:
            raise BadInput("The AGI environment names no channel.")
        return cls(
            script=script,
            query=_query(query),
            arguments=tuple(value for name, value in variables.items() if name.startswith("arg_")),
            channel=channel,
            uniqueid=uniqueid,
            caller_number=_known(variables["callerid"]),
            caller_name=_known(variables["calleridname"]),
            dnid=_known(variables["dnid"]),
            extension=variables["extension"],
            context=variables["context"],
            language=variables["language"],
        )


def _known(value: str) -> str:
    """Asterisk writes the word ``unknown`` where it has nothing."""
    return "" if value == "unknown" else value


def _query(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError as error:
        raise BadInput("The AGI URL's query can't be read.") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadInput("The AGI URL's query names a field twice.")
    if not all(name.isprintable() and value.isprintable() for name, value in pairs):
        raise BadInput("The AGI URL's query has control characters.")
    return fields
