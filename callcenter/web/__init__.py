"""The pages, and the sockets of the screens: aiohttp, Jinja2, one bounded queue per open page.

In: what the stages announce. Out: what agents and supervisors order. Everything that arrives here is hostile until
it has been checked: ``roles.py`` says who may ask for what, ``gate.py`` enforces it.
"""
