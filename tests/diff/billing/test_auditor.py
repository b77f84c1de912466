"""Sessions held against billing records: every verdict once from frames that must raise it and once from near ones."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from demo.billing import TARIFF
from demo.lived import Lived
from demo.script import NOON, Script
from diff.catalogue import CATALOGUE
from diff.discrepancy import Discrepancy, JudgedSession, Status
from diff.judgement import JudgeState
from diff.policy import SECOND, Policy
from ingest.frame import Frame, FrameKind, Gap, Micros
from ingest.records.intake import Intake
from ingest.timestamps import format_micros
from shadow import codec

TAG = "04A1B2C3"
HOUR = 3600 * SECOND
POLICY = Policy(records_expected=True)
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _charged(script: Script | None = None, *, transaction: int = 7, meter: int = 1000, tag: str = TAG) -> Script:
    """Half an hour and 5 kWh on connector 1, cleanly."""
    script = script or Script().boot().status(1, "Available")
    script.status(1, "Preparing").start(1, tag, meter, transaction=transaction).status(1, "Charging").wait(1800)
    script.stop(transaction, meter + 5000, idTag=tag).status(1, "Finishing").status(1, "Available")
    return script


def _cdr(script: Script, name: str = "R1", **changes: Any) -> dict[str, Any]:
    """The CDR of the session that `_charged` lived last: 5 kWh at 0.49, 0.35 flat, 19 % VAT."""
    stop = script.at
    start = stop - 1800 * SECOND
    cdr = {
        "id": name,
        "start_date_time": format_micros(start),
        "end_date_time": format_micros(stop),
        "cdr_token": {"uid": TAG, "type": "RFID", "contract_id": "DE-ABC-C00000001-1"},
        "cdr_location": {"evse_uid": "E1", "connector_id": "1"},
        "currency": "EUR",
        "tariffs": [TARIFF],
        "total_cost": {"excl_vat": Decimal("2.80"), "incl_vat": Decimal("3.33")},
        "total_energy": Decimal("5.000"),
        "total_time": Decimal("0.5"),
        "last_updated": format_micros(stop),
    }
    return {**cdr, **changes}


def _frame(cdr: dict[str, Any], at: Micros, connector: int | None = 1) -> Frame:
    (frame,) = Intake(lambda text: text).ocpi(_encode(cdr).decode(), "test", at, "CP1")
    assert isinstance(frame, Frame), frame
    text = frame.text.replace('"connector":null', f'"connector":{connector}') if connector is not None else frame.text
    return replace(frame, text=text)


def _with(script: Script, *cdrs: dict[str, Any], after: Micros = 60 * SECOND) -> list[Frame]:
    """The frames of a script, and records that come one after the other behind them."""
    records = [_frame(cdr, script.at + after + number * SECOND) for number, cdr in enumerate(cdrs)]
    return [*script.frames, *records]


def _billed(*changes: dict[str, Any], after: Micros = 60 * SECOND) -> list[Frame]:
    script = _charged()
    return _with(script, *(_cdr(script, **change) for change in changes), after=after)


def _live(frames: list[Frame], policy: Policy = POLICY) -> Lived:
    return Lived(policy=policy).feed(frames).settle().settle()


def _open(lived: Lived, code: str) -> list[Discrepancy]:
    return [row for row in lived.rows(code) if row.status is Status.OPEN]


def _cost(incl: str) -> dict[str, Any]:
    return {"total_cost": {"excl_vat": Decimal("2.80"), "incl_vat": Decimal(incl)}}


def _shifted(name: str, seconds: int) -> dict[str, Any]:
    script = _charged()
    at = (script.at if name == "end_date_time" else script.at - 1800 * SECOND) + seconds * SECOND
    return {name: format_micros(at)}


def _credited(*, new: bool = True) -> list[Frame]:
    script = _charged()
    wrong = _cdr(script, total_energy=Decimal("6.5"), **_cost("4.21"))
    credit = {**wrong, "id": "R1-C", "credit": True, "credit_reference_id": "R1"}
    right = [_cdr(script, "R2")] if new else []
    return _with(script, wrong, credit, *right)


ROWS: list[tuple[str, str, Callable[[], list[Frame]], Callable[[], list[Frame]]]] = [
    (
        "session.energy",
        "CDR.total_energy",
        lambda: _billed({"total_energy": Decimal("5.003")}),
        lambda: _billed({"total_energy": Decimal("5.002")}),
    ),
    (
        "session.start-time",
        "CDR.start_date_time",
        lambda: _billed(_shifted("start_date_time", -70)),
        lambda: _billed(_shifted("start_date_time", -50)),
    ),
    (
        "session.stop-time",
        "CDR.end_date_time",
        lambda: _billed(_shifted("end_date_time", 600)),
        lambda: _billed(_shifted("end_date_time", 50)),
    ),
    (
        "session.token",
        "CDR.cdr_token",
        lambda: _billed({"cdr_token": {"uid": "0499887766", "type": "RFID", "contract_id": "X"}}),
        lambda: _billed({"cdr_token": {"uid": "another", "type": "APP_USER", "contract_id": "X"}}),
    ),
    (
        "session.token",
        "CDR.cdr_token",
        lambda: _billed({"cdr_token": {"uid": "0499887766", "type": "RFID", "contract_id": "X"}}),
        lambda: _billed({"cdr_token": {"uid": "visible", "type": "RFID", "contract_id": TAG.lower()}}),
    ),
    ("session.missing-in-primary", "CDR", _billed, lambda: _billed({})),
    ("session.missing-in-primary", "CDR", lambda: _credited(new=False), _credited),
    (
        "session.missing-in-shadow",
        "CDR",
        lambda: _with(_charged(), _cdr(_charged(_charged().wait(3600)), "R9")),
        lambda: _billed({}),
    ),
    ("session.record-amount", "CDR.total_cost", lambda: _billed(_cost("3.40")), lambda: _billed(_cost("3.34"))),
    ("session.duplicate-record", "CDR.id", lambda: _billed({}, {"name": "R2"}), lambda: _billed({}, {})),
    (
        "session.duplicate-record",
        "CDR.id",
        lambda: _billed({}, {"total_energy": Decimal("4.9")}),
        lambda: _billed({}, {"credit": True, "credit_reference_id": "R1", "name": "R1-C"}, {"name": "R2"}),
    ),
    (
        "session.late-record",
        "CDR",
        lambda: _billed({}, after=73 * HOUR),
        lambda: _billed({}, after=71 * HOUR),
    ),
    (
        "session.unjudged-record",
        "CDR",
        lambda: [_frame(_cdr(Script(at=NOON - 9 * HOUR)), NOON), *_charged(Script(at=NOON + SECOND)).frames],
        lambda: _billed({}),
    ),
]


@pytest.mark.parametrize(("code", "path", "positive", "_negative"), ROWS)
def test_frames_that_must_raise_a_code(
    code: str, path: str, positive: Callable[[], list[Frame]], _negative: Callable[[], list[Frame]]
) -> None:
    """It stands after everything has settled, at its path, with class, severity and unit of the catalogue."""
    frames = positive()
    (row,) = _open(_live(frames), code)
    entry = CATALOGUE[code]
    assert (row.path, row.class_, row.severity, row.unit) == (path, entry.class_, entry.severity, entry.unit)
    assert row.frames
    assert set(row.frames) <= {frame.frame_id for frame in frames}


@pytest.mark.parametrize(("code", "path", "_positive", "negative"), ROWS)
def test_frames_that_must_not_raise_a_code(
    code: str, path: str, _positive: Callable[[], list[Frame]], negative: Callable[[], list[Frame]]
) -> None:
    """Nearly the same frames, on the right side of the rule."""
    assert [row for row in _open(_live(negative()), code) if row.path == path] == []


def test_a_session_that_is_billed_rightly_gives_nothing() -> None:
    """No discrepancy, and a row with the bill: what was billed, what the shadow's session costs, no delta."""
    lived = _live(_billed({}))
    assert lived.codes() == set()
    (session,) = lived.sessions.values()
    bill = (session.record_id, session.record_energy_wh, session.record_amount, session.record_currency)
    assert bill == ("R1", 5000, Decimal("3.33"), "EUR")
    assert (session.shadow_amount, session.amount_delta) == (Decimal("3.33"), 0)


