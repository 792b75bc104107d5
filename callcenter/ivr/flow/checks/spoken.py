"""Prompts: those that nobody speaks, and those that would sound wrong."""

import re
from collections.abc import Iterator

from callcenter.ivr.flow import template
from callcenter.ivr.flow.checks.finding import Finding, warning
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import LanguageNode, prompts_of
from callcenter.ivr.walk.standard import STANDARD

_LATIN = re.compile(r"[A-Za-z]+")


def check(flow: Flow) -> Iterator[Finding]:
    """All of it is a warning: it can be heard and put right."""
    named = set(prompts_of(flow.defaults)).union(*(prompts_of(node) for node in flow.nodes.values()))
    asks_language = {node.prompt for node in flow.nodes.values() if isinstance(node, LanguageNode)}
    for name, texts in flow.prompts.items():
        if name not in named and name not in STANDARD:
            yield warning(("prompts", name), f"no node speaks “{name}”: take it out, or name it in a node")
        yield from _latin(name, texts.zh)
        if name not in asks_language:
            yield from _told_once(name, texts.en, texts.zh)


def _latin(name: str, text: str) -> Iterator[Finding]:
    spoken = "".join(part for part in template.parse(text).parts if isinstance(part, str))
    if (latin := _LATIN.search(spoken)) is not None:
        message = (
            f"“{latin.group()[:20]}” is read as Pinyin by the Chinese voice: write it in Chinese characters"
        )
        yield warning(("prompts", name, "zh"), message)


def _told_once(name: str, en: str, zh: str) -> Iterator[Finding]:
    """What only one language tells."""
    told = {
        language: {slot.name for slot in template.parse(text).slots}
        for language, text in (("en", en), ("zh", zh))
    }
    for language, other in (("en", "zh"), ("zh", "en")):
        for missing in sorted(told[other] - told[language]):
            message = f"“{{{missing}}}” is told in {other} only: callers who speak {language} don't hear it"
            yield warning(("prompts", name, language), message)
