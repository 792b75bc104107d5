"""Every error this program raises on purpose.

::

    CallcenterError            code, retryable
    ├── BadInput               what somebody sent can't be used; says what would be right
    ├── NotFound               no such thing, or not for you
    ├── Forbidden              known, and not allowed
    ├── Conflict               the state does not allow it now (a wrap-up that has ended, a phone in use)
    ├── TooMany                a limit was reached; try later
    ├── SettingsError          a setting is wrong; names it, the problem and an example
    ├── PartMissing            something the program needs isn't there; says which, why and what to do
    ├── TelephonyDown          Asterisk can't be reached now (retryable)
    ├── ActionFailed           Asterisk refused or did not answer an action
    ├── LookupFailed           a named query or service of a flow came to no answer
    ├── DatabaseAway           the database is locked, gone or broken now (retryable; in ``storage``)
    ├── CallerGone             the caller hung up; ends the caller's coroutine, never shown to anybody
    └── ReleasedToFallback     we let go of a caller on purpose; the dialplan's fallback takes over

Codes are a contract with the pages and with scripts: they don't change.
"""


class CallcenterError(Exception):
    """The root. ``code`` is stable; ``retryable`` says whether trying again may help."""

    code = "error"
    retryable = False

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class BadInput(CallcenterError):
    """What was sent can't be used."""

    code = "bad_input"


class NotFound(CallcenterError):
    """There is no such thing for this user."""

    code = "not_found"


class Forbidden(CallcenterError):
    """The user's role does not allow it."""

    code = "forbidden"


class Conflict(CallcenterError):
    """The state does not allow it now."""

    code = "conflict"


class TooMany(CallcenterError):
    """A limit was reached."""

    code = "too_many"
    retryable = True


class SettingsError(CallcenterError):
    """A setting is wrong: the start stops."""

    code = "settings"


class PartMissing(CallcenterError):
    """A part that is needed can't be had."""

    code = "part_missing"


class TelephonyDown(CallcenterError):
    """Asterisk can't be reached."""

    code = "telephony_down"
    retryable = True


class ActionFailed(CallcenterError):
    """Asterisk refused an action, or did not answer it in time."""

    code = "action_failed"


class LookupFailed(CallcenterError):
    """A lookup did not come to an answer; the message says why and holds nothing of the answer."""

    code = "lookup_failed"


class CallerGone(CallcenterError):
    """The caller hung up."""

    code = "caller_gone"


class ReleasedToFallback(CallcenterError):
    """The caller is handed to the dialplan's fallback queue."""

    code = "released"
