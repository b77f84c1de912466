"""Recordings that are broken: each bad line is named with its reason, and its neighbours are lived all the same."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.recording import MAX_LINE
from tests.app.conftest import Cli


def _line(second: int, direction: str, frame: object) -> bytes:
    entry = {"t": f"2026-03-01T10:00:{second:02}Z", "dir": direction, "cp": "CP-1", "frame": frame}
    return json.dumps(entry).encode() + b"\n"


BOOT = (
    _line(1, "cp>cs", [2, "b1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}]),
    _line(
        2,
        "cs>cp",
        [3, "b1", {"status": "Accepted", "currentTime": "2026-03-01T10:00:02Z", "interval": 300}],
    ),
)
START = (
    _line(
        10,
        "cp>cs",
        [
            2,
            "s1",
            "StartTransaction",
            {"connectorId": 1, "idTag": "04AABBCCDD", "meterStart": 100, "timestamp": "2026-03-01T10:00:10Z"},
        ],
    ),
    _line(11, "cs>cp", [3, "s1", {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}]),
)
STOP = (
    _line(
        50,
        "cp>cs",
        [
            2,
            "e1",
            "StopTransaction",
            {"transactionId": 7, "idTag": "04AABBCCDD", "meterStop": 600, "timestamp": "2026-03-01T10:00:50Z"},
        ],
    ),
    _line(51, "cs>cp", [3, "e1", {"idTagInfo": {"status": "Accepted"}}]),
)
CLEAN = b"".join(BOOT + START + STOP)


def _with(bad: bytes) -> bytes:
    """The clean recording with something in the middle of its session, behind line 4."""
    return b"".join((*BOOT, *START, bad, *STOP))


def _whole(document: Any) -> None:
    """The session around the bad line is complete, with its energy on both sides."""
    (session,) = document["sessions"]
    assert session["complete"]
    assert (session["primary_energy_wh"], session["shadow_energy_wh"]) == ("500", "500")


def test_the_clean_recording_is_clean(cli: Cli) -> None:
    """What the other tests break holds a whole session and nothing to complain of."""
    done = cli("replay", "-", "--json", stdin=CLEAN)
    _whole(done.json)
    assert (done.code, done.err, done.json["frames"], done.json["malformed"]) == (0, "", 6, 0)
    assert done.json["discrepancies"] == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"t": "2026-03-01T10:00:20Z", "dir"\n', "no line of a recording: Input data was truncated"),
        (b"not json at all\n", "no line of a recording: JSON is malformed"),
        (bytes(range(1, 10)) + b"\xff\xfe\x80\x00\xc3\n", "no line of a recording: "),
        (b"\xed\xa0\x80" * 5 + b"\n", "no line of a recording: "),
        (b"[" * 100_000 + b"\n", "no line of a recording: "),
        (b"42\n", "no line of a recording: Expected `object`, got `int`"),
        (b'{"t": 5, "cp": "CP-1", "dir": "cp>cs", "frame": []}\n', "no line of a recording: Expected `str | null`"),
        (b'{"t": "2026-03-01T10:00:20Z", "dir": "cp>cs", "frame": []}\n', 'no charger: "cp" is missing'),
        (b'{"cp": "CP-1", "dir": "up", "frame": []}\n', "\"dir\" is 'up', neither \"cp>cs\" nor \"cs>cp\""),
        (b'{"cp": "CP-1", "dir": "cp>cs"}\n', 'neither "frame" nor "raw" nor "event" stands in it'),
        (b'{"cp": "CP-1", "event": "explode"}\n', "\"event\" is 'explode', neither \"open\" nor \"close\""),
        (b'{"cp": "CP-1", "frame": []}\n', '"dir" is missing, neither "cp>cs" nor "cs>cp"'),
        (b'{"t": "yesterday", "cp": "CP-1", "dir": "cp>cs", "frame": []}\n', "\"t\" is 'yesterday': "),
        (b'{"kind": "message", "cp": "CP-1"}\n', 'a line with "kind" needs "conn" and "seq"'),
    ],
    ids=[
        "cut", "text", "bytes", "surrogates", "deep", "number", "type", "nobody", "direction", "nothing", "event",
        "undirected", "time", "unnumbered",
    ],
)  # fmt: skip
def test_a_line_without_a_frame_is_named_and_counted(cli: Cli, bad: bytes, reason: str) -> None:
    """Line number and reason on stderr, one malformed in the document, its neighbours kept, exit code 0."""
    done = cli("replay", "-", "--json", stdin=_with(bad))
    document = done.json
    assert done.code == 0
    assert len(done.lines) == 1
    assert done.err.startswith(f"standard input, line 5: {reason}")
    assert (document["frames"], document["malformed"]) == (6, 1)
    (rejected,) = document["rejected"]
    assert (rejected["line"], rejected["size"]) == (5, len(bad.strip()))
    _whole(document)


def test_a_line_of_ten_megabytes_is_passed_over(cli: Cli) -> None:
    """It is named with the limit and not held in memory, and the line behind it is read from its beginning."""
    text = json.dumps({"cp": "CP-1", "dir": "cp>cs", "raw": "x" * 10_000_000}).encode() + b"\n"
    done = cli("replay", "-", "--json", stdin=_with(text))
    document = done.json
    assert done.code == 0
    assert len(done.lines) == 1
    assert "line 5" in done.err
    assert str(MAX_LINE) in done.err
    assert len(done.err) < 300
    assert (document["frames"], document["malformed"]) == (6, 1)
    _whole(document)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('"raw": "\\u0000\\u0007binary"', "rpc.malformed"),
        ('"frame": {"no": "array"}', "rpc.malformed"),
        ('"frame": [2, "x"]', "rpc.malformed"),
        ('"frame": [9, "x", {}]', "rpc.malformed"),
        ('"frame": [2, 7, "Heartbeat", {}]', "rpc.malformed"),
        ('"frame": [2, "x", "MeterValues", {"connectorId": "one", "meterValue": 3}]', "schema.v16"),
        ('"frame": [2, "x", "StartTransaction", []]', "rpc.malformed"),
        ('"frame": [2, "x", "StatusNotification", {"connectorId": 1e400}]', "schema.v16"),
    ],
)
def test_a_frame_that_breaks_the_protocol_is_a_discrepancy(cli: Cli, frame: str, code: str) -> None:
    """It is a frame like any other, evidence stands under its own code, and the session around it is not touched."""
    bad = b'{"t": "2026-03-01T10:00:20Z", "dir": "cp>cs", "cp": "CP-1", ' + frame.encode() + b"}\n"
    done = cli("replay", "-", "--json", stdin=_with(bad))
    document = done.json
    assert done.code == 0
    assert document["frames"] == 7
    rows = {row["code"]: row for row in document["discrepancies"]}
    assert code in rows
    assert rows[code]["frames"] == ["CP-1@2026-03-01T10:00:01Z/4"]
    assert document["malformed"] == (code == "rpc.malformed")
    _whole(document)


def test_an_unknown_action_is_counted_and_not_lost(cli: Cli) -> None:
    """An action that OCPP 1.6 does not know stands among what could not be translated."""
    bad = _line(20, "cp>cs", [2, "x", "MakeCoffee", {"cups": 2}]) + _line(
        21, "cs>cp", [4, "x", "NotImplemented", "", {}]
    )
    document = cli("replay", "-", "--json", stdin=_with(bad)).json
    assert document["unmapped"].get("MakeCoffee") == 1
    assert document["frames"] == 8
    _whole(document)


def test_the_line_is_counted_in_its_own_recording(cli: Cli, tmp_path: Path) -> None:
    """With several recordings the remark names the file and the line within it; the document counts over all."""
    (tmp_path / "first.jsonl").write_bytes(b"".join(BOOT))
    (tmp_path / "second.jsonl").write_bytes(b"\n" + b"".join(START) + b"junk\n" + b"".join(STOP))
    done = cli("replay", "first.jsonl", "second.jsonl", "--json")
    assert done.err.startswith("second.jsonl, line 4: no line of a recording")
    assert [rejected["line"] for rejected in done.json["rejected"]] == [6]
    _whole(done.json)


def test_many_bad_lines_do_not_flood_the_terminal(cli: Cli) -> None:
    """Twenty are named, the rest is counted there, and the document holds them all."""
    done = cli("replay", "-", "--json", stdin=_with(b"junk\n" * 500))
    assert len(done.lines) == 21
    assert done.lines[-1].endswith("480 more lines that hold no frame")
    assert done.json["malformed"] == len(done.json["rejected"]) == 500
    _whole(done.json)


def test_an_empty_recording_has_an_empty_outcome(cli: Cli, tmp_path: Path) -> None:
    """No line, only blank ones, and no line end at the end are no errors."""
    (tmp_path / "empty.jsonl").touch()
    done = cli("replay", "empty.jsonl", "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["frames"], done.json["malformed"], done.json["sessions"]) == (0, 0, [])
    _whole(cli("replay", "-", "--json", stdin=b"\n\n  \n" + CLEAN.rstrip(b"\n")).json)
    assert b"No discrepancy." in cli("replay", "empty.jsonl").out


def _missing(path: Path) -> None:
    path.unlink(missing_ok=True)


def _directory(path: Path) -> None:
    path.mkdir()


def _forbidden(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("permissions do not bind root: run the tests as another user")
    path.touch(mode=0)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(_missing, "No such file or directory"), (_directory, "Is a directory"), (_forbidden, "Permission denied")],
)
def test_a_recording_that_cannot_be_read_is_one_line(
    cli: Cli, tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    """Which, why and what to do, nothing on stdout, exit code 2: also where it is the second of two."""
    spoil(tmp_path / "bad.jsonl")
    (tmp_path / "good.jsonl").write_bytes(CLEAN)
    for names in (("bad.jsonl",), ("good.jsonl", "bad.jsonl")):
        done = cli("replay", *names, "--json")
        assert (done.code, done.out) == (2, b"")
        assert done.lines == [f"shadow-csms: bad.jsonl: cannot be read: {reason}; name a recording (JSON Lines)"]
