"""Mu-law (G.711), the sound that phones speak: one byte per sample, 8,000 samples a second. Pure.

Python's own ``audioop`` is gone from 3.13 on.
"""

import math
from functools import cache

RATE = 8000
"""Samples a second."""
SILENCE = 0xFF
"""The byte that stands for zero."""
_BIAS = 33
_CLIP = 8158


def _decode_one(byte: int) -> int:
    code = ~byte & 0xFF
    size = ((((code & 0x0F) << 1) + _BIAS) << ((code >> 4) & 7)) - _BIAS
    return (-size if code & 0x80 else size) * 4


def _encode_one(sample: int) -> int:
    """One byte for a sample of 14 bits."""
    size = min(abs(sample), _CLIP) + _BIAS
    segment = size.bit_length() - 6
    code = (segment << 4) | ((size >> (segment + 1)) & 0x0F)
    return ~(code | (0x80 if sample < 0 else 0)) & 0xFF


DECODED = tuple(_decode_one(byte) for byte in range(256))
"""The 16-bit sample of each byte."""


@cache
def _encoded() -> bytes:
    return bytes(_encode_one(index - 8192) for index in range(16384))


def encode(samples: list[int]) -> bytes:
    """16-bit samples as mu-law; what is out of range is clipped."""
    table = _encoded()
    return bytes(table[(max(-32768, min(32767, sample)) >> 2) + 8192] for sample in samples)


def decode(data: bytes) -> list[int]:
    """Mu-law as 16-bit samples."""
    return [DECODED[byte] for byte in data]


@cache
def tone(frequency: int, loudness: float = 0.3) -> bytes:
    """One second of a tone of whole Hz, so that seconds join without a click. ``loudness`` is 0 to 1."""
    step = 2 * math.pi * frequency / RATE
    return encode([round(32767 * loudness * math.sin(step * n)) for n in range(RATE)])
