"""A flow as plain data for the script that draws it, in the reader's language."""

from collections.abc import Iterable, Mapping
from typing import Any

from callcenter.history.flows import FlowFigures, NodeFigures
from callcenter.supervision.flows import Fault, Graph, GraphNode, Tried
from callcenter.web.fragments import Fragments

Data = dict[str, Any]
NOTHING = NodeFigures(0, 0.0, 0, 0)


def title_of(node: GraphNode, language: str) -> str:
    """How a node is called; the node's name where it has no title."""
    return (node.title_zh if language == "zh" else node.title_en) or node.name


def graph_data(graph: Graph, language: str, fragments: Fragments) -> Data:
    """Nodes and ways, titles and labels in one language."""
    return {
        "start": graph.start,
        "nodes": [
            {
                "name": node.name,
                "type": node.type,
                "kind": fragments.code(language, "node", node.type),
                "title": title_of(node, language),
                "text": node.text_zh if language == "zh" else node.text_en,
            }
            for node in graph.nodes
        ],
        "edges": [
            {
                "source": edge.source,
                "target": edge.target,
                # The way on is the line itself.
                "label": "" if edge.label == "next" else fragments.way(language, edge.label),
                "usual": edge.usual,
            }
            for edge in graph.edges
        ],
    }


def figures_data(figures: FlowFigures, language: str, fragments: Fragments) -> Data:
    """By node: visits, mean seconds, no input, wrong input, and the ways out, the most used first."""
    return {
        name: {
            "visits": node.visits,
            "mean": round(mean_seconds(node), 1),
            "no_input": node.no_input,
            "wrong_input": node.wrong_input,
            "ways": [
                [fragments.way(language, way), count]
                for way, count in sorted(node.ways.items(), key=lambda one: (-one[1], one[0]))
            ],
        }
        for name, node in figures.nodes.items()
    }


def mean_seconds(node: NodeFigures) -> float:
    """How long a visit lasted."""
    return node.seconds / node.visits if node.visits else 0.0


def table_rows(graph: Graph, figures: FlowFigures, now: Mapping[str, int], language: str) -> list[Data]:
    """The picture as a table: its nodes in their order, then those that only callers of older versions saw."""
    of_graph = {node.name: (title_of(node, language), node.type) for node in graph.nodes}
    gone = {name: (name, "") for name in sorted(figures.nodes.keys() - of_graph.keys())}
    return [
        {
            "name": name,
            "title": title,
            "type": kind,
            "now": now.get(name, 0),
            "figures": figures.nodes.get(name, NOTHING),
            "mean": mean_seconds(figures.nodes.get(name, NOTHING)),
        }
        for name, (title, kind) in (of_graph | gone).items()
    ]


def fault_data(faults: Iterable[Fault]) -> list[Data]:
    """What is wrong with a text."""
    return [
        {"line": one.line, "node": one.node, "message": one.message, "warning": one.warning} for one in faults
    ]


def tried_data(tried: Tried) -> Data:
    """A rehearsal."""
    return {
        "steps": [
            {"node": one.node, "heard": list(one.heard), "pressed": one.pressed, "at": round(one.at, 1)}
            for one in tried.steps
        ],
        "end": tried.end,
        "gone": tried.gone,
    }
