"""The writer: batches, repeats, versions, absence of the store, and rows that do not fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from diff.discrepancy import Class, Discrepancy, JudgedSession, Severity, Status
from diff.store.client import Store
from diff.store.errors import StoreRefusedError, StoreUnavailable
from diff.store.tables import ChargerFacts, ConnectionAccount, DeadLetter
from diff.store.writer import BackPressure, Writer
from ingest.exchange import Answered, Called, Pairing, pair
from ingest.frame import Direction, Frame, FrameKind, Gap, Handshake
from ingest.ocppj import parse
from shadow.device_model.fact import Fact, Source
from shadow.message import MessageType, Provenance, ShadowMessage

T0 = 1_700_000_000_000_001


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Flaky:
    """A store that is away, or refuses, when the test says so; else the real one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.error: Exception | None = None
        self.inserts: list[tuple[str, int]] = []

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
        self.inserts.append((table, len(rows)))
        if self.error is not None:
            raise self.error
        return self.store.insert(table, columns, rows)


@pytest.fixture
def flaky(store: Store) -> Flaky:
    """The real store behind a switch."""
    return Flaky(store)


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


def frame(seq: int, text: str = "", **more: Any) -> Frame:
    """A frame from the charging station."""
    return Frame("C", "C@0", seq, T0 + seq, FrameKind.MESSAGE, Direction.CP_TO_CS, text, **more)


SESSION = JudgedSession(
    session_id="s1",
    charger_id="C",
    connector_id=1,
    evse_id=None,
    primary_transaction_id="17",
    shadow_transaction_id="T",
    id_token="ABC",
    started_at=T0,
    stopped_at=None,
    stop_reason=None,
    primary_energy_wh=Decimal(248),
    shadow_energy_wh=Decimal("248.125"),
    complete=False,
    compared=True,
    judged=True,
    first_received_at=T0,
    last_received_at=T0 + 1,
    vendor="V",
    model="M",
    firmware="F",
    version=1,
    judging_run="r1",
)

DISCREPANCY = Discrepancy(
    id="d1",
    code="session.energy",
    class_=Class.MISMATCH,
    severity=Severity.CRITICAL,
    charger_id="C",
    evse_id=1,
    connector_id=1,
    session_id="s1",
    path="energy",
    primary="248",
    shadow="248.125",
    delta=Decimal("0.125"),
    unit="Wh",
    frames=("C@0/1", "C@0/2"),
    occurrences=1,
    occurred_at=None,
    observed_at=T0 + 5,
    first_received_at=T0,
    fingerprint="f",
    title="t",
    detail="",
    status=Status.OPEN,
    version=1,
    vendor="V",
    model="M",
    firmware="F",
    mapper_version="1",
    policy_version="1",
    schema_version="1",
    judging_run="r1",
)


ACCOUNT: dict[str, Any] = {
    "opened_at": T0,
    "closed_at": None,
    "last_frame_at": T0,
    "bytes_forwarded": 9,
    "bytes_mirrored": 9,
    "bytes_parsed": 9,
    "frames": 3,
    "gaps": 0,
    "at": T0,
}


def fill(writer: Writer) -> None:
    """Something of everything."""
    for seq in range(20):
        writer.add_frame(frame(seq, f"text {seq}"))
    writer.add_message(ShadowMessage("C", "Heartbeat", {}, Direction.CP_TO_CS, MessageType.REQUEST, ("C@0/1",), T0, 0))
    writer.add_session(SESSION)
    writer.add_discrepancy(DISCREPANCY)
    writer.add_dead_letter(DeadLetter("C", T0, "tap", "C@0/9", "not UTF-8", 12, "xx9"))
    writer.add_connections([ConnectionAccount("C", "C@0", "open", "ocpp1.6", compression=False, **ACCOUNT)])
    writer.add_charger(ChargerFacts("C", "r1", "V", "M", "F", T0, T0, 4, 1))
    writer.add_fact(Fact("C", Source.KEY, "HeartbeatInterval", None, "300", T0, "C@0/1", {"readonly": "false"}))


def counts(store: Store) -> dict[str, int]:
    """Rows per table, as readers see them."""
    tables = (
        "frames",
        "messages",
        "sessions",
        "discrepancies",
        "dead_letters",
        "connections",
        "chargers",
        "device_facts",
    )
    return {table: store.execute(f"SELECT count() FROM {table} FINAL")[0][0] for table in tables}


def test_replays_change_no_count(store: Store) -> None:
    """The same rows written three times, by two writers and in other batches, are there once."""
    first = Writer(store, max_rows=7)
    fill(first)
    first.flush()
    expected = counts(store)
    assert expected["frames"] == 20
    assert set(expected.values()) == {20, 1}
    fill(first)
    first.flush()
    second = Writer(store)
    fill(second)
    second.flush()
    assert counts(store) == expected


