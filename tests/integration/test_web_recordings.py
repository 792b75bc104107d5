"""Recordings over HTTP: the right bytes for the right people, and nothing from outside the folder."""

from pathlib import Path

import pytest

from callcenter.errors import PartMissing
from callcenter.web.server import WebServer, build_app
from tests.fakes.fake_users import FakeRecords, FakeUsers
from tests.fakes.web_site import Site, parts_for, web_site

pytestmark = pytest.mark.integration
SOUND = "c" * 32
BODY = b"RIFF" + bytes(range(200))


def record_at(site: Site, path: Path, *agents: int) -> str:
    """Say that the recording is this file."""
    site.records.recordings[SOUND] = (path, frozenset(agents))
    return f"{site.url}/recordings/{SOUND}.wav"


async def test_a_player_may_jump(tmp_path: Path) -> None:
    """The whole file, or the part that was asked for; and that somebody listened is noted."""
    async with web_site(tmp_path) as site, site.logged_in() as browser:
        path = site.parts.folders.recordings / "x.wav"
        path.write_bytes(BODY)
        url = record_at(site, path, 1)
        async with browser.get(url) as answer:
            assert (answer.status, answer.content_type) == (200, "audio/wav")
            assert await answer.read() == BODY
        async with browser.get(url, headers={"Range": "bytes=10-19"}) as answer:
            assert answer.status == 206
            assert await answer.read() == BODY[10:20]
        assert ("recording_played", 1, {"recording_id": SOUND}) in site.audited


@pytest.mark.parametrize("kind", ["outside", "link out", "folder", "missing", "dots"])
async def test_files_outside_the_folder_are_not_there(tmp_path: Path, kind: str) -> None:
    """A7: even if the record names such a file."""
    async with web_site(tmp_path) as site, site.logged_in("sofia") as browser:
        root = site.parts.folders.recordings
        secret = tmp_path / "secret.wav"
        secret.write_bytes(b"secret")
        (root / "link.wav").symlink_to(secret)
        (root / "folder.wav").mkdir()
        paths = {
            "outside": secret,
            "link out": root / "link.wav",
            "folder": root / "folder.wav",
            "missing": root / "missing.wav",
            "dots": root / ".." / "secret.wav",
        }
        async with browser.get(record_at(site, paths[kind])) as answer:
            assert answer.status == 404
            assert b"secret" not in await answer.read()


@pytest.mark.parametrize(
    "name", ["$(id)", ";id", "..%2f..%2fetc%2fpasswd", "%00", "C" * 32, "/etc/passwd", "c" * 31]
)
async def test_names_that_are_no_ids_are_not_there(tmp_path: Path, name: str) -> None:
    """A7: the route knows ids only."""
    async with web_site(tmp_path) as site, site.logged_in("sofia") as browser:
        async with browser.get(f"{site.url}/recordings/{name}.wav") as answer:
            assert answer.status == 404
        assert not [one for one in site.audited if one[0] == "recording_played"]


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """The start stops with what to do."""
    (tmp_path / "second").mkdir()
    async with web_site(tmp_path) as site:
        parts = parts_for(tmp_path / "second", FakeUsers(), FakeRecords())
        with pytest.raises(PartMissing, match=rf"port {site.port}.*web\.port"):
            await WebServer(build_app(parts), "127.0.0.1", site.port).start()


@pytest.mark.parametrize("missing", ["scripts", "templates", "texts"])
async def test_missing_parts_of_the_pages_are_named(
    tmp_path: Path, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not built, or a folder that is wrong: said at the start, not at the first page."""
    empty = tmp_path / "empty"
    empty.mkdir()
    if missing != "scripts":
        monkeypatch.setattr("tests.fakes.web_site.AGENT_UI", empty)
    if missing == "texts":
        (empty / "templates").mkdir()
        (empty / "locales").mkdir()
        (empty / "locales" / "en.json").write_text("{")
    parts = parts_for(tmp_path, FakeUsers(), FakeRecords(), dist=empty if missing == "scripts" else None)
    with pytest.raises(PartMissing, match="npm" if missing == "scripts" else "catalogues"):
        await WebServer(build_app(parts), "127.0.0.1", 0).start()
