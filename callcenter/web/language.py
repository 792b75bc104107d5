"""The two languages of the pages: one flat catalogue each, ``agent_ui/locales/en.json`` and ``zh.json``."""

import json
from collections.abc import Mapping
from pathlib import Path

from callcenter.errors import PartMissing

LANGUAGES = ("en", "zh")
DEFAULT = "en"


class Catalogues:
    """Looks up a text by key; ``{name}`` in it is replaced by a value."""

    def __init__(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        self._texts = texts

    @classmethod
    def load(cls, folder: Path) -> "Catalogues":
        """Read the catalogues; raises ``PartMissing``. Reads files: not for the loop's thread."""
        try:
            return cls({one: json.loads((folder / f"{one}.json").read_text("utf-8")) for one in LANGUAGES})
        except (OSError, ValueError) as error:
            raise PartMissing(f"The catalogues in {folder} can't be read: {error}") from error

    def text(self, language: str, key: str, **values: object) -> str:
        """The text; a key that no catalogue has is shown as it is, which tests don't let happen."""
        found = self._texts.get(language, {}).get(key)
        return key if found is None else found.format(**values) if values else found

    def code(self, language: str, group: str, code: str) -> str:
        """The text of a code that came as data, such as an end reason; an unknown code is shown as it is."""
        return self._texts.get(language, {}).get(f"{group}.{code}", code)


def preferred(header: str) -> str:
    """What a browser's Accept-Language asks for first, of the languages that there are."""
    for part in header[:200].split(","):
        wanted = part.split(";")[0].strip().lower()[:2]
        if wanted in LANGUAGES:
            return wanted
    return DEFAULT
