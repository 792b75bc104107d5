"""A contact centre with CTI on Asterisk. The way of a call, and where each step lives:

1. ``asterisk/``     Asterisk's wire protocols, AMI and FastAGI, as a library that knows no call.
2. ``telephony/``    AMI events become call events; orders to phones become AMI actions; resync after a gap.
3. ``reception/``    one coroutine per caller: arrive, identify, IVR, wait, ring, talk, end.
4. ``customers/``    who is calling: numbers, the record, the tier.
5. ``ivr/``          what the caller hears and presses before the line, in it and after the talk; ``lookups/`` asks.
6. ``routing/``      the line, the order in it, and which agent is reserved; ``rehearsal/`` tries its rules on a virtual
   clock.
7. ``screen_pop/``   what that agent sees, before the phone rings.
8. ``wrap_up/``, ``complaints/``, ``follow_ups/``, ``callbacks/``, ``voicemails/``, ``surveys/``  what is done about it
   afterwards.
9. ``history/``      the kept record, and ``supervision/`` the live one.

``journey.py`` is the same story as a table that runs; ``building/`` makes the parts and ``app.py`` runs them.
"""
