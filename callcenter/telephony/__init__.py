"""Between Asterisk and the calls: AMI events become call events, orders become AMI actions and AGI commands.

In: AMI events and AGI dialogues of ``callcenter.asterisk``. Out: the events "seen on Asterisk" of
``calls/events.py`` on the bus, and the ``Switch`` and ``CallerLine`` that the stages ask for.

``channels`` what Asterisk has now · ``translate`` an AMI event to call events · ``phone_states`` device states ·
``resync`` the snapshot and its differences · ``link`` joins them to one AMI connection · ``switch`` orders about
others · ``caller_line``, ``outbound_line`` one caller's, one agent's dialogue · ``missed`` notes of the fallback ·
``safe`` the patterns that everything sent must match.
"""
