"""`shadow-csms tap pcap|log|topic`: ways in that are not in the path."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app import refusals
from app.cli import app
from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from tests.ingest.capture.wire import Talk, pcap, text

WHOLE = pcap(Talk().session().says(text(b'[2,"9","Authorize",{"idTag":"TAG-1"}]', masked=True)).close().timed())


Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command in this process, in a directory of the test's own that is its data directory, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHADOW_DATA_DIR", str(tmp_path))
    return lambda *arguments, stdin=b"": CliRunner().invoke(app, [str(one) for one in arguments], input=stdin)


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
    result = cli("tap", "pcap", capture, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stderr)["connections"] == {"websocket": 1}
    assert b"TAG-1" not in out.read_bytes()
    frames = list(Reader().read(out.read_bytes().splitlines()))
    assert [frame.kind for frame in frames if isinstance(frame, Frame)].count(FrameKind.MESSAGE) == 8
    replayed = cli("replay", out, "--json")
    assert json.loads(replayed.stdout)["frames"] == len(frames)
    again = cli("tap", "pcap", capture, "--out", out)
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)


def test_a_pipe_becomes_a_recording_on_stdout(cli: Cli) -> None:
    """`-` reads what tcpdump writes, and the recording goes to stdout for `replay -`."""
    result = cli("tap", "pcap", "-", stdin=WHOLE)
    assert result.exit_code == 0, result.stderr
    assert len(list(Reader().read(result.stdout_bytes.splitlines()))) > 10


def test_a_capture_goes_into_the_journal(cli: Cli, capture: Path, tmp_path: Path) -> None:
    """--to journal: the embedded runtime finds it there."""
    result = cli("tap", "pcap", capture, "--to", "journal")
    assert result.exit_code == 0, result.stderr
    frames = list(Reader().read(JournalReader(tmp_path / "journal").follow()))
    assert sum(isinstance(frame, Frame) for frame in frames) > 10


def test_a_damaged_capture(cli: Cli, capture: Path, tmp_path: Path) -> None:
    """What stands before the damage is read, the byte is named, and the exit code says so."""
    capture.write_bytes(WHOLE[:-10])
    result = cli("tap", "pcap", capture, "--out", tmp_path / "o")
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
def test_what_cannot_begin(cli: Cli, capture: Path, arguments: tuple[str, ...], wrong: str) -> None:
    """One line and exit code 2."""
    result = cli("tap", *arguments)
    assert result.exit_code == 2
    assert wrong in result.stderr


STEVE = Path(__file__).resolve().parents[2] / "examples" / "steve-log.toml"
LINE = "[INFO ] 2022-09-19 12:13:5{},000 x - [chargeBoxId=CP1, sessionId=s] {}\n"


@pytest.fixture
def steve(tmp_path: Path) -> Path:
    """A short log of SteVe with a broken line."""
    said = ('Received: [2,"1","Heartbeat",{}]', 'Sending: [3,"1",{}]', "Retrieved: something")
    path = tmp_path / "steve.log"
    path.write_text("".join(LINE.format(number, text) for number, text in enumerate(said)))
    return path


def test_a_log_becomes_a_recording(cli: Cli, steve: Path) -> None:
    """Frames on stdout; the broken line is named with its number, and the exit code says that there was one."""
    result = cli("tap", "log", steve, "--mapping", STEVE)
    assert result.exit_code == 1
    assert "steve.log, line 3: no rule of the mapping fits" in result.stderr
    assert "3 lines: 2 frames, 1 broken" in result.stderr
    assert len(list(Reader().read(result.stdout_bytes.splitlines()))) == 2


def test_broken_lines_become_dead_letters(cli: Cli, steve: Path, tmp_path: Path) -> None:
    """Beside the journal the evidence of a broken line is kept; what it held is masked."""
    result = cli("tap", "log", steve, "--mapping", STEVE, "--to", "journal", "--json")
    assert json.loads(result.stderr)["broken"] == 1
    [letter], _ = refusals.read(tmp_path, 0)
    assert (letter.source, letter.position) == ("log", "steve.log, line 3")
    assert "something" not in letter.shape


def test_a_mapping_of_the_other_kind(cli: Cli, steve: Path) -> None:
    """Places of a Kafka record are refused for a log, with the command that they are for."""
    result = cli("tap", "log", steve, "--mapping", STEVE.with_name("kafka-topic.toml"))
    assert (result.exit_code, "`tap topic`" in result.stderr) == (2, True)
