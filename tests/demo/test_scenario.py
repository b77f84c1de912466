"""How a scenario is read, and that every way of saying what is expected can fail."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from demo.lived import Lived
from demo.scenario import Scenario, differences, fits, read
from ingest.frame import FrameKind
from shadow.message import MessageType, ShadowMessage

PLUG_IN_FIRST = Path(__file__).resolve().parents[1] / "golden/scenarios/plug-in-first.toml"
LITTLE = 'title = "T"\nsources = ["S"]\nexpect = []\ncodes = []\n'


def _played() -> tuple[Scenario, list[ShadowMessage]]:
    scenario = read(PLUG_IN_FIRST)
    prelude, dialogue = scenario.frames()
    lived = Lived().feed(prelude)
    begun = len(lived.messages)
    return scenario, lived.feed(dialogue).messages[begun:]


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenario.toml"
    path.write_text(LITTLE + text, encoding="utf-8")
    return path


def test_a_dialogue_becomes_frames(tmp_path: Path) -> None:
    """Times, ids, payloads in parts, answers now and later, refusals, and a line that closes and opens."""
    rows = """dialogue = [
      ["station", 1, "Heartbeat#h1", {}, "=>", {currentTime = "@"}],
      ["csms", 2, "Reset", {type = "Hard"}],
      ["station", 2.5, "answer", {status = "Accepted"}],
      ["csms", 3, "ClearCache", {}, "=>", "NotSupported"],
      ["station", 4, "StartTransaction", {connectorId = 1}, {timestamp = "@-60"}],
      ["line", 5, "closes"],
      ["line", 6, "opens"],
    ]"""
    prelude, frames = read(_file(tmp_path, rows)).frames()
    assert len(prelude) == 7  # opened, BootNotification and two StatusNotifications with their answers
    texts = [frame.text for frame in frames if frame.kind is FrameKind.MESSAGE]
    assert texts == [
        '[2,"h1","Heartbeat",{}]',
        '[3,"h1",{"currentTime":"2030-01-01T12:00:01.100Z"}]',
        '[2,"m5","Reset",{"type":"Hard"}]',
        '[3,"m5",{"status":"Accepted"}]',
        '[2,"m6","ClearCache",{}]',
        '[4,"m6","NotSupported","",{}]',
        '[2,"m7","StartTransaction",{"connectorId":1,"timestamp":"2030-01-01T11:59:00Z"}]',
    ]
    assert [frame.kind for frame in frames[-2:]] == [FrameKind.CLOSED, FrameKind.OPENED]


@pytest.mark.parametrize("text", ["dialogue = 1", "dialog = []", "dialogue = []\nexpects = []"])
def test_a_file_that_is_no_scenario_is_refused(tmp_path: Path, text: str) -> None:
    """A key that is missing, misspelt or of another type."""
    with pytest.raises(msgspec.ValidationError):
        read(_file(tmp_path, text))


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    """A row cannot be before the answer to the one above it."""
    rows = 'dialogue = [["station", 9, "Heartbeat", {}, "=>", {}], ["station", 9.1, "Heartbeat", {}]]'
    with pytest.raises(ValueError, match="order of time"):
        read(_file(tmp_path, rows)).frames()


def test_a_message_too_few_too_many_or_in_another_order_is_seen() -> None:
    """Whatever request is taken away, said twice or moved; and nothing where all is right."""
    scenario, said = _played()
    assert differences(scenario.expect, said) == []
    for place in [place for place, one in enumerate(said) if one.type is MessageType.REQUEST]:
        assert differences(scenario.expect, said[:place] + said[place + 1 :])
        assert differences(scenario.expect, [*said[:place], said[place], *said[place:]])
    assert differences(scenario.expect, said[::-1])
    assert differences(scenario.expect[:-1], said)


def test_what_may_come_need_not() -> None:
    """A message with a question mark is taken where it comes and missed by nobody."""
    scenario, said = _played()
    there = [[row[0] + "?", *row[1:]] for row in scenario.expect]
    absent = [*scenario.expect, ["NotifyEvent?", "G01", {}], ["StatusNotification?", "G01", {}]]
    assert differences(there, said) == differences(absent, said) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"eventType": "Updated"},
        {"transactionInfo": {"chargingState": "Charging"}},
        {"timestamp": "@14"},
        {"without": ["evse"]},
        {"evse": {"id": 2}},
        {"has": ["1001 Wh Transaction.Begin"]},
        {"readings": []},
        {"offline": True},
        {"triggerReason": {"anyOf": ["RemoteStart", "CablePluggedIn"]}},
        {"reservationId": "*"},
    ],
)
def test_a_field_that_differs_is_seen(fields: dict[str, Any]) -> None:
    """Each way of saying what is expected can fail."""
    scenario, said = _played()
    for row in scenario.expect:
        if row[2].get("eventType") == "Started":
            row.append(fields)
    assert differences(scenario.expect, said)


def test_one_name_is_one_value_and_two_names_are_two() -> None:
    """A name that stood for another value before is seen, and a value of the same field that has another name."""
    names: dict[str, Any] = {}
    assert fits("transactionInfo.transactionId", "T1", "$A", names)
    assert fits("transactionId", "T1", "$A", names)
    assert not fits("transactionId", "T2", "$A", names)
    assert not fits("transactionId", "T1", "$B", names)
    assert fits("requestId", 1, "$C", names)
    assert fits("remoteStartId", 1, "$D", names)
