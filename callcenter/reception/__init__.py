"""One coroutine per caller, from arrival to the end; and the few that look after what has no coroutine.

In: a caller's line from telephony. Out: changes of the call, places in the line, pops.
"""
