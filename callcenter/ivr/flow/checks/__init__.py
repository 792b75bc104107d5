"""What a schema can't see in a flow.

``names`` what is named and isn't there · ``graph`` nodes that nothing leads to, and ways that never end · ``spoken``
prompts · ``values`` variables, and digits that must stay secret · ``pressed`` keys, PINs, offers of a callback ·
``opening`` hours · ``between`` flows that call one another, and surveys. Each message says what to do.
"""
