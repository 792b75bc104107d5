"""Templates: whole pages, and the fragments that go out with messages to browsers.

Every value is escaped by Jinja; a template has no text of its own, all texts come from the catalogues.
"""

import asyncio
import datetime as dt
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from callcenter.errors import PartMissing
from callcenter.web.language import LANGUAGES, Catalogues
from callcenter.web.parts import WebParts

AGENT_FRAGMENTS = {
    "agent": ("agent-bar",),
    "call": ("call",),
    "pop": ("pop",),
    "wrap_up": ("wrap-up",),
    "telephony": ("telephony",),
    "work": ("work-link",),
    "targets": ("targets",),
    "snapshot": ("agent-bar", "call", "pop", "wrap-up", "telephony"),
}
"""Kind of message -> the elements of the page that it replaces; the board is drawn apart, in slices."""


CATEGORIES = ("delivery", "product", "service", "billing", "other")
"""What a complaint may be about; the codes are kept with it."""


NUMBERED_WAYS = frozenset({"case", "return"})
"""Ways out of a node that say which."""

SLICE = 50
"""Pieces of a template between two turns of others: about a quarter of a millisecond."""


class Fragments:
    """Renders. Everything is compiled at the start: rendering touches no file."""

    def __init__(self, parts: WebParts) -> None:
        self._folders = parts.folders
        self._reasons = parts.reasons
        self._dispositions = parts.dispositions
        self._key_words = parts.key_words
        self._queues = {queue.code: queue for queue in parts.queues}
        self._texts = Catalogues({})
        self._templates: dict[str, jinja2.Template] = {}

    def load(self) -> None:
        """Read catalogues and templates; raises ``PartMissing``. Reads files: run it in a thread."""
        self._texts = Catalogues.load(self._folders.locales)
        self._templates = _compile(self._folders.templates)

    def page(self, template: str, language: str, **values: Any) -> str:
        """A whole page or a part of one."""
        return self._templates[template].render(self._words(language) | values)

    async def page_in_slices(self, template: str, language: str, **values: Any) -> str:
        """The same for what may be long: other work gets its turn in between. (A thread would not do: it keeps the
        interpreter for 5 ms at a time.)"""
        pieces = []
        for number, piece in enumerate(self._templates[template].generate(self._words(language) | values)):
            pieces.append(piece)
            if number % SLICE == 0:
                await asyncio.sleep(0)
        return "".join(pieces)

    async def board(self, data: Mapping[str, Any], language: str) -> dict[str, str]:
        """The fragments of a board, drawn in slices."""
        board = data["board"]
        return {
            "board": await self.page_in_slices("fragments/board.html", language, board=board),
            "telephony": self.page("fragments/telephony.html", language, telephony=board["telephony"]),
        }

    def _words(self, language: str) -> dict[str, Any]:
        return {
            "lang": language,
            "languages": LANGUAGES,
            "t": functools.partial(self._texts.text, language),
            "code_text": functools.partial(self._texts.code, language),
            "title": functools.partial(self._title, language),
            "queue_title": functools.partial(self._queue_title, language),
            "reasons": self._reasons,
            "dispositions": self._dispositions,
            "reason_text": functools.partial(self.reason, language),
            "disposition_text": functools.partial(self._disposition, language),
            "categories": CATEGORIES,
            "way_text": functools.partial(self.way, language),
            "key_text": functools.partial(self._key, language),
            "duration": duration,
            "seconds": tenths,
            "iso": iso,
            "utc_text": utc_text,
        }

    def render(self, kind: str, data: Mapping[str, Any], language: str) -> dict[str, str]:
        """The fragments of one message, by the id of the element each replaces."""
        names = AGENT_FRAGMENTS.get(kind, ())
        return {name: self.page(f"fragments/{name}.html", language, **data) for name in names}

    def error(self, language: str, code: str, message: str) -> str:
        """An error in the reader's language: the catalogue's text of the code, made exact by the English message
        where the reader has chosen English."""
        return message if language == "en" else self._texts.code(language, "error", code)

    def code(self, language: str, group: str, code: str) -> str:
        """The text of a code that comes as data."""
        return self._texts.code(language, group, code)

    def way(self, language: str, way: str) -> str:
        """A way out of a node: a key as it is, a condition as it is, the others by their names."""
        code = way.replace(" ", "_")
        if (text := self._texts.code(language, "way", code)) != code:
            return text
        kind, _, rest = way.replace(":", " ", 1).partition(" ")
        if kind == "key" or not rest:
            return rest or way
        return f"{self._texts.code(language, 'way', kind)} {rest}" if kind in NUMBERED_WAYS else way

    def _key(self, language: str, node: str, keys: str) -> str:
        """What was meant by a key; where several were tried, the last one counts."""
        words = self._key_words.get((node, keys)) or self._key_words.get((node, keys[-1:]))
        return self._title(language, words) if words else node

    def reason(self, language: str, code: str) -> str:
        """Why an agent is not ready: the settings' title, else the text of the program's own reasons."""
        for reason in self._reasons:
            if reason.code == code:
                return self._title(language, reason)
        return self._texts.code(language, "reason", code)

    def _disposition(self, language: str, code: str) -> str:
        for one in self._dispositions:
            if one.code == code:
                return self._title(language, one)
        return self._texts.code(language, "disposition", code)

    def _queue_title(self, language: str, name: str) -> str:
        queue = self._queues.get(name)
        return name if queue is None else self._title(language, queue)

    @staticmethod
    def _title(language: str, thing: Any) -> str:
        if isinstance(thing, Mapping):
            return str(thing.get(f"title_{language}") or thing.get("name") or "")
        return str(getattr(thing, f"title_{language}"))


def duration(seconds: float) -> str:
    """``m:ss`` or ``h:mm:ss``."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def tenths(seconds: float) -> str:
    """Seconds with one decimal, so that a column of them can be added up."""
    return f"{seconds:.1f} s"


def iso(value: str | dt.datetime) -> str:
    """A date as ISO 8601; pops bring it so already."""
    return value if isinstance(value, str) else value.isoformat()


def utc_text(value: str | dt.datetime) -> str:
    """A date for those without scripts; the page turns it into local time."""
    date = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{date.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _compile(folder: Path) -> dict[str, jinja2.Template]:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = environment.list_templates(extensions=["html"])
    if not names:
        raise PartMissing(
            f"There are no templates in {folder}: the setting web.assets_folder must name agent_ui."
        )
    return {name: environment.get_template(name) for name in names}
