"""Authorizations judged by the tokens that the shadow was given."""

from typing import Any

import pytest
from msgspec.structs import replace

from demo.lived import AT_ONCE, Lived
from demo.native import NativeScript
from demo.script import Script
from shadow.tokens import NONE, GivenToken, TokenBook

CODE = "session.authorization"
TAG = "04A1B2C3"
PAST, FUTURE = 1_800_000_000_000_000, 2_000_000_000_000_000


def _book(token: GivenToken | None, *, complete: bool = False) -> TokenBook:
    return TokenBook({} if token is None else {TAG.lower(): token}, complete)


def _lived(script: Script, book: TokenBook = NONE) -> Lived:
    return Lived(replace(AT_ONCE, tokens=book)).feed(script.frames)


def _named(script: Script, book: TokenBook = NONE) -> list[tuple[str | None, str | None]]:
    return [(row.primary, row.shadow) for row in _lived(script, book).rows(CODE)]


def _list(
    *entries: dict[str, Any], kind: str = "Full", status: str = "Accepted", script: Script | None = None
) -> Script:
    payload = {"listVersion": 1, "updateType": kind, "localAuthorizationList": list(entries)}
    return (Script().boot() if script is None else script).remote("SendLocalList", payload, status)


def _entry(status: str | None, **more: Any) -> dict[str, Any]:
    return {"idTag": TAG} if status is None else {"idTag": TAG, "idTagInfo": {"status": status, **more}}


@pytest.mark.parametrize(
    ("token", "primary", "expected"),
    [
        (GivenToken(), "Accepted", None),
        (GivenToken("Blocked"), "Accepted", "Blocked"),
        (GivenToken("Blocked"), "Invalid", None),  # refused is refused
        (GivenToken(), "Blocked", "Accepted"),
        (GivenToken(), "ConcurrentTx", None),  # speaks of the moment, and of that the file says nothing
        (GivenToken(concurrent=True), "ConcurrentTx", "Accepted"),
        (GivenToken(expires_at=PAST), "Accepted", "Expired"),
        (GivenToken(expires_at=FUTURE), "Accepted", None),
        (GivenToken("Blocked", PAST), "Accepted", "Blocked"),
    ],
)
def test_a_token_file_is_the_truth(token: GivenToken, primary: str, expected: str | None) -> None:
    """Statuses and expiry, at Authorize and at the start alike; only accepted against refused is a mismatch."""
    wanted = [] if expected is None else [(primary, expected)]
    assert _named(Script().boot().authorize(TAG.lower(), primary), _book(token)) == wanted
    assert _named(Script().boot().start(1, TAG, 0, transaction=7, status=primary), _book(token)) == wanted


def test_a_start_is_judged_with_its_session() -> None:
    """The row belongs to the session, and the two ways of asking are two rows."""
    script = Script().boot().authorize(TAG).start(1, TAG, 0, transaction=7)
    lived = _lived(script, _book(GivenToken("Blocked")))
    rows = {row.path: row for row in lived.rows(CODE)}
    assert set(rows) == {
        "AuthorizeResponse.idTokenInfo.status:token-file",
        "TransactionEventResponse.idTokenInfo.status:token-file",
    }
    assert rows["TransactionEventResponse.idTokenInfo.status:token-file"].session_id in lived.sessions


@pytest.mark.parametrize(("complete", "wanted"), [(True, [("Accepted", "Unknown")]), (False, [])])
def test_a_token_that_the_file_does_not_have(*, complete: bool, wanted: list[tuple[str, str]]) -> None:
    """Only a file that says it is complete makes a token unknown."""
    assert _named(Script().boot().authorize(TAG), _book(None, complete=complete)) == wanted


@pytest.mark.parametrize(("concurrent", "wanted"), [(False, [("Accepted", "ConcurrentTx")]), (True, []), (None, [])])
def test_concurrent_use(*, concurrent: bool | None, wanted: list[tuple[str, str]]) -> None:
    """A second transaction on the other connector, where the file allows one."""
    book = _book(GivenToken(concurrent=concurrent))
    script = Script().boot().start(1, TAG, 0, transaction=7).wait(60)
    assert _named(script, book) == []
    assert _named(script.start(2, TAG, 0, transaction=8), book) == wanted


