"""Configuration dumps of real stations, given as GetConfiguration answers: no key is lost and no secret is kept."""

import json
from pathlib import Path
from typing import Any

import pytest

from demo.script import Script
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.tables import TABLES
from ingest.frame import Frame, FrameKind
from ingest.sensitive import Kind, classify
from ingest.timestamps import format_micros
from shadow import schema
from tests.running import call

DUMPS = Path(__file__).resolve().parents[2] / "../shared/config-dumps"
COUNTS = {"keba": 198, "enplus22kw": 50}
_SECRET = "hunter2-{}"
CHARGER = "DUMPED-1"


def _dump(name: str) -> list[dict[str, Any]]:
    path = DUMPS / f"{name}.json"
    if not path.exists():
        pytest.skip("the configuration dumps lie outside of the repository and are absent here")
    keys: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["configurationKey"]
    # The dumps are masked: every secret gets a value of its own again, which must not be found anywhere.
    return [
        {**one, "value": _SECRET.format(number)} if classify(one["key"]) is Kind.SECRET else one
        for number, one in enumerate(keys)
    ]


def _line(frame: Frame) -> str:
    """As the log of others: the tap's own recordings are redacted when they are written, these are not."""
    if frame.kind is not FrameKind.MESSAGE or frame.direction is None:
        return ""
    told = {"t": format_micros(frame.received_at), "dir": frame.direction.value, "cp": frame.charger_id}
    return json.dumps({**told, "frame": json.loads(frame.text)}) + "\n"


class Replayed:
    """A dump that was replayed into a store of its own."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name, self.directory = name, directory
        self.keys = _dump(name)
        script = Script(CHARGER).boot().status(0, "Available").status(1, "Available")
        script.command("GetConfiguration", {}).answer({"configurationKey": self.keys})
        recording = directory / "recording.jsonl"
        recording.write_text("".join(map(_line, script.frames)), encoding="utf-8")
        self.data = directory / "data"
        self.replay = call(["replay", recording, "--store", "--data-dir", self.data], directory)
        assert self.replay.code == 0, self.replay.err
        self.shown = self._run("device", "show", CHARGER, "--json")
        self.report = self._run("device", "report", CHARGER)
        self.audit = self._run("audit", "--store", "--json")
        self.page = self._run("audit", "--store", "--html")
        self.tables = self._tables()

    def _run(self, *arguments: object) -> bytes:
        outcome = call([*arguments, "--data-dir", self.data], self.directory)
        assert outcome.code == 0, outcome.err
        assert "Traceback" not in outcome.err
        return outcome.out

    def _tables(self) -> dict[str, str]:
        with EmbeddedEngine(self.data / "store") as engine, Store.connect(engine.url()) as store:
            return {name: repr(store.execute(f"SELECT * FROM {name}")) for name in TABLES}


@pytest.fixture(scope="module", params=sorted(COUNTS))
def replayed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    """Each dump, replayed once."""
    return Replayed(tmp_path_factory.mktemp(request.param), request.param)


@pytest.mark.timeout(180)
def test_each_key_is_classified_and_none_is_lost(replayed: Replayed) -> None:
    """Every key of the dump has one fate, and the ones without a variable stay visible with their values."""
    keys = {key["name"]: key for key in json.loads(replayed.shown)["keys"]}

    assert len(keys) == COUNTS[replayed.name]
    assert set(keys) == {one["key"] for one in replayed.keys}
    for one in replayed.keys:
        key = keys[one["key"]]
        assert key["addresses"]
        if classify(one["key"]) is not Kind.TOKEN:  # of which the copy has a pseudonym
            assert key["value"] == (None if key["fate"] == "secret" else one.get("value", ""))


@pytest.mark.timeout(180)
def test_secrets_are_gone_from_every_table_log_and_page(replayed: Replayed) -> None:
    """What the station told of them stands nowhere, only that it told it."""
    secrets = [one["value"] for one in replayed.keys if classify(one["key"]) is Kind.SECRET]
    assert secrets
    written = {
        **replayed.tables,
        "log": replayed.replay.err + replayed.replay.out.decode(),
        "shown": replayed.shown.decode(),
        "report": replayed.report.decode(),
        "audit": replayed.audit.decode(),
        "page": replayed.page.decode(),
    }
    assert "frames" in written
    for place, text in written.items():
        assert "hunter2" not in text, place
    exposed = replayed.tables["discrepancies"].count("security.secret-exposed")
    assert exposed >= len(secrets)


@pytest.mark.timeout(180)
def test_the_inventory_validates_as_notify_report(replayed: Replayed) -> None:
    """All its parts, against the official schema."""
    document = json.loads(replayed.report)
    parts = document["NotifyReportRequest"]

    assert document["GetBaseReportResponse"] == {"status": "Accepted"}
    assert sum(len(part["reportData"]) for part in parts) == len(json.loads(replayed.shown)["entries"])
    for part in parts:
        assert schema.violations(schema.V201, "NotifyReport", response=False, payload=part) == []


@pytest.mark.timeout(180)
def test_the_audit_names_the_required_variables_that_nothing_supplies(replayed: Replayed) -> None:
    """By their names, in the document and on the page."""
    for text in (replayed.audit.decode(), replayed.page.decode().replace("<wbr>", "")):
        for name in ("NetworkConfigurationPriority", "OfflineThreshold", "RetryBackOffRepeatTimes", "ConnectorType"):
            assert name in text
    assert "missing" in replayed.audit.decode()
