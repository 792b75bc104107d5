"""What the agent sees of a caller: composed at the reservation, shown before the phone rings.

In: a call, its match, the reason it comes here. Out: a ``Pop`` to one agent's screens, confirmed by them.
"""
