"""Charts: numbers beside the bars, words for who cannot see them, and nothing that a name could break."""

import re
from xml.etree import ElementTree as ET

from diff.evidence.charts import by_day, by_name
from diff.gates.evidence import Day

SVG = "{http://www.w3.org/2000/svg}"


def test_each_bar_has_its_number_and_what_is_there_can_be_seen() -> None:
    """The longest fills the line, one of a million still has two pixels, and zero has none."""
    chart = by_name("Actions", [("a", 1_000_000), ("b", 1), ("c", 0)])
    root = ET.fromstring(chart.svg)
    widths = [int(bar.attrib["width"]) for bar in root.iter(f"{SVG}rect")]
    assert widths[1:] == [2, 0]
    assert widths[0] > 300
    assert chart.said == "a: 1,000,000; b: 1; c: 0"
    assert root.find(f"{SVG}title") is not None
    assert root.findtext(f"{SVG}desc") == chart.said


def test_names_are_escaped_and_cut() -> None:
    """A name of a charging station is text, however it looks; the picture stays well-formed."""
    chart = by_name("<b>", [('<script>alert("1")</script>' * 9, 3), ("\x00\u202e", 1)])
    ET.fromstring(chart.svg)
    assert "<script>" not in chart.svg


def test_days_go_from_left_to_right() -> None:
    """The latest stands right; days without anything keep their place; no days at all are a chart, too."""
    chart = by_day([Day(0, 5, 1, 1), Day(1, 0), Day(2, 10)])
    numbers = re.findall(r'<text class="soft" x="\d+" y="\d+" text-anchor="middle">(\d+)</text>', chart.svg)
    assert numbers == ["10", "0", "5", "0", "0", "2"]
    assert chart.said == "3 days: 15 compared sessions, 0 to 10 a day; 2 critical and major discrepancies"
    ET.fromstring(by_day([]).svg)
