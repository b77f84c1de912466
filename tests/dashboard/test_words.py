"""How figures are said, exported, linked and configured."""

from __future__ import annotations

import csv
import io
from datetime import UTC
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import links, words
from dashboard.exports import to_csv
from dashboard.settings import read_settings
from diff.discrepancy import Severity
from ingest.tap.connection import State

T0 = 1_767_225_599_999_999  # 2025-12-31T23:59:59.999999Z


def test_a_time_is_said_in_its_zone() -> None:
    """Fractions are cut, never rounded into the next second; what is unknown is a dash."""
    assert words.when(T0) == "2025-12-31 23:59:59"
    assert words.when(T0, UTC, fraction=True) == "2025-12-31 23:59:59.999"
    assert words.when(T0, ZoneInfo("Asia/Kathmandu")) == "2026-01-01 05:44:59"
    assert words.when(None) == words.NEVER
    assert words.when(2**62) == f"{2**62} µs"


def test_a_chart_gets_the_wall_clock_of_the_zone() -> None:
    """A chart that believes everything to be UTC shows the time of the zone."""
    assert words.clock(T0, ZoneInfo("Asia/Kathmandu")) == "2026-01-01T05:44:59.999Z"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3_660, "1 h 1 min"),
        (90_000, "1 d 1 h"),
        (864_000, "10 d"),
        (-5, "now"),
        (-61, "in the future"),
    ],
)
def test_an_age_is_said_in_its_two_largest_units(seconds: int, said: str) -> None:
    """A clock that is a little ahead is now; one that is far ahead is named."""
    assert words.age(T0, T0 + seconds * 1_000_000) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(61, "1 min 1 s ago"), (-5, "just now"), (-180, "3 min 0 s ahead of this machine's clock")]
)
def test_a_clock_that_is_ahead_gives_no_age(seconds: int, said: str) -> None:
    """Behind "ago" an age that is none would read like nonsense."""
    assert words.ago(T0, T0 + seconds * 1_000_000) == said
    assert words.ago(None, T0) == "never"


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, words.NEVER),
        (0, 5, "0.00 %"),
        (5, 5, "100 %"),
        (999_999, 1_000_000, "99.99 %"),
        (1, 1_000_000, "< 0.01 %"),
        (1, 8, "12.50 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(part: int, whole: int, said: str) -> None:
    """One missing byte of a million is not 100 %, one seen byte is not 0 %, and nothing of nothing is unknown."""
    assert words.share(part, whole) == said


@given(value=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
@settings(deadline=None, max_examples=200)
def test_an_energy_is_said_exactly(value: Decimal) -> None:
    """The number reads back as the very value, without an exponent."""
    number, unit = words.energy(value).split(" ")
    assert (Decimal(number.replace("\u202f", "")), unit) == (value, "Wh")
    assert words.energy(value, None, signed=True).startswith(("+", "-")) == bool(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [("0", "0.00 EUR"), ("1234.5", "1\u202f234.50 EUR"), ("0.000039", "0.000039 EUR"), ("-0.5", "-0.50 EUR")],
)
def test_money_shows_what_is_below_a_cent(value: str, said: str) -> None:
    """An amount that is not zero never reads as zero."""
    assert words.amount(Decimal(value), "EUR") == said


def test_sizes_and_counts_are_said_with_units() -> None:
    """Amounts of data in powers of a thousand, counts with narrow spaces, nouns in their number."""
    assert [words.bytes_(number) for number in (0, 999, 1_500, 2_000_000, 10**13)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "2.0 MB",
        "10.0 TB",
    ]
    assert (words.plural(1, "gap"), words.plural(2, "gap"), words.count(12_345)) == ("1 gap", "2 gaps", "12\u202f345")


def test_every_severity_and_state_has_words() -> None:
    """No severity without sign, word, colour and ink; no state of the tap without words."""
    for severity in Severity:
        assert severity.value in words.SEVERITY_NAMES[severity.value]
        assert words.SEVERITY_NAMES[severity.value][0] != severity.value[0]
        assert severity.value in words.SEVERITY_COLOURS
        assert severity.value in words.SEVERITY_INKS
    assert {state.value for state in State} <= set(words.STATES)


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_white_text_stands_out_on_every_severity() -> None:
    """WCAG 2.1 asks for a contrast of 4.5 to 1."""
    for colour in words.SEVERITY_COLOURS.values():
        assert 1.05 / (_luminance(colour) + 0.05) >= 4.5


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(min_size=1), max_size=4))
@settings(deadline=None, max_examples=100)
def test_an_address_carries_any_text(given_values: dict[str, str]) -> None:
    """Whatever an id holds, the address reads back to it."""
    encodable = {name: value for name, value in given_values.items() if value.isprintable()}
    address = links.address("session", **encodable)
    assert parse_qs(urlsplit(address).query, keep_blank_values=True) == {
        name: [value] for name, value in encodable.items()
    }


def test_an_address_leaves_out_what_is_not_given() -> None:
    """Parameters without a value do not stand in the address."""
    assert links.address("session", id=None, tz="") == "session"


def test_a_text_of_the_outside_is_no_markdown() -> None:
    """Every sign that Markdown, or a directive of Streamlit, could be made of is escaped; letters are not."""
    assert words.escaped("a*b:red[x] <b>`é") == r"a\*b\:red\[x\] \<b\>\`é"


def test_csv_reads_back_and_holds_no_formula() -> None:
    """Commas, quotes and line breaks survive; what a spreadsheet would carry out is disarmed, numbers are not."""
    rows: list[dict[str, object]] = [
        {"a": '=HYPERLINK("x")', "b": "+12.5 Wh", "c": ["▲ critical"], "d": 1},
        {"a": "@SUM(1)", "b": "-1", "c": 'two\nlines, "quoted"', "d": None},
        {"a": "-cmd|x", "b": "\tx", "c": "plain", "d": 2},
    ]
    data = to_csv(rows)
    assert data.startswith(b"\xef\xbb\xbf")
    read = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [row["a"] for row in read] == ['\'=HYPERLINK("x")', "'@SUM(1)", "'-cmd|x"]
    assert [row["b"] for row in read] == ["+12.5 Wh", "-1", "'\tx"]
    assert [row["c"] for row in read] == ["▲ critical", 'two\nlines, "quoted"', "plain"]
    assert to_csv([]) == b"\xef\xbb\xbf"


@pytest.mark.parametrize("text", ["", "cheap", "NaN", "Infinity", "-1", "1000000", "0.1234567", "1e-9"])
def test_a_price_that_cannot_be_used_is_named(text: str) -> None:
    """Such a price is left out, and the complaint names the variable."""
    found = read_settings({"SHADOW_PRICE_PER_KWH": text})
    assert found.price_per_kwh is None
    assert "SHADOW_PRICE_PER_KWH" in found.complaint


def test_settings_are_read_from_the_environment() -> None:
    """URL, price and currency are taken as they stand; the currency is EUR unless told otherwise."""
    found = read_settings(
        {"SHADOW_STORE_URL": " clickhouse://h/d ", "SHADOW_PRICE_PER_KWH": "0.390000", "SHADOW_CURRENCY": "SEK"}
    )
    assert (found.store_url, found.price_per_kwh, found.currency) == ("clickhouse://h/d", Decimal("0.39"), "SEK")
    assert found.complaint == ""
    assert read_settings({}).currency == "EUR"
