"""The flows that are published now, and how another version takes their place while callers are in them.

A caller's visit is made on the ``FlowSet`` of its beginning, which never changes; publishing makes another one for
those who come later. What counts is the version kept in the ``FlowBook``. The files are where flows come from first:
one that differs from the last version that came from it is published at the start.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import structlog

from callcenter.errors import CallcenterError, NotFound, SettingsError
from callcenter.history.flows import FlowBook, FlowVersion
from callcenter.ids import UserId
from callcenter.ivr.flow.checks.finding import Known
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.loader import Examined, FlowInvalid, Problem, examine, flow_files
from callcenter.ivr.ports import FlowSet

log = structlog.get_logger(__name__)

LOOK_EVERY = 3.0
"""Seconds between looks for versions that somebody else (the command line, another process) has published."""
NOTE_FROM_FILE = "from the file"


class Speaking(Protocol):
    """Has every prompt of a flow spoken (``speech.prompts.PromptLibrary``)."""

    async def prepare(self, flow: Flow) -> object:
        """Never fails for want of speech."""


@dataclass(frozen=True, slots=True)
class Entrances:
    """``numbers``: dialled number -> flow; ``usual``: for all others."""

    usual: str
    numbers: Mapping[str, str]

    def flow_of(self, did: str) -> str:
        """The flow of a dialled number."""
        return self.numbers.get(did, self.usual)

    def flows(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.usual, *self.numbers.values()})

    def numbers_of(self, flow: str) -> tuple[str, ...]:
        """The numbers that lead to a flow; an empty one stands for all that are not named."""
        named = tuple(sorted(number for number, name in self.numbers.items() if name == flow))
        return ("", *named) if flow == self.usual else named


class Shelf:
    """``open`` it before the first caller. ``known`` holds what flows may name beside one another."""

    def __init__(
        self, folder: Path, book: FlowBook, prompts: Speaking, known: Known, ways_in: Entrances
    ) -> None:
        self._folder = folder
        self._book = book
        self._prompts = prompts
        self._known = known
        self._entrances = ways_in
        self._flows: dict[str, Flow] = {}
        self._kept: dict[str, FlowVersion] = {}
        self._publishing = asyncio.Lock()
        self.changes = 0
        """Grows with each version that is put into service."""

    @property
    def flows(self) -> Mapping[str, Flow]:
        """What callers are served with who come now."""
        return self._flows

    @property
    def entrances(self) -> Entrances:
        """Which number leads where."""
        return self._entrances

    def kept(self, flow: str) -> FlowVersion:
        """The current version of a flow. Raises ``NotFound``."""
        if flow not in self._kept:
            raise NotFound(f"There is no flow “{flow}”.")
        return self._kept[flow]

    def entrance(self, did: str) -> FlowSet:
        """What a caller who dialled this number is served with."""
        versions = {name: kept.version for name, kept in self._kept.items()}
        return FlowSet(self._entrances.flow_of(did), self._flows, versions)

    def examine(self, flow: str, text: str) -> Examined:
        """All that can be said about a text as this flow, beside the others as they are now."""
        others: dict[str, Flow | None] = {**self._flows, flow: None}
        return examined_as(flow, text, replace(self._known, flows=others))

    def check(self, flow: str, text: str) -> Flow:
        """The text as this flow, if it may be published. Raises ``FlowInvalid`` with all faults."""
        examined = self.examine(flow, text)
        if examined.flow is None or not examined.good:
            raise FlowInvalid(problem for problem in examined.problems if problem.level == "error")
        self._check_others(flow, examined.flow)
        return examined.flow

    def _check_others(self, name: str, flow: Flow) -> None:
        """Those that call it must fit it as it will be."""
        flows: dict[str, Flow | None] = {**self._flows, name: flow}
        others = {other: kept.text for other, kept in self._kept.items() if other != name}
        for other, text in others.items():
            examined = examined_as(other, text, replace(self._known, flows=flows))
            if not examined.good:
                raise FlowInvalid(fault for fault in examined.problems if fault.level == "error")

    # -------------------------------------------------------- the start

    async def open(self) -> None:
        """Take up the kept versions and the files that have changed; every flow must be usable, or have a kept
        version that is.

        Raises:
            FlowInvalid: a file has faults and there is no kept version to go on with.
            SettingsError: a number leads to a flow that is not there.
        """
        kept = {one.flow: one for one in await self._book.current()}
        files = await asyncio.to_thread(read_files, self._folder)
        texts = {name: one.text for name, one in kept.items()} | await self._changed(files)
        self._flows = self._usable(texts, kept)
        for name in self._flows:
            if name not in kept or kept[name].text != texts[name]:
                kept[name] = await self._book.publish(name, texts[name], None, NOTE_FROM_FILE)
        self._kept = {name: kept[name] for name in self._flows}
        self._check_entrances()

    async def _changed(self, files: Mapping[str, str]) -> dict[str, str]:
        """The files that are not as they were when they were last taken up."""
        changed = {}
        for name, text in files.items():
            last = await self._book.last_from_file(name)
            if last is None or last.digest != digest_of(text):
                changed[name] = text
        return changed

    def _usable(self, texts: dict[str, str], kept: Mapping[str, FlowVersion]) -> dict[str, Flow]:
        """Read all together; a file with a fault gives way to the kept version, with an alarm."""
        while True:
            read = examined_together(texts, self._known)
            bad = {name: one for name, one in read.items() if one.flow is None or not one.good}
            if not bad:
                return {name: one.flow for name, one in read.items() if one.flow is not None}
            for name, one in bad.items():
                if name not in kept or kept[name].text == texts[name]:
                    raise FlowInvalid(
                        fault for each in bad.values() for fault in each.problems if fault.level == "error"
                    )
                log.error("flow file has faults: the version before stays", alarm="flow_invalid", flow=name)
                for fault in one.problems:
                    log.error("fault in a flow", flow=name, problem=str(fault))
                texts[name] = kept[name].text

    def _check_entrances(self) -> None:
        for number, name in {"": self._entrances.usual, **self._entrances.numbers}.items():
            if name not in self._flows:
                where = f"ivr.numbers.{number}" if number else "ivr.flow"
                there = ", ".join(sorted(self._flows))
                raise SettingsError(
                    f"{where}: there is no flow “{name}” in {self._folder} (there are: {there})"
                )

    # -------------------------------------------------------- while calls go on

    async def publish(
        self, flow: str, text: str, by: UserId, note: str, over: int | None = None
    ) -> FlowVersion:
        """Check, have the prompts spoken, keep, and serve who comes now. Raises ``FlowInvalid``, ``Conflict``."""
        async with self._publishing:
            ready = await asyncio.to_thread(self.check, flow, text)
            await self._prompts.prepare(ready)
            kept = await self._book.publish(flow, text, by, note, over=over)
            self._take(kept, ready)
        log.info("flow is published", flow=flow, version=kept.version, by=by)
        return kept

    async def roll_back(self, flow: str, version: int, by: UserId) -> FlowVersion:
        """Publish an old version again. Raises ``NotFound``, ``FlowInvalid`` when it does not fit any more."""
        old = next((one for one in await self._book.versions(flow) if one.version == version), None)
        if old is None:
            raise NotFound(f"The flow “{flow}” has no version {version}.")
        async with self._publishing:
            ready = await asyncio.to_thread(self.check, flow, old.text)
            await self._prompts.prepare(ready)
            kept = await self._book.roll_back(flow, version, by, f"version {version} again")
            self._take(kept, ready)
        log.info("flow is rolled back", flow=flow, version=kept.version, to=version, by=by)
        return kept

    async def look_again(self) -> None:
        """For ever: take up what somebody else has published."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._catch_up()
            except CallcenterError as error:
                log.warning("published flows not read", reason=error.message)

    async def _catch_up(self) -> None:
        async with self._publishing:
            for kept in await self._book.current():
                mine = self._kept.get(kept.flow)
                if mine is not None and mine.version >= kept.version:
                    continue
                try:
                    ready = await asyncio.to_thread(self.check, kept.flow, kept.text)
                except FlowInvalid as error:
                    log.warning("published flow can't be used", flow=kept.flow, reason=str(error))
                    self._kept[kept.flow] = kept if mine is None else replace(mine, version=kept.version)
                    continue
                await self._prompts.prepare(ready)
                self._take(kept, ready)
                log.info("flow is published elsewhere", flow=kept.flow, version=kept.version)

    def _take(self, kept: FlowVersion, flow: Flow) -> None:
        """One step: from here on callers get the new version; those on their way keep their set."""
        self._flows = {**self._flows, kept.flow: flow}
        self._kept = {**self._kept, kept.flow: kept}
        self.changes += 1


