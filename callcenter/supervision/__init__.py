"""The floor as it is now: queues, agents, calls."""
