"""Builds the parts of one call centre by constructor, each from those below it. ``app.py`` starts and stops them.

``ground`` clock, bus, tasks, and the database's side · ``flows`` what callers meet · ``core`` everything that knows
what goes on, joined by the bus.
"""
