"""Logs and topics of other systems into frames."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.frame import Direction, Frame, FrameKind
from ingest.logs.mapping import LogMappingError, parse_log_mapping
from ingest.logs.reading import Broken, LogReader
from ingest.redaction import Redactor
from ingest.timestamps import format_micros

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
REDACTOR = Redactor(b"k" * 32, "1")
CALL = '[2,"7","Authorize",{"idTag":"TAG-1"}]'
LOGGER = "de.rwth.idsg.steve.ocpp.ws.WebSocketLogger"
STEVE = [
    "[INFO ] 2022-09-19 12:13:50,000 de.rwth.idsg.steve.SteveAppContext - starting",
    *(
        f"[{level:5}] 2022-09-19 12:13:{second} {LOGGER}{thread} - [chargeBoxId=CP 1, sessionId=55d64502-f988] {said}"
        for level, second, thread, said in (
            ("INFO", "54,161", "", "Connection is established"),
            ("INFO", "55,200", " (qtp-17)", f"Received: {CALL}"),
            ("INFO", "55,300", " (qtp-17)", 'Sending: [3,"7",{"idTagInfo":{"status":"Accepted"}}]'),
            ("DEBUG", "56,000", "", "Sending ping message"),
            ("DEBUG", "56,010", "", "Received pong message"),
            ("ERROR", "57,000", "", "Transport error"),
            ("WARN", "58,000", "", "Connection is closed, status: CloseStatus[code=1006, reason=null]"),
        )
    ),
    "java.io.EOFException: null",
]


def _mapping(name: str, **changes: str):
    text = (EXAMPLES / name).read_text()
    for old, new in changes.items():
        text = text.replace(old, new)
    return parse_log_mapping(text)


def _read(reader: LogReader, lines: list[str]) -> list[Frame | Broken]:
    return [item for number, line in enumerate(lines, 1) for item in reader.line(line.encode(), f"l{number}")]


def _frames(items: list[Frame | Broken]) -> Iterator[Frame]:
    return (item for item in items if isinstance(item, Frame))


def test_steve_s_log() -> None:
    """Both patterns of SteVe's appender: connection, messages, pings, close code; all else is passed over."""
    reader = LogReader(_mapping("steve-log.toml"), REDACTOR.redact)
    frames = list(_frames(_read(reader, STEVE)))
    assert [frame.kind.value for frame in frames] == ["opened", "message", "message", "ping", "pong", "closed"]
    assert [frame.direction for frame in frames[1:5]] == [
        Direction.CP_TO_CS, Direction.CS_TO_CP, Direction.CS_TO_CP, Direction.CP_TO_CS,
    ]  # fmt: skip
    assert frames[-1].close_code == 1006
    assert {frame.charger_id for frame in frames} == {"CP 1"}
    assert {frame.connection_id for frame in frames} == {"steve:55d64502-f988@2022-09-19T12:13:54.161Z"}
    assert [frame.seq for frame in frames] == list(range(6))
    assert frames[1].text == REDACTOR.redact(CALL) != CALL
    assert all(frame.zoneless for frame in frames)
    assert (reader.counts.read, reader.counts.broken, reader.counts.passed_over) == (9, 0, 3)


def test_a_zone_is_applied_and_the_hour_that_comes_twice() -> None:
    """Times of a named zone are UTC afterwards, also through the hour that autumn repeats."""
    reader = LogReader(_mapping("steve-log.toml", **{"# time_zone": "time_zone"}), REDACTOR.redact)
    template = "[INFO ] 2022-10-30 {} x - [chargeBoxId=C, sessionId=s] Received: [3]"
    times = ["01:30:00,000", "02:10:00,000", "02:50:00,000", "02:10:00,000", "02:50:00,000", "03:10:00,000"]
    frames = list(_frames(_read(reader, [template.format(time) for time in times])))
    told = [format_micros(frame.received_at)[11:16] for frame in frames]
    assert told == ["23:30", "00:10", "00:50", "01:10", "01:50", "02:10"]
    assert not any(frame.zoneless for frame in frames)


def test_broken_lines_are_named_kept_and_counted() -> None:
    """A broken line costs itself: place, reason and a masked shape are kept, and a gap where its charger is known."""
    reader = LogReader(_mapping("steve-log.toml"), REDACTOR.redact)
    broken = "[INFO ] yesterday x - [chargeBoxId=CP 1, sessionId=s] Received: SECRET-99"
    items = _read(reader, [broken, STEVE[2]])
    assert isinstance(items[0], Broken)
    assert (items[0].place, items[0].reason) == ("l1", "no rule of the mapping fits")
    assert "SECRET" not in items[0].evidence
    assert "aaaaaa-99" in items[0].evidence
    assert isinstance(items[-1], Frame)
    bad_time = STEVE[2].replace("2022-09-19", "2022-19-19")
    first, gap = _read(LogReader(_mapping("steve-log.toml"), REDACTOR.redact), [bad_time])
    assert isinstance(first, Broken)
    assert isinstance(gap, Frame)
    assert gap.gap is not None
    assert (gap.gap.reason, gap.gap.until_reconnect, gap.charger_id) == ("log-line-broken", False, "CP 1")


