"""What the caller hears and presses before the line, in it, and after the talk.

In: the flows that are published, a caller's line, and what is known of the caller. Out: where the caller goes (a queue,
a phone, the end), and the way there, step by step.

``flow/`` a flow as it is written, and all that can be wrong with it · ``walk/`` one caller's walk through it ·
``speech/`` texts to sound files · ``front`` visits, as reception wants them · ``shelf`` what is published, while calls
go on · ``counting`` who is where now · ``pages``, ``drawing`` what the flows' pages show · ``rehearsal``, ``trying``
callers without Asterisk · ``dialling`` where callers may be put through to · ``ports`` what a walk needs of others.
"""
