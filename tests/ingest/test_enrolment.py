"""Which chargers are enrolled, and a file that changes."""

import os
from pathlib import Path

import pytest

from ingest.enrolment import (
    MIRROR_ALL,
    Decision,
    Enrolment,
    EnrolmentError,
    EnrolmentRules,
    Override,
    Overrides,
    parse_rules,
)
from ingest.enrolment_file import EnrolmentFile

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


def _overridden(rules: str, *overrides: Override, enabled: bool = True) -> Enrolment:
    return Enrolment(parse_rules(rules), Overrides(enabled, overrides))


@pytest.mark.parametrize(
    ("charger_id", "decision"),
    [
        ("CP-1", Decision(enrolled=False)),  # the file enrols it, an override removes it
        ("CP-99", Decision(enrolled=True, judged_connectors=(2,))),  # the file excludes it, an override adds it
        ("CP-70", Decision(enrolled=False)),
        ("CP-71", Decision(enrolled=True)),  # more plain characters than CP-7*
        ("CP-7A", Decision(enrolled=False)),
        ("CP-80", Decision(enrolled=False)),
        ("CP-81", Decision(enrolled=True)),  # CP-8? names a place where CP-8* names any rest
        ("LAB-1", Decision(enrolled=True, judged_connectors=(1, 2))),  # no override names it: the file's word holds
        ("LAB-2", Decision(enrolled=False)),
    ],
)
def test_overrides_are_stronger_than_the_file(charger_id: str, decision: Decision) -> None:
    """An id before any glob, the more precise glob before the other, and of equals the removal."""
    enrolment = _overridden(
        RULES,
        Override("CP-8?", enrolled=True),
        Override("CP-8*", enrolled=False),
        Override("CP-80", enrolled=False),
        Override("CP-7*", enrolled=False),
        Override("CP-71*", enrolled=True),
        Override("CP-1", enrolled=False),
        Override("CP-99", enrolled=True, connectors=(2,)),
    )
    assert enrolment.decide(charger_id) == decision


def test_all_but_some_can_be_said() -> None:
    """Everybody removed, and a glob or an id added to that: what a first beta begins with."""
    enrolment = Enrolment(
        MIRROR_ALL.rules,
        Overrides(
            rules=(
                Override("*", enrolled=False),
                Override("BETA-*", enrolled=True),
                Override("?ETA-*", enrolled=False),
                Override("CP[1]", enrolled=True),
            )
        ),
    )
    found = [name for name in ("BETA-1", "CP-1", "CP[1]", "CP1", "X") if enrolment.decide(name).enrolled]
    assert found == ["BETA-1", "CP[1]", "CP1"]


def test_either_kill_switch_suffices() -> None:
    """The file's and the control topic's: one of them off mirrors nobody, also who is added by name."""
    rule = Override("CP-1", enrolled=True)
    assert _overridden("", rule).decide("CP-1").enrolled
    assert not _overridden("enabled = false", rule).decide("CP-1").enrolled
    assert not _overridden('chargers = ["*"]', rule, enabled=False).decide("CP-1").enrolled


def test_overrides_are_followed_beside_the_file(tmp_path: Path) -> None:
    """They may be absent at first; once they were there, one that is broken or gone changes nothing."""
    path = tmp_path / "overrides.json"
    file = EnrolmentFile(None, path)
    assert file.reload()
    assert file.current.decide("CP-1").enrolled

    path.write_text('{"rules":[{"charger":"CP-1","enrolled":false}]}')
    assert file.reload()
    assert not file.reload()
    assert not file.current.decide("CP-1").enrolled
    assert file.current.decide("CP-2").enrolled

    path.write_text('{"enabled": fal')
    assert not file.reload()
    assert "no overrides" in file.error
    path.unlink()
    assert not file.reload()
    assert "the last good rules hold" in file.error
    assert not file.current.decide("CP-1").enrolled

    path.write_text("{}")
    assert file.reload()
    assert file.error == ""
    assert file.current.decide("CP-1").enrolled


def test_overrides_that_cannot_be_read_at_the_start_mirror_nobody(tmp_path: Path) -> None:
    """They may hold the kill switch."""
    path = tmp_path / "overrides.json"
    path.write_text("[]")
    rules = tmp_path / "rules.toml"
    rules.write_text('chargers = ["*"]')
    file = EnrolmentFile(rules, path)
    file.reload()
    assert str(path) in file.error
    assert not file.current.decide("CP-1").enrolled
    assert file.current.rules == EnrolmentRules(chargers=("*",))
