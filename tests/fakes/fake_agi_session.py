"""An AGI session without Asterisk: it writes down each command and answers from a list."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

from callcenter.asterisk.agi.framing import AgiReply
from callcenter.asterisk.agi.session import AgiSession
from callcenter.errors import CallerGone

OK = AgiReply(200, "1")


class FakeAgiSession:
    """``answers`` maps the beginning of a command to its reply, to a function of the command, or to an error."""

    def __init__(self, **request: str) -> None:
        facts = {
            "uniqueid": "s-1.1",
            "caller_number": "138",
            "caller_name": "Li",
            "extension": "s",
            "dnid": "7000",
        }
        self.request = SimpleNamespace(**facts | request)
        self.lines: list[str] = []
        self.dead: list[str] = []
        """Commands that were also meant for a caller who has gone."""
        self.answers: dict[str, AgiReply | Callable[[str], AgiReply] | Exception] = {}
        self.hung_up = False

    def as_session(self) -> AgiSession:
        """For what takes the real one."""
        return cast("AgiSession", self)

    async def command(self, line: bytes, timeout: float | None = 5.0, *, dead: bool = False) -> AgiReply:
        """Write down, answer."""
        text = line.decode()
        assert text.endswith("\n")
        assert text.count("\n") == 1
        self.lines.append(text[:-1])
        if self.hung_up and not dead:
            raise CallerGone("gone")
        if dead:
            self.dead.append(text[:-1])
        for beginning, answer in self.answers.items():
            if text.startswith(beginning):
                if isinstance(answer, Exception):
                    raise answer
                return answer if isinstance(answer, AgiReply) else answer(text)
        return OK

    async def wait_gone(self) -> None:
        """At once: the caller has gone."""
        self.hung_up = True
