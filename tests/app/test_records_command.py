"""`shadow-csms records import`: files in, record frames in the journal, and the outcome of a replay."""

import json
from pathlib import Path

import pytest

from app import refusals
from app.distributed.taking_records import taken
from demo import steve
from demo.billing import BillingFault, cdrs, evse_map, steve_table
from demo.traffic import Traffic
from diff.store.tables import DeadLetter
from ingest.frame import Frame
from ingest.journal import Journal
from ingest.recording import encode_line
from ingest.records.intake import Intake, Refused
from ingest.redaction import Redactor
from tests.app.conftest import Cli

STEVE = Path(__file__).resolve().parents[2] / "examples" / "steve-transactions.toml"


_EXPECTED = {"SHADOW_RECORDS_EXPECTED": "true", "SHADOW_SETTLE_RECORD_SECONDS": "999999999"}
"""The traffic is of June 2026, the records are imported today."""


@pytest.fixture
def fleet() -> tuple[list[Frame], Traffic]:
    """Two charging stations with three sessions each, without faults."""
    traffic = Traffic(seed=3, chargers=2, sessions_per_charger=3, fault_share=0.0)
    return list(traffic), traffic


def _map(path: Path, traffic: Traffic) -> Path:
    rows = {(row.charger_id, row.connector_id) for row in traffic.books.ledger}
    lines = [f"{charger}-{connector},{charger},{connector}" for charger, connector in sorted(rows)]
    path.write_text("evse_uid,charger,connector_id\n" + "\n".join(lines), encoding="utf-8")
    return path


def test_imported_cdrs_join_with_the_wire_and_are_judged_in_a_replay(
    cli: Cli, tmp_path: Path, fleet: tuple[list[Frame], Traffic]
) -> None:
    """Pseudonyms agree under one key; the planted fault is found, and every session has its bill."""
    frames, traffic = fleet
    billed = traffic.books.ledger
    delivered = cdrs(billed, {billed[0].transaction_id: BillingFault.WRONG_ENERGY})
    (tmp_path / "cdrs").mkdir()
    (tmp_path / "cdrs" / "all.jsonl").write_text("\n".join(one.text for one in delivered), encoding="utf-8")
    evses = _map(tmp_path / "map.csv", traffic)
    done = cli("records", "import", "cdrs", "--evse-map", evses, "--data-dir", "data", "--json")
    assert (done.code, json.loads(done.out)["records"]) == (0, len(billed))

    redactor = Redactor.from_key_file(tmp_path / "data" / "redaction-key.json", create=False)
    wire = tmp_path / "wire.jsonl"
    wire.write_bytes(b"".join(encode_line(_redacted(frame, redactor)) for frame in frames))
    recordings = (wire, tmp_path / "data" / "journal" / "frames-00000001.jsonl")
    done = cli("replay", *recordings, "--json", "--settle", env=_EXPECTED)
    document = json.loads(done.out)
    codes = [(row["code"], row["path"], row["delta"]) for row in document["discrepancies"] if "CDR" in row["path"]]
    assert codes == [("session.energy", "CDR.total_energy", "-1500")]
    bills = {row["record_id"]: row["amount_delta"] for row in document["sessions"]}
    assert len(bills) == len(billed)
    assert sorted(bills.values()) == ["-0.87", *["0.00"] * (len(billed) - 1)]


def _redacted(frame: Frame, redactor: Redactor) -> Frame:
    from msgspec.structs import replace

    return replace(frame, text=redactor.redact(frame.text)) if frame.text else frame


def test_a_table_is_imported_with_its_mapping(cli: Cli, tmp_path: Path, fleet: tuple[list[Frame], Traffic]) -> None:
    """Bad rows are counted by rule, kept as dead letters without their contents, and end in exit code 1."""
    _, traffic = fleet
    bad = "9,DEMO-0001,1,04SECRET99,2026-06-01T10:00:00Z,100,2026-06-01T11:00:00Z,50\n"
    (tmp_path / "steve.csv").write_text(steve_table(traffic.books.ledger) + bad, encoding="utf-8")
    done = cli("records", "import", "steve.csv", "--mapping", STEVE, "--data-dir", "data")
    assert done.code == 1
    assert f"{len(traffic.books.ledger)} records of 1 files written to" in done.out.decode()
    assert "negative-energy (1)" in done.out.decode()
    letters, behind = refusals.read(tmp_path / "data", 0)
    assert [(one.charger_id, one.source, one.position) for one in letters] == [
        ("DEMO-0001", "record", f"steve.csv, line {len(traffic.books.ledger) + 2}")
    ]
    assert refusals.read(tmp_path / "data", behind) == ([], behind)
    written = (tmp_path / "data" / refusals.FILE).read_bytes() + b"".join(
        path.read_bytes() for path in (tmp_path / "data" / "journal").glob("*.jsonl")
    )
    assert b"04SECRET99" not in written
    assert not any(row.id_tag.encode() in written for row in traffic.books.ledger)


