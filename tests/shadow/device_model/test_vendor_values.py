"""What a vendor sends as values of variables: exact, and total on any text."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.device_model.vendor import FieldRule, Limit, Parser, Target, TransferRule
from shadow.device_model.vendor_values import CONVERTED, convert, fields, number_text, parsed

QUIRKS = Path(__file__).resolve().parents[3] / "../shared/field-quirks.jsonl"


def _rule(kind: str | None = None, scale: str | None = None, **words: str) -> Target:
    return Target(variable="A/B", data_type=kind, scale=None if scale is None else Decimal(scale), values=words)


@pytest.mark.parametrize(
    ("rule", "text", "value"),
    [
        (_rule(), "as it is ", "as it is "),
        (_rule(scale="0.001"), "32000", "32"),
        (_rule(scale="0.001"), " 12500.50 ", "12.5005"),
        (_rule("integer", "0.001"), "32000", "32"),
        (_rule("integer", "0.001"), "32500", None),
        (_rule(scale="1000"), "0,05", "50"),
        (_rule(scale="0.001"), "0", "0"),
        (_rule(scale="0.001"), "-0", "0"),
        (_rule(scale="0.001"), "12345678901234567890123456789012345678.9", "12345678901234567890123456789012345.6789"),
        (_rule(scale="0.001"), "32 A", None),
        (_rule("integer"), "1.0", "1"),
        (_rule("integer"), "1.5", None),
        (_rule("integer"), "", None),
        (_rule("decimal"), "1E+3", "1000"),
        (_rule("boolean"), " TRUE", "true"),
        (_rule("boolean"), "1", None),
        (_rule(on="true", off="false"), "ON ", "true"),
        (_rule(on="true", off="false"), "auto", None),
        (_rule("dateTime"), "2030-01-01T10:00:00Z", "2030-01-01T10:00:00Z"),
        (_rule("dateTime"), "2000-00-00 00:00:00", None),
        (_rule("MemberList"), "a, b", "a, b"),
        (Target(variable="A/B", limit=Limit.MAX), "32.0", "32"),
        (Target(variable="A/B", limit=Limit.MAX), "many", None),
        (_rule(), "x" * 2501, None),
    ],
)
def test_a_text_becomes_a_value_or_has_a_flaw(rule: Target, text: str, value: str | None) -> None:
    """Factors are exact, however many digits there are; a flaw says why and never repeats the text."""
    found, flaw = convert(rule, text)
    assert found == value
    assert (flaw is None) == (value is not None)
    assert flaw is None or not text.strip() or text not in flaw


_numbers = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**18), max_value=10**18)


@given(_numbers, st.sampled_from(["0.001", "1000", "0.3", "1E-9"]))
def test_scaling_is_exact(number: Decimal, scale: str) -> None:
    """The value divided by the factor is the number that was sent."""
    value, _ = convert(_rule(scale=scale), format(number, "f"))
    assert value is not None
    assert Decimal(value) == number * Decimal(scale)
    assert "E" not in value


_anything = st.text(max_size=80) | st.text(alphabet='{}[],;"=&%.:0123456789aeE+-', max_size=80)


@given(
    _anything,
    st.sampled_from([None, *CONVERTED]),
    st.sampled_from([None, "0.001"]),
    st.dictionaries(_anything, _anything, max_size=2),
)
def test_converting_is_total(text: str, kind: str | None, scale: str | None, words: dict[str, str]) -> None:
    """Either a value or a flaw, and a value that was converted once is one of its type."""
    rule = Target(variable="A/B", data_type=kind, scale=None if scale is None else Decimal(scale), values=words)
    value, flaw = convert(rule, text)
    assert (value is None) != (flaw is None)
    if value is not None and not words:
        assert CONVERTED[rule.kind](value) == (value, None)


def test_numbers_are_written_in_plain_digits() -> None:
    """Without zeros that say nothing, and without an exponent."""
    texts = [number_text(Decimal(one)) for one in ("0.50", "1E+3", "-0.0", "100", "1.10E-3")]
    assert texts == ["0.5", "1000", "0", "100", "0.0011"]


@pytest.mark.parametrize(
    ("parser", "data", "found"),
    [
        (
            Parser.JSON,
            '{"a": {"b": [{"c": 21.50}, true]}, "n": null, "a.b": "x"}',
            {"a.b[0].c": "21.50", "a.b[1]": "true", "a.b": "x"},
        ),
        (Parser.JSON, "[1]", {"[0]": "1"}),
        (Parser.JSON, "{", {}),
        (Parser.JSON, "[" * 100_000, {}),
        (
            Parser.CSV,
            '1, x ,{20,{8},100},"a,b",',
            {"1": "1", "2": "x", "3": "{20", "4": "{8}", "4.1": "8", "5": "100}", "6": "a,b", "7": ""},
        ),
        (Parser.CSV, "1;2,5", {"1": "1;2", "2": "5"}),
        (Parser.CSV, "1;{2;3}", {"1": "1", "2": "{2;3}", "2.1": "2", "2.2": "3"}),
        (Parser.QUERY, "?a=1&b=x%20y&a=2&=3&c", {"a": "1", "b": "x y"}),
        (Parser.QUERY, "t=2030-01-01T10:00:00+02:00;u=%zz", {"t": "2030-01-01T10:00:00+02:00", "u": "%zz"}),
        (Parser.TEXT, "all of it", {"": "all of it"}),
    ],
)
def test_the_data_of_a_transfer_has_fields(parser: Parser, data: str, found: dict[str, str]) -> None:
    """By path, by column and place in its group, by name; the first of a name counts, what is unreadable has none."""
    assert parsed(parser, data) == found


@given(st.sampled_from(list(Parser)), _anything | st.recursive(st.integers(), st.lists).map(json.dumps))
def test_reading_fields_is_total(parser: Parser, data: str) -> None:
    """Any text has fields or none, by short names."""
    assert all(len(path) <= 200 for path in parsed(parser, data))


def test_fields_are_bounded() -> None:
    """A thousand of a text of a hundred thousand characters; a longer one is not read."""
    assert len(parsed(Parser.CSV, "1," * 5000)) == 1000
    assert len(parsed(Parser.JSON, json.dumps(dict.fromkeys(map(str, range(5000)), 1)))) == 1000
    assert parsed(Parser.TEXT, "x" * 100_001) == {}


def test_the_status_record_of_an_evbox_can_be_read() -> None:
    """Its CSV has groups in braces, one column each: the state of a connector, and a value of a group."""
    if not QUIRKS.is_file():
        pytest.skip("field-quirks.jsonl is not here: put the shared folder beside the checkout (../shared)")
    frames = [frame for line in QUIRKS.read_text().splitlines() for frame in json.loads(line).get("frames", ())]
    (data,) = [frame[3]["data"] for frame in frames if frame[2] == "DataTransfer" and frame[3]["vendorId"] == "EV-BOX"]
    state = FieldRule(
        variable="Connector@{evse}.{connector}/AvailabilityState", path="2", values={"preparing": "Occupied"}
    )
    rule = TransferRule(vendor_id="EV-BOX", message_id="*", parser=Parser.CSV, connector="1", fields=(state,))
    found = fields(rule, data)
    assert found[rule.connector] == "1"
    assert convert(state, found[state.path]) == ("Occupied", None)
    assert (found["8.2"], found["10.1"], found["14"]) == ("8000", "B", "2030-01-01T10:00:00Z")


def test_the_query_string_of_an_atess_can_be_read() -> None:
    """Names and values between ampersands; its time of month 0 is no time, and the rest of it stands."""
    found = parsed(Parser.QUERY, "connectorId=1&temperature=23.5&starttime=2000-00-00 00:00:00")
    assert convert(_rule("decimal"), found["temperature"]) == ("23.5", None)
    assert convert(_rule("dateTime"), found["starttime"])[0] is None
