"""``callcenter doctor``: is this machine, and the Asterisk that the settings name, fit for the call centre?

``examination`` goes through it all; each finding is a ``Check`` that a stranger can act on. ``here`` looks at this
machine, ``link`` logs in to Asterisk, ``account``, ``dialplan`` and ``trial_call`` look there, ``registration`` at SIP.
"""