def test_a_flush_without_rows_writes_nothing(flaky: Flaky) -> None:
    """Flushing twice costs no insert the second time."""
    writer = Writer(flaky)  # type: ignore[arg-type]  # a stand-in for the store
    writer.add_frame(frame(0))
    assert writer.flush() == 1
    assert writer.flush() == 0
    assert flaky.inserts == [("frames", 1)]


def test_the_newest_version_wins_in_whatever_order_it_comes(store: Store) -> None:
    """A withdrawal replaces the open row, within a batch and over batches, and an older version never comes back."""
    writer = Writer(store)
    withdrawn = msgspec.structs.replace(DISCREPANCY, version=3, status=Status.WITHDRAWN, observed_at=T0 + 90_000_000)
    writer.add_discrepancy(DISCREPANCY)
    writer.flush()
    writer.add_discrepancy(withdrawn)
    writer.add_discrepancy(msgspec.structs.replace(DISCREPANCY, version=2, severity=Severity.MINOR))
    assert writer.waiting == 1
    writer.flush()
    writer.add_discrepancy(DISCREPANCY)
    writer.flush()
    assert store.execute("SELECT id, status, version, severity FROM discrepancies FINAL") == [
        ("d1", "withdrawn", 3, "critical")
    ]


def test_two_judging_runs_stand_side_by_side(store: Store) -> None:
    """A row of another judging run replaces nothing of the first."""
    writer = Writer(store)
    for run in ("r1", "r2"):
        writer.add_session(msgspec.structs.replace(SESSION, judging_run=run))
        writer.add_discrepancy(msgspec.structs.replace(DISCREPANCY, judging_run=run))
    writer.flush()
    assert store.execute("SELECT judging_run FROM sessions FINAL ORDER BY 1") == [("r1",), ("r2",)]
    assert store.execute("SELECT judging_run FROM discrepancies FINAL ORDER BY 1") == [("r1",), ("r2",)]


def test_a_frame_is_stored_with_what_its_text_is(store: Store) -> None:
    """Action, message type and id of calls, answers and junk; an answer has the action of its call."""
    writer = Writer(store)
    pairing = Pairing()
    texts = ['[2,"m1","Heartbeat",{}]', '[3,"m1",{"currentTime":"x"}]', '[4,"zz","GenericError","",{}]', "junk"]
    for seq, text in enumerate(texts):
        direction = Direction.CS_TO_CP if seq == 1 else Direction.CP_TO_CS
        one = msgspec.structs.replace(frame(seq, text), direction=direction)
        event = pair(pairing, one, parse(text))
        assert isinstance(event, (Called, Answered)) is (seq < 2)
        writer.add_frame(one, event)
    writer.add_frame(frame(4, texts[0]), parse(texts[0]))
    writer.add_frame(frame(5))
    writer.flush()
    assert store.execute(
        "SELECT seq, direction, action, message_type, message_id, text FROM frames FINAL ORDER BY seq"
    ) == [
        (0, "cp>cs", "Heartbeat", "call", "m1", texts[0]),
        (1, "cs>cp", "Heartbeat", "result", "m1", texts[1]),
        (2, "cp>cs", "", "error", "zz", texts[2]),
        (3, "cp>cs", "", "malformed", "", texts[3]),
        (4, "cp>cs", "Heartbeat", "call", "m1", texts[0]),
        (5, "cp>cs", "", "", "", ""),
    ]


def test_what_a_frame_holds_besides_text_is_kept(store: Store) -> None:
    """Handshake, gap, close code and judged connectors stand in `detail`; times keep their microsecond."""
    writer = Writer(store)
    writer.add_frame(Frame("C", "C@0", 0, T0, FrameKind.OPENED, handshake=Handshake(subprotocol="ocpp1.6", status=101)))
    writer.add_frame(Frame("C", "C@0", 1, T0, FrameKind.GAP, gap=Gap(77, T0, "buffer-full"), judged_connectors=(1,)))
    writer.add_frame(Frame("C", "C@0", 2, T0, FrameKind.CLOSED, close_code=4001))
    writer.flush()
    found = store.execute("SELECT detail, toUnixTimestamp64Micro(received_at), kind FROM frames FINAL ORDER BY seq")
    assert [json.loads(row[0]) for row in found] == [
        {"handshake": {"subprotocol": "ocpp1.6", "status": 101}},
        {"gap": {"bytes_missing": 77, "since": T0, "reason": "buffer-full"}, "judged_connectors": [1]},
        {"close_code": 4001},
    ]
    assert {row[1] for row in found} == {T0}
    assert [row[2] for row in found] == ["opened", "gap", "closed"]


