"""One caller's walk through a flow, and what each node does there.

``walk`` the state of a visit · ``services`` what it needs of others · ``runner`` from node to node, until an end ·
``keys`` how a question reads what is pressed · ``standard`` words that every flow has · ``facts`` what expressions and
prompts know · ``asking``, ``knowing``, ``deciding``, ``leaving``, ``recording`` the nodes.
"""
