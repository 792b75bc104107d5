"""Logs: personal data stays out, nobody's text forges a line or speaks to a terminal (A34)."""

import io
import json
import sys
from typing import Any, Literal

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcenter import log

pytestmark = pytest.mark.unit

HOSTILE = 'Wang\r\n{"event": "forged"}\x1b[2J\x9b31m\u2028\u202ealias\x00'


Form = Literal["json", "console"]


def written(monkeypatch: pytest.MonkeyPatch, form: Form, personal: bool = False, **facts: object) -> str:
    """What one log line looks like."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log.configure("INFO", form, personal=personal)
    structlog.get_logger("t").warning("something happened", **facts)
    structlog.get_logger("t").debug("nobody wants to know")
    return stream.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_personal_data_is_dropped(form: Literal["json", "console"], monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the settings ask for it."""
    facts: dict[str, Any] = {"pii_number": "13800138000", "queue": "sales"}
    assert "13800138000" not in written(monkeypatch, form, **facts)
    assert "sales" in written(monkeypatch, form, **facts)
    assert "13800138000" in written(monkeypatch, form, personal=True, **facts)


def test_bound_personal_data_is_dropped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bound to the task is part of each line."""
    with structlog.contextvars.bound_contextvars(pii_name="Wang", call_id="c1"):
        line = written(monkeypatch, "json")
    assert "Wang" not in line
    assert "c1" in line


@pytest.mark.parametrize("form", ["json", "console"])
def test_hostile_text_is_one_harmless_line(
    form: Literal["json", "console"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line break, no escape sequence, no control character of any kind, no turned text."""
    line = written(monkeypatch, form, reason=HOSTILE, parts=[HOSTILE], more={"x": HOSTILE})
    assert line.count("\n") == 1
    assert line.rstrip("\n").isprintable()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(), max_size=50))
def test_any_text_in_json(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """It comes back as it was, from a line that is printable; lone surrogates break nothing."""
    line = written(monkeypatch, "json", reason=text)
    assert line.rstrip("\n").isprintable()
    assert json.loads(line)["reason"] == text


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_error_shows_no_local_values(
    form: Literal["json", "console"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A traceback says where; the caller's number that was in a variable there stays out."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log.configure("INFO", form)
    number = str(13800138 * 1000)
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("t").exception("failed")
    assert "ValueError: broken" in stream.getvalue()
    assert number not in stream.getvalue()


def test_chinese_stays_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is text like any other."""
    assert "投诉" in written(monkeypatch, "json", queue="投诉")
