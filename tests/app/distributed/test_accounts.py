"""Accounts of connections from the tap's status to the topic, and on to the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.distributed import accounts
from app.distributed.accounts import AccountPublisher, accounts_of
from app.distributed.reading import read_topic
from diff.published import decode
from diff.store.client import Store
from diff.store.sink import Sink
from diff.store.tables import ConnectionAccount
from ingest.acknowledged import Acknowledged
from ingest.frame import Frame
from ingest.tap.status import ConnectionStatus, JournalStatus, TapStatus, read_status, write_status
from ingest.topics import Topics
from tests.running import until

OPEN = ConnectionStatus(
    charger_id="CP-1",
    connection_id="run-000001",
    state="mirrored",
    reason="",
    subprotocol="ocpp1.6",
    compression=False,
    opened_at=1_000_000,
    closed_at=None,
    last_frame_at=2_000_000,
    bytes_forwarded=900,
    bytes_mirrored=900,
    bytes_parsed=880,
    frames=12,
    gaps=0,
)
OTHER = replace(OPEN, charger_id="CP-2", connection_id="run-000002", subprotocol=None)
NAMELESS = replace(OPEN, charger_id="", connection_id="run-000003", state="handshake")
JOURNAL = JournalStatus(0, 0, settled=True, accepted=0, acknowledged=0, torn_bytes=0, error="")


def _status(at: int, *connections: ConnectionStatus) -> TapStatus:
    return TapStatus(at, "run", {}, {}, JOURNAL, "", 0, connections)


@contextmanager
def _publishing(
    kafka: str, topics: Topics, file: Path, every: float = 0.1, acknowledged: Acknowledged | None = None
) -> Iterator[AccountPublisher]:
    publisher = AccountPublisher(kafka, topics.connections, file, every=every, acknowledged=acknowledged)
    publisher.start()
    try:
        yield publisher
    finally:
        publisher.stop()


def _published(kafka: str, topics: Topics) -> list[ConnectionAccount]:
    records = list(read_topic(kafka, topics.connections))
    accounts = [decode(record.value, ConnectionAccount) for record in records]
    assert [record.key.decode() for record in records] == [one.charger_id for one in accounts]
    return sorted(accounts, key=lambda one: (one.at, one.connection_id))


def test_only_connections_with_a_charging_station_have_accounts() -> None:
    """What each of them counted, as of the status."""
    first, second = accounts_of(_status(7, OPEN, OTHER, NAMELESS))
    assert (first.charger_id, first.subprotocol, first.frames, first.at) == ("CP-1", "ocpp1.6", 12, 7)
    assert (second.charger_id, second.subprotocol) == ("CP-2", "")


def test_what_changed_is_published_once(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """Not again while it stays the same, and what changed last when the tap ends."""
    file = tmp_path / "tap-status.json"
    with _publishing(kafka, topics, file) as publisher:
        write_status(file, _status(1, OPEN, OTHER))
        until(lambda: publisher.published == 2, 20, "both accounts")
        write_status(file, _status(2, OPEN, replace(OTHER, frames=13)))
        until(lambda: publisher.published == 3, 20, "the one that changed")
    with _publishing(kafka, topics, file, every=60):
        write_status(file, _status(3, replace(OPEN, state="closed", closed_at=3_000_000)))

    found = [(one.at, one.charger_id, one.frames, one.state) for one in _published(kafka, topics)]
    assert found == [
        (1, "CP-1", 12, "mirrored"),
        (1, "CP-2", 12, "mirrored"),
        (2, "CP-2", 13, "mirrored"),
        (3, "CP-1", 12, "closed"),
    ]


def test_accounts_say_how_many_frames_are_published(kafka: str, topics: Topics, tmp_path: Path) -> None:
    """Each time that it grows, and never less than before; unknown where no publisher counts."""
    file, counts = tmp_path / "tap-status.json", Acknowledged()
    status = _status(1, OPEN)
    assert [one.frames_published for one in accounts_of(status)] == [None]
    for seq in range(3):
        counts.take(Frame("CP-1", OPEN.connection_id, seq, 1))
    write_status(file, status)
    with _publishing(kafka, topics, file, acknowledged=counts) as publisher:
        until(lambda: publisher.published == 1, 20, "the first account")
        counts.take(Frame("CP-1", OPEN.connection_id, 3, 1))
        until(lambda: publisher.published == 2, 20, "the account with one more")
        counts.counts.clear()
        write_status(file, _status(2, replace(OPEN, frames=13)))
        until(lambda: publisher.published == 3, 20, "the account of another status")
    found = [(one.at, one.frames_published) for one in _published(kafka, topics)]
    assert found == [(1, 3), (1, 4), (2, 4)]


def test_the_end_tells_nothing_where_kafka_is_known_to_be_away(tmp_path: Path) -> None:
    """It does not even try, and so does not wait."""
    file = tmp_path / "tap-status.json"
    write_status(file, _status(1, OPEN))
    publisher = AccountPublisher("127.0.0.1:1", "any", file, every=60)
    publisher.start()
    publisher.stop(reachable=False)
    assert (publisher.published, publisher.failure) == (0, "")


def test_kafka_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """The reason is said, and the end does not wait for ever."""
    file = tmp_path / "tap-status.json"
    write_status(file, _status(1, OPEN))
    publisher = AccountPublisher("127.0.0.1:1", "any", file, every=0.1, bootstrap_timeout_ms=500)
    publisher.start()
    until(lambda: publisher.failure, 20, "the failure")
    publisher.stop()
    assert publisher.published == 0


def test_no_account_is_looked_up_while_kafka_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tap shares its machine with this: an outage may not cost it twenty thousand accounts every five seconds."""
    file = tmp_path / "tap-status.json"
    write_status(file, _status(1, OPEN))
    looks: list[Path] = []
    attempts: list[AccountPublisher] = []

    def looked_at(path: Path) -> TapStatus | None:
        looks.append(path)
        return read_status(path)

    def refused(publisher: AccountPublisher) -> None:
        attempts.append(publisher)
        raise OSError("refused")

    monkeypatch.setattr(accounts, "read_status", looked_at)
    monkeypatch.setattr(AccountPublisher, "_connect", refused)
    publisher = AccountPublisher("127.0.0.1:1", "any", file, every=0.01)
    publisher.start()
    until(lambda: len(attempts) >= 3, 20, "three attempts")
    publisher.stop()
    assert len(looks) == 1


def test_the_sink_keeps_the_newest_account(kafka: str, topics: Topics, store: Store, tmp_path: Path) -> None:
    """Whatever order they come in, and however often."""
    file = tmp_path / "tap-status.json"
    for at, status in ((2, replace(OPEN, frames=20)), (1, OPEN), (2, replace(OPEN, frames=20))):
        with _publishing(kafka, topics, file, every=60):
            write_status(file, _status(at, status))
    sink = Sink(kafka, topics, store, judging_run="live", max_age=0.1)
    try:
        for _ in range(100):
            sink.step()
            if sink.records == 3 and not sink._taken:
                break
    finally:
        sink.close()
    assert store.rows("SELECT charger_id, connection_id, frames, bytes_parsed FROM connections FINAL") == [
        {"charger_id": "CP-1", "connection_id": "run-000001", "frames": 20, "bytes_parsed": 880}
    ]
