"""Many simulated phones in one process: ``python -m callcenter.rig.phones --config FILE.json``.

They share one SIP port and one port for sound. What they see is written to ``events``, a line of JSON each::

    {"t": 123, "event": "invite", "extension": "1001", "call": "<X-Callcenter-Call>", "from_number": "...",
     "from_name": "...", "sip_call_id": "..."}

Events: ready (with the ports), registered, unregistered, register_failed, invite, answered, busy, rejected,
cancelled, bye, hung_up, reinvited, held, resumed, transferred, dialing, dial_answered, dial_refused, heard
(with the WAV file's path), ended (last of each call that rang or was dialled, with ``by``), stopped. The
``t`` of invite, cancelled, bye and reinvited was taken when the datagram was read.

A small HTTP server on 127.0.0.1 stands in for what a hand does, or a desk phone's action address::

    GET  /phones                      what every display says
    POST /{extension}/answer | hangup | hold | unhold | join | register | unregister
    POST /{extension}/dial/{number} | transfer/{number} | press/{keys}
    POST /{extension}/behaviour       JSON, replaces what the phone does from the next call on

It answers 204, or 400, 404, 409 with ``{"code", "message"}``. It takes no request with an Origin header, so
that no web page can use it.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcenter.errors import BadInput, CallcenterError, Conflict, NotFound
from callcenter.rig.journal import Journal
from callcenter.rig.phone import Behaviour, Phone, PhoneSettings
from callcenter.rig.sip_leg import Leg
from callcenter.rig.user_agent import UserAgent

log = structlog.get_logger(__name__)

Port = Annotated[int, Field(ge=0, le=65535)]
_STATUS = {BadInput: 400, NotFound: 404, Conflict: 409}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Settings(BaseModel):
    """The configuration file. Ports of 0 are the system's choice; the ready event says which."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sip_host: str = "127.0.0.1"
    sip_port: Port
    local_host: str = "127.0.0.1"
    local_port: Port = 0
    control_port: Port = 0
    events: Path
    hear: Path | None = None
    """A folder for what phones hear whose behaviour has ``hear``."""
    rtp: bool = True
    """False: no sound is sent or read, for bulk."""
    register_expires: Annotated[int, Field(ge=10, le=86400)] = 300
    register_rate: Annotated[float, Field(gt=0, le=10000)] = 200.0
    """Registrations a second at the start."""
    seed: int | None = None
    """For the same waits in each run."""
    phones: tuple[PhoneSettings, ...]


class Phones:
    """All phones of the process, from start to stop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.agent = UserAgent(
            (settings.sip_host, settings.sip_port), media=settings.rtp, on_invite=self._invited
        )
        self.phones: dict[str, Phone] = {}
        self.control_port = 0
        self._journal = Journal(settings.events)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Take the ports, begin to register, and say ready; raises OSError if a port is taken."""
        settings = self.settings
        if settings.hear is not None:
            settings.hear.mkdir(parents=True, exist_ok=True)
        await self.agent.open(settings.local_host, settings.local_port)
        chance = random.Random(settings.seed)
        for each in settings.phones:
            self.phones[each.extension] = Phone(
                each,
                self.agent,
                self._journal,
                hear=settings.hear,
                expires=settings.register_expires,
                chance=random.Random(chance.random()),
            )
        await self._open_control()
        self._journal.write("ready", control_port=self.control_port, sip_port=self.agent.sip.port)
        for each in settings.phones:
            if each.register_at_start:
                self.phones[each.extension].register()
                await asyncio.sleep(1 / settings.register_rate)

    async def stop(self) -> None:
        """Hang up, unregister, give the ports back."""
        await asyncio.gather(*(phone.close() for phone in self.phones.values()))
        if self._runner is not None:
            await self._runner.cleanup()
        await self.agent.close()
        self._journal.write("stopped", sound_late=self.agent.sound.late, refused=self.agent.sip.refused)
        self._journal.close()

    def _invited(self, user: str, leg: Leg) -> bool:
        phone = self.phones.get(user)
        if phone is None:
            return False
        phone.invited(leg)
        return True

    async def _open_control(self) -> None:
        app = web.Application(middlewares=[_errors], client_max_size=16_384)
        app.add_routes(
            [
                web.get("/phones", self._list),
                web.post("/{extension}/behaviour", self._behaviour),
                web.post("/{extension}/{what}", self._act),
                web.post("/{extension}/{what}/{value}", self._act_on),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.settings.control_port).start()
        self.control_port = int(self._runner.addresses[0][1])

    def _phone(self, request: web.Request) -> Phone:
        phone = self.phones.get(request.match_info["extension"])
        if phone is None:
            raise NotFound("no such phone here")
        return phone

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response({"phones": [phone.state() for phone in self.phones.values()]})

    async def _behaviour(self, request: web.Request) -> web.Response:
        phone = self._phone(request)
        try:
            phone.behaviour = Behaviour.model_validate_json(await request.read())
        except ValidationError as error:
            raise BadInput(str(error)) from error
        return web.Response(status=204)

    async def _act(self, request: web.Request) -> web.Response:
        phone = self._phone(request)
        match request.match_info["what"]:
            case "answer":
                phone.answer()
            case "hangup":
                await phone.hang_up()
            case "hold":
                await phone.hold()
            case "unhold":
                await phone.unhold()
            case "join":
                await phone.join()
            case "register":
                phone.register()
            case "unregister":
                await phone.unregister()
            case _:
                raise NotFound("a phone can't do that")
        return web.Response(status=204)

    async def _act_on(self, request: web.Request) -> web.Response:
        phone, value = self._phone(request), request.match_info["value"]
        match request.match_info["what"]:
            case "dial":
                phone.dial(value)
            case "transfer":
                await phone.transfer(value)
            case "press":
                await phone.press(value)
            case _:
                raise NotFound("a phone can't do that")
        return web.Response(status=204)


@web.middleware
async def _errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    if "Origin" in request.headers:
        return web.json_response({"code": "forbidden", "message": "not for web pages"}, status=403)
    try:
        return await handler(request)
    except CallcenterError as error:
        status = _STATUS.get(type(error), 500)
        return web.json_response({"code": error.code, "message": error.message}, status=status)


async def run(settings: Settings) -> None:
    """Be those phones until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    phones = Phones(settings)
    await phones.start()
    print(json.dumps({"control_port": phones.control_port, "sip_port": phones.agent.sip.port}), flush=True)
    await stop.wait()
    await phones.stop()


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0 after an orderly stop, 2 for a configuration that can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m callcenter.rig.phones", description="Simulated SIP phones."
    )
    parser.add_argument(
        "--config", type=Path, required=True, help="a JSON file, see callcenter/rig/phones.py"
    )
    options = parser.parse_args(arguments)
    try:
        settings = Settings.model_validate_json(options.config.read_bytes())
        asyncio.run(run(settings))
    except (OSError, ValidationError) as error:
        print(f"{options.config}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