def digest_of(text: str) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_files(folder: Path) -> dict[str, str]:
    """The texts of a folder's flows, by name. Raises ``SettingsError`` when it can't be read or is empty."""
    try:
        texts = {path.stem: path.read_text("utf-8", "replace") for path in flow_files(folder)}
    except OSError as error:
        raise SettingsError(f"ivr.folder: {folder} can't be read ({error.strerror})") from error
    if not texts:
        raise SettingsError(f"ivr.folder: there is no flow in {folder}; one flow is one file NAME.yaml")
    return texts


def examined_as(name: str, text: str, known: Known) -> Examined:
    """A text as the flow of this name, which it must bear."""
    file = f"{name}.yaml"
    examined = examine(text.encode(), file, known)
    if examined.flow is not None and examined.flow.flow != name:
        fault = Problem(
            file, 1, "", f"the text calls itself “{examined.flow.flow}”, and this is the flow “{name}”"
        )
        return Examined(examined.flow, (fault, *examined.problems))
    return examined


def examined_together(texts: Mapping[str, str], known: Known) -> dict[str, Examined]:
    """Flows that know one another."""
    alone: dict[str, Flow | None] = {
        name: examined_as(name, text, known).flow for name, text in texts.items()
    }
    together = replace(known, flows=alone)
    return {name: examined_as(name, text, together) for name, text in texts.items()}
