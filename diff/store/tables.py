"""The tables as the writer fills them, and the records that only the store knows. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import msgspec

from diff.alerts.alert import Alert
from diff.change import Change
from diff.noise import NoiseRun
from ingest.frame import Micros

__all__ = ["TABLES", "ChargerFacts", "ConnectionAccount", "DeadLetter", "Row", "StoredVerdict", "Table"]

Row = tuple[Any, ...]
"""Values in the order of `Table.columns`."""


class DeadLetter(msgspec.Struct, frozen=True):
    """Something that could not be read, mapped or stored, and why. Never the text itself."""

    charger_id: str
    received_at: Micros
    source: str
    """Which part of the product gave up: `tap`, `recording`, `writer` …"""
    position: str
    """Where in the source: a line number, a frame id, an offset."""
    reason: str
    size: int
    """Bytes."""
    shape: str = ""
    """The masked shape, see law 8 of the design."""

    @property
    def id(self) -> str:
        """Deterministic: the same letter twice is one row."""
        key = f"{self.charger_id}\x1f{self.source}\x1f{self.position}\x1f{self.reason}"
        return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


class ConnectionAccount(msgspec.Struct, frozen=True):
    """What the tap counted on one connection, as of `at`. The newest account of a connection wins."""

    charger_id: str
    connection_id: str
    state: str
    subprotocol: str
    compression: bool
    opened_at: Micros
    closed_at: Micros | None
    last_frame_at: Micros | None
    bytes_forwarded: int
    bytes_mirrored: int
    bytes_parsed: int
    frames: int
    gaps: int
    at: Micros
    frames_published: int | None = None
    """Of the frames, those that Kafka has acknowledged. Null where nothing is published, and of older taps."""


class ChargerFacts(msgspec.Struct, frozen=True):
    """What is known of a charging station; the highest version wins."""

    charger_id: str
    judging_run: str
    vendor: str
    model: str
    firmware: str
    first_seen: Micros
    last_seen: Micros
    comparisons: int
    """Judged comparisons made, with or without a difference."""
    version: int


class StoredVerdict(msgspec.Struct, frozen=True):
    """A verdict on a cohort as it was given; the latest about one time counts."""

    cohort: str
    at: Micros
    """What time it is about."""
    outcome: str
    first: str
    """The first gate that says so; empty beside GO."""
    because: str
    change: str
    chargers: int
    sessions: int
    mapper_version: str
    thresholds_version: str
    thresholds: str
    """JSON: the thresholds as they were in force."""
    detail: str
    """JSON: every gate with its numbers, and the trend."""
    decided_at: Micros


class Table(msgspec.Struct, frozen=True):
    """A table as the writer fills it."""

    name: str
    columns: tuple[str, ...]
    key: tuple[int, ...]
    """Where the values of its ORDER BY stand in a row."""
    time: int
    """Where the time that it is partitioned by stands, or in a table without partitions the time of a row."""
    version: int | None = None
    """Where the version stands; None where rows of one key are alike."""


def _table(name: str, key: str, time: str, columns: str, version: str | None = None) -> Table:
    names = tuple(columns.split())
    return Table(
        name,
        names,
        tuple(names.index(part) for part in key.split()),
        names.index(time),
        None if version is None else names.index(version),
    )


TABLES: Final = {
    table.name: table
    for table in (
        _table(
            "frames",
            "charger_id connection_id seq",
            "received_at",
            "charger_id connection_id seq frame_id received_at kind direction action message_type message_id text"
            " detail",
        ),
        _table(
            "messages",
            "charger_id judging_run message_id",
            "at",
            "charger_id judging_run message_id number at action type direction payload caused_by provenance"
            " transaction_id evse_id",
        ),
        _table(
            "dead_letters",
            "charger_id id",
            "received_at",
            "charger_id id received_at source position reason size shape",
        ),
        _table(
            "sessions",
            "charger_id judging_run session_id",
            "first_received_at",
            "charger_id judging_run session_id connector_id evse_id primary_transaction_id shadow_transaction_id"
            " id_token started_at stopped_at stop_reason primary_energy_wh shadow_energy_wh complete compared judged"
            " first_received_at last_received_at vendor model firmware detail version status record_id record_energy_wh"
            " record_amount record_currency shadow_amount amount_delta key_version",
            "version",
        ),
        _table(
            "discrepancies",
            "charger_id code judging_run id",
            "first_received_at",
            "charger_id code judging_run id class severity evse_id connector_id session_id path primary shadow delta"
            " unit frames occurrences occurred_at observed_at first_received_at fingerprint title detail status"
            " version vendor model firmware mapper_version policy_version schema_version",
            "version",
        ),
        _table(
            "connections", "charger_id connection_id", "opened_at", " ".join(ConnectionAccount.__struct_fields__), "at"
        ),
        _table(
            "device_facts",
            "charger_id source connector_id name",
            "at",
            "charger_id source connector_id name value at frame_id detail",
            "at",
        ),
        _table(
            "acknowledgements",
            "id at",
            "at",
            "id at fingerprint vendor model firmware charger reason owner expires said_by revoked",
        ),
        _table("changes", "id at", "at", " ".join(Change.__struct_fields__)),
        _table("noise_runs", "id", "at", " ".join(NoiseRun.__struct_fields__)),
        _table("verdicts", "cohort at", "at", " ".join(StoredVerdict.__struct_fields__), "decided_at"),
        _table("alerts", "id state", "opened_at", " ".join(Alert.__struct_fields__), "at"),
        _table("alert_watches", "name", "at", "name at state", "at"),
        _table("chargers", "charger_id judging_run", "first_seen", " ".join(ChargerFacts.__struct_fields__), "version"),
        _table(
            "applied",
            "charger_id connection_id first_seq",
            "at",
            "charger_id connection_id first_seq last_seq at",
            "last_seq",
        ),
    )
}
"""In the order of writing: evidence before what refers to it."""
