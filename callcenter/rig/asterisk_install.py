"""A real Asterisk (20 or newer) in a cache folder: no root, nothing installed, the system untouched.

Debian 12 and 13 carry no Asterisk; Debian testing and unstable do. Its packages and the libraries they need are
taken from the mirror that this machine's apt is set to, checked against the archive's signature, and unpacked.

    python3 -m callcenter.rig.asterisk_install      prints the launcher's path
    LAUNCHER CONFDIR RUNDIR [asterisk's own options, for example -f or -rx '...']

It is safe to run at any time, also twice at once: a finished folder is left as it is, an interrupted one is taken
up again. Standard library only, for it runs before the project's own environment is there.
"""

import argparse
import fcntl
import json
import os
import platform
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from callcenter.errors import PartMissing
from callcenter.rig import asterisk_tree as tree
from callcenter.rig.apt_sources import debian_mirrors
from callcenter.rig.debian_archive import Archive, Index, Unreachable, closure, find_keyring, signed_text
from callcenter.rig.unpack import unpack

LAYOUT = 1  # raise it when what is laid down changes: older folders are then made anew
SUITES = ("forky", "sid")
MINIMUM = 20
FREE_BYTES = 200_000_000
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
REMEDY = (
    "Name another Debian mirror with CALLCENTER_DEBIAN_MIRROR=http://..., or bring an Asterisk of your own with "
    "CALLCENTER_ASTERISK=/path/to/launcher"
)


@dataclass(frozen=True)
class Wish:
    """What is to be fetched, and from where."""

    folder: Path
    mirrors: tuple[str, ...]
    suites: tuple[str, ...]
    keyring: Path | None
    arch: str


def cache_folder() -> Path:
    """Where fetched parts are kept: ``CALLCENTER_CACHE``, else ``~/.cache/callcenter``."""
    return Path(os.environ.get("CALLCENTER_CACHE") or "~/.cache/callcenter").expanduser().absolute()


def find_launcher() -> Path:
    """The launcher of the Asterisk to use: ``CALLCENTER_ASTERISK``, else the one in the cache folder.

    Raises PartMissing when there is none; nothing is fetched.
    """
    own = os.environ.get("CALLCENTER_ASTERISK")
    path = Path(own).expanduser().absolute() if own else cache_folder() / "asterisk" / "asterisk"
    if not os.access(path, os.X_OK) or path.is_dir():
        what = "CALLCENTER_ASTERISK names no program" if own else "Asterisk has not been fetched yet"
        raise PartMissing(f"{what} ({path}): run 'make prepare'")
    return path


