"""What the records of the control topic add up to."""

import msgspec
import pytest

from ingest.control import (
    LONGEST_ACKNOWLEDGED,
    SWITCH,
    Acknowledgement,
    Control,
    ControlState,
    EnrolmentRule,
    EnrolmentSwitch,
    acknowledgement_of,
    encode,
    flaw_of,
    takes_back,
)
from ingest.enrolment import Override, Overrides


def _state(*items: Control) -> ControlState:
    state = ControlState()
    for item in items:
        key, value, _ = encode(item)
        state.apply(key, value)
    return state


def test_a_rule_is_a_cloud_event_under_the_charging_stations_id() -> None:
    """So that compaction keeps the newest rule of each of them, and everybody can read who said it and why."""
    key, value, headers = encode(
        EnrolmentRule("CP-1", enrolled=True, connectors=(1,), reason="beta", by="ann@ops", at=1_780_000_000_000_000)
    )

    assert key == b"CP-1"
    assert value is not None
    assert msgspec.json.decode(value) == {
        "kind": "enrolment",
        "charger": "CP-1",
        "enrolled": True,
        "connectors": [1],
        "reason": "beta",
        "by": "ann@ops",
        "at": 1_780_000_000_000_000,
    }
    given = dict(headers)
    assert given["ce_type"] == b"ocpp.control.enrolment.v1"
    assert given["ce_subject"] == b"CP-1"
    assert given["ce_time"] == b"2026-05-28T20:26:40Z"


def test_the_newest_record_of_a_key_counts() -> None:
    """Also when it takes something back."""
    state = _state(
        EnrolmentRule("CP-1", enrolled=True),
        EnrolmentRule("CP-2*", enrolled=True, connectors=(2,)),
        EnrolmentRule("CP-1", enrolled=False),
        EnrolmentSwitch(enabled=False),
    )
    assert state.overrides() == Overrides(
        enabled=False, rules=(Override("CP-1", enrolled=False), Override("CP-2*", enrolled=True, connectors=(2,)))
    )

    key, value, _ = takes_back("CP-2*", 0)
    state.apply(key, value)
    state.apply(*encode(EnrolmentSwitch(enabled=True))[:2])
    assert state.overrides() == Overrides(rules=(Override("CP-1", enrolled=False),))
    state.apply(SWITCH.encode(), None)
    assert state.enabled


def test_kinds_of_later_versions_are_passed_over() -> None:
    """They are counted, and so are fields that a later version adds to a known kind read without them."""
    state = _state(EnrolmentRule("CP-1", enrolled=True))
    state.apply(b"/pardon/x", b'{"kind":"pardon","code":"meter.rollback"}')
    state.apply(b"CP-2", b'{"kind":"enrolment","charger":"CP-2","enrolled":true,"until":"2027-01-01"}')

    assert (state.passed_over, state.unreadable) == (1, 0)
    assert set(state.rules) == {"CP-1", "CP-2"}


KNOWN = Acknowledgement(
    "00112233aabbccdd", "vendor ticket 12", "ann", 2_000_000, model="One", by="ann@ops", at=1_000_000
)


def test_an_acknowledgement_is_no_business_of_a_tap() -> None:
    """It changes no rule and is no unknown kind; whoever stores it reads the same back."""
    key, value, headers = encode(KNOWN)
    state = _state(EnrolmentRule("CP-1", enrolled=True), KNOWN)
    assert (set(state.rules), state.passed_over, state.unreadable) == ({"CP-1"}, 0, 0)
    assert key == f"/acknowledgement/{KNOWN.id}".encode()
    assert dict(headers)["ce_type"] == b"ocpp.control.acknowledgement.v1"
    assert acknowledgement_of(key, value) == KNOWN


