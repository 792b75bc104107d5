"""The doctor's questions to SIP and to the database, over real sockets and files."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from callcenter.doctor import here
from callcenter.doctor.registration import check_registration

pytestmark = pytest.mark.integration


class Registrar(asyncio.DatagramProtocol):
    """Answers every REGISTER with one status, after a provisional answer."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.asked: list[str] = []
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer."""
        assert self.transport is not None
        self.asked.append(data.decode())
        call_id = next(line for line in self.asked[-1].split("\r\n") if line.startswith("Call-ID"))
        for status in (100, self.status):
            self.transport.sendto(f"SIP/2.0 {status} x\r\n{call_id}\r\n\r\n".encode(), addr)


@pytest.mark.parametrize(("status", "expected"), [(401, "ok"), (200, "failed"), (403, "warning")])
async def test_registration(status: int, expected: str) -> None:
    """401 is right, 200 means that anybody may register, anything else proves nothing. The question has no Contact, so
    that it changes nothing."""
    transport, registrar = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Registrar(status), local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    try:
        check = await check_registration("127.0.0.1", port, "1001")
    finally:
        transport.close()
    assert check.status == expected
    (asked,) = registrar.asked
    assert asked.startswith(f"REGISTER sip:127.0.0.1:{port} SIP/2.0\r\n")
    assert "To: <sip:1001@127.0.0.1>" in asked
    assert "Contact" not in asked


async def test_database_that_is_no_database(tmp_path: Path) -> None:
    """None yet is a warning and nothing is made; another file is a failure."""
    path = tmp_path / "cc.db"
    (check,) = await here.check_database(f"sqlite+aiosqlite:///{path}")
    assert (check.status, path.exists()) == ("warning", False)
    path.write_bytes(b"x" * 4096)
    (check,) = await here.check_database(f"sqlite+aiosqlite:///{path}")
    assert check.status == "failed"
