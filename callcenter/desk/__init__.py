"""An agent's desk: what the screen shows, and what its user may order.

In: commands from the pages. Out: changes of presence, calls to phones, complaints and follow-ups kept.
"""
