"""Queries of sessions, messages, frames and readings, over a real recording that was judged and stored."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from demo.stored import fill
from demo.traffic import Traffic
from diff.store import queries
from diff.store.client import Store
from diff.store.queries import Filter, MessageLine, SessionLine, Window
from ingest.frame import Direction, Frame, FrameKind, Gap, Handshake
from ingest.recording import Reader

RECORDINGS = Path(__file__).resolve().parents[3] / "../shared/recordings"


def recorded(name: str) -> list[Frame]:
    """The frames of a recording; skips where the recordings are not at hand."""
    path = RECORDINGS / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"the recording {path.name} is not beside the checkout")
    found = list(Reader().read(path.read_bytes().splitlines()))
    return [frame for frame in found if isinstance(frame, Frame)]


@pytest.fixture
def huawei(store: Store) -> Store:
    """A store with the recording of two sessions."""
    fill(store, recorded("huawei-like-two-sessions"))
    return store


def test_the_two_sessions_of_the_recording_have_0_and_248_wh(huawei: Store) -> None:
    """Both sessions are complete and compared, with equal energies on both sides, the later one first."""
    later, earlier = queries.latest_sessions(huawei)
    assert [(one.primary_energy_wh, one.shadow_energy_wh) for one in (earlier, later)] == [
        (Decimal(0), Decimal(0)),
        (Decimal(248), Decimal(248)),
    ]
    assert all(one.complete and one.compared and one.judged for one in (earlier, later))
    assert (later.primary_transaction_id, later.total) == ("1771262049", 2)
    seen = queries.overview(huawei)
    assert (seen.chargers, seen.frames, seen.sessions, seen.compared, seen.complete) == (1, 126, 2, 2, 2)
    assert queries.money_at_stake(huawei, Decimal("0.39")).amount == 0


def test_sessions_can_be_asked_for_by_difference(huawei: Store) -> None:
    """`differing` leaves the sessions with open discrepancies, with their count and the worst severity."""
    differing = queries.latest_sessions(huawei, only="differing")
    by_session = {one.session_id: one for one in differing}
    for one in queries.occurrences(huawei, Filter(codes=("session.zero",))):
        assert one.session_id is not None
        line = by_session[one.session_id]
        assert line.open >= 1
        assert line.worst in queries.SEVERITIES
    assert len(queries.latest_sessions(huawei, only="compared", charger="HW-*")) == 2
    assert queries.latest_sessions(huawei, charger="nobody") == []


def test_one_session_is_found_by_its_id(huawei: Store) -> None:
    """The line of the list and the line by id hold the same; an unknown id gives nothing."""
    for line in queries.latest_sessions(huawei):
        assert queries.session(huawei, line.session_id) == msgspec.structs.replace(line, total=1)
    assert queries.session(huawei, "nobody' OR 1=1") is None


def _charged(store: Store) -> SessionLine:
    return next(line for line in queries.latest_sessions(store) if line.primary_energy_wh)


def test_messages_of_a_session_are_its_own_and_what_surrounds_them(huawei: Store) -> None:
    """The events of the transaction come in order from Started to Ended, with the answers to them marked as its own."""
    line = _charged(huawei)
    messages = queries.messages_of(huawei, line)
    assert all(before.number < after.number for before, after in pairwise(messages))
    events = [one for one in messages if one.own and one.type == "request"]
    assert {one.transaction_id for one in events} == {line.shadow_transaction_id}
    assert [events[0].event_type, events[-1].event_type] == ["Started", "Ended"]
    answers = [one for one in messages if one.own and one.type == "response"]
    assert answers
    assert all(set(one.caused_by) & {frame for event in events for frame in event.caused_by} for one in answers)
    assert any(not one.own for one in messages)


def test_the_energy_curve_of_the_recording_rises_by_248_wh(huawei: Store) -> None:
    """The readings span what was billed, carry the charger's stamps, and never stand after their message."""
    line = _charged(huawei)
    messages = queries.messages_of(huawei, line)
    points = queries.energy_points(messages, queries.window_of(line, messages))
    # kWh readings of this charger have two decimals, so the finest readings are the ones in Wh.
    assert max(point.wh for point in points) - min(point.wh for point in points) in range(248, 258 + 1)
    sent = {message.message_id: message.at for message in messages}
    assert all(point.at <= sent[point.message_id] for point in points)
    assert points[0].stamped == "2026-02-16T17:14:08Z"


def test_frames_of_the_window_come_in_order_with_evidence_from_outside(huawei: Store) -> None:
    """A frame that proves something is listed also where it lies outside the time range."""
    line = _charged(huawei)
    window = queries.window_of(line)
    inside = queries.frames_between(huawei, line.charger_id, window.since, window.until)
    moments = [frame.received_at for frame in inside]
    assert moments == sorted(moments)
    assert all(window.since <= moment <= window.until for moment in moments)
    with_first = queries.frames_between(
        huawei, line.charger_id, window.since, window.until, also=("HW-LIKE-1@2026-02-16T18:06:46.507Z/0",), longest=5
    )
    assert [frame.frame_id for frame in with_first] == [
        "HW-LIKE-1@2026-02-16T18:06:46.507Z/0",
        *(frame.frame_id for frame in inside),
    ]
    assert all(len(frame.text) <= 5 for frame in with_first)
    limited = queries.frames_between(huawei, line.charger_id, window.since, window.until, limit=3)
    assert (len(limited), limited[0].total) == (3, len(inside))


