"""Logs: lines for people, JSON for machines, and no secret in either."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.watch.logs import Sparing, formatter
from tests.running import environment

SECRET = "t0p.secret"
_log = logging.getLogger("tests.logs")


@pytest.fixture(params=["text", "json"])
def lines(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """What is logged, as lines of one format."""
    written: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler = Keep()
    handler.setFormatter(formatter("sink", [SECRET, "secret"], as_json=request.param == "json"))
    _log.addHandler(handler)
    _log.propagate = False
    yield written
    _log.removeHandler(handler)
    _log.propagate = True


def test_no_secret_is_logged(lines: list[str]) -> None:
    """Neither in a message, nor in its arguments, nor in a URL, nor in an exception."""
    _log.error("password %s of %s", SECRET, "clickhouse://shadow:unknown-to-us@host:9000/db")
    try:
        int(SECRET)
    except ValueError:
        _log.exception("it failed")

    assert len(lines) == 2
    for text in lines:
        assert SECRET not in text
        assert "unknown-to-us" not in text
        assert "***" in text
    assert "shadow:***@host:9000/db" in lines[0]
    assert "ValueError" in lines[1]


def test_a_json_line_is_one_line_with_the_fields_that_are_documented() -> None:
    """Time in UTC, level, role, logger and message; a message of several lines stays one line."""
    record = logging.LogRecord("a.b", logging.WARNING, __file__, 1, "one\ntwo %d ü", (3,), None)
    record.created = 1.5
    text = formatter("tap", as_json=True).format(record)

    assert "\n" not in text
    assert msgspec.json.decode(text) == {
        "time": "1970-01-01T00:00:01.500Z",
        "level": "WARNING",
        "role": "tap",
        "logger": "a.b",
        "message": "one\ntwo 3 ü",
    }


@pytest.mark.parametrize(("setting", "as_json"), [("json", True), ("text", False), ("auto", True)])
def test_the_setting_chooses_the_format(tmp_path: Path, setting: str, as_json: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """`auto` is JSON where nobody sits at a terminal; what is said to people stands bare in text."""
    code = """
import logging
from app.watch import logs
from app.setting_sources import load
logs.begin("worker", load())
logs.say("ready")
logging.getLogger("faust.x").warning("careful")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment({"SHADOW_LOG_FORMAT": setting}),
        capture_output=True,
        text=True,
        check=True,
    )
    said, careful = done.stderr.splitlines()

    if as_json:
        assert [msgspec.json.decode(line)["message"] for line in (said, careful)] == ["ready", "careful"]
    else:
        assert said == "ready"
        assert careful.endswith("WARNING worker: careful")


def test_a_library_repeats_itself_once_in_ten_seconds() -> None:
    """The same complaint with other values is left out for a while; other complaints and our own lines are not."""
    sparing = Sparing()

    def passes(name: str, pattern: str, at: float, level: int = logging.WARNING) -> bool:
        record = logging.LogRecord(name, level, __file__, 1, pattern, (at,), None)
        record.created = at
        return sparing.filter(record)

    assert [passes("aiokafka.client", "no node %d", at) for at in (100, 101, 109, 110, 111)] == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert passes("aiokafka.client", "another %d", 111)
    assert all(passes("app.watch.watching", "no node %d", at) for at in (100, 101))
    assert all(passes("faust.x", "%d", at, logging.INFO) for at in (100, 101))
