"""Where a node leads when the caller or something behind us does not do as asked: one rule for walks and for checks.

What the node itself writes comes before the flow's defaults. A way that is written nowhere is ``None``: the flow's
default queue, or the end of a flow that has none::

    no input     no_input.then    → otherwise → unknown (identify) → defaults.no_input.then    → defaults.otherwise
    wrong input  wrong_input.then → otherwise → unknown (identify) → defaults.wrong_input.then → defaults.otherwise
    failure      failure → defaults.failure
    not_found, refused, busy, no_answer      their own → failure → defaults.failure

Two questions go on without an answer, by their ``next``: ``language`` (no choice keeps the language) and ``survey``
(who does not answer is asked no more). For them the flow's defaults say only what is spoken.
"""

from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import (
    BranchNode,
    CallbackNode,
    HangupNode,
    HoursNode,
    IdentifyNode,
    LanguageNode,
    LookupNode,
    MessageNode,
    QueueNode,
    ReturnNode,
    StatusNode,
    SubflowNode,
    SurveyNode,
    TransferNode,
    targets_of,
)
from callcenter.ivr.flow.parts import Node, Question, Ways, way_of


def after_no_input(flow: Flow, node: Question | MessageNode) -> str | None:
    """The way after the last try, when the caller pressed (or said) nothing."""
    if isinstance(node, MessageNode):
        return _first(node.no_input, way_of(flow.defaults.no_input).then, flow.defaults.otherwise)
    return _unanswered(flow, node, node.no_input, flow.defaults.no_input)


def after_wrong_input(flow: Flow, node: Question) -> str | None:
    """The way after the last try, when the caller pressed something that is no answer."""
    return _unanswered(flow, node, node.wrong_input, flow.defaults.wrong_input)


def spoken_on_no_input(flow: Flow, node: Question) -> str | None:
    """The prompt before a question is asked again because nothing was pressed; None: only the question."""
    return _first(way_of(node.no_input).say, way_of(flow.defaults.no_input).say)


def spoken_on_wrong_input(flow: Flow, node: Question) -> str | None:
    """The prompt before a question is asked again because of a wrong key; None: only the question."""
    return _first(way_of(node.wrong_input).say, way_of(flow.defaults.wrong_input).say)


def otherwise_of(flow: Flow, node: BranchNode) -> str | None:
    """The way of a branch when none of its conditions holds."""
    return _first(node.otherwise, flow.defaults.otherwise)


def failure_of(flow: Flow, node: Node) -> str | None:
    """The way when Asterisk, or something behind us, fails at this node."""
    return _first(node.failure, flow.defaults.failure)


def unknown_of(flow: Flow, node: IdentifyNode) -> str | None:
    """The way of a caller whose number leads to no record."""
    return _first(node.unknown, node.otherwise, flow.defaults.otherwise)


def locked_of(flow: Flow, node: IdentifyNode) -> str | None:
    """The way of a caller whose customer number is locked."""
    return _first(node.locked, unknown_of(flow, node))


def holiday_of(node: HoursNode) -> str:
    """The way on a public holiday."""
    return node.holiday or node.closed


def not_found_of(flow: Flow, node: LookupNode | StatusNode) -> str | None:
    """The way when what was asked for does not exist."""
    return _first(node.not_found, failure_of(flow, node))


def refused_of(flow: Flow, node: CallbackNode) -> str | None:
    """The way when a callback can't be promised."""
    return _first(node.refused, failure_of(flow, node))


def busy_of(flow: Flow, node: TransferNode) -> str | None:
    """The way when the extension or number is busy."""
    return _first(node.busy, failure_of(flow, node))


def no_answer_of(flow: Flow, node: TransferNode) -> str | None:
    """The way when nobody takes the call in time."""
    return _first(node.no_answer, failure_of(flow, node))


def returned_of(node: SubflowNode, result: str) -> str | None:
    """The way back from a subflow that returned ``result``."""
    return _first(node.results.get(result), node.next)


def leads_to(flow: Flow, node: Node) -> tuple[str, ...]:
    """The nodes that a node can lead to, once each: what it writes, and the flow's defaults where it does not."""
    return tuple(dict.fromkeys((*targets_of(node), *(name for name in _resolved(flow, node) if name))))


def may_end(flow: Flow, node: Node) -> bool:
    """Can the flow be over after this node, other than by failure? Its end, a person, or a way written nowhere."""
    if isinstance(node, QueueNode | TransferNode | ReturnNode | HangupNode):
        return True
    return None in (*_resolved(flow, node)[:-1], getattr(node, "next", ""))


def _resolved(flow: Flow, node: Node) -> tuple[str | None, ...]:
    """The ways that defaults can fill; that of failure is the last one."""
    failure = failure_of(flow, node)
    match node:
        case Question():
            return after_no_input(flow, node), after_wrong_input(flow, node), failure
        case MessageNode():
            return after_no_input(flow, node), failure
        case BranchNode():
            return otherwise_of(flow, node), failure
        case _:
            return (failure,)


def _unanswered(flow: Flow, node: Question, own: Ways | None, default: Ways | None) -> str | None:
    written = _first(way_of(own).then, node.otherwise)
    if isinstance(node, LanguageNode | SurveyNode):
        return _first(written, node.next)
    if isinstance(node, IdentifyNode):
        written = _first(written, node.unknown)
    return _first(written, way_of(default).then, flow.defaults.otherwise)


def _first(*names: str | None) -> str | None:
    return next((name for name in names if name is not None), None)
