"""One caller's walk through a flow.

``runner`` from node to node · ``walk`` what the caller said and what is known · one module for each kind of node.
"""
