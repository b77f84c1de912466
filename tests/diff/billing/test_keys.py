"""Records and sessions under several keys: old joins are kept where the keys are, and nothing is made up where not."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from app.keys import Redactors
from demo.lived import AT_ONCE, Lived
from demo.script import Script
from diff.discrepancy import Status
from diff.policy import SECOND, Policy, Words
from diff.policy import Kind as Comparing
from ingest.frame import Frame, Micros
from ingest.key_ring import NO_KEYS, KeyRing
from ingest.records.framing import record_of
from ingest.records.intake import Intake
from ingest.timestamps import format_micros
from tests.rotating import RING, YEAR_2030, mirrored, redactor

TAG, OTHER = "04A1B2C3D4E5F6", "DEADBEEF00"
POLICY = Policy(records_expected=True)
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _session(tag: str = TAG) -> Script:
    script = Script().boot().status(1, "Available").start(1, tag, 1000, transaction=7).wait(1800)
    return script.stop(7, 6000, idTag=tag)


def _record(script: Script, redactor_at: Callable[[Micros], Any], tag: str = TAG, **more: Any) -> Frame:
    cdr = {
        "id": "R1",
        "start_date_time": format_micros(script.at - 1800 * SECOND),
        "end_date_time": format_micros(script.at),
        "cdr_token": {"uid": tag, "type": "RFID"},
        "cdr_location": {"evse_uid": "E1", "connector_id": "1"},
        "currency": "EUR",
        "total_cost": {"excl_vat": Decimal("2.80")},
        "total_energy": Decimal("5.000"),
        "last_updated": format_micros(script.at),
        **more,
    }
    intake = Intake(lambda text: text, redactor_at=redactor_at)
    (frame,) = intake.ocpi(_encode(cdr).decode(), "test", script.at + 60 * SECOND, "CP1")
    assert isinstance(frame, Frame)
    return frame


def _lived(script: Script, version: str, *records: Frame, keys: KeyRing = RING, policy: Policy = POLICY) -> Lived:
    return Lived(replace(AT_ONCE, keys=keys), policy).feed([*mirrored(script.frames, [version]), *records]).settle()


def _standing(lived: Lived) -> set[str]:
    return {row.code for row in lived.discrepancies.values() if row.status is Status.OPEN} & {
        "session.token",
        "session.duplicate-record",
        "session.missing-in-primary",
        "session.missing-in-shadow",
    }


@pytest.mark.parametrize("kind", [Comparing.SEMANTIC, Comparing.EXACT])
@pytest.mark.parametrize("versions", [("k1", "k1"), ("k1", "k2"), ("k2", "k1")])
def test_a_record_joins_with_a_session_under_another_key(versions: tuple[str, str], kind: Comparing) -> None:
    """The same token is no mismatch under whichever two keys; another token is one, in words of the session's key."""
    script, policy = _session(), replace(POLICY, record_token=Words(kind=kind))
    session, record = versions
    same = _lived(script, session, _record(script, lambda _: redactor(record)), policy=policy)
    assert (_standing(same), [one.record_id for one in same.sessions.values()]) == (set(), ["R1"])
    other = _lived(script, session, _record(script, lambda _: redactor(record), OTHER), policy=policy)
    (found,) = other.rows("session.token")
    assert (found.primary or "").lower() == redactor(session).pseudonym(OTHER).lower()
    assert found.shadow == redactor(session).pseudonym(TAG)


def test_without_the_keys_tokens_are_not_compared() -> None:
    """The record is joined by its time, and no token is called another one."""
    script = _session()
    for keys in (NO_KEYS, KeyRing(RING.keys[1:])):
        lived = _lived(script, "k1", _record(script, lambda _: redactor("k2"), OTHER), keys=keys)
        assert (_standing(lived), [one.record_id for one in lived.sessions.values()]) == (set(), ["R1"])


def test_of_sessions_side_by_side_the_token_decides_across_keys() -> None:
    """A record without a connector finds the session of its token, though the key is another one."""
    script = Script().boot().start(1, TAG, 1000, transaction=7).start(2, OTHER, 1000, transaction=8).wait(1800)
    script.stop(8, 6000, idTag=OTHER).stop(7, 6000, idTag=TAG)
    for tag, transaction in ((TAG, "7"), (OTHER, "8")):
        lived = _lived(script, "k1", _record(script, lambda _: redactor("k2"), tag), policy=Policy())
        (billed,) = (one for one in lived.sessions.values() if one.record_id)
        assert billed.primary_transaction_id == transaction


def test_a_record_is_redacted_under_the_key_of_its_session_s_time() -> None:
    """Whenever it is delivered it is the same frame; its envelope names the key, and its id does not depend on that."""
    script = _session()
    frame = _record(script, Redactors(RING).at)
    again = _record(script, Redactors(KeyRing(RING.keys[:1])).at)
    assert script.at - YEAR_2030 < 86_400 * SECOND
    assert frame == again
    assert record_of(frame).key_version == "k1"
    assert record_of(frame).tokens == (redactor("k1").pseudonym(TAG),)
    bare = replace(frame, text=frame.text.replace('"key":"k1",', ""))
    assert bare.connection_id == frame.connection_id
    assert record_of(bare).key_version == ""


def test_a_record_that_comes_again_after_its_key_was_retired_is_no_duplicate() -> None:
    """Its tokens look different and all else is the same; where more differs, that is said."""
    script = _session()
    first = _record(script, lambda _: redactor("k1"))
    assert _standing(_lived(script, "k1", first, _record(script, lambda _: redactor("k2")))) == set()
    changed = _record(script, lambda _: redactor("k2"), total_energy=Decimal("5.001"))
    assert _standing(_lived(script, "k1", first, changed)) == {"session.duplicate-record"}


def test_a_record_of_before_is_compared_as_it_is() -> None:
    """Without a version nothing says that its key is another one."""
    script = _session()
    record = _record(script, lambda _: redactor("k1"))
    bare = replace(record, text=record.text.replace('"key":"k1",', ""))
    assert _standing(_lived(script, "k1", bare)) == set()
    assert _standing(_lived(script, "", record)) == set()
