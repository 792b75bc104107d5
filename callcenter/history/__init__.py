"""The kept record: every call, each of its segments and offers, every attempt. Nothing here may be lost."""
