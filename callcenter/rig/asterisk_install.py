"""Find a real Asterisk, or fetch one into a cache folder."""

import os
from pathlib import Path


def find_launcher() -> Path:
    """The launcher."""
    return Path(os.environ.get("CALLCENTER_ASTERISK") or "~/.cache/callcenter/asterisk/asterisk").expanduser()