def test_a_message_is_stored_with_payload_and_provenance(store: Store) -> None:
    """Numbers of a payload keep all their digits, and transaction and EVSE can be searched for."""
    writer = Writer(store, judging_run="r1")
    payload = {
        "transactionInfo": {"transactionId": "T1"},
        "evse": {"id": 2},
        "meterValue": [{"sampledValue": [{"value": Decimal("0.100000000000000000001")}]}],
    }
    for number, one in enumerate((payload, {"transactionId": "T2", "evseId": 3}, {"evseId": 2**40})):
        writer.add_message(
            ShadowMessage(
                charger_id="C",
                action="TransactionEvent",
                payload=one,
                direction=Direction.CP_TO_CS,
                type=MessageType.REQUEST,
                caused_by=("C@0/1", "C@0/2"),
                at=T0,
                number=number,
                provenance={"triggerReason": Provenance.DERIVED},
            )
        )
    writer.flush()
    found = store.rows("SELECT * FROM messages FINAL ORDER BY number")
    assert [(row["transaction_id"], row["evse_id"]) for row in found] == [("T1", 2), ("T2", 3), ("", None)]
    assert found[0]["message_id"] == "C@0/2#0"
    assert found[0]["caused_by"] == ["C@0/1", "C@0/2"]
    assert found[0]["provenance"] == {"triggerReason": "derived"}
    assert '"value":0.100000000000000000001' in found[0]["payload"]


@pytest.mark.parametrize(
    ("value", "stored", "note"),
    [
        (None, None, ""),
        ("0.1", "0.1", ""),
        ("-12345678901234567890123456789012.123456", "-12345678901234567890123456789012.123456", ""),
        ("1E+3", "1000", ""),
        ("0.0000015", "0.000002", "delta=0.0000015 exactly"),
        ("1E+32", None, "delta=1E+32 does not fit the column"),
        ("1E+999999", None, "delta=1E+999999 does not fit the column"),
        ("99999999999999999999999999999999.9999999", None, "does not fit the column"),
        ("NaN", None, "delta=NaN does not fit the column"),
        ("-Infinity", None, "delta=-Infinity does not fit the column"),
    ],
)
def test_decimals_are_exact_or_said_not_to_fit(store: Store, value: str | None, stored: str | None, note: str) -> None:
    """Every digit that the column has comes back; what it has not stands in `detail`, and the stream goes on."""
    writer = Writer(store)
    delta = None if value is None else Decimal(value)
    writer.add_discrepancy(msgspec.structs.replace(DISCREPANCY, delta=delta, detail="why"))
    writer.flush()
    (found,) = store.rows("SELECT delta, toString(delta) AS text, detail FROM discrepancies FINAL")
    assert found["text"] == stored
    assert found["delta"] == (None if stored is None else Decimal(stored))
    assert found["detail"].startswith("why")
    assert note in found["detail"]
    assert ("; " in found["detail"]) is bool(note)


def test_numbers_that_no_charger_has_are_kept_as_text(store: Store) -> None:
    """A connector number beyond 32 bits is NULL with its text beside it, not a lost session."""
    writer = Writer(store)
    writer.add_session(msgspec.structs.replace(SESSION, connector_id=2**40, shadow_energy_wh=Decimal("1E+40")))
    writer.flush()
    assert store.execute("SELECT connector_id, shadow_energy_wh, primary_energy_wh, detail FROM sessions FINAL") == [
        (
            None,
            None,
            Decimal(248),
            "connector_id=1099511627776 does not fit the column; shadow_energy_wh=1E+40 does not fit the column",
        )
    ]


def test_energies_add_up_exactly(store: Store) -> None:
    """Ten times 0.1 is 1 in the store's own sum."""
    writer = Writer(store)
    for number in range(10):
        writer.add_session(msgspec.structs.replace(SESSION, session_id=f"s{number}", primary_energy_wh=Decimal("0.1")))
    writer.flush()
    assert store.execute(
        "SELECT toString(sum(primary_energy_wh)), toTypeName(sum(primary_energy_wh)) FROM sessions"
    ) == [("1", "Nullable(Decimal(38, 6))")]


def test_rows_are_written_when_many_or_old_enough(flaky: Flaky, clock: Clock) -> None:
    """A batch goes out when it is full, or when its oldest row has waited long enough, and not before."""
    writer = Writer(flaky, max_rows=3, max_age=1.0, clock=clock)  # type: ignore[arg-type]  # a stand-in
    writer.add_frame(frame(0))
    writer.add_frame(frame(1))
    assert flaky.inserts == []
    writer.add_frame(frame(2))
    assert flaky.inserts == [("frames", 3)]
    writer.add_frame(frame(3))
    clock.now = 0.9
    assert writer.flush_due() == 0
    clock.now = 1.1
    assert writer.flush_due() == 1
    assert writer.flush_due() == 0
    assert writer.written == 4


