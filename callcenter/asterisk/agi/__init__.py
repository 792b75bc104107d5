"""FastAGI: what we do to one caller.

In comes Asterisk's TCP connection for a call that the dialplan handed over with ``AGI(agi://host/script)``.
Out goes one coroutine per caller with an ``AgiSession``: commands one at a time, each with a limit, and
``CallerGone`` the moment the caller hangs up. FastAGI has no log-in: only listed addresses are served, and a
session proves nothing until AMI confirms its channel.

``framing`` bytes to frames, no I/O · ``request`` the environment as facts · ``commands`` command lines ·
``session`` one dialogue · ``server`` the listener.
"""