def is_finished(folder: Path) -> bool:
    """Whether the folder holds a complete Asterisk of this layout."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return (
        isinstance(manifest, dict)
        and manifest.get("layout") == LAYOUT
        and os.access(folder / "asterisk", os.X_OK)
        and (folder / "root").is_dir()
    )


def install(wish: Wish, *, again: bool = False) -> Path:
    """The launcher in ``wish.folder``; it is fetched when the folder is not finished, or ``again``.

    Raises PartMissing with what is missing and what to do.
    """
    launcher = wish.folder / "asterisk"
    if is_finished(wish.folder) and not again:
        return launcher
    keyring = find_keyring(wish.keyring)
    if not wish.mirrors:
        raise PartMissing(f"no Debian mirror is known on this machine. {REMEDY}")
    wish.folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(wish.folder).free
    if free < FREE_BYTES:
        raise PartMissing(
            f"{wish.folder} has {free // 1_000_000} MB free and needs {FREE_BYTES // 1_000_000}: make room, or set "
            "CALLCENTER_CACHE to a folder on another disk"
        )
    with (wish.folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if again or not is_finished(wish.folder):
            _from_the_first_that_works(wish, keyring)
    return launcher


def _from_the_first_that_works(wish: Wish, keyring: Path) -> None:
    why: list[str] = []
    for mirror in wish.mirrors:
        archive = Archive(mirror, lambda inline: signed_text(inline, keyring), say)
        for suite in wish.suites:
            try:
                _lay_down(archive, suite, wish)
            except Unreachable as failure:
                why.append(failure.message)
                break
            except PartMissing as failure:
                why.append(f"{suite}: {failure.message}")
            else:
                return
    raise PartMissing("Asterisk can't be had:\n  " + "\n  ".join(why) + f"\n{REMEDY}")


def _lay_down(archive: Archive, suite: str, wish: Wish) -> None:
    """Make the folder anew from one suite; what was there stays until the new one is ready."""
    began = time.monotonic()
    folder = wish.folder
    index = archive.index(suite, wish.arch)
    version = _version(index)
    chosen = closure(index, tree.ROOTS, tree.follows)
    size = sum(package.size for package in chosen.values())
    say(f"fetching Asterisk {version} from {suite}: {len(chosen)} packages, {size / 1e6:.0f} MB")
    debs = archive.download(chosen.values(), folder / "debs")
    fresh, old = folder / "root.new", folder / "root.old"
    for left_over in (fresh, old):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh.mkdir()
    for deb in debs:
        unpack(deb, fresh, tree.is_taken)
    libraries, reported = tree.finish(fresh)
    (folder / "manifest.json").unlink(missing_ok=True)
    if (folder / "root").exists():
        (folder / "root").rename(old)
    fresh.rename(folder / "root")
    launcher = folder / "asterisk.new"
    launcher.write_text(tree.launcher(libraries), encoding="utf-8")
    launcher.chmod(0o755)
    launcher.rename(folder / "asterisk")
    packages = {name: [package.version, package.sha256] for name, package in sorted(chosen.items())}
    manifest = {"layout": LAYOUT, "asterisk": reported, "suite": suite, "packages": packages}
    part = folder / "manifest.part"
    part.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    part.rename(folder / "manifest.json")  # last: it means "finished"
    for over in (old, folder / "debs"):
        shutil.rmtree(over, ignore_errors=True)
    say(f"{reported} is ready in {folder} after {time.monotonic() - began:.0f} s")


def _version(index: Index) -> str:
    package = index.packages.get("asterisk")
    major = re.match(r"(?:\d+:)?(\d+)\.", package.version) if package else None
    if package is None or major is None or int(major[1]) < MINIMUM:
        raise PartMissing(
            f"its Asterisk is {package.version if package else 'absent'}, and {MINIMUM} or newer is needed"
        )
    return package.version


def say(text: str) -> None:
    """A line of progress, beside the result."""
    print(f"asterisk: {text}", file=sys.stderr, flush=True)


def _architecture() -> str:
    machine = platform.machine()
    if sys.platform != "linux" or machine not in ARCHITECTURES:
        raise PartMissing(
            f"Asterisk can be fetched for Linux on {' or '.join(ARCHITECTURES)} only, not for {sys.platform} on "
            f"{machine}: bring your own with CALLCENTER_ASTERISK=/path/to/launcher"
        )
    return ARCHITECTURES[machine]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="asterisk_install", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dest", type=Path, help="the folder (default: asterisk in the cache folder)")
    parser.add_argument("--suites", default=",".join(SUITES), help="Debian suites, tried in this order")
    parser.add_argument(
        "--mirror",
        default=os.environ.get("CALLCENTER_DEBIAN_MIRROR"),
        help="a Debian mirror or snapshot (default: CALLCENTER_DEBIAN_MIRROR, else what this machine's apt uses)",
    )
    parser.add_argument("--keyring", type=Path, help="Debian's archive keyring (default: the system's)")
    parser.add_argument("--again", action="store_true", help="fetch anew, for a newer Asterisk")
    return parser.parse_args()


def main() -> int:
    """Print the launcher's path on standard output, and progress and errors on standard error."""
    options = _options()
    try:
        if os.environ.get("CALLCENTER_ASTERISK") and options.dest is None:
            print(find_launcher())
            return 0
        folder: Path = options.dest.expanduser().absolute() if options.dest else cache_folder() / "asterisk"
        if is_finished(folder) and not options.again:  # the quick way out, with no look-up
            print(folder / "asterisk")
            return 0
        mirrors = (options.mirror,) if options.mirror else tuple(debian_mirrors())
        wish = Wish(folder, mirrors, tuple(options.suites.split(",")), options.keyring, _architecture())
        print(install(wish, again=options.again))
    except PartMissing as failure:
        say(f"error: {failure.message}")
        return 1
    except OSError as failure:
        say(
            f"error: {failure}: is the disk full, or not yours to write? CALLCENTER_CACHE names another folder"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
