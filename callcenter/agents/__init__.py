"""The people who answer: what they chose (presence) and what the core knows (routing state), kept apart.

In: log-in, screen sockets, phone states, offers and talks. Out: ``AgentChanged``.
"""
