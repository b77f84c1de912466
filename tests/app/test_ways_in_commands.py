"""`shadow-csms tap pcap|log|topic`: ways in that are not in the path."""

import io
import json
from pathlib import Path

import pytest

from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from tests.app.conftest import Cli
from tests.ingest.capture.wire import Talk, pcap, text

WHOLE = pcap(
    Talk()
    .session()
    .says(text(b'[2,"9","Authorize",{"idTag":"TAG-1"}]', masked=True))
    .close()
    .timed()
)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A capture of one charging station."""
    path = tmp_path / "one.pcap"
    path.write_bytes(WHOLE)
    return path


def test_the_tap_still_taps(cli: Cli) -> None:
    """Without a subcommand `tap` is the inline tap, and says what it lacks."""
    assert cli("tap", "--help").exit_code == 0
    result = cli("tap")
    assert result.exit_code == 2
    assert "upstream" in result.stderr


def test_a_capture_becomes_a_recording(cli: Cli, capture: Path, tmp_path: Path) -> None:
    """The recording replays; what was read is said on stderr, as JSON where asked; tokens are pseudonyms."""
    out = tmp_path / "out.jsonl"
    result = cli("tap", "pcap", str(capture), "--out", str(out), "--data-dir", str(tmp_path), "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stderr)["connections"] == {"websocket": 1}
    assert b"TAG-1" not in out.read_bytes()
    frames = list(Reader().read(out.read_bytes().splitlines()))
    assert [frame.kind for frame in frames if isinstance(frame, Frame)].count(FrameKind.MESSAGE) == 8
    replayed = cli("replay", str(out), "--json")
    assert json.loads(replayed.stdout)["frames"] == len(frames)
    again = cli("tap", "pcap", str(capture), "--out", str(out), "--data-dir", str(tmp_path))
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)


def test_a_pipe_becomes_a_recording_on_stdout(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads what tcpdump writes, and the recording goes to stdout for `replay -`."""
    result = cli("tap", "pcap", "-", "--data-dir", str(tmp_path), input=WHOLE)
    assert result.exit_code == 0, result.stderr
    assert len(list(Reader().read(io.BytesIO(result.stdout_bytes)))) > 10


def test_a_capture_goes_into_the_journal(cli: Cli, capture: Path, tmp_path: Path) -> None:
    """--to journal: the embedded runtime finds it there."""
    result = cli("tap", "pcap", str(capture), "--to", "journal", "--data-dir", str(tmp_path))
    assert result.exit_code == 0, result.stderr
    frames = list(Reader().read(JournalReader(tmp_path / "journal").follow()))
    assert sum(isinstance(frame, Frame) for frame in frames) > 10


def test_a_damaged_capture(cli: Cli, capture: Path, tmp_path: Path) -> None:
    """What stands before the damage is read, the byte is named, and the exit code says so."""
    capture.write_bytes(WHOLE[:-10])
    result = cli("tap", "pcap", str(capture), "--out", str(tmp_path / "o"), "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert "the capture ends within a packet" in result.stderr
    assert (tmp_path / "o").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("pcap", "absent.pcap"), "No such file"),
        (("pcap", "one.pcap", "--out", "x", "--to", "journal"), "--out is for a recording"),
        (("pcap", "one.pcap", "--enrolment-file", "absent.toml"), "absent.toml"),
    ],
)
def test_what_cannot_begin(
    cli: Cli, capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], wrong: str
) -> None:
    """One line and exit code 2."""
    monkeypatch.chdir(tmp_path)
    result = cli("tap", *arguments, "--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert wrong in result.stderr
