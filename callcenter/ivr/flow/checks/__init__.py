"""What a schema can't see in a flow.

``names`` what is named and isn't there · ``graph`` nodes that nothing leads to, and ways that never end · ``spoken``
prompts · ``values`` variables, and digits that must stay secret · ``pressed`` keys, PINs, offers of a callback ·
``opening`` hours · ``between`` flows that call one another, and surveys. Each message says what to do.
"""

from callcenter.ivr.flow.checks import between, graph, names, opening, pressed, spoken, values
from callcenter.ivr.flow.checks.finding import Finding, Known
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.variables import BUILT_IN

__all__ = ["BUILT_IN", "Finding", "Known", "check"]


def check(flow: Flow, known: Known) -> list[Finding]:
    """All that can be said about a flow; without an error in it, it can be published."""
    return [
        *names.check(flow, known),
        *graph.check(flow, known),
        *spoken.check(flow),
        *values.check(flow, known),
        *pressed.check(flow),
        *opening.check(flow, known),
        *between.check(flow, known),
    ]
