"""The line rehearsed: recorded or drawn calls through the very routing that serves callers, on a virtual clock.

In come arrivals, talk times and patience, agents and routing rules; out come waits, shares within the promise, hang-ups
and occupancy. ``theory/`` is what queueing theory says of the cases that it can solve, so that a rehearsal is held
against it; ``staffing`` says how many agents each half hour needs, and a rehearsal judges that.
"""
