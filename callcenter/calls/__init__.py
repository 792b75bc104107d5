"""A call, the stretches it is made of, and what may happen to it.

In: what telephony and the caller's coroutine report. Out: events that the rest of the program reacts to.
"""