def test_large_texts_go_out_by_their_size(flaky: Flaky) -> None:
    """A few large frames fill a batch as many small ones do."""
    writer = Writer(flaky, max_bytes=100_000)  # type: ignore[arg-type]  # a stand-in
    writer.add_frame(frame(0, "x" * 60_000))
    assert flaky.inserts == []
    writer.add_frame(frame(1, "x" * 60_000))
    assert flaky.inserts == [("frames", 2)]


def test_while_the_store_is_away_rows_wait_and_nothing_is_lost(flaky: Flaky, store: Store, clock: Clock) -> None:
    """Rows are kept up to the capacity, attempts are spaced, then back-pressure says so; afterwards all are there."""
    writer = Writer(flaky, max_rows=2, capacity=5, clock=clock)  # type: ignore[arg-type]  # a stand-in
    flaky.error = StoreUnavailable("away", 2.0)
    for seq in range(5):
        writer.add_frame(frame(seq))
    assert flaky.inserts == [("frames", 2)], "the next attempt comes after retry_after, not with each row"
    with pytest.raises(BackPressure) as pressure:
        writer.add_frame(frame(5))
    assert pressure.value.retry_after == pytest.approx(2.0)
    assert writer.failure is flaky.error
    with pytest.raises(StoreUnavailable):
        writer.flush()
    assert writer.waiting == 5
    flaky.error = None
    clock.now = 2.5
    writer.add_frame(frame(5))
    writer.flush()
    assert writer.failure is None
    assert writer.waiting == 0
    assert store.execute("SELECT count() FROM frames FINAL") == [(6,)]


def test_an_interrupted_flush_continues_where_it_was(flaky: Flaky, store: Store) -> None:
    """A store that goes away between two tables has the first, keeps the rest waiting, and ends up with all."""
    writer = Writer(flaky)  # type: ignore[arg-type]  # a stand-in
    fill(writer)
    whole = writer.waiting
    real = flaky.insert

    def cut(table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
        if table == "sessions":
            raise StoreUnavailable("away", 0.5)
        return real(table, columns, rows)

    flaky.insert = cut  # type: ignore[method-assign]  # the switch of this test
    with pytest.raises(StoreUnavailable):
        writer.flush()
    assert 0 < writer.waiting < whole
    flaky.insert = real  # type: ignore[method-assign]  # and back
    writer.flush()
    assert set(counts(store).values()) == {20, 1}


def test_a_row_that_does_not_fit_becomes_a_dead_letter_and_the_rest_is_written(store: Store) -> None:
    """One bad row in a batch is found, named in a dead letter with its key, and stops nobody else."""
    writer = Writer(store)
    for seq in (*range(10), 2**70, *range(10, 20)):
        writer.add_frame(frame(seq))
    writer.add_frame(Frame("bad\ud800", "x@0", 0, T0))
    writer.flush()
    assert writer.refused == 2
    assert store.execute("SELECT count() FROM frames FINAL") == [(20,)]
    letters = store.rows("SELECT charger_id, source, position, reason FROM dead_letters FINAL ORDER BY charger_id")
    assert [letter["position"] for letter in letters] == [
        f"frames 'C'/'C@0'/{2**70}",
        "frames 'bad\\ud800'/'x@0'/0",
    ]
    assert {letter["source"] for letter in letters} == {"writer"}
    assert all("cannot be encoded" in letter["reason"] for letter in letters)


def test_a_missing_table_gives_up_no_row(store: Store) -> None:
    """Where the refusal concerns the table and not a row, all rows are kept and the refusal is raised."""
    writer = Writer(store)
    writer.add_frame(frame(0))
    writer.add_frame(frame(1))
    store.execute("DROP TABLE frames SYNC")
    with pytest.raises(StoreRefusedError) as refusal:
        writer.flush()
    assert refusal.value.code == 60
    assert (writer.waiting, writer.refused) == (2, 0)
    store.execute("TRUNCATE TABLE schema_versions")
    store.migrate()
    assert writer.flush() == 2


def test_a_recording_of_many_years_is_one_batch(store: Store) -> None:
    """More months than ClickHouse's default of partitions in one insert, from no time at all to the year 2200."""
    writer = Writer(store)
    month = 31 * 86_400 * 1_000_000
    for seq in range(300):
        writer.add_frame(msgspec.structs.replace(frame(seq), received_at=seq * 9 * month))
    writer.flush()
    assert store.execute("SELECT count(), min(toUnixTimestamp64Micro(received_at)) FROM frames FINAL") == [(300, 0)]
