"""Asterisk into a cache folder, from a small archive in which a shell script plays ld.so."""

import json
import threading
from pathlib import Path

import pytest

from callcenter.errors import PartMissing
from callcenter.rig import asterisk_install, debian_archive
from callcenter.rig.asterisk_install import Wish, find_launcher, install, is_finished
from callcenter.rig.asterisk_tree import _REQUIRED, follows, is_taken
from callcenter.rig.debian_archive import Archive
from tests.fakes.debian_mirror import FakeMirror, deb, tar

pytestmark = pytest.mark.unit

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = b"""#!/bin/sh
case "$*" in
    *-V) echo "Asterisk 22.1" ;;
    *--list*lacking*) echo "    libmissing.so => not found (0x0)" ;;
    *--list*) echo "    libc.so.6 => $2/libc.so.6 (0x00007f)" ;;
esac
"""


@pytest.fixture(autouse=True)
def _no_signature(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Signatures are proved elsewhere; here every release is taken for good, and nothing waits."""
    monkeypatch.setattr(asterisk_install, "signed_text", lambda inline, _keyring: inline.decode())
    monkeypatch.setattr(debian_archive, "TRIES", (0.0,))
    monkeypatch.delenv("CALLCENTER_ASTERISK", raising=False)
    monkeypatch.setenv("CALLCENTER_CACHE", str(tmp_path / "cache"))


def fill(mirror: FakeMirror, without: str = "", version: str = "1:22.1-1") -> FakeMirror:
    """Packages that look like Asterisk's."""
    names = [name for name in [*_REQUIRED.split(), "lacking"] if name != without]
    modules = [(f"{LIBRARIES}/asterisk/modules/{name}.so", b"elf") for name in names]
    mirror.add("asterisk", deb(tar(("usr/sbin/asterisk", b"elf"))), version, Depends="libc6 (>= 2)")
    mirror.add("libc6", deb(tar((f"{LIBRARIES}/ld-linux-x86-64.so.2", LOADER), ("etc/ld.so.conf", b""))))
    mirror.add("asterisk-modules", deb(tar(*modules)), Depends="libc6, libperl5.40, libgsm1")
    mirror.add("libgsm1", deb(tar((f"{LIBRARIES}/libgsm.so.1", b"elf"))))
    mirror.add(
        "asterisk-core-sounds-en-gsm", deb(tar(("usr/share/asterisk/sounds/en_US_f_Allison/hello.gsm", b"g")))
    )
    mirror.add("asterisk-moh-opsound-gsm", deb(tar(("usr/share/asterisk/moh/song.gsm", b"g"))))
    mirror.publish()
    return mirror


def wish(folder: Path, *mirrors: FakeMirror) -> Wish:
    """Asterisk from these mirrors; any file does for a keyring."""
    keyring = folder / "keyring.gpg"
    keyring.touch()
    return Wish(folder / "dest", tuple(mirror.url for mirror in mirrors), ("forky", "sid"), keyring, "amd64")


def test_a_folder_is_made_and_then_left_alone(tmp_path: Path) -> None:
    """The launcher, the modules with their libraries and the voice are there; the second start fetches nothing."""
    mirror = fill(FakeMirror(tmp_path / "mirror"))
    wanted = wish(tmp_path, mirror)
    launcher = install(wanted)
    root = wanted.folder / "root"
    assert f"$here/root/{LIBRARIES}/asterisk/modules" in launcher.read_text()
    assert (root / "usr/share/asterisk/sounds/en/hello.gsm").exists()
    assert not (root / f"{LIBRARIES}/asterisk/modules/lacking.so").exists(), "it lacks a library"
    assert not (root / "etc").exists()
    assert sorted(path.name for path in wanted.folder.iterdir()) == [
        ".lock",
        "asterisk",
        "manifest.json",
        "root",
    ]
    for path in (tmp_path / "mirror").rglob("InRelease"):
        path.unlink()
    assert install(wanted) == launcher


def test_a_stale_folder_is_made_anew(tmp_path: Path) -> None:
    """A folder of another layout, or one that was broken off, is done again, and old files don't stay."""
    wanted = wish(tmp_path, fill(FakeMirror(tmp_path / "mirror")))
    install(wanted)
    manifest = wanted.folder / "manifest.json"
    for spoil in ('{"layout": 0}', "{", '["layout"]'):
        manifest.write_text(spoil)
        (wanted.folder / "root/old").touch()
        (wanted.folder / "root.new").mkdir()
        assert not is_finished(wanted.folder)
        install(wanted)
        assert is_finished(wanted.folder)
        assert not (wanted.folder / "root/old").exists()
        assert not (wanted.folder / "root.new").exists()


def test_a_failed_renewal_leaves_the_old_one(tmp_path: Path) -> None:
    """When a newer Asterisk can't be had, the one that is there still works."""
    wanted = wish(tmp_path, fill(FakeMirror(tmp_path / "mirror")))
    install(wanted)
    broken = wish(tmp_path, fill(FakeMirror(tmp_path / "broken"), without="app_queue"))
    with pytest.raises(PartMissing, match=r"app_queue"):
        install(broken, again=True)
    assert is_finished(wanted.folder)


def test_two_at_once_fetch_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two starts at the same time: one works, the other waits for it."""
    wanted = wish(tmp_path, fill(FakeMirror(tmp_path / "mirror")))
    laid_down: list[str] = []
    real = asterisk_install._lay_down

    def lay_down(archive: Archive, suite: str, wish: Wish) -> None:
        laid_down.append(suite)
        real(archive, suite, wish)

    monkeypatch.setattr(asterisk_install, "_lay_down", lay_down)
    threads = [threading.Thread(target=install, args=(wanted,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert laid_down == ["forky"]


def test_the_next_suite_and_the_next_mirror_are_tried(tmp_path: Path) -> None:
    """A mirror that can't be read is passed over; a suite whose Asterisk is too old is too."""
    empty = FakeMirror(tmp_path / "empty")
    mirror = fill(FakeMirror(tmp_path / "mirror"), version="1:16.28-1")
    fill(FakeMirror(tmp_path / "fresh"))
    (tmp_path / "mirror/dists/sid").parent.mkdir(exist_ok=True)
    for path in sorted((tmp_path / "fresh/dists/forky").rglob("*")):
        target = tmp_path / "mirror/dists/sid" / path.relative_to(tmp_path / "fresh/dists/forky")
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes().replace(b"forky", b"sid"))
    assert install(wish(tmp_path, empty, mirror)).exists()
    manifest = json.loads((tmp_path / "dest/manifest.json").read_text())
    assert manifest["suite"] == "sid"
    assert manifest["packages"]["asterisk"][0] == "1:22.1-1"