def test_json_lines_with_missing_directions() -> None:
    """Where a line says no direction its action does, an answer goes against its call, and what is open is named."""
    reader = LogReader(_mapping("json-log.toml"), REDACTOR.redact)
    template = '{"ts": 1771262028123, "msg": "ocpp", "station": "CP1", "payload": %s}'
    payloads = [
        '[2,"1","Heartbeat",{}]', '[3,"1",{"currentTime":"x","n":1.10}]', '[2,"2","Reset",{"type":"Hard"}]',
        '[3,"2",{}]', '[2,"3","DataTransfer",{}]', '[3,"99",{}]',
    ]  # fmt: skip
    items = _read(reader, [template % payload for payload in payloads])
    messages = [frame for frame in _frames(items) if frame.kind is FrameKind.MESSAGE]
    cp, cs = Direction.CP_TO_CS, Direction.CS_TO_CP
    assert [frame.direction for frame in messages] == [cp, cs, cs, cp]
    assert '"n":1.10' in messages[1].text
    assert [item.reason for item in items if isinstance(item, Broken)] == [
        "either side may send 'DataTransfer', and nothing says which did",
        "an answer to no call that was seen",
    ]
    assert messages[0].received_at == 1_771_262_028_123_000
    said = template.replace("}", ', "dir": "in"}') % '[2,"3","DataTransfer",{}]'
    assert next(_frames(_read(reader, [said]))).direction is cp


def test_records_of_a_topic() -> None:
    """Key, header, timestamp and pointers give a frame; what is no JSON is named with its offset."""
    reader = LogReader(_mapping("kafka-topic.toml"), REDACTOR.redact)
    headers = {"direction": b"TO_STATION"}
    value = b'{"message": "[2,\\"1\\",\\"Reset\\",{}]", "websocket": {"id": "w1"}}'
    [frame] = reader.record(b"CP1", value, headers, 1_771_262_028_123, "t/0/5")
    assert isinstance(frame, Frame)
    assert (frame.charger_id, frame.direction, frame.text) == ("CP1", Direction.CS_TO_CP, '[2,"1","Reset",{}]')
    assert frame.connection_id == "csms-raw:w1@2026-02-16T17:13:48.123Z"
    [broken] = reader.record(b"CP1", b"{", headers, 0, "t/0/6")
    assert isinstance(broken, Broken)
    assert broken.place == "t/0/6"


def test_counting_goes_on_from_a_state() -> None:
    """A reader that is given the state of another goes on with the same connections and numbers."""
    whole = LogReader(_mapping("steve-log.toml"), REDACTOR.redact)
    wanted = list(_frames(_read(whole, STEVE)))
    first = LogReader(_mapping("steve-log.toml"), REDACTOR.redact)
    found = list(_frames(_read(first, STEVE[:3])))
    second = LogReader(_mapping("steve-log.toml"), REDACTOR.redact, first.narrator.state())
    assert found + list(_frames(_read(second, STEVE[3:]))) == wanted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = 'x'", "either [[line]] rules or one [record]"),
        ("name = 'x y'\nrecord = {charger = 'key', text = 'value'}", "name: "),
        ("name = 'x'\nrecord = {charger = 'where', text = 'value'}", "is no place"),
        ("name = 'x'\n[[line]]\npattern = '(?P<charger>.)'", "a message needs the group (?P<text>…)"),
        ("name = 'x'\n[[line]]\npattern = '(?P<who>.)'", "no group is called 'who'"),
        ("name = 'x'\n[[line]]\npattern = '('", "line.0.pattern"),
        ("name = 'x'\ntime_zone = 'Mars'\nrecord = {charger = 'key', text = 'value'}", "no time zone 'Mars'"),
        ("name = ", "no TOML"),
    ],
)
def test_mappings_that_cannot_be_used(text: str, reason: str) -> None:
    """The key, what is wrong, and where to read on."""
    with pytest.raises(LogMappingError) as error:
        parse_log_mapping(text)
    assert reason in str(error.value)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([line.encode() for line in STEVE])), max_size=12))
def test_any_line_is_read(lines: list[bytes]) -> None:
    """Whatever stands in a log, nothing is raised, and every line is a frame, broken, or of no interest."""
    for name in ("steve-log.toml", "json-log.toml"):
        reader = LogReader(_mapping(name), REDACTOR.redact)
        for line in lines:
            reader.line(line, "l")
            reader.record(line, line, {"direction": line}, 0, "t")
        assert reader.counts.read == 2 * len(lines)
