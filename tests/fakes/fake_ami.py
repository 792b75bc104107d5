"""A small Asterisk manager on a real TCP port: logs in, answers, lists, and misbehaves on order."""

import asyncio
import time
from types import TracebackType
from typing import Self

SECRET = "s3cret"
SYSTEM_NAME = "cc00112233445566"


class FakeAmi:
    """Use as ``async with FakeAmi() as ami``; ``ami.port`` is where it listens."""

    def __init__(self) -> None:
        self.secret = SECRET
        self.system_name = SYSTEM_NAME
        self.started = ["2026-01-05"]
        """Start-up dates, one for each CoreStatus; the last one stays."""
        self.banner = b"Asterisk Call Manager/11.0.0\r\n"
        self.booted = True
        self.clock_ahead = 0.0
        """Seconds by which this machine's clock differs from the core's."""
        self.pings_answered = True
        self.silent = False
        """Take everything and say nothing, as behind a firewall that drops packets."""
        self.lists: dict[str, list[dict[str, str]]] = {}
        self.cut_in_list = False
        self.port = 0
        self.actions: list[dict[str, str]] = []
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def listen(self) -> None:
        """Open the port; the same one after ``stop``."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
            await asyncio.sleep(0)

    def cut(self) -> None:
        """Reset all connections at once."""
        for writer in self._writers:
            writer.transport.abort()

    def hang_up(self) -> None:
        """Send what was said, then close."""
        for writer in self._writers:
            writer.close()

    def say(self, data: bytes) -> None:
        """Put bytes on the wire as they are."""
        for writer in self._writers:
            writer.write(data)

    def event(self, name: str, **headers: str) -> None:
        """Say an event as Asterisk would."""
        self.say(message("Event", name, {"SystemName": self.system_name, **headers}))

    def named(self, action: str) -> list[dict[str, str]]:
        """The actions of this name that were received."""
        return [headers for headers in self.actions if headers["Action"] == action]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if not self.silent:
                writer.write(self.banner)
            while block := await reader.readuntil(b"\r\n\r\n"):
                lines = block.decode().strip("\r\n").split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines)
                self.actions.append(headers)
                if not self.silent:
                    self._answer(headers, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        action, action_id = headers["Action"], headers["ActionID"]
        if action in self.lists:
            writer.write(self._list(action, action_id))
            if self.cut_in_list:
                writer.close()
            return
        if action == "Ping" and not self.pings_answered:
            return
        status, answer = self._plain(action, headers)
        writer.write(message("Response", status, {"ActionID": action_id, **answer}))
        if action == "Login" and status == "Error":
            writer.close()
        elif action == "Login" and self.booted:
            self.boot()

    def _plain(self, action: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
        match action:
            case "Login" if headers.get("Secret") != self.secret:
                return "Error", {"Message": "Authentication failed"}
            case "Ping":
                return "Success", {"Ping": "Pong", "Timestamp": self.stamp()}
            case "CoreSettings":
                return "Success", {"AsteriskVersion": "22.10.1", "SystemName": self.system_name}
            case "CoreStatus":
                date = self.started.pop(0) if len(self.started) > 1 else self.started[0]
                return "Success", {"CoreStartupDate": date, "CoreStartupTime": "08:00:00"}
            case "Hangup":
                return "Error", {"Message": "No such channel"}
            case _:
                return "Success", {}

    def stamp(self, age: float = 0.0) -> str:
        """Asterisk's clock ``age`` seconds ago, as it stamps its events."""
        return f"{time.time() + self.clock_ahead - age:.6f}"

    def boot(self) -> None:
        """Be ready, and say so."""
        self.booted = True
        self.say(message("Event", "FullyBooted", {"Status": "Fully Booted"}))

    def _list(self, action: str, action_id: str) -> bytes:
        same = {"ActionID": action_id}
        items = [message("Event", f"{action}Item", same | item) for item in self.lists[action]]
        end = message("Event", f"{action}Complete", same | {"EventList": "Complete"})
        data = message("Response", "Success", same | {"EventList": "start"}) + b"".join(items) + end
        return data[: -len(end) - 5] if self.cut_in_list else data


def message(kind: str, name: str, headers: dict[str, str]) -> bytes:
    """One AMI message as bytes."""
    lines = [f"{kind}: {name}", *(f"{key}: {value}" for key, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
