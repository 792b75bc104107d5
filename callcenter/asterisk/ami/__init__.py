"""Asterisk's manager interface. In: bytes from its TCP port. Out: ``Event`` and ``Response``, in order.

``framing`` takes the bytes apart without sockets, ``messages`` are the result, ``actions`` is what we say,
``session`` is one connection, ``connection`` keeps one alive.
"""
