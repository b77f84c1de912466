"""What is said by people: stored, told to the topic, and kept in the trail."""

from __future__ import annotations

import msgspec
import pytest

from diff.change import ENROLMENT, change_of
from diff.store.changing import say
from diff.store.client import Store
from diff.store.queries.acknowledgements import acknowledgements
from diff.store.queries.changes import changes, last_change
from diff.store.writer import Writer
from ingest.control import Acknowledgement, Control, EnrolmentRule, EnrolmentSwitch, Message

FIRST = Acknowledgement("00000000000000aa", "known", "team", 2_000_000, by="anna", at=1_000_000)


@pytest.mark.parametrize(
    ("item", "action", "subject"),
    [
        (EnrolmentRule("CP-1", enrolled=True, by="a", at=1), "enrol", "CP-1"),
        (EnrolmentRule("CP-*", enrolled=False, by="a", at=1), "remove", "CP-*"),
        (EnrolmentSwitch(enabled=False, by="a", at=1), "switch off", ENROLMENT),
        (EnrolmentSwitch(enabled=True, by="a", at=1), "switch on", ENROLMENT),
        (FIRST, "acknowledge", FIRST.fingerprint),
    ],
)
def test_each_kind_of_record_has_its_word(item: Control, action: str, subject: str) -> None:
    """The trail says what was done to what, by whom, and in full what was said."""
    change = change_of(item, "approver", "page")
    assert (change.action, change.subject, change.said_by, change.at) == (action, subject, item.by, item.at)
    assert msgspec.json.decode(change.after)["kind"]
    assert change.before == ""


def test_the_trail_knows_what_held_before(store: Store) -> None:
    """Said again it is a renewal, taken back a revocation, each with the version before it."""
    again = msgspec.structs.replace(FIRST, expires=3_000_000, at=1_500_000, by="ben")
    gone = msgspec.structs.replace(again, at=1_600_000, revoked=True)
    for one in (FIRST, again, gone):
        say(store, [one], role="approver", way="page")
    found = changes(store)
    assert [one.action for one in found] == ["revoke", "renew", "acknowledge"]
    assert [msgspec.json.decode(one.before)["by"] for one in found[:2]] == ["ben", "anna"]
    assert last_change(store) == 1_600_000
    assert changes(store, "another") == []


def test_an_acknowledgement_of_the_topic_is_in_the_trail(store: Store) -> None:
    """What the sink stored has no record of its own and is told nevertheless, once."""
    writer = Writer(store)
    writer.add_acknowledgement(FIRST)
    writer.flush()
    (found,) = changes(store)
    assert (found.action, found.way, found.said_by) == ("acknowledge", "control topic", "anna")
    assert last_change(store) == FIRST.at


def test_nothing_is_stored_where_the_topic_refuses(store: Store) -> None:
    """The topic is told first: taps and sinks must not lag behind what the store claims."""

    def refuse(_: object) -> None:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        say(store, [FIRST], role="approver", way="page", speaker=refuse)
    assert acknowledgements(store) == []
    assert last_change(store) is None


def test_what_nobody_could_follow_is_not_said(store: Store) -> None:
    """A flaw is raised before anything is told or stored."""
    told: list[Message] = []
    with pytest.raises(ValueError, match="a reason is missing"):
        say(store, [msgspec.structs.replace(FIRST, reason="")], role="approver", way="page", speaker=told.extend)
    assert told == []
    assert changes(store) == []
