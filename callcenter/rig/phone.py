"""One simulated desk phone: it registers, rings, and does what its behaviour says."""

import asyncio
import random
import re
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, model_validator

from callcenter.errors import BadInput, Conflict
from callcenter.rig.journal import Journal
from callcenter.rig.mulaw import tone
from callcenter.rig.sip_digest import Credentials
from callcenter.rig.sip_leg import Leg, LegState
from callcenter.rig.sip_message import BadSip, Request, parse_address
from callcenter.rig.user_agent import UserAgent
from callcenter.tasks import Tasks

log = structlog.get_logger(__name__)

NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_RETRY = 5.0
"""Seconds until a refused or unanswered registration is tried again."""
_STOP_LIMIT = 1.0
"""Seconds that a phone takes to say good-bye."""

Seconds = Annotated[float, Field(ge=0, le=3600)]
Between = tuple[Seconds, Seconds]


class Kind(StrEnum):
    """How somebody treats their phone when it rings."""

    AUTO = "auto"
    """Answers after a while, talks, hangs up (or waits for the caller to)."""
    NEVER = "never"
    """Lets it ring: ring-no-answer."""
    BUSY = "busy"
    REJECT = "reject"
    CLICK = "click"
    """Lets it ring until it is told to answer."""
    HANG_UP_AT_ONCE = "hang_up_at_once"
    """Answers and hangs up in the same breath."""


class Behaviour(BaseModel):
    """What a phone does. Times in seconds are drawn evenly from ``[from, to]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = Kind.AUTO
    answer_after: Between = (0.5, 2.0)
    talk: Between | None = (3.0, 8.0)
    """None: talk until the other side hangs up."""
    hear: bool = False
    """Keep what is heard in each call as a WAV file in the ``hear`` folder."""
    lines: Annotated[int, Field(ge=1, le=8)] = 1
    """Calls at once; one more is told that the phone is busy."""

    @model_validator(mode="after")
    def _in_order(self) -> "Behaviour":
        for pair in (self.answer_after, self.talk):
            if pair is not None and pair[0] > pair[1]:
                raise ValueError("a time from a to b needs a <= b")
        return self


class PhoneSettings(BaseModel):
    """One phone of the configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    extension: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$")]
    password: str
    username: str | None = None
    """What it logs in as, if that is not its extension."""
    display_name: str = ""
    tone: Annotated[int, Field(ge=100, le=3900)] | None = None
    """Hz of what it says; by default each phone has its own."""
    register_at_start: bool = True
    behaviour: Behaviour = Behaviour()


