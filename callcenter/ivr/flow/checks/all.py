"""All checks of one flow, one after the other."""

from callcenter.ivr.flow.checks import between, graph, names, opening, pressed, spoken, values
from callcenter.ivr.flow.checks.finding import Finding, Known
from callcenter.ivr.flow.flow import Flow


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
