"""The flows that callers meet: what is published, how it is spoken, what it may ask."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from callcenter.app_settings import entrances, ivr_known, service_plans
from callcenter.building.ground import Ground, Kept
from callcenter.customers.identification import Identification
from callcenter.errors import SettingsError
from callcenter.ivr.counting import Counter
from callcenter.ivr.dialling import Agents, AllowedDialling
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.front import FrontDoor
from callcenter.ivr.pages import FlowPages
from callcenter.ivr.ports import CallbackAsking, Lines, Lookups
from callcenter.ivr.shelf import Shelf
from callcenter.ivr.speech.command_engine import CommandEngine
from callcenter.ivr.speech.engine import Engines, Pyttsx3Engine, SpeechEngine
from callcenter.ivr.speech.prompts import PromptLibrary
from callcenter.ivr.walk.services import Services
from callcenter.lookups.named import NamedLookups
from callcenter.lookups.services import HttpServices
from callcenter.settings import IvrSettings, Settings
from callcenter.storage.lookups import QueryPlan, StoredQueries

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class FlowSide:
    """What is there before the core: it needs nothing of who calls."""

    shelf: Shelf
    prompts: PromptLibrary
    lookups: Lookups
    counter: Counter
    pages: FlowPages


@asynccontextmanager
async def flow_side(settings: Settings, ground: Ground, kept: Kept) -> AsyncIterator[FlowSide]:
    """The flows that are published, with their prompts spoken. Raises ``FlowInvalid``, ``SettingsError``."""
    ivr = settings.ivr
    prompts = PromptLibrary(
        _engine(ivr),
        ivr.prompts_folder,
        ivr.folder / "prompts",
        seen_as=Path(ivr.prompts_seen_as) if ivr.prompts_seen_as else None,
        clock=ground.clock,
    )
    queries = StoredQueries(settings.database.url, [QueryPlan(one.name, one.sql) for one in ivr.queries])
    services = HttpServices(service_plans(ivr))
    try:
        known = ivr_known(settings, ground.clock.wall().date())
        shelf = Shelf(ivr.folder, kept.flows, prompts, known, entrances(settings))
        await shelf.open()
        await asyncio.to_thread(_warm_calendars, list(shelf.flows.values()), ground.clock.wall().year)
        await _have_spoken(prompts, list(shelf.flows.values()), ground)
        ground.tasks.run(shelf.look_again(), "published flows")
        counter = Counter()
        yield FlowSide(
            shelf, prompts, NamedLookups(queries, services), counter, FlowPages(shelf, kept.flows, counter)
        )
    finally:
        await services.close()
        await queries.close()
        await prompts.close()


def _engine(ivr: IvrSettings) -> Engines:
    engines: list[SpeechEngine] = []
    for one in ivr.speech:
        try:
            engines.append(CommandEngine(one.command, one.languages))
        except ValueError as error:
            raise SettingsError(f"ivr.speech {one.name}: {error}") from error
    return Engines([*engines, Pyttsx3Engine()])


def _warm_calendars(flows: Iterable[Flow], year: int) -> None:
    """A calendar's first look takes a while: not in the middle of a call."""
    for flow in flows:
        for hours in flow.hours.values():
            hours.prepare([year, year + 1])


async def _have_spoken(prompts: PromptLibrary, flows: list[Flow], ground: Ground) -> None:
    recalled = [await prompts.recall(flow) for flow in flows]
    if all(recalled):
        # All are there from an earlier start: callers need not wait until the speech engine has said so.
        ground.tasks.run(_speak(prompts, flows), "prompts")
    else:
        await _speak(prompts, flows)


async def _speak(prompts: PromptLibrary, flows: list[Flow]) -> None:
    for flow in flows:
        done = await prompts.prepare(flow)
        log.info("prompts are ready", flow=flow.flow, made=done.made, cached=done.cached, failed=done.failed)


def front_door(
    settings: Settings,
    ground: Ground,
    kept: Kept,
    side: FlowSide,
    *,
    identification: Identification,
    agents: Agents,
    lines: Lines,
    callbacks: CallbackAsking,
) -> FrontDoor:
    """The flows as callers meet them."""
    return FrontDoor(
        side.shelf,
        Services(
            clock=ground.clock,
            recordings=settings.recordings.folder.absolute(),
            prompts=side.prompts,
            identification=identification,
            identities=kept.pins,
            lookups=side.lookups,
            cases=kept.cases,
            dialling=dialling(settings, agents),
            callbacks=callbacks,
            lines=lines,
            counting=side.counter,
            recorder=kept.recorder,
            zone=ZoneInfo(settings.zone),
        ),
    )


def dialling(settings: Settings, agents: Agents) -> AllowedDialling:
    """Where callers may be put through to, by flows and by agents."""
    ivr = settings.ivr
    return AllowedDialling(agents, ivr.extensions, ivr.outside_prefixes, settings.region)
