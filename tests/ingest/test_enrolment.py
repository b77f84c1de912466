"""Which chargers are enrolled, and a file that changes."""

import os
from pathlib import Path

import pytest

from ingest.enrolment import MIRROR_ALL, Decision, Enrolment, EnrolmentError, EnrolmentFile, parse_rules

RULES = """
enabled = true
chargers = ["CP-*", "depot[12]", "X.Y"]
exclude = ["CP-9*"]

[[connectors]]
charger = "LAB-1"
connectors = [2, 1]

[[connectors]]
charger = "CP-9-LAB"
connectors = [1]
"""


@pytest.mark.parametrize(
    ("charger_id", "decision"),
    [
        ("CP-1", Decision(enrolled=True)),
        ("cp-1", Decision(enrolled=False)),
        ("CP-99", Decision(enrolled=False)),
        ("depot2", Decision(enrolled=True)),
        ("XaY", Decision(enrolled=False)),
        ("MY-CP-1", Decision(enrolled=False)),
        ("LAB-1", Decision(enrolled=True, judged_connectors=(1, 2))),
        ("CP-9-LAB", Decision(enrolled=False)),
        ("", Decision(enrolled=False)),
    ],
)
def test_rules_decide(charger_id: str, decision: Decision) -> None:
    """Globs and ids enrol, case counts, a connector list enrols for judgement of those, and exclusion is stronger."""
    assert Enrolment(parse_rules(RULES)).decide(charger_id) == decision


def test_kill_switch_is_strongest() -> None:
    """Switched off, nobody is enrolled."""
    rules = Enrolment(parse_rules(RULES.replace("true", "false")))
    assert not any(rules.decide(name).enrolled for name in ("CP-1", "LAB-1", "depot1"))


def test_without_a_file_all_are_enrolled() -> None:
    """The default mirrors every charger that has a name."""
    assert MIRROR_ALL.decide("anything").enrolled
    assert not MIRROR_ALL.decide("").enrolled


def test_nobody_is_enrolled_by_an_empty_file() -> None:
    """Rules that name nobody enrol nobody."""
    assert not Enrolment(parse_rules("")).decide("CP-1").enrolled


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("enabled = true\nchargers = [", 2, "no TOML"),
        ('enabled = true\n\nchargers = "CP-*"', 3, "chargers"),
        ('chargers = []\nchargres = ["a"]', 2, "chargres"),
        ('[[connectors]]\ncharger = "A"', 1, "connectors.0.connectors"),
        ('[[connectors]]\ncharger = "A"\nconnectors = [-1]', 1, "connectors.0.connectors.0"),
        ('chargers = [""]', 1, "chargers.0"),
    ],
)
def test_a_broken_file_says_where_and_why(text: str, line: int, reason: str) -> None:
    """The line and the key are named."""
    with pytest.raises(EnrolmentError, match=reason) as error:
        parse_rules(text)
    assert error.value.line == line
    assert str(error.value).startswith(f"line {line}: ")


def _write(path: Path, text: str, at: int) -> None:
    path.write_text(text)
    os.utime(path, ns=(at, at))


def test_the_file_is_followed_and_the_last_good_one_kept(tmp_path: Path) -> None:
    """A change is taken over, a broken or vanished file changes nothing and is named, a mended one counts again."""
    path = tmp_path / "enrolment.toml"
    file = EnrolmentFile(path)
    assert not file.reload()
    assert "No such file" in file.error
    assert not file.current.decide("A").enrolled
    _write(path, 'chargers = ["A"]', 1)
    assert file.reload()
    assert not file.error
    assert file.current.decide("A").enrolled
    assert not file.reload()
    _write(path, "chargers = [", 2)
    assert not file.reload()
    assert "line 1" in file.error
    assert file.current.decide("A").enrolled
    path.unlink()
    assert not file.reload()
    assert file.current.decide("A").enrolled
    _write(path, 'chargers = ["B"]', 3)
    assert file.reload()
    assert not file.error
    assert file.current.decide("B").enrolled
    assert not file.current.decide("A").enrolled


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are named with their place."""
    path = tmp_path / "enrolment.toml"
    path.write_bytes(b"\xff\xfe")
    file = EnrolmentFile(path)
    assert not file.reload()
    assert "not UTF-8 at byte 0" in file.error
