"""Who is served next and by whom.

In: callers who wait and agents who are free. Out: offers, one agent to one call, each with what it was decided from.

``rules`` are what people set; ``demand`` is what a place in line asks of an agent, and when that widens; ``policy`` is
the order, ``choose`` the agent; ``line`` and ``idle`` keep both sides ready, ``distributor`` joins them, ``offers``
holds agents for calls; ``decision`` puts it on record; ``publishing`` puts other rules into service; ``watch`` looks
after it.
"""
