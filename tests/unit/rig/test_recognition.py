"""Recognising: each file is found where it was played, whole or cut, and near ones are told apart."""

import random

import pytest

from callcenter.rig.mulaw import DECODED, SILENCE, encode, tone
from callcenter.rig.recognition import Piece, Recogniser
from tests.unit.rig.test_hearing import silence, speech

pytestmark = pytest.mark.unit

PRESS = speech(1, 1.0)
FILES = {
    "press one": encode(PRESS + speech(2, 0.4)),
    "press two": encode(PRESS + speech(3, 0.4)),
    "welcome": encode(speech(4, 1.5)),
    "welcome back": encode(speech(4, 1.5) + speech(5, 0.5)),
    "copy of welcome": encode(speech(4, 1.5)),
}


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    """Of files, two of which begin alike, and two of which are the same."""
    return Recogniser(FILES)


def as_asterisk_sends(coded: bytes) -> bytes:
    """Rounded in another way: every tenth sample is one step off."""
    chance = random.Random(1)
    return bytes(byte ^ 1 if chance.random() < 0.1 and byte & 0x70 != 0x70 else byte for byte in coded)


def names(pieces: list[Piece]) -> list[set[str]]:
    """What was heard, in order."""
    return [set(piece.names) for piece in pieces]


def test_one_after_the_other(recogniser: Recogniser) -> None:
    """Without a pause between them, with one, and twice the same: each whole one is found at its place."""
    parts = [FILES["press two"], FILES["press one"], silence(0.3), FILES["press one"], FILES["press two"]]
    found = recogniser.recognise(as_asterisk_sends(b"".join(parts)))
    assert names(found) == [{"press two"}, {"press one"}, {"press one"}, {"press two"}]
    assert [piece.start for piece in found] == pytest.approx([0, 1.4, 3.1, 4.5], abs=0.02)
    assert all(piece.seconds == pytest.approx(1.4, abs=0.03) and piece.offset == 0 for piece in found)


def test_what_is_the_same_so_far(recogniser: Recogniser) -> None:
    """A file cut short before it differs is all of those that begin so; one that is the beginning of another is told
    from it by what comes."""
    cut = FILES["press one"][: 8000 * 8 // 10]
    [found] = recogniser.recognise(cut)
    assert found.names == {"press one", "press two"}
    assert found.seconds == pytest.approx(0.8, abs=0.02)
    assert names(recogniser.recognise(FILES["welcome"] + silence(0.2))) == [{"welcome", "copy of welcome"}]
    assert names(recogniser.recognise(FILES["welcome back"])) == [{"welcome back"}]


def test_a_stranger_is_no_prompt(recogniser: Recogniser) -> None:
    """Sound that is no known file has no name; silence is nothing at all."""
    other = encode(speech(9, 1.0))
    found = recogniser.recognise(FILES["press one"] + silence(0.1) + other + silence(0.5))
    assert names(found) == [{"press one"}, set()]
    assert found[1].start == pytest.approx(1.5, abs=0.15)
    assert names(recogniser.recognise(tone(440))) == [set()]
    assert recogniser.recognise(silence(2.0)) == []
    assert recogniser.recognise(b"") == []


def test_a_late_packet_tears_nothing(recogniser: Recogniser) -> None:
    """Silence where a packet came late, or a packet that is lost: it is still one playing of one file."""
    file = FILES["welcome back"]
    late = file[:6400] + bytes([SILENCE]) * 800 + file[6400:]
    lost = file[:6400] + file[6560:]
    for heard in (late, lost):
        [found] = recogniser.recognise(heard)
        assert found.names == {"welcome back"}
        assert found.seconds == pytest.approx(2.0, abs=0.15)


def test_mulaw_of_this_test() -> None:
    """What stands for Asterisk's rounding is never more than a step: else it would prove nothing."""
    coded = FILES["welcome"]
    steps = [abs(DECODED[a] - DECODED[b]) for a, b in zip(coded, as_asterisk_sends(coded), strict=True)]
    assert 0.02 < sum(step > 0 for step in steps) / len(steps) < 0.2
    assert max(steps) <= 1024
