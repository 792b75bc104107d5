"""What a hand-over says."""

import pytest

from callcenter.asterisk.agi.request import AgiRequest
from callcenter.errors import BadInput

pytestmark = pytest.mark.unit

VARIABLES = {
    "network": "yes",
    "network_script": "ring",
    "channel": "PJSIP/trunk-00000001",
    "uniqueid": "node7f-1.1",
    "callerid": "13800138000",
    "calleridname": "unknown",
    "dnid": "unknown",
    "extension": "100",
    "context": "main",
    "language": "zh",
    "arg_1": "x",
}


def test_facts_of_a_call() -> None:
    """Each fact stands under its word, and Asterisk's ``unknown`` is empty."""
    request = AgiRequest.parse(VARIABLES)
    assert request.script == "ring"
    assert request.query == {}
    assert request.arguments == ("x",)
    assert (request.channel, request.uniqueid) == ("PJSIP/trunk-00000001", "node7f-1.1")
    assert (request.caller_number, request.caller_name, request.dnid) == ("13800138000", "", "")
    assert (request.extension, request.context, request.language) == ("100", "main", "zh")


def test_query_is_apart_from_the_script() -> None:
    """The query never becomes part of the script's name, and the script is not normalised."""
    request = AgiRequest.parse(VARIABLES | {"network_script": "../../x?skill=vip&agent="})
    assert request.script == "../../x"
    assert request.query == {"skill": "vip", "agent": ""}


@pytest.mark.parametrize("query", ["a=1&a=2", "a", "a=%0a", "&".join(f"f{n}=1" for n in range(21))])
def test_doubtful_queries_are_refused(query: str) -> None:
    """A query that two readers could read differently is refused."""
    with pytest.raises(BadInput):
        AgiRequest.parse(VARIABLES | {"network_script": "ring?" + query})


@pytest.mark.parametrize("name", ["channel", "uniqueid"])
def test_a_call_has_a_channel(name: str) -> None:
    """Without a channel or its id there is no call."""
    with pytest.raises(BadInput):
        AgiRequest.parse(VARIABLES | {name: ""})
