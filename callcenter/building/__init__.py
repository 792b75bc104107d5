"""Builds the parts of one call centre by constructor, each from those below it. ``app.py`` starts and stops them.

``ground`` clock, bus, tasks, and the database's side · ``flows`` what callers meet · ``core`` everything that knows
what goes on, joined by the bus.
"""

from callcenter.building.core import Core, build
from callcenter.building.flows import FlowSide, flow_side
from callcenter.building.ground import Ground, Kept, storage

__all__ = ["Core", "FlowSide", "Ground", "Kept", "build", "flow_side", "storage"]
