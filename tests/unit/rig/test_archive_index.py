"""A Debian archive: the chain of signature, index and packages, and what a package needs."""

import base64
import datetime as dt
import shutil
from pathlib import Path

import pytest

from callcenter.errors import PartMissing
from callcenter.rig import debian_archive
from callcenter.rig.debian_archive import (
    Archive,
    alternatives,
    closure,
    parse_index,
    release_files,
    signed_text,
)
from tests.fakes.debian_mirror import FakeMirror

pytestmark = pytest.mark.unit

SIGNED = b"""-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Suite: testing
Codename: forky
SHA256:
 0000000000000000000000000000000000000000000000000000000000000007 12 main/binary-amd64/Packages.xz
-----BEGIN PGP SIGNATURE-----

iHUEARYIAB0WIQTmWFwH0nebIsRVA2vVI6ck1ePtRwUCXgvhAAAKCRDVI6ck1ePt
RyUfAPwMBGXgXpg6A7hzR4dvyzLxJiwjFCmjO8W2iUFwb53pigEA9kqP5woHCMR7
47JmyBWUjIxyZGRp7Tq3BnKCJiLTxwc=
=3EvC
-----END PGP SIGNATURE-----
"""
# Public keys that were made for this test; their secret halves are gone.
SIGNER = """
mDMEXgvhABYJKwYBBAHaRw8BAQdAxTAkJ9gJel5B0Vjg9uBacCkGMq52YfgrTit6kHPIsDu0EFRlc3QgYXJjaGl2ZSBvbmWIkAQT
FggAOBYhBOZYXAfSd5sixFUDa9UjpyTV4+1HBQJeC+EAAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJENUjpyTV4+1Hdd4A
/2JvjQ+zE088fiqEAfMgygBjsyqc+v6AuGI6YJH8clCqAP99wMLIoBnTv28njUIe0hiaRH6d2fugwNbOUU1DD4dHAA==
"""
STRANGER = """
mDMEXgvhABYJKwYBBAHaRw8BAQdAWP9fVIMlV0exYovidBo33ZQ6dOXj3UeNL2MwBH/v0Um0EFRlc3QgYXJjaGl2ZSB0d2+IkAQT
FggAOBYhBKPIWJDrr8Ge1RRR34cepyv5pez9BQJeC+EAAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEIcepyv5pez980gA
/2INaLEYkw7dxjornJoeJoUdw60X7BwZnav42Vryh4A3AQCXOeXvo0ulnZyd3W6CdqcRaGdgte/xPB1drah4GxMkCg==
"""


def keyring(folder: Path, key: str) -> Path:
    """A keyring that holds one key."""
    path = folder / "keyring.gpg"
    path.write_bytes(base64.b64decode(key))
    return path


def archive(mirror: FakeMirror) -> Archive:
    """A reader of the mirror that takes every signature for good."""
    return Archive(mirror.url, bytes.decode, lambda _: None, mirror.fetch)


@pytest.fixture
def mirror(tmp_path: Path) -> FakeMirror:
    """An empty mirror."""
    return FakeMirror(tmp_path / "mirror")


def test_a_good_signature_gives_the_text(tmp_path: Path) -> None:
    """What was signed comes back, and only that: words around the signed part are dropped."""
    text = signed_text(b"Codename: forged\n" + SIGNED, keyring(tmp_path, SIGNER))
    assert release_files(text, "forky") == {"main/binary-amd64/Packages.xz": (12, f"{7:064d}")}
    assert "forged" not in text


@pytest.mark.parametrize(
    ("inline", "key"),
    [
        (SIGNED.replace(b"07 12", b"08 12"), SIGNER),
        (SIGNED, STRANGER),
        (b"Suite: testing\nCodename: forky\n", SIGNER),
        (b"<html>Please log in</html>", SIGNER),
        (b"", SIGNER),
    ],
    ids=["tampered", "a stranger's key", "not signed", "a proxy's page", "empty"],
)
def test_what_is_not_signed_is_refused(tmp_path: Path, inline: bytes, key: str) -> None:
    """A changed, foreign or absent signature stops everything."""
    with pytest.raises(PartMissing, match="signature"):
        signed_text(inline, keyring(tmp_path, key))


def test_without_a_tool_nothing_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither gpgv nor sqv: the message says what to install."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(PartMissing, match="install gpgv"):
        signed_text(SIGNED, keyring(tmp_path, SIGNER))


def test_a_keyring_that_is_not_there(tmp_path: Path) -> None:
    """The message names the package to install."""
    with pytest.raises(PartMissing, match="install debian-archive-keyring"):
        debian_archive.find_keyring(tmp_path / "none.gpg")


def test_the_wrong_suite_is_refused() -> None:
    """A mirror that answers with another suite, signed as it may be, is not believed."""
    with pytest.raises(PartMissing, match="bookworm when asked for forky"):
        release_files("Suite: stable\nCodename: bookworm\nSHA256:\n x 1 y\n", "forky")


