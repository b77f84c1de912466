"""Reading the vendor mapping file: what is refused, with its place and what to write, and the examples."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.device_model.vendor import VendorMapping
from shadow.device_model.vendor_check import remarks
from shadow.device_model.vendor_file import parse
from shadow.device_model.vendor_values import convert

ROOT = Path(__file__).resolve().parents[3]


def _key(text: str) -> str:
    return f"[[station]]\n[[station.key]]\n{text}"


def _transfer(text: str) -> str:
    return f'[[station]]\n[[station.transfer]]\nvendor_id = "V"\n{text}'


def _field(parser: str, text: str) -> str:
    return _transfer(f'parser = "{parser}"\n[[station.transfer.field]]\nvariable = "A/B"\n{text}')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stations = []", r"^the vendor mapping has a field 'stations'; it takes station$"),
        ("[station]", r"station must be a list of tables: write \[\[station\]\]"),
        ("[[station]]\nvendors = 'x'", r"\[\[station\]\] number 1 has a field 'vendors'; it takes vendor, model"),
        ("[[station]]\nvendor = 1", r"number 1: vendor must be a text"),
        ("[[station]]\n[station.key]", r"key must be a list of tables: write \[\[station\.key\]\]"),
        (_key("variable = 'A/B'"), r"\[\[station\.key\]\] number 1 names no key"),
        (_key("key = 'X'"), r"number 1 \(X\) names no variable: write variable = \"Component/Variable\""),
        (_key("key = 'X'\nvariable = 'AB'"), r"\(X\): variable 'AB' is no variable: write Component/Variable"),
        (_key(f"key = 'X'\nvariable = 'A/{'b' * 51}'"), r"is longer than 50 characters"),
        (_key(f"key = '{'x' * 101}'\nvariable = 'A/B'"), r"key is longer than 100 characters"),
        (_key("key = 'X'\nvariable = 'A/B'\nunits = 'A'"), r"has a field 'units'; it takes key, variable, limit"),
        (_key("key = 'X'\nvariable = 'A/B'\nscale = 0.001"), r"scale = 0\.001 is not exact as TOML reads it: write"),
        (_key("key = 'X'\nvariable = 'A/B'\nscale = '0'"), r"scale is no factor between"),
        (_key("key = 'X'\nvariable = 'A/B'\nscale = true"), r"scale is no factor between"),
        (_key("key = 'X'\nvariable = 'A/B'\nscale = '1E99'"), r"scale is no factor between"),
        (_key(f"key = 'X'\nvariable = 'A/B'\nscale = '0.{'1' * 30}'"), r"more than 24 digits"),
        (
            _key("key = 'X'\nvariable = 'A/B'\ndata_type = 'int'"),
            r"data_type = 'int': choose from string, decimal, int",
        ),
        (_key("key = 'X'\nvariable = 'A/B'\nlimit = 'maxLimit'"), r"limit = 'maxLimit': choose from max, min"),
        (_key("key = 'X'\nvariable = 'A/B'\nlimit = 'max'\ndata_type = 'string'"), r"limit is of numbers"),
        (_key("key = 'X'\nvariable = 'A/B'\nscale = '2'\ndata_type = 'string'"), r"scale is for numbers"),
        (_key("key = 'X'\nvariable = 'A/B'\nvalues = {}"), r"values is a table of 1 to 200 words"),
        (_key("key = 'X'\nvariable = 'A/B'\nvalues = { a = 1 }"), r"values is a table of 1 to 200 words"),
        (_key("key = 'X'\nvariable = 'A/B'\nvalues = { On = 'true', on = 'false' }"), r"'on' stands there twice"),
        (_key("key = 'X'\nvariable = 'A/B'\nscale = '2'\nvalues = { a = '1' }"), r"write one of them"),
        (
            _key("key = 'X'\nvariable = 'A/B'\ndata_type = 'boolean'\nvalues = { on = 'yes' }"),
            r"values: 'yes' is no boolean",
        ),
        (
            _key("key = 'heartbeatINTERVAL'\nvariable = 'A/B'"),
            r"one of the standard, whose variable is OCPPCommCtrlr/HeartbeatInterval; a mapping file never overrides",
        ),
        (_key("key = 'X'\nvariable = 'EVSE@{evse}/Power'"), r"key and variable have to agree on \{connector\}"),
        (_key("key = 'X{connector}'\nvariable = 'EVSE@1/Power'"), r"have to agree on \{connector\}"),
        (_key("key = 'X{connector}{connector}'\nvariable = 'EVSE@{evse}/Power'"), r"may hold \{connector\} once"),
        (_key("key = 'X[{connector}]'\nvariable = 'EVSE@{evse}/Power'"), r"not between brackets"),
        (_key("key = 'X{connector}'\nvariable = 'EVSE/Power{connector}'"), r"stand behind the component"),
        (_key("key = 'X{connector}'\nvariable = 'EVSE@{connector}/Power'"), r"is no variable: write Component"),
        ("[[station]]\n[[station.transfer]]", r"\[\[station\.transfer\]\] number 1 names no vendor_id"),
        (_transfer(""), r"\(V/\*\): it says no parser: choose from json, csv, query, text"),
        (_transfer("parser = 'xml'"), r"parser = 'xml': choose from json, csv, query, text"),
        (_transfer("parser = 'json'\ndirection = 'up'"), r"direction = 'up': choose from cp>cs, cs>cp"),
        (_transfer("parser = 'text'\nconnector = 'a'"), r"parser = \"text\" has none; leave it out"),
        (_field("json", ""), r"\(V/\*\), field 1 does not say which field it is: .* write path ="),
        (_field("json", "column = 3"), r"field 1 has column: with parser = \"json\" write path ="),
        (_field("json", "path = 'a'\nname = 'b'"), r"field 1 has path, name: with parser"),
        (_field("query", "name = ''"), r"field 1: name is empty: write name ="),
        (_field("csv", "column = 0"), r"field 1: column counts from 1 to 999"),
        (_field("csv", "column = true"), r"column counts from 1"),
        (_field("csv", "column = '1.2.3'"), r"column counts from 1"),
        (_field("text", "name = 'a'"), r"has one field, the whole text; leave name out"),
        (
            _transfer("parser = 'csv'\n[[station.transfer.field]]\ncolumn = 1\nvariable = 'EVSE@{evse}/Power'"),
            r"nothing says which connector: write connector = … in its \[\[station\.transfer\]\]",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    """Table, field, rule, and what to write in its place."""
    with pytest.raises(ValueError, match=message):
        parse(tomllib.loads(text))


def test_a_file_is_bounded() -> None:
    """5000 entries, whatever they are."""
    keys = [{"key": f"K{number}", "variable": "A/B"} for number in range(4999)]
    assert len(parse({"station": [{"key": keys}]})) == 4999
    with pytest.raises(ValueError, match="5001 entries: a vendor mapping holds 5000 at most"):
        parse({"station": [{"key": keys, "transfer": [{"vendor_id": "V", "parser": "text"}]}]})


def test_a_rule_keeps_what_the_file_says() -> None:
    """Factors are exact, words are in lower case, columns are text."""
    mapping = parse(
        tomllib.loads(
            _key("key = 'X'\nvariable = 'A/B'\nscale = '0.001'\nlimit = 'min'\nunit = 'A'\nnote = 'n'")
            + "\n[[station.transfer]]\nvendor_id = 'V'\nparser = 'csv'\nconnector = 1\n"
            + "[[station.transfer.field]]\ncolumn = '8.2'\nvariable = 'A/B'\nvalues = { ON = 'true' }"
        )
    )
    (table,) = mapping.stations
    (key,), (transfer,) = table.keys, table.transfers
    assert (key.scale, key.limit, key.unit, key.note, key.kind) == (Decimal("0.001"), "min", "A", "n", "decimal")
    assert (transfer.connector, transfer.message_id, transfer.direction) == ("1", "*", "cp>cs")
    assert [(one.path, one.values, one.kind) for one in transfer.fields] == [("8.2", {"on": "true"}, "boolean")]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["A/B", "json"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["station", "key", "transfer", "field", "variable", "scale", "values", "path", "column", "vendor_id"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["station", "x"]), st.lists(_json, max_size=3)))
def test_reading_gives_rules_or_a_reason(document: dict[str, Any]) -> None:
    """Whatever TOML says: no other error than the one that names the place."""
    try:
        mapping = parse(document)
    except ValueError as error:
        assert "station" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(mapping, VendorMapping)


def test_the_example_of_the_page_means_what_it_says() -> None:
    """docs/vendor-mapping.md: a current in mA is the maxLimit in A, a word is another word."""
    page = (ROOT / "docs/vendor-mapping.md").read_text(encoding="utf-8")
    mapping = parse(tomllib.loads(page.partition("```toml\n")[2].partition("```")[0]))
    assert remarks(mapping) == []
    rules = {name: mapping.key("Keba AG", "KC-P30-GS", "CP1", name) for name in ("maxavailablecurrent", "timezone")}
    current = rules["maxavailablecurrent"]
    assert current is not None
    assert (str(current.address()), current.unit) == ("ChargingStation/ACCurrent", "A")
    assert convert(current, "32000") == ("32", None)
    clock = mapping.key("Keba AG", "KC-P30-GS", "CP1", "HostConnectorUseCentralTime")
    assert clock is not None
    assert convert(clock, "True") == ("Heartbeat", None)
    assert mapping.key("Other", "KC-P30-GS", "CP1", "TimeZone") is None


def test_the_page_shows_an_error_as_it_is() -> None:
    """The line at the end of docs/vendor-mapping.md is the one that a scale without quotes gives."""
    page = (ROOT / "docs/vendor-mapping.md").read_text(encoding="utf-8")
    text = _key("key = 'A'\nvariable = 'A/B'\n[[station.key]]\nkey = 'MaxCurrent'\nvariable = 'A/B'\nscale = 0.001")
    with pytest.raises(ValueError, match="scale") as caught:
        parse(tomllib.loads(text))
    assert f"vendor_mapping_file keba.toml: {caught.value}; see docs/vendor-mapping.md" in page
