"""What `doctor` says of keys and rules."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from app.watch.doctor_privacy import privacy_findings
from app.watch.finding import Verdict
from ingest.redaction_key import change_ring, new_key, read_ring
from ingest.timestamps import format_micros

DAY = 86_400_000_000


def _found(tmp_path: Path, **more: Any) -> list[tuple[str, Verdict, str]]:
    settings = Settings(data_dir=tmp_path, **more)
    return [(one.check, one.verdict, one.seen + one.todo) for one in privacy_findings(settings)]


@pytest.mark.parametrize(
    ("days", "most", "verdict", "word"),
    [
        (3, 180, Verdict.OK, "2 keys; k is current for 3 days"),
        (181, 180, Verdict.WARN, "at most 180 are wanted"),
        (181, 0, Verdict.OK, "181 days"),
        (None, 180, Verdict.WARN, "not known"),
        (None, 0, Verdict.OK, "not known"),
    ],
)
def test_the_age_of_the_key(tmp_path: Path, days: int | None, most: int, verdict: Verdict, word: str) -> None:
    """Older than the setting allows, or of no known age, is a warning that says how to rotate; never a failure."""
    path = tmp_path / "redaction-key.json"
    since = [] if days is None else [format_micros(time.time_ns() // 1000 - days * DAY)]
    current: dict[str, str] = {"version": "k", "key": "11" * 32} | dict.fromkeys(["since"] if since else [], *since)
    older = {"version": "20000101T000000Z", "key": "00" * 32}
    path.write_text(json.dumps({"keys": [older, current]} if since else current))
    path.chmod(0o600)
    ((check, found, text),) = _found(tmp_path, redaction_key_max_days=most)
    assert (check, found, word in text) == ("privacy", verdict, True), text
    assert ("privacy rotate" in text) is (verdict is Verdict.WARN)


def test_without_a_key_there_is_nothing_to_say(tmp_path: Path) -> None:
    """The check of the key itself says what is wrong with it."""
    assert [(check, verdict) for check, verdict, _ in _found(tmp_path)] == [("privacy", Verdict.SKIP)]
    assert list(tmp_path.iterdir()) == []


def test_the_field_policy_is_read(tmp_path: Path) -> None:
    """How many rules it has; one that cannot be followed is a failure, for no tap starts with it."""
    read_ring(tmp_path / "redaction-key.json", create=True)
    change_ring(tmp_path / "redaction-key.json", lambda ring: ring.rotated(new_key(ring)))
    fields = tmp_path / "fields.toml"
    fields.write_text('[[rule]]\nmember = "m"\ndo = "drop"\nreason = "r"\n')
    assert _found(tmp_path, field_policy_file=fields)[1][1:] == (Verdict.OK, f"{fields}: 1 rules can be followed")
    fields.write_text("[[rule")
    check, verdict, text = _found(tmp_path, field_policy_file=fields)[1]
    assert (check, verdict) == ("field policy", Verdict.FAIL)
    assert str(fields) in text
