"""A wire between the core and AMI that can be cut, and listened to."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class AmiProxy:
    """``async with AmiProxy() as proxy``; ``target`` is set once Asterisk's port is known.

    ``sent`` is all that the core has said to Asterisk.
    """

    def __init__(self) -> None:
        self.port = 0
        self.target = 0
        self.sent = bytearray()
        self.connections = 0
        self._refusing = self._silent = False
        self._cut_in = b""
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset the connection, and refuse new ones until ``heal``."""
        self._refusing = True
        self._abort()

    def cut_in_the_middle_of(self, event: str) -> None:
        """The next event of this name is cut in its second line; new connections are refused until ``heal``."""
        self._cut_in = f"Event: {event}\r\n".encode()

    def silence(self) -> None:
        """Nothing gets through any more and nothing is reset: a black hole, for new connections too."""
        self._silent = True

    def heal(self) -> None:
        """All is well for new connections."""
        self._refusing = self._silent = False
        self._abort()

    @property
    def is_cut(self) -> bool:
        """The wire has been cut and not been mended."""
        return self._refusing

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer), name="ami proxy")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(back)
        pumps = [
            asyncio.create_task(self._pump(reader, back, ours=True), name="ami proxy: to asterisk"),
            asyncio.create_task(self._pump(there, writer, ours=False), name="ami proxy: to the core"),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (writer, back):
                one.transport.abort()
                self._writers.discard(one)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, ours: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self._silent:
                    continue
                if ours:
                    self.sent += data
                elif self._cut_in and (at := data.find(self._cut_in)) >= 0:
                    writer.write(data[: at + len(self._cut_in) + 12])
                    await writer.drain()
                    await asyncio.sleep(0.02)
                    self._cut_in = b""
                    self.cut()
                    return
                writer.write(data)
                await writer.drain()
