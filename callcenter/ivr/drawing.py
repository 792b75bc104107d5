"""A flow as a picture: its nodes, and its ways with what leads there written on them."""

from collections.abc import Iterator

from callcenter.ivr.flow import ways
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import (
    BranchNode,
    LanguageNode,
    MenuNode,
    QueueNode,
    SubflowNode,
    TransferNode,
    prompts_of,
    targets_of,
)
from callcenter.ivr.flow.parts import Node
from callcenter.supervision.flows import Graph, GraphEdge, GraphNode

MAX_TEXT = 60
"""Characters of a prompt that are shown on a node."""
DEFAULT_END = "(default)"
"""The name of the end that is no node: the flow's default queue, or the way back to who called the flow."""
_USUAL = frozenset({"next", "open", "closed", "holiday"})
_LABELS = {"next": "", "not_found": "not found", "no_answer": "no answer"}


def draw(flow: Flow) -> Graph:
    """The whole flow. What happens in nodes that write no way of their own is drawn as it would happen."""
    edges = tuple(edge for name, node in flow.nodes.items() for edge in _edges(flow, name, node))
    nodes = [_node(flow, name, node) for name, node in flow.nodes.items()]
    if any(edge.target == DEFAULT_END for edge in edges):
        words = (flow.default_queue, flow.default_queue) if flow.default_queue else ("back", "返回")
        nodes.append(GraphNode(DEFAULT_END, "end", *words, "", ""))
    return Graph(flow.start, tuple(nodes), edges)


def _node(flow: Flow, name: str, node: Node) -> GraphNode:
    texts = next((flow.prompts[prompt] for prompt in prompts_of(node) if prompt in flow.prompts), None)
    return GraphNode(
        name=name,
        type=str(getattr(node, "type", "")),
        title_en=node.title.en if node.title else name.replace("_", " "),
        title_zh=node.title.zh if node.title else name.replace("_", " "),
        text_en=_short(texts.en) if texts else "",
        text_zh=_short(texts.zh) if texts else "",
    )


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def _edges(flow: Flow, name: str, node: Node) -> Iterator[GraphEdge]:
    """The node's ways, one edge for each target and label."""
    written = list(_written(node))
    drawn = {target for target, _, _ in written}
    own = targets_of(node)
    written += [(target, "otherwise", False) for target in own if target not in drawn]
    written += [
        (target, "default", False) for target in ways.leads_to(flow, node) if target not in {*drawn, *own}
    ]
    if _falls_off(node):
        written.append((DEFAULT_END, "", True))
    for target, label, usual in dict.fromkeys(written):
        yield GraphEdge(name, target, label, usual)


def _falls_off(node: Node) -> bool:
    """Does the usual way lead where nothing is written? A transfer's end is the call's."""
    return getattr(node, "next", "") is None and not isinstance(node, TransferNode)


def _written(node: Node) -> Iterator[tuple[str, str, bool]]:
    """(target, label, usual) of what the node itself writes."""
    match node:
        case MenuNode():
            yield from ((target, key, True) for key, target in node.keys.items())
        case LanguageNode():
            if node.next:
                yield node.next, " / ".join(f"{key} {language}" for key, language in node.keys.items()), True
        case BranchNode():
            yield from ((case.next, _short(case.when), True) for case in node.cases)
        case SubflowNode():
            yield from ((target, result, True) for result, target in node.results.items())
        case QueueNode():
            yield from _waiting(node)
        case _:
            pass
    for field in type(node).model_fields:
        value = getattr(node, field)
        if (
            isinstance(value, str)
            and field in _TARGET_FIELDS
            and not (field == "next" and isinstance(node, LanguageNode))
        ):
            yield value, _LABELS.get(field, field), field in _USUAL


_TARGET_FIELDS = frozenset(
    {"next", "failure", "otherwise", "unknown", "locked", "open", "closed", "holiday", "not_found", "refused", "busy",
     "no_answer"}
)  # fmt: skip


def _waiting(node: QueueNode) -> Iterator[tuple[str, str, bool]]:
    waiting = node.waiting
    yield from ((target, key, True) for key, target in waiting.keys.items())
    if waiting.callback:
        yield waiting.callback.next, waiting.callback.key, True
    if waiting.timeout:
        yield waiting.timeout.next, f"{waiting.timeout.seconds:g} s", False
    if waiting.full:
        yield waiting.full.next, f"> {waiting.full.waiting}", False
    if waiting.closes:
        yield waiting.closes.next, "closes", False
    if waiting.nobody:
        yield waiting.nobody, "nobody", False
    if waiting.unanswered:
        yield waiting.unanswered, "unanswered", False