def test_a_release_without_sums_is_refused() -> None:
    """MD5 alone is nothing to build on."""
    with pytest.raises(PartMissing, match="no SHA-256"):
        release_files("Suite: testing\nMD5Sum:\n x 1 y\n", "testing")


def test_a_stale_release_is_told() -> None:
    """Valid-Until in the past gives the days since; in the future, or absent, none."""
    now = dt.datetime(2026, 1, 11, tzinfo=dt.UTC).timestamp()
    assert debian_archive.days_expired("Valid-Until: Thu, 01 Jan 2026 00:00:00 UTC\n", now) == 10
    assert debian_archive.days_expired("Valid-Until: Sun, 01 Feb 2026 00:00:00 UTC\n", now) == 0
    assert debian_archive.days_expired("Suite: x\n", now) == 0


def test_relations() -> None:
    """Versions, architectures and alternatives in a Depends line."""
    found = alternatives("libc6 (>= 2.38), a | b:any (>> 1), c [amd64], d")
    assert found == (("libc6",), ("a", "b"), ("c",), ("d",))
    assert alternatives("") == ()


def test_closure_follows_what_is_wanted(mirror: FakeMirror) -> None:
    """Needs of needs, circles, alternatives of which one exists, and virtual names with a provider."""
    mirror.add("root", b"", Depends="liba (>= 1), perl, libnone | libb", Pre_Depends="libv")
    mirror.add("liba", b"", Depends="libb")
    mirror.add("libb", b"", Depends="liba")
    mirror.add("realv", b"", Provides="libv (= 1)")
    mirror.add("unwanted", b"")
    mirror.publish()
    index = archive(mirror).index("forky", "amd64")
    chosen = closure(index, ["root"], lambda _package, needed: needed.startswith("lib"))
    assert set(chosen) == {"root", "liba", "libb", "realv"}


def test_closure_says_what_the_suite_lacks(mirror: FakeMirror) -> None:
    """A need that nobody provides is named."""
    mirror.add("root", b"", Depends="libgone")
    mirror.publish()
    with pytest.raises(PartMissing, match="libgone"):
        closure(archive(mirror).index("forky", "amd64"), ["root"], lambda *_: True)


def test_an_index_that_does_not_match_its_hash(mirror: FakeMirror) -> None:
    """One changed byte of Packages.xz is refused before it is even unpacked."""
    mirror.add("root", b"")
    path = mirror.publish()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(PartMissing, match=r"Packages\.xz: not the size and SHA-256"):
        archive(mirror).index("forky", "amd64")


def test_an_architecture_that_is_not_there(mirror: FakeMirror) -> None:
    """The message names it."""
    mirror.publish()
    with pytest.raises(PartMissing, match="no packages for arm64"):
        archive(mirror).index("forky", "arm64")


def test_a_broken_stanza_is_named() -> None:
    """A package without its size is an index that we don't understand."""
    with pytest.raises(PartMissing, match="odd"):
        parse_index("Package: odd\nVersion: 1\nFilename: x\nSHA256: y\n")


@pytest.mark.parametrize("change", [b"x" * 8, b"short", b""], ids=["other bytes", "shorter", "empty"])
def test_a_package_that_does_not_match_its_hash(mirror: FakeMirror, tmp_path: Path, change: bytes) -> None:
    """A package of the wrong size or hash is refused, and nothing of it is left that could be taken for good."""
    path = mirror.add("root", b"12345678")
    mirror.publish()
    reader = archive(mirror)
    index = reader.index("forky", "amd64")
    path.write_bytes(change)
    with pytest.raises(PartMissing, match=r"root_1\.deb: not the size and SHA-256"):
        reader.download(index.packages.values(), tmp_path / "debs")
    assert list((tmp_path / "debs").iterdir()) == []


def test_a_download_is_taken_up_again(mirror: FakeMirror, tmp_path: Path) -> None:
    """What is there and whole is not fetched again; what is broken off is."""
    mirror.add("whole", b"whole")
    mirror.add("torn", b"torn-torn")
    mirror.publish()
    reader = archive(mirror)
    index = reader.index("forky", "amd64")
    folder = tmp_path / "debs"
    reader.download(index.packages.values(), folder)
    (folder / "torn_1.deb").write_bytes(b"torn")
    mirror.fetched.clear()
    paths = reader.download(index.packages.values(), folder)
    assert mirror.fetched == ["/pool/torn_1.deb"]
    assert [path.read_bytes() for path in paths] == [b"whole", b"torn-torn"]


def test_a_mirror_that_can_not_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is tried again and then told, with what to do."""
    monkeypatch.setattr(debian_archive, "TRIES", (0.001, 0.0))
    monkeypatch.setattr(debian_archive, "apt_proxy", lambda: None)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(debian_archive.Unreachable, match="Is this machine online"):
        debian_archive.fetch("http://127.0.0.1:9/debian")
