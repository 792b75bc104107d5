"""Free ports on 127.0.0.1. Nothing is assumed free: the operating system is asked."""

import contextlib
import random
import socket

LOOPBACK = "127.0.0.1"
RTP_FIRST, RTP_LAST = 20_000, 32_000  # below the range from which systems give out ports by themselves


def free_ports(count: int) -> list[int]:
    """``count`` different ports, each free for TCP and for UDP a moment ago."""
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            tcp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            tcp.bind((LOOPBACK, 0))
            port: int = tcp.getsockname()[1]
            udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            if _binds(udp, port):
                ports.append(port)
    return ports


def free_range(count: int) -> tuple[int, int]:
    """The first and the last of ``count`` neighbouring UDP ports that are free, the first an even one (RTP).

    Raises OSError when there is no such range.
    """
    for _ in range(200):
        first = random.randrange(RTP_FIRST, RTP_LAST - count, 2)
        with contextlib.ExitStack() as held:
            if all(
                _binds(held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)), port)
                for port in range(first, first + count)
            ):
                return first, first + count - 1
    raise OSError(f"no {count} neighbouring free UDP ports between {RTP_FIRST} and {RTP_LAST}")


def _binds(sock: socket.socket, port: int) -> bool:
    try:
        sock.bind((LOOPBACK, port))
    except OSError:
        return False
    return True