def test_what_is_wrong_within_a_table_is_grouped_at_import(cli: Cli, tmp_path: Path) -> None:
    """Before any wire was seen: anomalies with their rows, charging stations and examples, as a table and as JSON."""
    counted = {"duplicate-start": 2, "register-regression": 3, "negative-energy": 1}
    (tmp_path / "steve.csv").write_text(steve.table(1, 600, counted), encoding="utf-8")
    done = cli("records", "import", "steve.csv", "--mapping", STEVE, "--data-dir", "data", "--json")
    assert done.code == 1  # a row that contradicts itself is refused
    found = json.loads(done.out)["anomalies"]
    assert {one["name"]: one["cases"] for one in found} == counted
    assert all(one["meaning"] and one["examples"] and one["chargers"] for one in found)
    text = cli("records", "import", "steve.csv", "--mapping", STEVE, "--data-dir", "data").out.decode()
    assert "In 600 rows" in text
    assert all(name in text for name in counted)


def test_records_are_handed_to_the_tap_that_writes_the_journal(
    cli: Cli, tmp_path: Path, fleet: tuple[list[Frame], Traffic]
) -> None:
    """Only one process writes a journal: the others leave what they have in its inbox."""
    _, traffic = fleet
    (tmp_path / "steve.csv").write_text(steve_table(traffic.books.ledger), encoding="utf-8")
    journal = Journal(tmp_path / "data" / "journal")
    done = cli("records", "import", "steve.csv", "--mapping", STEVE, "--data-dir", "data", "--json")
    journal.close()
    assert done.code == 0
    assert "handed to the tap" in json.loads(done.out)["where"]
    assert len(list((tmp_path / "data" / "journal" / "inbox").iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("absent.json",), "absent.json: cannot be read"),
        (("table.csv",), "a table needs --mapping"),
        (("table.csv", "--mapping", STEVE), "the table has no column"),
        (("table.csv", "--mapping", "table.csv"), "no TOML"),
        (("empty",), "holds no file of records"),
        (("latin.json",), "byte 1 is not UTF-8"),
        (("table.csv", "--evse-map", "table.csv", "--mapping", STEVE), "evse_map_file"),
        (("absent.json", "--to", "kafka"), "redaction"),
    ],
)
def test_an_import_that_cannot_begin_says_why(
    cli: Cli, tmp_path: Path, arguments: tuple[object, ...], reason: str
) -> None:
    """One line, exit code 2."""
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (tmp_path / "latin.json").write_bytes(b'"\xe4"')
    (tmp_path / "empty").mkdir()
    done = cli("records", "import", *arguments, "--data-dir", "data")
    assert done.code == 2
    (line,) = done.lines
    assert line.startswith("shadow-csms: ")
    assert reason in line


def test_a_tariff_file_that_cannot_be_used_is_named(cli: Cli, tmp_path: Path) -> None:
    """By every command that judges, with the setting."""
    (tmp_path / "tariffs.toml").write_text("[[assign]]\nchargers = ['*']\ntariff = 'x'\n", encoding="utf-8")
    done = cli("settings", env={"SHADOW_TARIFF_FILE": "tariffs.toml"})
    assert done.code == 2
    assert "tariff_file tariffs.toml: assign 1: there is no tariff 'x'" in done.lines[-1]


def test_records_of_the_topic_become_frames_and_refusals(fleet: tuple[list[Frame], Traffic]) -> None:
    """Key or EVSE map say the charging station; what cannot be used is refused with its place; twice gives the same."""
    _, traffic = fleet
    billed = traffic.books.ledger
    one = cdrs(billed)[0]
    intake = Intake(lambda text: text, evse_map(billed))
    for key in (b"", one.charger_id.encode()):
        (frame,) = taken(intake, key, one.text.encode(), "t/0/1", 5)
        assert isinstance(frame, Frame)
        assert (frame.charger_id, frame.received_at) == (one.charger_id, 5)
    for value in (b"{", b"\xff", b'{"id":"x"}'):
        (refused,) = taken(intake, b"", value, "t/0/1", 5)
        assert isinstance(refused, Refused)
        assert refused.place.startswith("t/0/1")
    assert taken(intake, None, None, "t/0/1", 5) == []


def test_refusals_survive_a_line_that_is_none(tmp_path: Path) -> None:
    """A torn line is passed over, and half a line is read when it is whole."""
    letter = DeadLetter("CP1", 1, "record", "file, line 1", "reason", 3)
    refusals.append(tmp_path, [letter])
    with (tmp_path / refusals.FILE).open("ab") as file:
        file.write(b'{"x"\n{"charger_id"')
    letters, behind = refusals.read(tmp_path, 0)
    assert letters == [letter]
    assert behind < (tmp_path / refusals.FILE).stat().st_size
