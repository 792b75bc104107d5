"""What the pages of flows need; ``ivr`` implements it."""

from callcenter.supervision.flows import Fault, FlowLine, Flows, Graph, GraphEdge, GraphNode, Tried, TriedStep

__all__ = ["Fault", "FlowLine", "Flows", "Graph", "GraphEdge", "GraphNode", "Tried", "TriedStep"]
