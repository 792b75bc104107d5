"""What queueing theory says of a line of callers, with the formula and its source at each function.

- ``erlang_c``: callers who never hang up. ``erlang_a``: callers who do.
- ``priorities``: mean waits per tier, under strict order (Cobham) and while everybody ages (Kleinrock); and the whole
  distribution of each tier's wait under strict order.
- ``assurance``: what share of a tier is answered in time at the least, under either order.
- ``recursion``: the wait of each single caller in the ideal line, from the same draws (Kiefer and Wolfowitz).
- ``pooling``: what sharing agents between queues is worth.

Everywhere: ``agents`` who are all alike; ``rate``, calls per second, Poisson; ``service``, mean seconds that a call
keeps an agent, exponential; steady state. Times are seconds, shares are between 0 and 1. What makes no sense, and a
load that has no steady state, is ``BadInput``.
"""
