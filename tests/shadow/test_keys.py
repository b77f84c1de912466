"""Tokens under several keys: what stands under another one is not known, and never another token."""

from typing import Any

import pytest
from msgspec.structs import replace

from app.keys import known_under
from demo.lived import AT_ONCE, Lived
from demo.native import NativeScript
from demo.script import Script
from ingest.key_ring import NO_KEYS, KeyRing
from shadow.tokens import GivenToken, TokenBook
from tests.rotating import RING, mirrored, redactor

TAG, OTHER = "04A1B2C3", "DEADBEEF"
LISTED = {"idTag": TAG, "idTagInfo": {"status": "Blocked"}}


def _lived(script: Script, *versions: str, book: TokenBook | None = None, ring: KeyRing = RING) -> Lived:
    config = AT_ONCE if book is None else replace(AT_ONCE, tokens=known_under(book, ring, None))
    return Lived(config).feed(mirrored(script.frames, versions))


def _again(script: Script) -> Script:
    """The charging station connects anew."""
    return script.close().wait(5).open().boot()


def _book(*, complete: bool = False, **more: Any) -> TokenBook:
    return TokenBook({TAG.lower(): GivenToken(**more)}, complete)


@pytest.mark.parametrize(("versions", "named"), [(("k1", "k1"), 1), (("k1", "k2"), 0), (("", ""), 1), (("", "k1"), 1)])
def test_a_local_list_under_another_key_is_forgotten(versions: tuple[str, str], named: int) -> None:
    """It is judged by the list while the key is the same, or nothing says that it is another; else it is not judged."""
    payload = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [LISTED]}
    script = _again(Script().boot().remote("SendLocalList", payload)).authorize(TAG)
    lived = _lived(script, *versions)
    assert len(lived.rows("session.authorization")) == named
    assert lived.fleet.chargers["CP1"].shadow.csms.judged_by_mapping == 1 - named


@pytest.mark.parametrize("versions", [("k1", "k1"), ("k1", "k2"), ("k2", "k1")])
def test_a_start_that_is_told_again_is_one_session(versions: tuple[str, str]) -> None:
    """Sent again after a reconnect under a new key it is still the same start, for both sides."""
    script = Script().boot().status(1, "Available")
    began = script.now
    payload = {"connectorId": 1, "idTag": TAG, "meterStart": 1000, "timestamp": began}
    script = _again(script.call("StartTransaction", payload)).start(1, TAG, 1000, transaction=7, at=began)
    lived = _lived(script.wait(600).stop(7, 3000, idTag=TAG), *versions).settle()
    (session,) = lived.sessions.values()
    assert (session.complete, session.compared) == (True, True)
    assert lived.codes() & {"session.token", "session.overlap", "session.missing-in-primary"} == set()


@pytest.mark.parametrize("versions", [("k1", "k1"), ("k1", "k2")])
def test_an_open_transaction_keeps_its_version(versions: tuple[str, str]) -> None:
    """Begun under one key and stopped under another, no token is a mismatch, and its row says under which it stands."""
    script = _again(Script().boot().status(1, "Available").start(1, TAG, 1000, transaction=7))
    script.wait(600).stop(7, 3000, idTag=TAG)
    lived = _lived(script, *versions)
    (session,) = lived.sessions.values()
    assert (session.id_token, session.key_version) == (redactor("k1").pseudonym(TAG), "k1")
    assert session.compared
    assert not lived.rows("session.token")


@pytest.mark.parametrize(("versions", "ended"), [(("k1", "k1"), False), (("k1", "k2"), True)])
def test_a_stop_without_an_id_is_not_held_against_a_token_of_another_key(
    versions: tuple[str, str], *, ended: bool
) -> None:
    """A stop under -1 with another token ends nothing; where none can be compared, it ends the only one running."""
    script = _again(Script().boot().status(1, "Available").start(1, TAG, 1000, transaction=7))
    script.wait(600).stop(-1, 3000, idTag=OTHER)
    lived = _lived(script, *versions)
    session = next(row for row in lived.sessions.values() if row.primary_transaction_id == "7")
    assert (session.stopped_at is not None) is ended


@pytest.mark.parametrize(("versions", "named"), [(("k1", "k1"), 0), (("k1", "k2"), 0)])
def test_concurrent_use_is_not_judged_across_keys(versions: tuple[str, str], named: int) -> None:
    """ConcurrentTx is a matter of what else runs: with the same key it is right, with another one nobody can tell."""
    script = _again(Script().boot().start(1, TAG, 0, transaction=7).wait(5))
    script.start(2, TAG, 0, transaction=8, status="ConcurrentTx")
    found = _lived(script, *versions, book=_book(concurrent=False)).rows("session.authorization")
    assert len(found) == named


@pytest.mark.parametrize(
    ("ring", "wanted"),
    [(RING, "Blocked"), (KeyRing(RING.keys[:1]), None), (NO_KEYS, None)],
    ids=["both", "one", "none"],
)
def test_a_token_file_counts_under_each_key_that_is_known(ring: KeyRing, wanted: str | None) -> None:
    """A token under a key that the reader of the file does not have is not judged, even by a complete file."""
    script = Script().boot().authorize(TAG)
    found = _lived(script, "k2", book=_book(complete=True, status="Blocked"), ring=ring).rows("session.authorization")
    assert [row.shadow for row in found] == ([] if wanted is None else [wanted])


def test_a_reservation_stays_and_its_token_is_not_compared() -> None:
    """The connector is still reserved; a transaction with a token under another key does not use it up elsewhere."""
    payload = {
        "connectorId": 1, "expiryDate": "2030-01-01T18:00:00Z", "idTag": TAG, "reservationId": 3
    }  # fmt: skip
    for versions, left in ((("k1", "k1"), set()), (("k1", "k2"), {3})):
        script = _again(Script().boot().status(1, "Available").status(2, "Available").remote("ReserveNow", payload))
        script.status(1, "Reserved").start(2, TAG, 0, transaction=7).status(1, "Reserved")
        assert set(_lived(script, *versions).fleet.chargers["CP1"].shadow.station.reservations) == left


def test_a_native_station_is_not_held_to_a_remote_start_of_another_key() -> None:
    """RequestStartTransaction for a token, and its Started after a reconnect under another key: no rule is broken."""
    asked = {"remoteStartId": 4, "idToken": {"idToken": TAG, "type": "ISO14443"}}
    for versions, broken in ((("k1", "k1"), True), (("k1", "k2"), False)):
        script = NativeScript().boot().asked("RequestStartTransaction", asked, {"status": "Accepted"})
        script.close().wait(1).open("ocpp2.0.1").started("T1", token=TAG)
        paths = {row.path for row in _lived(script, *versions).rows("rule.v201")}
        assert any("F01.FR.25" in path or "F02.FR.01" in path for path in paths) is broken, paths


def test_state_of_before_is_read() -> None:
    """A state that knows no versions lives on: what it holds is compared as it was."""
    lived = _lived(Script().boot().start(1, TAG, 0, transaction=7), "")
    state = lived.fleet.chargers["CP1"].shadow
    assert (state.key_version, [one.key_version for one in state.station.transactions.values()]) == ("", [""])