def test_a_difference_of_energy_is_an_amount_too() -> None:
    """One kWh too much at 0.49 and 19 % VAT: 3.33 in place of 3.92, and the delta of the row is exact."""
    lived = _live(_billed({"total_energy": Decimal(6), **_cost("3.92")}))
    (row,) = _open(lived, "session.energy")
    assert (row.primary, row.shadow, row.delta) == ("6000", "5000", -1000)
    (session,) = lived.sessions.values()
    assert session.amount_delta == Decimal("3.33") - Decimal("3.92")
    assert f"{session.amount_delta:+f} EUR" in row.detail


def test_a_record_before_its_session_waits_for_it() -> None:
    """A CDR that overtakes the end of its session in the shadow finds it when it ends."""
    script = _charged()
    cdr = _frame(_cdr(script), script.frames[-3].received_at)
    frames = [*script.frames[:-3], cdr, *script.frames[-3:]]
    lived = _live(frames)
    assert lived.codes() == set()
    (session,) = lived.sessions.values()
    assert session.record_id == "R1"


def test_a_missing_verdict_is_withdrawn_when_the_record_comes() -> None:
    """Late is told instead."""
    lived = _live(_billed({}, after=80 * HOUR))
    (row,) = lived.rows("session.missing-in-primary")
    assert row.status is Status.WITHDRAWN
    assert lived.codes() == {"session.late-record"}


