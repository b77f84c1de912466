"""Every defect reported of real equipment, lived as written: no crash, no neighbour touched, the right codes.

`quirks.toml` states for each what it must lead to, and why. It was written by reading the quirk and the catalogue; what
the program says is compared with it and never copied into it.
"""

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from demo.lived import Lived
from demo.script import NOON, Script
from diff.catalogue import CATALOGUE
from diff.discrepancy import Class
from ingest.frame import Direction, Frame
from ingest.recording import Reader
from ingest.timestamps import format_micros
from shadow.config import DEFAULT
from shadow.mapping.registry import TABLES
from shadow.mapping.rules import REQUEST

QUIRKS = Path(__file__).resolve().parents[2] / "../shared/field-quirks.jsonl"
EXPECTED: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "quirks.toml").read_text(encoding="utf-8"))[
    "quirk"
]
SILENCE = {"rpc.unanswered", "session.missing-in-primary", "session.never-ended", "clock.skew", "rpc.before-boot"}
"""What can follow of nobody answering, and of a clock of 2030; these stand in a column of their own."""


COMMANDS = {
    action for (action, part), table in TABLES.items() if part == REQUEST and Direction.CP_TO_CS not in table.directions
}
"""What only a CSMS sends."""


def _quirks() -> list[dict[str, Any]]:
    if not QUIRKS.exists():
        return []
    return [json.loads(line) for line in QUIRKS.read_text().splitlines() if line.strip()]


def _expectation(quirk: dict[str, Any]) -> dict[str, Any]:
    (found,) = [row for row in EXPECTED if quirk["quirk"].startswith(row["begin"])]
    return found


def _lines(quirk: dict[str, Any], expected: dict[str, Any]) -> list[bytes]:
    """The quirk as a recording, a second between its frames. What it leaves unanswered nobody answers."""
    said = [{"frame": frame} for frame in [*expected.get("before", []), *quirk["frames"]]] or [{"raw": quirk["raw"]}]
    lines = [{"t": format_micros(NOON), "cp": "CP", "event": "open", "subprotocol": expected.get("speaks", "ocpp1.6")}]
    callers: dict[str, str] = {}
    for number, what in enumerate(said, 1):
        frame = what.get("frame", [0])
        if frame[0] == 2:
            callers[frame[1]] = "cs>cp" if frame[2] in COMMANDS else "cp>cs"
        asked = callers.get(frame[1] if len(frame) > 1 else "")
        answered = frame[0] in (3, 4) and asked is not None
        direction = {"cp>cs": "cs>cp", "cs>cp": "cp>cs"}[asked] if answered and asked else asked or "cp>cs"
        lines.append({"t": format_micros(NOON + number * 1_000_000), "cp": "CP", "dir": direction, **what})
    return [json.dumps(line).encode() for line in lines]


def _frames(quirk: dict[str, Any]) -> list[Frame]:
    frames = list(Reader().read(_lines(quirk, _expectation(quirk))))
    assert all(isinstance(frame, Frame) for frame in frames)
    return [frame for frame in frames if isinstance(frame, Frame)]


def _neighbour() -> Script:
    """A charging station without fault, in the same fleet at the same time."""
    script = Script("NEXT", at=NOON - 1_000_000).boot().status(1, "Available").status(1, "Preparing")
    script.authorize("04A1B2C3").start(1, "04A1B2C3", 1000, transaction=7).status(1, "Charging")
    return script.wait(600).stop(7, 3500, idTag="04A1B2C3").status(1, "Available")


@cache
def _neighbour_alone() -> tuple[Any, ...]:
    lived = Lived(DEFAULT).feed(_neighbour().frames).settle()
    return tuple(lived.messages)


@pytest.mark.skipif(not QUIRKS.exists(), reason="field-quirks.jsonl is not beside the checkout (../shared)")
def test_every_quirk_has_its_expectation() -> None:
    """Each line is expected to lead to something, and each expectation belongs to one line."""
    texts = [quirk["quirk"] for quirk in _quirks()]
    for row in EXPECTED:
        assert sum(text.startswith(row["begin"]) for text in texts) == 1, row["begin"]
    assert len(EXPECTED) == len(texts) == 48


def test_the_table_is_well_formed() -> None:
    """Codes of the catalogue, each in its column, and a reason in every row."""
    for row in EXPECTED:
        assert set(row) <= {"begin", "codes", "silence", "losses", "why", "before", "speaks"}
        assert row["why"].endswith(".")
        assert all(CATALOGUE[code].class_ is not Class.EXPECTED_LOSS for code in [*row["codes"], *row["silence"]])
        assert all(CATALOGUE[loss.partition(" ")[0]].class_ is Class.EXPECTED_LOSS for loss in row["losses"])
        assert set(row["silence"]) <= SILENCE


@pytest.mark.parametrize("quirk", _quirks(), ids=lambda quirk: quirk["quirk"][:40])
def test_a_quirk_is_lived_and_named(quirk: dict[str, Any]) -> None:
    """No crash, no refused event, exactly the codes and losses of the table, and the neighbour lives as if alone."""
    mixed = sorted([*_frames(quirk), *_neighbour().frames], key=lambda frame: frame.received_at)
    lived = Lived(DEFAULT).feed(mixed).settle()
    expected = _expectation(quirk)
    assert lived.codes("CP") == {*expected["codes"], *expected["silence"]}
    assert {f"{code} {path}" for code, path in lived.losses("CP")} == set(expected["losses"])
    assert lived.refused == []
    assert lived.codes("NEXT") == set()
    assert tuple(message for message in lived.messages if message.charger_id == "NEXT") == _neighbour_alone()
