"""A total parser: every text is a Call, a CallResult, a CallError or Malformed."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.ocppj import MAX_DEPTH, MAX_TEXT, Call, CallError, CallResult, Malformed, parse


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[2,"1","Heartbeat",{}]', Call("1", "Heartbeat", {})),
        ('[3,"1",{"a":1}]', CallResult("1", {"a": 1})),
        ('[3,"1",null]', CallResult("1", {})),
        ('[4,"1","InternalError","d",{}]', CallError("1", "InternalError", "d", {})),
    ],
)
def test_the_three_messages(text: str, message: Any) -> None:
    """1.6J §4.2."""
    assert parse(text) == message


@pytest.mark.parametrize(
    "text",
    [
        '[2,"1","Heartbeat",{},0]',
        '[3,"1",{},0]',
        '[4,"1","InternalError"]',
        f'[2,"{"x" * 37}","Heartbeat",{{}}]',
    ],
)
def test_what_the_framing_forbids_and_the_text_survives(text: str) -> None:
    """Lived, with the flaw in words and the section that it breaks or the limit."""
    message = parse(text)
    assert not isinstance(message, Malformed)
    assert "§" in message.flaw or "36" in message.flaw


@pytest.mark.parametrize(
    ("text", "reason", "message_id"),
    [
        ("", "not JSON", None),
        ("{}", "a JSON object", None),
        ("7", "a JSON number", None),
        ("null", "a JSON null", None),
        ("[2]", "too short", None),
        ('[2,7,"A",{}]', "message id is a number", None),
        ('["2","1","A",{}]', "message type is a string", "1"),
        ('[true,"1","A",{}]', "message type is a boolean", "1"),
        ('[2.0,"1","A",{}]', "message type is a number", "1"),
        ('[5,"1","A",{}]', "none of 2, 3, 4", "1"),
        ('[2,"1","A"]', "3 elements", "1"),
        ('[2,"1","",{}]', "must be a string", "1"),
        ('[2,"1",7,{}]', "must be a string", "1"),
        ('[2,"1","A",[]]', "array, not an object", "1"),
        ('[3,"1"]', "2 elements", "1"),
        ('[3,"1",7]', "number, not an object", "1"),
        ('[4,"1"]', "without an error code", "1"),
        ('[4,"1",7]', "without an error code", "1"),
        ('[2,"1","A",{"a":1', "not JSON", None),
        ('[2,"1","A",{"a":1}}', "not JSON", None),
        ('[2,"1","A",{"a":NaN}]', "not JSON", None),
        ('[2,"1","A",{"a":"\\ud800"}]', "not JSON", None),
        ('[2,"1","A",{"a":1e9999999999999999999}]', "not JSON", None),
    ],
)
def test_texts_that_are_no_message(text: str, reason: str, message_id: str | None) -> None:
    """Which rule they break, and the message id where one could be read."""
    message = parse(text)
    assert isinstance(message, Malformed)
    assert reason in message.reason
    assert message.message_id == message_id


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"b":'])
def test_deep_nesting_is_refused_at_a_fixed_depth(opening: str) -> None:
    """Not where the stack of the moment happens to end: the same text gives the same in every runtime."""
    closing = {"[": "]", '{"a":': "}", '[{"b":': "}]"}[opening]
    weight = len(closing)

    def nested(levels: int) -> str:
        return f'[2,"1","A",{{"x":{opening * (levels // weight)}1{closing * (levels // weight)}}}]'

    assert isinstance(parse(nested(MAX_DEPTH - 2)), Call)
    for levels in (MAX_DEPTH, 300, 5000, 200_000):
        message = parse(nested(levels))
        assert isinstance(message, Malformed)
        assert "nested too deeply" in message.reason


def test_wide_messages_are_read() -> None:
    """Many small objects are no deep ones."""
    samples = [{"value": str(number)} for number in range(2000)]
    assert isinstance(parse(json.dumps([2, "1", "MeterValues", {"meterValue": samples}])), Call)


def test_texts_beyond_the_limit_are_refused_unread() -> None:
    """The size is named."""
    message = parse("[" + " " * MAX_TEXT)
    assert isinstance(message, Malformed)
    assert str(MAX_TEXT) in message.reason


def test_numbers_keep_their_digits() -> None:
    """Fractions are decimals, integers of any length stay integers."""
    message = parse('[2,"1","A",{"a":1.10,"b":9223372036854760001,"c":123456789012345678901234567890}]')
    assert isinstance(message, Call)
    assert isinstance(message.payload["a"], Decimal)
    assert str(message.payload["a"]) == "1.10"
    assert message.payload["b"] == 9223372036854760001
    assert message.payload["c"] == 123456789012345678901234567890


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None, max_examples=300)
@given(st.text() | _json.map(json.dumps) | st.lists(_json, max_size=6).map(json.dumps))
def test_parsing_is_total(text: str) -> None:
    """Any text gives one of the four."""
    assert isinstance(parse(text), Call | CallResult | CallError | Malformed)
