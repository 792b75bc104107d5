"""What the caller hears and presses before the line.

In: a flow (YAML in ``ivr_flows/``), a caller's line, and what is known of the caller. Out: the queue and the
language the caller ended with, or the hang-up, and the path between.

``model`` a flow's words · ``loader`` YAML with file, line and node in each error · ``checks`` what a schema can't
see · ``runner`` one caller's walk · ``prompts`` text to sound files · ``speech`` the engine · ``sound`` samples ·
``rehearsal`` a written caller walks a flow without Asterisk.
"""
