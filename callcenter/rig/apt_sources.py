"""Where this machine's apt gets Debian from: its mirrors and its proxy. Standard library only.

Both forms of apt's sources are read: the one-line form (``*.list``) and deb822 (``*.sources``), and the
``mirror+file:`` lists of Debian's cloud images.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

APT_FOLDER = Path("/etc/apt")
_ONE_LINE = re.compile(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)(.*)")
# Suites of Debian itself; its security archive and other vendors' archives have no testing suite
_DEBIAN_SUITE = re.compile(r"(stable|testing|unstable|sid|bookworm|trixie|forky|duke)(-updates|-backports)?")


@dataclass(frozen=True)
class Source:
    """One place that apt reads packages from."""

    uri: str
    suite: str
    components: tuple[str, ...]


def debian_mirrors(folder: Path = APT_FOLDER) -> list[str]:
    """The http(s) addresses of apt's Debian mirrors, without a slash at the end, most likely ones first."""
    found: list[str] = []
    for source in sources(folder):
        if _DEBIAN_SUITE.fullmatch(source.suite) and "main" in source.components:
            found += [uri.rstrip("/") for uri in _addresses(source.uri)]
    unique = [uri for uri in dict.fromkeys(found) if uri.startswith(("http://", "https://"))]
    return sorted(unique, key=lambda uri: not uri.endswith("/debian"))


def sources(folder: Path = APT_FOLDER) -> Iterator[Source]:
    """All binary package sources that are switched on, in apt's own order of files."""
    parts = folder / "sources.list.d"
    files = [folder / "sources.list", *(sorted(parts.iterdir()) if parts.is_dir() else [])]
    for file in files:
        if file.suffix in (".list", ".sources") and file.is_file():
            read = _deb822 if file.suffix == ".sources" else _one_line
            yield from read(file.read_text(encoding="utf-8", errors="replace"))


def apt_proxy() -> str | None:
    """The proxy for http that apt is told to use, where it has one of its own."""
    try:
        done = subprocess.run(
            ["apt-config", "dump", "--format", "%v%n", "Acquire::http::Proxy"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    proxy = done.stdout.strip()
    return proxy if proxy and proxy != "DIRECT" else None


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        found = _ONE_LINE.fullmatch(line.split("#")[0].strip())
        if found:
            yield Source(found[1], found[2], tuple(found[3].split()))


def _deb822(text: str) -> Iterator[Source]:
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", kept):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", ()) or fields.get("enabled", ("yes",))[0].lower() in (
            "no",
            "false",
        ):
            continue
        for uri in fields.get("uris", ()):
            for suite in fields.get("suites", ()):
                yield Source(uri, suite, fields.get("components", ()))


def _fields(stanza: str) -> dict[str, tuple[str, ...]]:
    joined = re.sub(r"\n[ \t]+", " ", stanza)
    named = (line.partition(":") for line in joined.splitlines() if ":" in line)
    return {name.strip().lower(): tuple(value.split()) for name, _, value in named if value.strip()}


def _addresses(uri: str) -> Iterator[str]:
    if not uri.startswith("mirror+file:"):
        yield uri
        return
    listing = Path(unquote(re.sub(r"^mirror\+file:/*", "/", uri)))
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            yield from line.split("#")[0].split()[:1]
