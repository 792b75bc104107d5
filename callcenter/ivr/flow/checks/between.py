"""Flows that call one another: circles, surveys that would queue a caller again, results that never come."""

from collections.abc import Iterable, Iterator

from callcenter.ivr.flow.checks.finding import Finding, Known, warning
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import CallbackNode, QueueNode, ReturnNode, SubflowNode, TransferNode

MAX_DEPTH = 8
"""Flows that call one another; a walk goes no deeper."""
ENDED = "done"
"""What a flow returns that comes to its end without ``return``."""


def check(flow: Flow, known: Known) -> Iterator[Finding]:
    """What can only be seen with the other flows beside it."""
    yield from _circles(flow, known)
    yield from _results(flow, known)
    yield from _as_survey(flow, known)
    yield from _surveys(flow, known)
    yield from _as_entrance(flow, known)


def neighbours(flow: Flow, known: Known) -> tuple[list[Flow], bool]:
    """The flows that share their variables with this one, itself included: those that it calls, that call it, and so
    on; and whether all of them could be read."""
    flows = {**(known.flows or {}), flow.flow: flow}
    beside: dict[str, set[str]] = {name: set() for name in flows}
    for name, other in flows.items():
        for called in _calls(other):
            beside.setdefault(name, set()).add(called)
            beside.setdefault(called, set()).add(name)
    reached: set[str] = set()
    ahead = [flow.flow]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead.extend(beside[name])
    # A file that can't be read may call any flow.
    unread = reached - flows.keys() or any(other is None for other in flows.values())
    return [other for name in sorted(reached) if (other := flows.get(name)) is not None], not unread


def _calls(flow: Flow | None) -> set[str]:
    if flow is None:
        return set()
    return {called for _, called in _subflows(flow)} | {survey for _, survey in _survey_names(flow)}


def _subflows(flow: Flow) -> Iterator[tuple[str, str]]:
    return ((name, node.flow) for name, node in flow.nodes.items() if isinstance(node, SubflowNode))


def _survey_names(flow: Flow) -> Iterator[tuple[str, str]]:
    for name, node in flow.nodes.items():
        if isinstance(node, QueueNode) and node.survey is not None:
            yield name, node.survey


def _circles(flow: Flow, known: Known) -> Iterator[Finding]:
    for name, called in _subflows(flow):
        path = _path(called, flow, known)
        place = ("nodes", name, "flow")
        if path is not None:
            shown = " → ".join([flow.flow, *path])
            yield Finding(
                place, f"flows call one another in a circle: {shown}; use return and results instead"
            )
    if (deep := _depth(flow, known)) > MAX_DEPTH:
        yield Finding(
            (), f"flows call one another {deep} deep, and {MAX_DEPTH} is the most: join some of them"
        )


def _path(called: str, flow: Flow, known: Known) -> list[str] | None:
    """How a called flow comes back to the one that called it, by calls."""
    came_from: dict[str, str | None] = {called: None}
    ahead = [called]
    for name in ahead:  # grows while it is walked
        if name == flow.flow:
            path = [name]
            while (before := came_from[path[-1]]) is not None:
                path.append(before)
            return path[::-1]
        other = known.flow(name)
        for _, below in _subflows(other) if other is not None else ():
            if below not in came_from:
                came_from[below] = name
                ahead.append(below)
    return None


def _depth(flow: Flow, known: Known) -> int:
    """How many flows deep calls go, at most; a little over the limit is enough to know."""
    level: set[str] = {flow.flow}
    for depth in range(1, MAX_DEPTH + 1):
        others = [flow if name == flow.flow else known.flow(name) for name in level]
        level = {called for other in others if other is not None for _, called in _subflows(other)} - {
            flow.flow
        }
        if not level:
            return depth
    return MAX_DEPTH + 1


def _results(flow: Flow, known: Known) -> Iterator[Finding]:
    for name, node in flow.nodes.items():
        if not isinstance(node, SubflowNode) or (called := known.flow(node.flow)) is None:
            continue
        given = {other.result for other in called.nodes.values() if isinstance(other, ReturnNode)}
        if called.default_queue is None:
            given.add(ENDED)
        for result in node.results:
            if result not in given:
                shown = ", ".join(sorted(given)) or "nothing"
                message = f"“{node.flow}” never returns “{result}” (it returns {shown})"
                yield warning(("nodes", name, "results", result), message)


# ------------------------------------------------------------ surveys and ways in


def _people(flow: Flow) -> Iterator[tuple[str, str]]:
    """Nodes that put the caller to a person, with their types."""
    for name, node in flow.nodes.items():
        if isinstance(node, QueueNode | TransferNode | CallbackNode):
            yield name, node.type


def _as_survey(flow: Flow, known: Known) -> Iterator[Finding]:
    """This flow is somebody's survey."""
    if not any(survey == flow.flow for other in _all(flow, known) for _, survey in _survey_names(other)):
        return
    advice = "this flow is a survey, and its caller has just spoken with an agent: take it out"
    for name, kind in _people(flow):
        yield Finding(("nodes", name), f"{kind} can't be here: {advice}")
    if flow.default_queue is not None:
        yield Finding(("default_queue",), f"default_queue can't be here: {advice}")
    for name, called in _subflows(flow):
        other = known.flow(called)
        if other is not None and (first := next(_people(other), None)) is not None:
            yield Finding(
                ("nodes", name, "flow"), f"“{called}” has a {first[1]} node (“{first[0]}”): {advice}"
            )


def _surveys(flow: Flow, known: Known) -> Iterator[Finding]:
    """The surveys that this flow names."""
    for name, survey in _survey_names(flow):
        other = flow if survey == flow.flow else known.flow(survey)
        if other is not None and (first := next(_people(other), None)) is not None:
            message = f"“{survey}” is no survey: it has a {first[1]} node (“{first[0]}”)"
            yield Finding(("nodes", name, "survey"), message)


def _as_entrance(flow: Flow, known: Known) -> Iterator[Finding]:
    """Callers meet this flow first."""
    if known.entrances is None or flow.flow not in known.entrances:
        return
    if flow.default_queue is None:
        message = (
            "callers come here and there is no default_queue: where no way is written, they are hung up on"
        )
        yield warning(("flow",), message)
    called = any(called == flow.flow for other in _all(flow, known) for _, called in _subflows(other))
    for name, node in flow.nodes.items():
        if isinstance(node, ReturnNode) and not called:
            message = "no flow calls this one, so there is nowhere to return to: use goto, queue or hangup"
            yield Finding(("nodes", name), message)


def _all(flow: Flow, known: Known) -> Iterable[Flow]:
    return [
        flow,
        *(other for name, other in (known.flows or {}).items() if other is not None and name != flow.flow),
    ]
