"""Every prompt of the shipped flows is told from every other by its sound: else a live test that hears one proves
nothing."""

import asyncio
from pathlib import Path

import pytest

from callcenter.ids import QueueName
from callcenter.ivr.flow import template
from callcenter.ivr.flow.checks.finding import Known
from callcenter.ivr.flow.loader import load_folder
from callcenter.ivr.flow.texts import LANGUAGES, Language
from callcenter.ivr.speech.engine import Pyttsx3Engine
from callcenter.ivr.speech.prompts import PromptLibrary
from callcenter.ivr.walk.standard import STANDARD
from callcenter.rig.recognition import Recogniser

pytestmark = pytest.mark.integration

FLOWS = Path(__file__).parents[2] / "ivr_flows"
KNOWN = Known(queues=frozenset(map(QueueName, ("sales", "support", "complaints"))))
NEAR: dict[Language, list[str]] = {
    "en": [
        "For sales press 1.",
        "For sales press 2.",
        *(f"You are number {n} in the line." for n in range(1, 8)),
    ],
    "zh": ["销售请按一。", "销售请按二。", *(f"您排在第{n}位。" for n in "一二三四五六七")],
}


@pytest.fixture(scope="module")
def prompts() -> Path:
    """Where prompts are kept from run to run."""
    folder = Path.home() / ".cache" / "callcenter" / "test-prompts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def test_all_against_all(prompts: Path, tmp_path: Path) -> None:
    """In both languages, fixed ones and such as differ in one word: each is recognised as itself alone, from its first
    to its last moment; cut before its end it is not taken for another whole one."""
    flows = await asyncio.to_thread(load_folder, FLOWS, KNOWN)
    library = PromptLibrary(Pyttsx3Engine(), prompts)
    engine = Pyttsx3Engine()
    files: dict[str, Path] = {}
    try:
        for name, flow in flows.items():
            await library.prepare(flow)
            for prompt, texts in {**STANDARD, **flow.prompts}.items():
                for language in LANGUAGES:
                    text = texts.within(language)
                    if template.parse(text).fixed:
                        path = await library.sound(f"{name}.{prompt}", text, language, {})
                        files[f"{language} {text}"] = Path(f"{path}.wav")
        for language in LANGUAGES:
            for number, text in enumerate(NEAR[language]):
                path_near = tmp_path / f"{language}{number}.wav"
                await engine.speak(text, language, path_near)
                files[f"{language} {text}"] = path_near
    finally:
        await library.close()
        await engine.close()
    assert len(files) > 80
    recogniser = Recogniser(files)
    for name in files:
        heard = recogniser._coded[name]
        [piece] = recogniser.recognise(heard)
        assert piece.names == {name}
        assert piece.start + piece.offset == 0
        assert piece.seconds == pytest.approx(len(heard) / 8000, abs=0.02)
        cut = recogniser.recognise(heard[: len(heard) * 3 // 4])
        assert name in cut[0].names