def test_a_transaction_that_has_ended_is_no_concurrent_use() -> None:
    """The token is free again."""
    script = Script().boot().start(1, TAG, 0, transaction=7).wait(60).stop(7, 10).start(2, TAG, 0, transaction=8)
    assert _named(script, _book(GivenToken(concurrent=False))) == []


@pytest.mark.parametrize(
    ("group", "parent", "wanted"),
    [
        ("fleet", "FLEET", []),
        ("fleet", None, [("no group", "a group")]),
        ("fleet", "other", [("a group", "another group")]),
        ("", "other", [("a group", "no group")]),
        ("", None, []),
        (None, "other", []),
    ],
)
def test_groups(group: str | None, parent: str | None, wanted: list[tuple[str, str]]) -> None:
    """ParentIdTag against the group of the file; the row shows no token."""
    info = {"status": "Accepted"} if parent is None else {"status": "Accepted", "parentIdTag": parent}
    script = Script().boot().call("Authorize", {"idTag": TAG}).answer({"idTagInfo": info})
    assert _named(script, _book(GivenToken(group=group))) == wanted


def test_an_offline_acceptance_is_told() -> None:
    """The station began without asking: the detail says so."""
    script = Script().boot()
    for _ in range(3):
        script.wait(10).status(1, "Available")
    begun = script.close().wait(600).ago(300)
    script.open().start(1, TAG, 0, transaction=7, at=begun)
    (row,) = _lived(script, _book(GivenToken("Blocked"))).rows(CODE)
    assert "accepted it offline" in row.detail


@pytest.mark.parametrize(
    ("entry", "primary", "wanted"),
    [
        (_entry("Blocked"), "Accepted", [("Accepted", "Blocked")]),
        (_entry("Accepted"), "Blocked", [("Blocked", "Accepted")]),
        (_entry("Accepted"), "Accepted", []),
        (_entry("Accepted", expiryDate="2029-01-01T00:00:00Z"), "Accepted", [("Accepted", "Expired")]),
        (_entry("Accepted", expiryDate="2031-01-01T00:00:00Z"), "Accepted", []),
        (_entry("Accepted"), "ConcurrentTx", []),
        ({"idTag": "OTHER", "idTagInfo": {"status": "Blocked"}}, "Accepted", []),
    ],
)
def test_a_local_list_that_was_seen(entry: dict[str, Any], primary: str, wanted: list[tuple[str, str]]) -> None:
    """What the CSMS told the station against what it answers itself."""
    assert _named(_list(entry).authorize(TAG, primary)) == wanted


def test_a_list_counts_when_the_station_took_it() -> None:
    """Refused lists are none; a differential one changes single tokens, and an entry without idTagInfo removes one."""
    assert _named(_list(_entry("Blocked"), status="Failed").authorize(TAG)) == []
    assert _named(_list(_entry(None), kind="Differential", script=_list(_entry("Blocked"))).authorize(TAG)) == []
    assert _named(_list(script=_list(_entry("Blocked"))).authorize(TAG)) == []
    assert _named(_list(_entry("Blocked"), kind="Differential", script=_list(_entry("Accepted"))).authorize(TAG))


def test_the_token_file_outranks_the_local_list() -> None:
    """A list may be old; the file is what the operator says now."""
    assert _named(_list(_entry("Blocked")).authorize(TAG), _book(GivenToken())) == []


def test_a_long_list_is_remembered_in_part_and_a_forgotten_token_is_not_judged() -> None:
    """The newest 128: state is bounded, and nothing is named that is not known."""
    many = [{"idTag": f"T{number}", "idTagInfo": {"status": "Blocked"}} for number in range(300)]
    lived = _lived(_list(*many).authorize("T0").authorize("T299"))
    assert len(lived.fleet.chargers["CP1"].shadow.csms.local_list) == 128
    assert [row.occurrences for row in lived.rows(CODE)] == [1]


def test_how_answers_were_judged_is_counted() -> None:
    """Without a source only the mapping of the status is judged, and the counts say so."""
    script = Script().boot().authorize(TAG).authorize("BB")
    csms = _lived(script, _book(GivenToken())).fleet.chargers["CP1"].shadow.csms
    assert (csms.judged_by_tokens, csms.judged_by_mapping) == (1, 1)


def test_native_stations_are_judged_alike() -> None:
    """The same tokens, 2.0.1 on the wire."""
    script = NativeScript().boot().status(1, "Occupied").started("tx-1", token=TAG)
    assert _named(script, _book(GivenToken("Blocked"))) == [("Accepted", "Blocked")]