class Phone:
    """A phone, its registration and its calls."""

    def __init__(
        self,
        settings: PhoneSettings,
        agent: UserAgent,
        journal: Journal,
        *,
        hear: Path | None,
        expires: int,
        chance: random.Random,
    ) -> None:
        self.extension = settings.extension
        self.behaviour = settings.behaviour
        self.registered = False
        self.legs: list[Leg] = []
        self.heard = 0
        self._settings, self._agent, self._journal = settings, agent, journal
        self._hear, self._expires, self._chance = hear, expires, chance
        self._credentials = Credentials(settings.username or settings.extension, settings.password)
        self._call_id = secrets.token_hex(12)
        self._tasks = Tasks(f"phone {self.extension}")
        self._registering: asyncio.Task[None] | None = None
        agent.says(self.extension, tone(settings.tone or own_tone(self.extension)))

    # -- registration -------------------------------------------------------------------------------------

    def register(self) -> None:
        """Register now and keep it fresh."""
        if self._registering is None or self._registering.done():
            self._registering = self._tasks.start(self._keep_registered(), "register")

    async def unregister(self) -> None:
        """Take the registration away, as a phone does that is switched off in an orderly way."""
        if self._registering is not None:
            self._registering.cancel()
            self._registering = None
        if self.registered:
            self.registered = False
            await self._agent.register(self.extension, self._credentials, 0, self._call_id)
            self._journal.write("unregistered", extension=self.extension)

    async def _keep_registered(self) -> None:
        while True:
            try:
                response = await self._agent.register(
                    self.extension, self._credentials, self._expires, self._call_id
                )
                status = response.status
            except BadSip as error:
                log.warning("the registrar asks what can't be answered", why=str(error))
                status = 400
            if status == 200:
                if not self.registered:
                    self._journal.write("registered", extension=self.extension)
                self.registered = True
                await asyncio.sleep(self._expires * self._chance.uniform(0.7, 0.9))
            else:
                self.registered = False
                self._journal.write("register_failed", extension=self.extension, status=status)
                await asyncio.sleep(_RETRY)

    # -- being called -------------------------------------------------------------------------------------

    def invited(self, leg: Leg) -> None:
        """Somebody calls this phone."""
        asked = leg.asked
        if asked is None:
            raise RuntimeError("this leg was not called")
        self._note(leg, "invite", asked.arrived)
        behaviour = self.behaviour
        if behaviour.kind is Kind.BUSY or len(self.legs) >= behaviour.lines:
            self._refuse(leg, 486, "busy")
        elif behaviour.kind is Kind.REJECT:
            self._refuse(leg, 603, "rejected")
        else:
            self._adopt(leg)
            leg.ring()
            _ = self._tasks.start(self._serve(leg, behaviour), "call")

    async def _serve(self, leg: Leg, behaviour: Behaviour) -> None:
        match behaviour.kind:
            case Kind.AUTO | Kind.HANG_UP_AT_ONCE:
                if not await self._unless_over(leg, behaviour.answer_after):
                    leg.answer()
            case _:
                await leg.taken.wait()
        talk = (0.0, 0.0) if behaviour.kind is Kind.HANG_UP_AT_ONCE else behaviour.talk
        hangs_up = behaviour.kind in {Kind.AUTO, Kind.HANG_UP_AT_ONCE} and talk is not None
        if talk is not None and hangs_up and not await self._unless_over(leg, talk):
            await leg.hang_up()

    async def _unless_over(self, leg: Leg, between: Between) -> bool:
        """Wait for a while; True if the call ended meanwhile."""
        try:
            async with asyncio.timeout(self._chance.uniform(*between)):
                await leg.over.wait()
        except TimeoutError:
            return False
        return True

    def _refuse(self, leg: Leg, status: int, event: str) -> None:
        leg.refuse(status)
        self._note(leg, event, None)

    # -- what a hand does ---------------------------------------------------------------------------------

    def answer(self) -> None:
        """Lift the receiver; raises Conflict if nothing rings."""
        if not self._one(LegState.RINGING).answer():
            raise Conflict("the call rings no more")

    async def hang_up(self) -> None:
        """End the call, or refuse the one that rings; raises Conflict if there is none."""
        await self._one(*LegState).hang_up()

    async def hold(self) -> None:
        """Put the caller on hold; raises Conflict."""
        if not await self._one(LegState.TALKING).hold():
            raise Conflict("the other side did not agree to hold")

    async def unhold(self) -> None:
        """Talk on; raises Conflict."""
        if not await self._one(LegState.HOLDING).unhold():
            raise Conflict("the other side did not agree to talk on")

    async def transfer(self, number: str) -> None:
        """Blind transfer of the caller; raises Conflict if there is none or it failed, BadInput."""
        leg = self._one(LegState.TALKING, LegState.HOLDING)
        host, port = self._agent.server
        if not await leg.transfer(f"sip:{checked(number)}@{host}:{port}"):
            raise Conflict("the transfer failed")

    async def join(self) -> None:
        """Attended transfer: the caller on hold is joined with whom this phone has called meanwhile; raises Conflict if
        there aren't two such calls, or it failed."""
        caller, asked = self._one(LegState.HOLDING), self._one(LegState.TALKING)
        number, (host, port) = parse_address(asked.dialog.remote).user, self._agent.server
        if not await caller.transfer(f"sip:{number}@{host}:{port}", asked):
            raise Conflict("the transfer failed")
        await asked.hang_up()

    async def press(self, keys: str) -> None:
        """Press keys in the call; raises Conflict, BadInput."""
        leg = self._one(LegState.TALKING)
        if not re.fullmatch(r"[0-9*#]{1,32}", keys):
            raise BadInput("keys are digits, * and #")
        await leg.press(keys)

    def dial(self, number: str) -> None:
        """Call a number from this phone; what becomes of it is in the journal. Raises BadInput, Conflict."""
        checked(number)
        if len(self.legs) >= self.behaviour.lines:
            raise Conflict("the phone is in use")
        leg = self._agent.leg(self.extension, number, credentials=self._credentials)
        self._adopt(leg)
        self._note(leg, "dialing", None, number=number)
        _ = self._tasks.start(self._dial(leg), "dial")

    async def _dial(self, leg: Leg) -> None:
        status = await leg.call()
        if status >= 300:
            self._note(leg, "dial_refused", None, status=status)

    # -- the rest -----------------------------------------------------------------------------------------

    def state(self) -> dict[str, object]:
        """What the phone's display would say."""
        return {
            "extension": self.extension,
            "registered": self.registered,
            "behaviour": self.behaviour.model_dump(mode="json"),
            "calls": [{"state": leg.state.value, **call_facts(leg)} for leg in self.legs],
        }

    async def close(self) -> None:
        """Hang up, unregister, end; waits a second at most for answers."""
        try:
            async with asyncio.timeout(_STOP_LIMIT):
                await asyncio.gather(*(leg.hang_up() for leg in list(self.legs)))
                await self.unregister()
        except TimeoutError:
            log.warning("nobody answered a phone's good-bye", extension=self.extension)
        await self._tasks.close()

    def _adopt(self, leg: Leg) -> None:
        self.legs.append(leg)
        leg.hear = self.behaviour.hear
        leg.on_event = self._note
        forget = leg.on_end

        def ended(ended_leg: Leg) -> None:
            forget(ended_leg)
            self.legs.remove(ended_leg)
            self._keep_sound(ended_leg)
            self._note(ended_leg, "ended", None, by=ended_leg.ended_by)

        leg.on_end = ended

    def _keep_sound(self, leg: Leg) -> None:
        if self._hear is None or leg.stream is None or leg.stream.recorder is None:
            return
        self.heard += 1
        path = self._hear / f"{self.extension}-{self.heard}.wav"
        leg.stream.recorder.save(path)
        self._note(leg, "heard", None, path=str(path))

    def _one(self, *states: LegState) -> Leg:
        for leg in self.legs:
            if leg.state in states:
                return leg
        raise Conflict(f"the phone has no call that is {' or '.join(states)}")

    def _note(self, leg: Leg, event: str, t: int | None, /, **facts: object) -> None:
        self._journal.write(event, t, extension=self.extension, **call_facts(leg), **facts)


def call_facts(leg: Leg) -> dict[str, object]:
    """Who calls and which call it is, as the INVITE said."""
    invite: Request | None = leg.invite
    facts: dict[str, object] = {"call": None, "from_number": None, "from_name": None}
    if invite is not None:
        facts["call"] = invite.get("X-Callcenter-Call")
        try:
            caller = parse_address(invite.need("From"))
            facts["from_number"], facts["from_name"] = caller.user, caller.display_name
        except BadSip:
            facts["from_number"] = None
    return {**facts, "sip_call_id": leg.dialog.call_id}


def own_tone(extension: str) -> int:
    """A frequency for each phone: neighbours differ by 40 Hz, 50 of them before it comes round."""
    digits = "".join(c for c in extension if c.isdigit()) or "0"
    return 400 + 40 * (int(digits) % 50)


def checked(number: str) -> str:
    """A number that may be dialled; raises BadInput."""
    if not NUMBER.fullmatch(number):
        raise BadInput("a number is up to 32 digits, * and #, with + at most in front")
    return number