def test_failures_say_why_and_what_to_do(tmp_path: Path) -> None:
    """Each mirror's reason is in the message, and the ways out."""
    with pytest.raises(PartMissing, match=r"(?s)Is this machine online.*CALLCENTER_DEBIAN_MIRROR"):
        install(wish(tmp_path, FakeMirror(tmp_path / "empty")))
    with pytest.raises(PartMissing, match="no Debian mirror is known"):
        install(wish(tmp_path))
    old = fill(FakeMirror(tmp_path / "old"), version="1:16.28-1")
    with pytest.raises(PartMissing, match=r"16\.28-1, and 20 or newer"):
        install(wish(tmp_path, old))


def test_a_full_disk_is_told_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is fetched the room is looked at."""
    monkeypatch.setattr(asterisk_install, "FREE_BYTES", 1 << 60)
    with pytest.raises(PartMissing, match="MB free"):
        install(wish(tmp_path, FakeMirror(tmp_path / "empty")))


def test_where_the_launcher_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CALLCENTER_ASTERISK comes first, and must be a program; else the cache folder; absent, the way to get it."""
    with pytest.raises(PartMissing, match="make prepare"):
        find_launcher()
    own = tmp_path / "own"
    monkeypatch.setenv("CALLCENTER_ASTERISK", str(own))
    with pytest.raises(PartMissing, match="CALLCENTER_ASTERISK"):
        find_launcher()
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert find_launcher() == own


def test_which_needs_are_followed() -> None:
    """Libraries are, programs are not; of the modules' needs only the named ones."""
    assert follows("asterisk", "libedit2")
    assert not follows("asterisk", "adduser")
    assert not follows("libc6", "libc-gconv-modules-extra")
    assert follows("asterisk-modules", "libssl3t64")
    assert not follows("asterisk-modules", "libperl5.40")


def test_which_files_are_taken() -> None:
    """Programs, libraries and Asterisk's own data; nothing of the system's services."""
    assert is_taken("usr/lib/x86_64-linux-gnu/libc.so.6")
    assert is_taken("usr/share/asterisk/documentation/core-en_US.xml")
    assert not is_taken("usr/lib/systemd/system/asterisk.service")
    assert not is_taken("etc/asterisk/sip.conf")