def test_a_missing_session_is_withdrawn_when_it_ends_after_all() -> None:
    """A bill whose session came late, from a charging station that was offline, with its row."""
    script = Script().boot()
    late = _charged(Script(at=NOON + 100 * HOUR).boot())
    billed = _frame(_cdr(late), NOON + HOUR)
    tick = Frame("", "t", 0, NOON + 90 * HOUR, FrameKind.TICK)
    lived = Lived(policy=POLICY).feed([*script.frames, billed, tick])
    assert [row.path for row in _open(lived, "session.missing-in-shadow")] == ["CDR"]
    lived.feed([replace(frame, connection_id="again") for frame in late.frames]).settle()
    assert _open(lived, "session.missing-in-shadow") == []
    rows: list[JudgedSession] = sorted(lived.sessions.values(), key=lambda one: one.status)
    assert [(one.status, one.record_id) for one in rows] == [(Status.OPEN, "R1"), (Status.WITHDRAWN, "R1")]


def test_a_corrected_record_replaces_the_judgement_of_the_first() -> None:
    """Credit and new record: the difference of the first is withdrawn, and the second one is the bill."""
    lived = _live(_credited())
    (row,) = lived.rows("session.energy")
    assert row.status is Status.WITHDRAWN
    (session,) = lived.sessions.values()
    assert (session.record_id, session.record_energy_wh) == ("R2", 5000)


def test_a_credit_that_comes_first_voids_its_record() -> None:
    """Exports are not in order: the record that is taken back is never judged."""
    script = _charged()
    wrong = _cdr(script, total_energy=Decimal("6.5"))
    credit = {**wrong, "id": "R1-C", "credit": True, "credit_reference_id": "R1"}
    lived = _live(_with(script, credit, wrong, _cdr(script, "R2")))
    assert lived.codes() == set()


def test_a_new_record_that_comes_before_the_credit_of_the_old_one_is_the_bill() -> None:
    """First it is a duplicate; when the old one is taken back it counts, and nothing stands."""
    script = _charged()
    wrong = _cdr(script, total_energy=Decimal("6.5"))
    credit = {**wrong, "id": "R1-C", "credit": True, "credit_reference_id": "R1"}
    before = _live(_with(script, wrong, _cdr(script, "R2")))
    assert before.codes() >= {"session.duplicate-record", "session.energy"}
    lived = _live(_with(script, wrong, _cdr(script, "R2"), credit))
    assert lived.codes() == set()
    (session,) = lived.sessions.values()
    assert (session.record_id, session.record_energy_wh, session.amount_delta) == ("R2", 5000, 0)


def test_the_same_record_delivered_again_changes_nothing() -> None:
    """An import that is repeated is no duplicate, whenever it comes."""
    script = _charged()
    cdr = _cdr(script)
    again = _frame(cdr, script.at + 5 * HOUR)
    assert again.frame_id == _frame(cdr, script.at).frame_id
    lived = _live([*_with(script, cdr), again])
    assert lived.codes() == set()


_OF_CDRS = ("total_energy", "total_cost", "cdr_location")


