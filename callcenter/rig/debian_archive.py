"""A Debian archive: its signed index, what a package needs, and packages checked byte by byte.

The chain: ``InRelease``, signed by a key of the machine's Debian keyring, states the hash of ``Packages.xz``; that
states the hash of each ``.deb``. Standard library only, and ``gpgv`` or ``sqv``. Everything that can go wrong is
a PartMissing in words for the user.
"""

import concurrent.futures
import email.utils
import hashlib
import http.client
import lzma
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from callcenter.errors import PartMissing
from callcenter.rig.apt_sources import apt_proxy

Fetch = Callable[[str], bytes]
Verify = Callable[[bytes], str]
KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
)
TRIES = (1.0, 3.0, 0.0)  # pauses in seconds after each; the last one gives up
TIMEOUT = 30.0
CONNECTIONS = 6


class Unreachable(PartMissing):
    """The mirror can't be reached at all: asking it for another suite makes no sense."""


@dataclass(frozen=True)
class Package:
    """One package of a suite. ``needs`` holds its Pre-Depends and Depends, each with its alternatives."""

    name: str
    version: str
    filename: str
    size: int
    sha256: str
    needs: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Index:
    """What a suite offers: packages by name, and for each virtual name who provides it."""

    packages: dict[str, Package]
    providers: dict[str, list[str]]


def fetch(url: str) -> bytes:
    """The bytes at ``url``; what may be a passing fault is tried again. Raises PartMissing or Unreachable."""
    for pause in TRIES:
        try:
            with _opener().open(url, timeout=TIMEOUT) as answer:
                body: bytes = answer.read()
                return body
        except (OSError, http.client.HTTPException) as error:
            code = getattr(error, "code", 0)
            if code in (403, 404, 410):
                raise PartMissing(f"{url}: HTTP {code}") from error
            if not pause:
                why = f"HTTP {code}" if code else str(getattr(error, "reason", error) or type(error).__name__)
                raise Unreachable(
                    f"{url}: {why}. Is this machine online? Behind a proxy, set http_proxy (or apt's "
                    "Acquire::http::Proxy)"
                ) from error
        time.sleep(pause)
    raise AssertionError("unreachable: the last try raises or returns")


def _opener() -> urllib.request.OpenerDirector:
    given = urllib.request.getproxies()
    proxy = None if "http" in given else apt_proxy()
    named = {**given, "http": proxy} if proxy else given
    return urllib.request.build_opener(urllib.request.ProxyHandler(named))


def checked(data: bytes, size: int, sha256: str, what: str) -> bytes:
    """``data``, when it has this size and this hash; else PartMissing."""
    if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
        raise PartMissing(
            f"{what}: not the size and SHA-256 that its signed index states (a broken download, or worse)"
        )
    return data


def find_keyring(named: Path | None = None) -> Path:
    """The keyring of the Debian archive on this machine, or the one that is named."""
    for path in [named] if named else KEYRINGS:
        if path.is_file():
            return path
    raise PartMissing(
        f"no keyring {named or 'of the Debian archive'}: install debian-archive-keyring, or name one with --keyring"
    )


def signed_text(inline: bytes, keyring: Path) -> str:
    """The text of a clear-signed file, once a signature by a key of ``keyring`` holds.

    One good signature is enough, as it is for apt: several keys sign, and an older keyring lacks some. Raises
    PartMissing when none holds or no tool to check it is here.
    """
    with tempfile.TemporaryDirectory() as folder:
        signed, text = Path(folder, "signed"), Path(folder, "text")
        signed.write_bytes(inline)
        if shutil.which("gpgv"):
            tool = ["gpgv", "--status-fd", "1", "--keyring", str(keyring), "--output", str(text), str(signed)]
        elif shutil.which("sqv"):  # what Debian 13 has in its place
            tool = ["sqv", "--keyring", str(keyring), "--output", str(text), "--cleartext", str(signed)]
        else:
            raise PartMissing("neither gpgv nor sqv is here to check signatures: install gpgv")
        done = subprocess.run(tool, capture_output=True, text=True, check=False)
        if tool[0] == "gpgv":
            good = "[GNUPG:] VALIDSIG " in done.stdout and "[GNUPG:] BADSIG " not in done.stdout
        else:
            good = done.returncode == 0
        if not good or not text.exists():
            raise PartMissing(
                f"the signature of the archive's index does not hold with {keyring} (an old "
                f"debian-archive-keyring? a proxy's page in place of the file?)\n{done.stderr.strip()}"
            )
        return text.read_text(encoding="utf-8")


