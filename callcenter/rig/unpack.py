"""Debian packages unpacked into a folder, without dpkg and without root. Standard library only.

A package is an ``ar`` file that holds ``data.tar.xz``. Nothing of it is written outside the folder: paths that
climb out, and paths through links that lead out, are refused. Owners, times and package scripts are left out.
"""

import io
import os
import posixpath
import tarfile
from collections.abc import Callable
from pathlib import Path

from callcenter.errors import PartMissing

_MAGIC = b"!<arch>\n"
_HEADER = 60
_KNOWN = ("data.tar.xz", "data.tar.gz", "data.tar")


def payload(deb: bytes, what: str) -> bytes:
    """The tar file in a package. Raises PartMissing when it is none, is cut short or packed in an unknown way."""
    if not deb.startswith(_MAGIC):
        raise PartMissing(f"{what}: not a Debian package")
    at = len(_MAGIC)
    while at + _HEADER <= len(deb):
        header = deb[at : at + _HEADER]
        name = header[:16].decode("ascii", errors="replace").strip().rstrip("/")
        try:
            size = int(header[48:58])
        except ValueError:
            raise PartMissing(f"{what}: a broken package") from None
        body = deb[at + _HEADER : at + _HEADER + size]
        if size < 0 or len(body) < size:
            raise PartMissing(f"{what}: the package is cut short")
        if name.startswith("data.tar"):
            if name not in _KNOWN:
                raise PartMissing(f"{what}: {name} is packed in a way that is not known here")
            return body
        at += _HEADER + size + size % 2
    raise PartMissing(f"{what}: no data in the package")


def unpack(deb: Path, root: Path, wanted: Callable[[str], bool]) -> None:
    """Lay the package's files for whose path ``wanted`` is true down under ``root``.

    Paths are relative to the root, as ``usr/lib/x``. Raises PartMissing for a package that is broken or that
    would write outside the root.
    """
    data = payload(deb.read_bytes(), deb.name)
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                name = _inside(member.name, deb.name)
                if wanted(name):
                    _lay_down(tar, member, root, name, deb.name)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise PartMissing(f"{deb.name}: can't be unpacked: {error}") from error


def _inside(path: str, what: str) -> str:
    clean = posixpath.normpath(path)
    if clean.startswith("/") or clean.split("/")[0] == "..":
        raise PartMissing(f"{what}: its file {path!r} would be written outside the folder")
    return clean


def _lay_down(tar: tarfile.TarFile, member: tarfile.TarInfo, root: Path, name: str, what: str) -> None:
    path = root / name
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise PartMissing(f"{what}: its file {name!r} lies behind a link that leads outside the folder")
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        path.unlink()
    if member.issym():
        _link(path, member.linkname, name, what)
    elif member.islnk():
        os.link(root / _inside(member.linkname, what), path, follow_symlinks=False)
    elif member.isfile():
        content = tar.extractfile(member)
        path.write_bytes(content.read() if content else b"")
        path.chmod(0o755 if member.mode & 0o100 else 0o644)
    else:
        raise PartMissing(f"{what}: {name!r} is neither a file nor a folder nor a link")


def _link(path: Path, target: str, name: str, what: str) -> None:
    """A link within the folder; one with an absolute target would mean the machine's own files: it is left out."""
    if target.startswith("/"):
        return
    _inside(posixpath.join(posixpath.dirname(name), target), what)
    path.symlink_to(target)