def test_a_session_object_is_replaced_by_its_cdr() -> None:
    """OCPI sessions run ahead of CDRs: while one is active it bills nothing, and the CDR has the last word."""
    script = _charged()
    session = {key: value for key, value in _cdr(script).items() if key not in _OF_CDRS}
    session |= {"kwh": Decimal("4.7"), "evse_uid": "E1", "connector_id": "1"}
    active = {**session, "status": "ACTIVE", "last_updated": "2030-01-01T12:01:00Z"}
    lived = _live(_with(script, active, {**session, "status": "COMPLETED"}))
    assert lived.codes() == {"session.energy"}
    lived = _live(_with(script, active, {**session, "status": "COMPLETED"}, _cdr(script, "CDR-1")))
    assert lived.codes() == set()


def test_without_the_switch_no_record_is_expected() -> None:
    """Records that come are compared, sessions without one are not named, and nothing is kept without records."""
    lived = Lived().feed(_billed()).settle().settle()
    assert lived.codes() == set()
    assert all(state.billing is None for state in lived.fleet.chargers.values())
    assert Lived().feed(_billed({"total_energy": Decimal(9)})).settle().codes() == {"session.energy"} | {
        "session.record-amount"
    }


def test_a_session_of_which_the_copy_was_cut_is_owed_no_record_and_its_record_no_session() -> None:
    """Zero because blind is not zero because clean: both are named as not judged, or not at all."""
    script = Script().boot().status(1, "Available").cut().wait(3600)
    gap = Gap(100, NOON, "buffer-full")
    frames = [replace(one, gap=gap) if one.kind is FrameKind.GAP else one for one in script.frames]
    lived = _live([*frames, _frame(_cdr(script), script.at + SECOND)])
    assert _open(lived, "session.missing-in-shadow") == []
    (row,) = _open(lived, "session.unjudged-record")
    assert "the copy was cut" in row.detail


def test_a_zero_session_owes_no_record() -> None:
    """Nobody bills a session without energy; a record of nothing asks for no session."""
    script = Script().boot().start(1, TAG, 1000, transaction=7).wait(60).stop(7, 1000)
    lived = _live(script.frames)
    assert "session.missing-in-primary" not in lived.codes()
    empty = _cdr(script, total_energy=Decimal(0), total_cost={"excl_vat": Decimal(0)}, tariffs=[])
    lived = _live([*Script().boot().frames, _frame(empty, NOON + 2 * HOUR)])
    assert "session.missing-in-shadow" not in lived.codes()


def test_what_is_more_than_can_be_kept_is_counted_and_named() -> None:
    """Of 70 sessions without a record the oldest six are let go, and no record of them is called wrong later."""
    script = Script().boot().status(1, "Available")
    first = None
    for number in range(70):
        _charged(script, transaction=number + 1, meter=1000 + 5000 * number)
        first = first or _cdr(script, "old")
    lived = Lived(policy=POLICY).feed([*script.frames, _frame(first or {}, script.at + SECOND)]).settle().settle()
    assert len(_open(lived, "session.missing-in-primary")) == 64
    rows = {row.path: row for row in _open(lived, "session.unjudged-record")}
    assert rows["session"].occurrences == 6
    assert "let go" in rows["CDR"].detail
    assert _open(lived, "session.missing-in-shadow") == []


def test_state_with_records_survives_the_codec_and_lives_on_alike() -> None:
    """Encoded and decoded between any two frames, the outcome is the same."""
    frames = [*_credited(), Frame("", "t", 0, NOON + 200 * HOUR, FrameKind.TICK)]
    plain = Lived(policy=POLICY).feed(frames)
    stored = Lived(policy=POLICY)
    for frame in frames:
        stored.feed([frame])
        for key, state in stored.fleet.chargers.items():
            stored.fleet.chargers[key] = codec.decode(codec.encode(state), JudgeState)
    assert stored.versions == plain.versions
    assert stored.sessions == plain.sessions


def test_a_record_frame_makes_no_hole_and_no_message() -> None:
    """It belongs to no connection: the sequence of the wire, its connectors and its messages are as without it."""
    script = _charged()
    script.connectors = (1,)
    with_records = _live(_with(script, _cdr(script)))
    without = _live(script.frames, Policy())
    assert with_records.messages == without.messages
    assert "tap.gap" not in with_records.codes()


def test_a_frame_that_holds_no_record_is_named() -> None:
    """Others may write to the topic of frames: what cannot be read is an unjudged record with its reason."""
    broken = Frame("CP1", "record:x:1", 0, NOON + HOUR, FrameKind.RECORD, text="{")
    lived = _live([*Script().boot().frames, broken])
    (row,) = _open(lived, "session.unjudged-record")
    assert "no JSON" in row.detail
