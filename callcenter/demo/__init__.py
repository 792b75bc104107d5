"""The main job, shown: a real Asterisk, the core, simulated people, and a judge who believes none of them.

The judge compares what the screens' process received with what the phones' process received, both on the machine's one
monotonic clock, and with what the callers' processes heard and how they ended. The core is never asked how it did.
"""
