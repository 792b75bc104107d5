"""A small Debian archive in a folder: packages, their index, and a release whose signature tests leave out."""

import hashlib
import io
import lzma
import tarfile
from pathlib import Path

SUITE = "forky"


def tar(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    """A tar file; ``(path, content)`` is a plain file that may be executed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as out:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                out.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size, info.mode = len(member[1]), 0o755
                out.addfile(info, io.BytesIO(member[1]))
    return packed.getvalue()


def special(path: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A link, a folder or a device."""
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info


def deb(data: bytes, name: str = "data.tar.xz") -> bytes:
    """A Debian package around a tar file."""
    body = lzma.compress(data) if name.endswith(".xz") else data
    return (
        b"!<arch>\n" + _part("debian-binary", b"2.0\n") + _part("control.tar.xz", b"odd") + _part(name, body)
    )


def _part(name: str, body: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(body):<10}".encode() + b"`\n"
    return header + body + b"\n" * (len(body) % 2)


class FakeMirror:
    """A mirror under a folder; ``fetch`` reads it, and counts what was fetched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fetched: list[str] = []
        self._stanzas: list[str] = []

    @property
    def url(self) -> str:
        """Its address."""
        return self.folder.as_uri()

    def add(self, name: str, content: bytes, version: str = "1:22.1-1", **fields: str) -> Path:
        """Put a package in; returns where it lies. Fields such as ``Depends`` go to its stanza."""
        path = self.folder / "pool" / f"{name}_1.deb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        lines = {
            "Package": name,
            "Version": version,
            "Filename": f"pool/{name}_1.deb",
            "Size": str(len(content)),
            "SHA256": hashlib.sha256(content).hexdigest(),
            **{key.replace("_", "-"): value for key, value in fields.items()},
        }
        self._stanzas.append("".join(f"{key}: {value}\n" for key, value in lines.items()))
        return path

    def publish(self, suite: str = SUITE, extra: str = "") -> Path:
        """Write the index and the release; returns the index file. ``extra`` are more fields of the release."""
        index = lzma.compress("\n".join(self._stanzas).encode())
        sha256 = hashlib.sha256(index).hexdigest()
        path = self.folder / "dists" / suite / "main/binary-amd64/by-hash/SHA256" / sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(index)
        listed = f" {sha256} {len(index)} main/binary-amd64/Packages.xz\n"
        release = f"Suite: testing\nCodename: {suite}\n{extra}SHA256:\n{listed}"
        (self.folder / "dists" / suite / "InRelease").write_text(release)
        return path

    def fetch(self, url: str) -> bytes:
        """What the mirror answers."""
        self.fetched.append(url.removeprefix(self.url))
        return Path(url.removeprefix("file://")).read_bytes()
