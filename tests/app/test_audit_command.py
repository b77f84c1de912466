"""`audit`: over recordings and over the store, in each form, and what it says where there is nothing to say."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from demo.script import Script
from ingest.recording import encode_line
from tests.app.conftest import Cli
from tests.running import call

RECORDINGS = Path(__file__).resolve().parents[2] / "../shared/recordings"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of two stations, and a data directory whose store holds it."""
    directory = tmp_path_factory.mktemp("kept")
    one = Script("CP1").boot(firmwareVersion="1.0").status(1, "Preparing").start(1, "04A1B2C3", 1000, transaction=7)
    one.wait(600).stop(7, 3500).remote("Reset", {"type": "Soft"}).close()
    two = Script("CP2").boot(chargePointModel="Other").command("ReserveNow", {"connectorId": 1})
    two.refuse("NotSupported")
    recording = directory / "recording.jsonl"
    recording.write_bytes(b"".join(map(encode_line, [*one.frames, *two.frames])))
    outcome = call(["replay", recording, "--store", "--data-dir", directory / "data"], directory)
    assert outcome.code == 0, outcome.err
    return directory


def test_recordings_and_store_are_audited_alike(cli: Cli, kept: Path) -> None:
    """The same frames give the same JSON document, whether they come from a file or from the store."""
    of_recording = cli("audit", kept / "recording.jsonl", "--json")
    of_store = cli("audit", "--store", "--data-dir", kept / "data", "--json")
    assert (of_recording.code, of_store.code) == (0, 0), of_store.err
    assert of_recording.out == of_store.out
    document = json.loads(of_store.out)
    assert [one["charger_id"] for one in document["audits"]] == ["CP1", "CP2"]
    verdicts = {row["letter"]: row for row in document["cohort"]["blocks"]}
    assert (verdicts["E"]["evidenced"], verdicts["H"]["missing"]) == (1, 1)
    assert "frames of 2 charging stations in the store" in of_store.err
    assert "frames of 1 recordings" in of_recording.err


def test_filters_choose_the_stations(cli: Cli, kept: Path) -> None:
    """A glob on the id, the model or the firmware leaves one station, which is audited by itself."""
    for wanted in (
        ("--charger", "*1"),
        ("--model", "Curb*"),
        ("--firmware", "1.?"),
        ("--charger", "CP1", "--vendor", "A*"),
    ):
        outcome = cli("audit", kept / "recording.jsonl", *wanted)
        assert outcome.code == 0, outcome.err
        assert outcome.out.startswith(b"# Gap audit of CP1\n")
    of_store = cli("audit", "--store", "--data-dir", kept / "data", "--model", "Other", "--json")
    assert json.loads(of_store.out)["audit"]["charger_id"] == "CP2"
    several = cli("audit", kept / "recording.jsonl", "--charger", "CP1", "--charger", "CP2")
    assert several.out.startswith(b"# Gap audit of CP1, CP2\n")


def test_the_form_is_that_of_the_file_unless_said_otherwise(cli: Cli, kept: Path, tmp_path: Path) -> None:
    """.html is HTML, .json is JSON, --md outweighs both, and the picture is one of its own."""
    begins = {
        "a.html": b"<!doctype html>",
        "a.json": b'{\n  "cohort"',
        "a.txt": b"# Gap audit of all charging stations",
    }
    for name, begin in begins.items():
        outcome = cli("audit", kept / "recording.jsonl", "--out", tmp_path / name)
        assert (outcome.code, outcome.out) == (0, b"")
        assert f"written: {tmp_path / name}" in outcome.err
        assert (tmp_path / name).read_bytes().startswith(begin)
    cli("audit", kept / "recording.jsonl", "--md", "--out", tmp_path / "b.html")
    assert (tmp_path / "b.html").read_bytes().startswith(b"# Gap audit")
    drawn = tmp_path / "model.svg"
    assert cli("audit", kept / "recording.jsonl", "--charger", "CP1", "--picture", drawn).code == 0
    assert ET.fromstring(drawn.read_text(encoding="utf-8")).tag.endswith("svg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name recordings, or --store"),
        (("RECORDING", "--store"), "name recordings, or --store"),
        (("RECORDING", "--html", "--json"), "choose one of --html, --md and --json"),
        (("RECORDING", "--since", "2030-01-01T00:00:00Z"), "need --store"),
        (("RECORDING", "--model", "Nobody"), "no charging station that was seen fits: model Nobody"),
        (("RECORDING", "--picture", "x.svg"), "--picture draws one charging station, and 2 fit"),
        (("RECORDING", "--out", "no/such/place.md"), "cannot write no/such/place.md: No such file or directory"),
        (("missing.jsonl",), "missing.jsonl"),
    ],
)
def test_what_cannot_be_done_is_one_line(cli: Cli, kept: Path, arguments: tuple[str, ...], message: str) -> None:
    """Exit code 2 and one line that says which option or file it is."""
    given = [kept / "recording.jsonl" if one == "RECORDING" else one for one in arguments]
    outcome = cli("audit", *given)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.err.rstrip().splitlines()[-1].startswith("shadow-csms: ")


def test_a_real_station_is_audited_by_what_it_did(cli: Cli) -> None:
    """The recorded AC station shows smart charging 31 of 31 times and 46 answers within a second."""
    recording = RECORDINGS / "huawei-like-two-sessions.jsonl"
    if not recording.exists():
        pytest.skip(f"the recording {recording.name} is not beside the checkout")
    (audit,) = json.loads(cli("audit", recording, "--json").out).values()
    blocks = {row["letter"]: row for row in audit["blocks"]}
    assert (blocks["K"]["verdict"], blocks["K"]["accepted"], blocks["K"]["calls"]) == ("evidenced", 31, 31)
    assert blocks["H"]["calls"] == 0
    assert audit["evidence"]["latency"]["n"] == 46
    assert audit["evidence"]["transactions"] == 2