def test_frames_come_back_whole_by_name(huawei: Store) -> None:
    """The text of a frame is what was received, to the character; what is not stored is missing."""
    original = {frame.frame_id: frame for frame in recorded("huawei-like-two-sessions")}
    found = queries.frames_named(
        huawei,
        "HW-LIKE-1",
        ["HW-LIKE-1@2026-02-16T18:06:46.507Z/92", "HW-LIKE-1@2026-02-16T18:06:46.507Z/118", "HW-LIKE-1@9/9"],
    )
    assert [frame.frame_id for frame in found] == [
        "HW-LIKE-1@2026-02-16T18:06:46.507Z/92",
        "HW-LIKE-1@2026-02-16T18:06:46.507Z/118",
    ]
    assert all(frame.text == original[frame.frame_id].text for frame in found)
    assert found[0].action == "StartTransaction"
    assert queries.frames_named(huawei, "HW-LIKE-1", []) == []


def test_a_recording_out_of_the_store_is_what_went_in(store: Store) -> None:
    """Frames of every kind, with handshake, gap and close code, come out as lines that read back equal."""
    at = 1_700_000_000_000_000
    kinds = [
        Frame("C", "c", 0, at, FrameKind.OPENED, handshake=Handshake(path="/ocpp/C", status=101, compression=True)),
        Frame("C", "c", 1, at + 1, direction=Direction.CP_TO_CS, text='[2,"\u00e9","Heartbeat",{}]'),
        Frame("C", "c", 2, at + 2, FrameKind.GAP, gap=Gap(bytes_missing=7, since=at, reason="buffer-full")),
        Frame("C", "c", 3, at + 3, FrameKind.PING, Direction.CS_TO_CP),
        Frame("C", "c", 4, at + 4, FrameKind.CLOSED, close_code=1006, judged_connectors=(1, 2)),
    ]
    fill(store, kinds)
    lines = queries.recording(store, "C", at, at + 4)
    assert list(Reader().read(lines.splitlines())) == kinds
    assert queries.overview(store).gap_frames == 1


def test_every_compared_session_of_a_fleet_has_its_messages_and_readings(store: Store) -> None:
    """For each session of simulated chargers the energy of the curve is the energy of the 2.0.1 session."""
    driven = Traffic(seed=3, chargers=4, sessions_per_charger=2, fault_share=0.0)
    fill(store, driven)
    lines = queries.latest_sessions(store)
    assert len(lines) == len(driven.sessions) > 0
    for line in lines:
        messages = queries.messages_of(store, line)
        points = queries.energy_points(messages, queries.window_of(line, messages))
        assert points[-1].wh - points[0].wh == line.shadow_energy_wh


def message(payload: str, at: int = 1_700_000_100_000_000, *, own: bool = True) -> MessageLine:
    """A TransactionEvent with a payload."""
    return MessageLine(
        message_id="m#1",
        number=1,
        at=at,
        action="TransactionEvent",
        type="request",
        direction="cp>cs",
        payload=payload,
        caused_by=(),
        provenance={},
        transaction_id="t",
        evse_id=1,
        event_type="Updated",
        trigger_reason="MeterValuePeriodic",
        own=own,
    )


WIDE = Window(0, 2**62)


@pytest.mark.parametrize(
    ("sample", "wh"),
    [
        ('{"value": 1.5}', Decimal("1.5")),
        ('{"value": "1.25", "unitOfMeasure": {"unit": "kWh"}}', Decimal(1250)),
        ('{"value": 2, "unitOfMeasure": {"unit": "Wh", "multiplier": 3}}', Decimal(2000)),
        ('{"value": 2, "unitOfMeasure": {"unit": "Wh", "multiplier": 99}}', None),
        ('{"value": 2, "phase": "L1"}', None),
        ('{"value": 2, "measurand": "Power.Active.Import"}', None),
        ('{"value": 2, "unitOfMeasure": {"unit": "varh"}}', None),
        ('{"value": "broken"}', None),
        ("{}", None),
    ],
)
def test_readings_are_total_import_registers_in_wh(sample: str, wh: Decimal | None) -> None:
    """Units and multipliers are applied exactly; phases, other measurands and what is no number are left out."""
    payload = f'{{"timestamp":"2023-11-14T22:13:20Z","meterValue":[{{"timestamp":"2023-11-14T22:13:20Z","sampledValue":[{sample}]}}]}}'  # noqa: E501 - one payload
    points = queries.energy_points([message(payload)], WIDE)
    assert [point.wh for point in points] == ([] if wh is None else [wh])


def test_a_reading_stands_before_its_message_as_far_as_the_charger_says() -> None:
    """The distance comes from the charger's clock against itself; where it leaves the window the receipt counts."""
    at = 1_700_000_100_000_000
    values = ",".join(
        f'{{"timestamp":"{stamp}","sampledValue":[{{"value":1}}]}}'
        for stamp in ("1999-12-31T23:59:50Z", "2000-01-01T00:00:05Z", "1970-01-01T00:00:00Z", "broken")
    )
    payload = f'{{"timestamp":"2000-01-01T00:00:00Z","meterValue":[{values}]}}'
    points = queries.energy_points([message(payload, at)], Window(at - 60_000_000, at))
    assert [point.at for point in points] == [at - 10_000_000, at, at, at]
    assert queries.energy_points([message(payload, at, own=False)], WIDE) == []
