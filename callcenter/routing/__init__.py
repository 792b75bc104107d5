"""Who is served next and by whom.

In: callers who wait and agents who are free. Out: offers, one agent to one call, each with its reason in words.
"""