def test_an_acknowledgement_is_known_by_its_scope() -> None:
    """Another reason, owner or day is a newer word on the same; another scope is another."""
    again = msgspec.structs.replace(KNOWN, reason="ticket 13", owner="bob", expires=3_000_000, at=1_500_000)
    assert again.id == KNOWN.id
    for field in ("fingerprint", "vendor", "model", "firmware", "charger"):
        assert msgspec.structs.replace(KNOWN, **{field: "x"}).id != KNOWN.id


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"fingerprint": "session.energy"}, "is no fingerprint"),
        ({"reason": " "}, "a reason is missing"),
        ({"owner": ""}, "an owner is missing"),
        ({"reason": "x" * 2001}, "of 2001 characters"),
        ({"charger": "CP\x1f1"}, "can be printed"),
        ({"expires": 1_000_000}, "expires before it begins"),
        ({"expires": 1_000_001 + LONGEST_ACKNOWLEDGED}, "more than a year"),
    ],
)
def test_an_acknowledgement_that_nobody_could_follow_is_never_said(changes: dict[str, object], flaw: str) -> None:
    """Reason, owner and an expiry within a year are mandatory, and so is a fingerprint."""
    wrong = msgspec.structs.replace(KNOWN, **changes)
    assert flaw in flaw_of(wrong)
    with pytest.raises(ValueError, match=flaw):
        encode(wrong)


def test_what_should_be_an_acknowledgement_and_is_none_is_refused() -> None:
    """Broken JSON, a foreign key and a missing owner are errors; other kinds and taken back keys are nothing."""
    key, value, _ = encode(KNOWN)
    assert value is not None
    for name, text in ((key, b"{"), (b"/acknowledgement/ff", value), (key, value.replace(b'"ann"', b'""'))):
        with pytest.raises(ValueError, match=r"acknowledgement|owner"):
            acknowledgement_of(name, text)
    assert acknowledgement_of(key, None) is None
    assert acknowledgement_of(b"CP-1", b"{") is None
    assert acknowledgement_of(key, b'{"kind":"acknowledgement-2"}') is None


@pytest.mark.parametrize(
    ("key", "value", "flaw"),
    [
        (b"CP-1", b"{", "truncated"),
        (b"CP-1", b'{"kind":"enrolment","charger":"CP-1"}', "enrolled"),
        (b"CP-1", b'{"kind":"enrolment","charger":"CP-2","enrolled":true}', "under the key 'CP-1'"),
        (b"CP-1", b'{"kind":"enrolment-switch","enabled":false}', "under the key 'CP-1'"),
        (b"CP-1", b'{"kind":"enrolment","charger":"CP-1","enrolled":true,"connectors":[-1]}', "connectors"),
        (b"\xff", b'{"kind":"enrolment","charger":"x","enrolled":true}', "utf-8"),
        (b"CP-1", b'{"kind":"enrolment","charger":"CP-1","enrolled":true,"reason":"' + b"x" * 70_000 + b'"}', "bytes"),
    ],
)
def test_what_nobody_could_follow_changes_nothing(key: bytes, value: bytes, flaw: str) -> None:
    """The rule that stood before it stands, and the record is counted with what is wrong."""
    state = _state(EnrolmentRule("CP-1", enrolled=False), EnrolmentSwitch(enabled=True))
    before = state.overrides()
    state.apply(key, value)

    assert state.overrides() == before
    assert state.unreadable == 1
    assert flaw in state.flaw


@pytest.mark.parametrize(
    ("rule", "flaw"),
    [
        (EnrolmentRule("", enrolled=True), "0 characters"),
        (EnrolmentRule("x" * 256, enrolled=True), "256 characters"),
        (EnrolmentRule(SWITCH, enrolled=True), r"begins with '/'.*\[/\]enrolment"),
        (EnrolmentRule("CP\n1", enrolled=True), "printed"),
        (EnrolmentRule("CP-1", enrolled=True, connectors=(1001,)), "connectors"),
        (EnrolmentRule("CP-1", enrolled=False, connectors=(1,)), "removed as a whole"),
    ],
)
def test_such_rules_are_not_written(rule: EnrolmentRule, flaw: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(ValueError, match=flaw):
        encode(rule)


def test_rules_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is not followed; those that stand can still be changed."""
    monkeypatch.setattr("ingest.control.MOST_RULES", 2)
    state = _state(
        EnrolmentRule("A", enrolled=True),
        EnrolmentRule("B", enrolled=True),
        EnrolmentRule("C", enrolled=True),
        EnrolmentRule("A", enrolled=False),
    )
    assert set(state.rules) == {"A", "B"}
    assert not state.rules["A"].enrolled
    assert "globs" in state.flaw
