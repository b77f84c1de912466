"""A cohort in a store as two weeks of clean traffic would have left it: what tests of gates begin with."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from diff.applied import AppliedFrames
from diff.catalogue import CATALOGUE
from diff.discrepancy import Discrepancy, JudgedSession, Status, discrepancy_id
from diff.fingerprint import fingerprint
from diff.noise import NoiseRun
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.tables import ChargerFacts, ConnectionAccount
from diff.store.writer import Writer
from ingest.frame import Direction, Frame
from ingest.ocppj import parse
from shadow.config import MAPPER_VERSION

DAY = 86_400_000_000
AT = 1_780_300_800_000_000
"""What the verdicts are about."""
CHARGERS = (
    ("CP-1", "ACME", "One", "1.0"),
    ("CP-2", "Birch", "Two", "1.0"),
    ("CP-3", "Cedar", "Three", "1.0"),
)
TIMES = {"StartTransaction": 40, "StopTransaction": 40, "MeterValues": 60, "Authorize": 40, "BootNotification": 3}
"""Calls of each charging station."""


def generate(store: Store, sessions: int, *, days: int = 14) -> None:
    """Clean sessions spread evenly over days, and the traffic, accounts and noise run that belong to them."""
    writer = Writer(store, judging_run=JUDGING_RUN)
    for number in range(sessions):
        writer.add_session(a_session(number, AT - (number * days * DAY) // sessions - DAY // 24))
    for charger_id, vendor, model, firmware in CHARGERS:
        seq = 0
        for action, times in TIMES.items():
            for _ in range(times):
                text = f'[2,"{seq}","{action}",{{}}]'
                frame = Frame(
                    charger_id, f"{charger_id}@0", seq, AT - DAY + seq, direction=Direction.CP_TO_CS, text=text
                )
                writer.add_frame(frame, parse(text))
                seq += 1
        writer.add_charger(
            ChargerFacts(charger_id, JUDGING_RUN, vendor, model, firmware, AT - days * DAY, AT, sessions * 6, AT)
        )
        writer.add_connections([an_account(charger_id)])
    writer.add_noise_run(NoiseRun("r1", AT - DAY, MAPPER_VERSION, "1", "1", "the store", 500, 3, sessions, 0, 0, ""))
    writer.flush()


def a_session(number: int, at: int, **changes: Any) -> JudgedSession:
    """A compared session that ended at a time, on one of the charging stations in turn."""
    charger_id, vendor, model, firmware = CHARGERS[number % 3]
    session = JudgedSession(
        session_id=f"s{number}",
        charger_id=charger_id,
        connector_id=1,
        evse_id=1,
        primary_transaction_id=str(number),
        shadow_transaction_id=f"t{number}",
        id_token="TAG",
        started_at=at - 60_000_000,
        stopped_at=at,
        stop_reason="Local",
        primary_energy_wh=Decimal(1000),
        shadow_energy_wh=Decimal(1000),
        complete=True,
        compared=True,
        judged=True,
        first_received_at=at - 60_000_000,
        last_received_at=at,
        vendor=vendor,
        model=model,
        firmware=firmware,
        version=1,
        judging_run=JUDGING_RUN,
    )
    return replace(session, **changes)


def a_fault(code: str, at: int, *, charger: int = 0, session: str | None = "s0", **changes: Any) -> Discrepancy:
    """An open discrepancy of a charging station, with the fingerprint and severity that its code gives it."""
    charger_id, vendor, model, firmware = CHARGERS[charger]
    firmware = changes.pop("firmware", firmware)
    path = changes.pop("path", "energy")
    group, title = fingerprint(code, path, vendor, model, firmware)
    row = Discrepancy(
        id=discrepancy_id(charger_id, session, code, path),
        code=code,
        class_=CATALOGUE[code].class_,
        severity=CATALOGUE[code].severity,
        charger_id=charger_id,
        evse_id=1,
        connector_id=1,
        session_id=session,
        path=path,
        primary="1000",
        shadow="1100",
        delta=Decimal(100),
        unit="Wh",
        frames=("CP-1@0/1",),
        occurrences=1,
        occurred_at=None,
        observed_at=at,
        first_received_at=at,
        fingerprint=group,
        title=title,
        detail="",
        status=Status.OPEN,
        version=1,
        vendor=vendor,
        model=model,
        firmware=firmware,
        mapper_version=MAPPER_VERSION,
        policy_version="1",
        schema_version="1",
        judging_run=JUDGING_RUN,
    )
    return replace(row, **changes)


def an_account(charger_id: str, **changes: Any) -> ConnectionAccount:
    """Everything of a connection was seen, until just now."""
    account = ConnectionAccount(
        charger_id=charger_id,
        connection_id=f"{charger_id}@0",
        state="mirrored",
        subprotocol="ocpp1.6",
        compression=False,
        opened_at=AT - 14 * DAY,
        closed_at=None,
        last_frame_at=AT - 1,
        bytes_forwarded=100_000,
        bytes_mirrored=100_000,
        bytes_parsed=100_000,
        frames=200,
        gaps=0,
        at=AT,
    )
    return replace(account, **changes)


def add(store: Store, *things: Any) -> None:
    """Write records of any kind."""
    writer = Writer(store, judging_run=JUDGING_RUN)
    for thing in things:
        match thing:
            case Discrepancy():
                writer.add_discrepancy(thing)
            case JudgedSession():
                writer.add_session(thing)
            case ConnectionAccount():
                writer.add_connections([thing])
            case ChargerFacts():
                writer.add_charger(thing)
            case AppliedFrames():
                writer.add_applied(thing)
            case NoiseRun():
                writer.add_noise_run(thing)
            case Frame():
                writer.add_frame(thing, parse(thing.text))
            case _:
                writer.add_acknowledgement(thing)
    writer.flush()
