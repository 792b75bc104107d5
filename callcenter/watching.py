"""``callcenter watch``: what one screen is told, on standard output."""

import asyncio
import json
import sys
from contextlib import suppress

import aiohttp

from callcenter.errors import BadInput, PartMissing
from callcenter.rig.screen_client import LogInRefused, Message, ScreenClient, log_in


def _show(message: Message, _at: int) -> None:
    sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def watch_screen(url: str, username: str, password: str, seconds: float) -> None:
    """Log in and print each message until the session is over, or for so many seconds (0: no end).

    Raises ``BadInput`` when the log-in is refused, ``PartMissing`` when nobody is there.
    """
    url = url.rstrip("/")
    try:
        session = await log_in(url, username, password)
    except LogInRefused as error:
        raise BadInput(f"{url} refuses the log-in: {error}") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise PartMissing(f"Nobody answers at {url}: is the call centre running there? ({error})") from error
    client = ScreenClient(url, session, _show)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds or None):
            await client.run()
    await client.close()
