"""Debian packages unpacked into a folder, and nothing outside it."""

import tarfile
from pathlib import Path

import pytest

from callcenter.errors import PartMissing
from callcenter.rig.unpack import payload, unpack
from tests.fakes.debian_mirror import deb, special, tar

pytestmark = pytest.mark.unit


def lay_down(folder: Path, data: bytes, name: str = "data.tar.xz") -> Path:
    """Unpack a package of this content; returns the root."""
    root = folder / "root"
    root.mkdir(exist_ok=True)
    package = folder / "x.deb"
    package.write_bytes(deb(data, name))
    unpack(package, root, lambda path: not path.startswith("usr/doc"))
    return root


@pytest.mark.parametrize("name", ["data.tar.xz", "data.tar"])
def test_files_folders_and_links(tmp_path: Path, name: str) -> None:
    """What a package holds is there after, with its mode and its links; what is not wanted is not."""
    data = tar(
        special("./usr", tarfile.DIRTYPE),
        ("./usr/lib/a.so.1", b"binary"),
        special("./usr/lib/a.so", tarfile.SYMTYPE, "a.so.1"),
        special("./usr/lib/up", tarfile.SYMTYPE, "../lib/a.so.1"),
        special("./usr/lib/hard", tarfile.LNKTYPE, "./usr/lib/a.so.1"),
        special("./usr/lib/alien", tarfile.SYMTYPE, "/etc/alternatives/a"),
        ("./usr/doc/readme", b"text"),
    )
    root = lay_down(tmp_path, data, name)
    assert (root / "usr/lib/a.so").read_bytes() == b"binary"
    assert (root / "usr/lib/up").read_bytes() == b"binary"
    assert (root / "usr/lib/hard").read_bytes() == b"binary"
    assert (root / "usr/lib/a.so.1").stat().st_mode & 0o777 == 0o755
    assert not (root / "usr/lib/alien").is_symlink(), "a link to the machine's own files is left out"
    assert not (root / "usr/doc").exists()


def test_unpacking_twice_is_no_fault(tmp_path: Path) -> None:
    """A second package may replace a file or a link of the first."""
    data = tar(("usr/a", b"1"), special("usr/b", tarfile.SYMTYPE, "a"))
    lay_down(tmp_path, data)
    root = lay_down(tmp_path, tar(("usr/a", b"2"), ("usr/b", b"3")))
    assert (root / "usr/a").read_bytes() == b"2"
    assert (root / "usr/b").read_bytes() == b"3"


@pytest.mark.parametrize(
    "members",
    [
        [("../outside", b"x")],
        [("usr/../../outside", b"x")],
        [("/outside", b"x")],
        [special("usr/l", tarfile.SYMTYPE, "../../outside")],
        [special("usr/l", tarfile.LNKTYPE, "../outside")],
        [special("usr/l", tarfile.LNKTYPE, "/etc/passwd")],
        [special("usr/dev", tarfile.CHRTYPE)],
        [special("usr/pipe", tarfile.FIFOTYPE)],
    ],
    ids=["..", "inner ..", "absolute", "link out", "hard link out", "hard link to /", "device", "pipe"],
)
def test_nothing_is_written_outside(
    tmp_path: Path, members: list[tarfile.TarInfo | tuple[str, bytes]]
) -> None:
    """A package that would reach outside its folder is refused."""
    with pytest.raises(PartMissing):
        lay_down(tmp_path, tar(*members))
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "root/outside").exists()


@pytest.mark.parametrize("member", [("usr/l/file", b"x"), special("usr/l/folder/deep", tarfile.DIRTYPE)])
def test_a_link_that_was_there_is_no_way_out(
    tmp_path: Path, member: tarfile.TarInfo | tuple[str, bytes]
) -> None:
    """A folder that is in truth a link to somewhere else is not written through."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "root/usr").mkdir(parents=True)
    (tmp_path / "root/usr/l").symlink_to(outside)
    with pytest.raises(PartMissing, match="behind a link"):
        lay_down(tmp_path, tar(member))
    assert list(outside.iterdir()) == []


WHOLE = deb(tar(("usr/a", b"1" * 3000)))


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"", "not a Debian package"),
        (b"PK\x03\x04 a zip file", "not a Debian package"),
        (WHOLE[:-40], "cut short"),
        (WHOLE[:40], "no data"),
        (WHOLE[:56] + b"9x" + WHOLE[58:], "broken"),
        (deb(b"", "data.tar.zst"), "packed in a way"),
    ],
    ids=["empty", "zip", "cut", "cut early", "size", "zst"],
)
def test_broken_packages_are_refused(broken: bytes, why: str) -> None:
    """Each is told apart in words."""
    with pytest.raises(PartMissing, match=why):
        payload(broken, "x.deb")


def test_every_cut_of_a_package_is_refused() -> None:
    """However a download was cut, the rest is not taken for a package."""
    for end in range(len(WHOLE) - 1):
        with pytest.raises(PartMissing):
            payload(WHOLE[:end], "x.deb")


def test_a_broken_tar_is_refused(tmp_path: Path) -> None:
    """Bytes that are no tar file are refused, also when the package around them is whole."""
    with pytest.raises(PartMissing, match="can't be unpacked"):
        lay_down(tmp_path, b"no tar at all" * 100)