def release_files(text: str, suite: str) -> dict[str, tuple[int, str]]:
    """A suite's index files as its release states them: path to (size, SHA-256)."""
    fields = dict(re.findall(r"(?m)^([A-Za-z-]+): (.*)$", text))
    if suite not in (fields.get("Suite"), fields.get("Codename")):
        raise PartMissing(f"the mirror answers {fields.get('Codename')} when asked for {suite}")
    listed = re.search(r"(?m)^SHA256:\n((?: .*\n?)+)", text)
    if not listed:
        raise PartMissing(f"{suite}'s release states no SHA-256 sums")
    rows = (line.split() for line in listed[1].splitlines())
    return {path: (int(size), sha256) for sha256, size, path in rows}


def days_expired(text: str, now: float) -> float:
    """How many days ago the release ran out (a stale mirror); 0 when it has not. ``now`` in Unix seconds."""
    until = re.search(r"(?m)^Valid-Until: (.*)$", text)
    late = now - email.utils.parsedate_to_datetime(until[1]).timestamp() if until else 0.0
    return max(late, 0.0) / 86400


def parse_index(text: str) -> Index:
    """A ``Packages`` file."""
    packages: dict[str, Package] = {}
    providers: dict[str, list[str]] = {}
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"(?m)^([A-Za-z0-9-]+): (.*)$", stanza))
        if "Package" not in fields:
            continue
        package = _package(fields)
        packages[package.name] = package
        for virtual in alternatives(fields.get("Provides", "")):
            providers.setdefault(virtual[0], []).append(package.name)
    return Index(packages, providers)


def _package(fields: dict[str, str]) -> Package:
    try:
        return Package(
            name=fields["Package"],
            version=fields["Version"],
            filename=fields["Filename"],
            size=int(fields["Size"]),
            sha256=fields["SHA256"],
            needs=alternatives(fields.get("Pre-Depends", "") + "," + fields.get("Depends", "")),
        )
    except (KeyError, ValueError) as error:
        raise PartMissing(
            f"the archive's index is not as expected: {fields.get('Package')}: {error}"
        ) from error


def alternatives(relation: str) -> tuple[tuple[str, ...], ...]:
    """``"a (>= 1) | b, c:any"`` to ``(("a", "b"), ("c",))``."""
    return tuple(
        tuple(re.split(r"[\s:(\[]", one.strip())[0] for one in group.split("|"))
        for group in relation.split(",")
        if group.strip()
    )


def closure(index: Index, roots: Iterable[str], follow: Callable[[str, str], bool]) -> dict[str, Package]:
    """The packages to unpack: the roots, and what ``follow(package, needed)`` says of their needs, and of theirs.

    Versions need no solving, for all come from one suite. Raises PartMissing when the suite lacks one.
    """
    chosen: dict[str, Package] = {}
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name not in index.packages:
            name = next(iter(index.providers.get(name, [])), name)
        if name in chosen:
            continue
        if name not in index.packages:
            raise PartMissing(f"the suite has no package {name}")
        chosen[name] = index.packages[name]
        for group in chosen[name].needs:
            wanted = [one for one in group if follow(name, one)]
            known = [one for one in wanted if one in index.packages or one in index.providers]
            todo += (known or wanted)[:1]
    return chosen


class Archive:
    """One mirror, read with one keyring. ``say`` gets notes for the user."""

    def __init__(
        self, mirror: str, verify: Verify, say: Callable[[str], None], fetch_url: Fetch = fetch
    ) -> None:
        self.mirror = mirror.rstrip("/")
        self._verify = verify
        self._say = say
        self._fetch = fetch_url

    def index(self, suite: str, arch: str) -> Index:
        """What the suite offers for this architecture."""
        text = self._verify(self._fetch(f"{self.mirror}/dists/{suite}/InRelease"))
        files = release_files(text, suite)
        if late := days_expired(text, time.time()):
            self._say(f"note: the mirror's index of {suite} ran out {late:.0f} days ago (a stale mirror)")
        folder = f"main/binary-{arch}"
        if f"{folder}/Packages.xz" not in files:
            raise PartMissing(f"{suite} has no packages for {arch}")
        size, sha256 = files[f"{folder}/Packages.xz"]
        packed = self._fetch(f"{self.mirror}/dists/{suite}/{folder}/by-hash/SHA256/{sha256}")
        return parse_index(lzma.decompress(checked(packed, size, sha256, f"{folder}/Packages.xz")).decode())

    def download(self, packages: Iterable[Package], folder: Path) -> list[Path]:
        """Each package's ``.deb`` in ``folder``, complete and checked; what is there already is not fetched."""
        folder.mkdir(parents=True, exist_ok=True)

        def one(package: Package) -> Path:
            path = folder / Path(package.filename).name
            if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != package.sha256:
                data = self._fetch(f"{self.mirror}/{package.filename}")
                part = path.with_suffix(".part")
                part.write_bytes(checked(data, package.size, package.sha256, path.name))
                part.rename(path)
            return path

        with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(one, packages))
