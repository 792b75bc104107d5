"""The rig: a private Asterisk, simulated callers and simulated phones, for the demo, the tests and the bench.

It stands outside the core and imports nothing of it. ``debian_archive``, ``unpack`` and
``asterisk_install`` put a real Asterisk into a cache folder and need the standard library only;
``asterisk_config`` writes its settings; ``asterisk_server`` starts and ends it.
"""
