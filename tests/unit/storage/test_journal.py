"""The journal file survives whatever a crash leaves of it."""

import json
from pathlib import Path

import pytest

from callcenter.storage.journal import Journal

pytestmark = pytest.mark.unit


def lines_of(journal: Journal) -> list[str]:
    """All its lines, in chunks of two."""
    found: list[str] = []
    while len(found) < journal.count:
        found += journal.read(len(found), 2)
    return found


def test_lines_come_back_in_order_also_after_a_restart(tmp_path: Path) -> None:
    """What was appended is read as it is; a cleared journal leaves no file."""
    journal = Journal(tmp_path / "deep" / "journal.jsonl")
    journal.open()
    assert (journal.count, journal.id) == (0, "")
    journal.append(["a", "b"])
    journal.append(["c"])
    again = Journal(journal.path)
    again.open()
    assert (again.count, again.id) == (3, journal.id)
    assert lines_of(again) == ["a", "b", "c"]
    assert again.read(1, 1) == ["b"]
    assert again.read(3, 5) == []
    again.clear()
    assert not journal.path.exists()
    again.append(["d"])
    assert again.id != journal.id
    assert lines_of(again) == ["d"]


def test_a_crash_at_every_byte_loses_only_the_torn_line(tmp_path: Path) -> None:
    """Cut anywhere: what is complete is read, and the next line goes behind it, not into the torn one."""
    whole = Journal(tmp_path / "whole")
    whole.append(["first", "second", "third"])
    data = whole.path.read_bytes()
    head = data.index(b"\n") + 1
    for cut in range(len(data) + 1):
        path = tmp_path / f"cut{cut}"
        path.write_bytes(data[:cut])
        journal = Journal(path)
        journal.open()
        complete = max(0, data[:cut].count(b"\n") - 1)
        assert journal.count == complete
        journal.append(["new"])
        assert lines_of(journal) == [*["first", "second", "third"][:complete], "new"]
        assert journal.id
        assert (journal.id == whole.id) is (cut >= head)


@pytest.mark.parametrize(
    "content", [b"hello\n", b'{"journal": 1}\n', b"\xff\xfe\n", b'{"journal": "x", "format": 9}\n']
)
def test_what_is_no_journal_is_set_aside_not_lost(tmp_path: Path, content: bytes) -> None:
    """A file of somebody else or of a later format is kept under another name."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(content)
    journal = Journal(path)
    journal.open()
    assert journal.count == 0
    [aside] = tmp_path.glob("journal.jsonl.unreadable-*")
    assert aside.read_bytes() == content


def test_a_failed_append_leaves_nothing_half_written(tmp_path: Path) -> None:
    """Bytes that a full disk let through are cut off by the next append."""
    journal = Journal(tmp_path / "j")
    journal.append(["a"])
    with journal.path.open("ab") as file:
        file.write(b"half a li")
    journal.append(["b"])
    assert lines_of(journal) == ["a", "b"]


def test_a_journal_that_was_not_read_is_never_overwritten(tmp_path: Path) -> None:
    """If it could not be opened at the start, new lines begin another file."""
    old = Journal(tmp_path / "j")
    old.append(["old"])
    data = old.path.read_bytes()
    journal = Journal(old.path)
    journal.append(["new"])
    [aside] = tmp_path.glob("j.unreadable-*")
    assert aside.read_bytes() == data
    assert lines_of(journal) == ["new"]


def test_rejected_lines_are_kept_for_a_human(tmp_path: Path) -> None:
    """With the reason, in a file beside the journal."""
    journal = Journal(tmp_path / "j")
    journal.reject(["x", "y"], "too large")
    kept = [json.loads(line) for line in (tmp_path / "j.rejected").read_text().splitlines()]
    assert kept == [{"reason": "too large", "line": "x"}, {"reason": "too large", "line": "y"}]
