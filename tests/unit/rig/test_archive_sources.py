"""Where apt gets Debian from, read from both forms of its sources."""

from pathlib import Path

import pytest

from callcenter.rig.apt_sources import debian_mirrors

pytestmark = pytest.mark.unit


def apt(folder: Path, **files: str) -> Path:
    """An /etc/apt with these files; ``__`` in a name is its dot, and ``main`` is sources.list itself."""
    (folder / "sources.list.d").mkdir()
    for name, text in files.items():
        path = folder / ("sources.list" if name == "main" else f"sources.list.d/{name.replace('__', '.')}")
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    "line",
    [
        "deb http://mirror.example/debian bookworm main",
        "deb http://mirror.example/debian/ trixie main contrib # ours",
        "deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://mirror.example/debian stable main",
        "  deb   http://mirror.example/debian   bookworm-updates   main",
    ],
)
def test_one_line_form(tmp_path: Path, line: str) -> None:
    """The one-line form, with options, spaces and a comment."""
    text = (
        f"# deb http://old.example/debian bookworm main\ndeb-src http://src.example/debian sid main\n{line}\n"
    )
    assert debian_mirrors(apt(tmp_path, main=text)) == ["http://mirror.example/debian"]


def test_deb822_form(tmp_path: Path) -> None:
    """The deb822 form: several addresses and suites, continued lines, comments, and a stanza switched off."""
    text = """\
# a comment
Types: deb deb-src
URIs: http://one.example/debian
  https://two.example/debian/
Suites: trixie trixie-updates
# between fields
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main
"""
    assert debian_mirrors(apt(tmp_path, debian__sources=text)) == [
        "http://one.example/debian",
        "https://two.example/debian",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "deb http://mirror.example/debian-security bookworm-security main",
        "deb https://vendor.example/node nodistro main",
        "deb http://mirror.example/ubuntu noble main",
        "deb http://mirror.example/debian bookworm contrib",
        "deb cdrom:[Debian]/ bookworm main",
        "deb ftp://mirror.example/debian bookworm main",
        "deb file:/srv/debian bookworm main",
    ],
)
def test_other_archives_are_no_debian_mirror(tmp_path: Path, line: str) -> None:
    """Security, vendors, other distributions, and what can't be fetched over http are left alone."""
    assert debian_mirrors(apt(tmp_path, main=line)) == []


def test_a_cloud_images_list_of_mirrors(tmp_path: Path) -> None:
    """mirror+file: names a file that names the mirrors."""
    listing = tmp_path / "debian.list"
    listing.write_text("# ours\nhttp://near.example/debian priority:1\nhttp://far.example/debian\n")
    text = f"Types: deb\nURIs: mirror+file://{listing}\nSuites: bookworm\nComponents: main\n"
    assert debian_mirrors(apt(tmp_path, debian__sources=text)) == [
        "http://near.example/debian",
        "http://far.example/debian",
    ]


def test_the_likely_mirror_comes_first(tmp_path: Path) -> None:
    """An address that ends in /debian is tried before others, and each is tried once."""
    text = "deb http://proxy.example/all bookworm main\n" + "deb http://m.example/debian bookworm main\n" * 2
    assert debian_mirrors(apt(tmp_path, main=text)) == ["http://m.example/debian", "http://proxy.example/all"]


def test_no_apt_at_all(tmp_path: Path) -> None:
    """A machine without apt has no mirror, and that is no error yet."""
    assert debian_mirrors(tmp_path / "nothing") == []
