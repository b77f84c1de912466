"""The picture of the three tiers: whole, bounded, escaped and always the same."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from diff.audit.picture import MOST_COMPONENTS, MOST_EVSES, picture
from diff.audit.tiers import ComponentCount, ConnectorTier, EvseTier, Tiers, tiers
from tests.diff.audit.example import device, example

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    """Every text of the picture, as it is shown."""
    return ["".join(element.itertext()).strip() for element in ET.fromstring(svg).iter(f"{SVG}text")]


def boxes(svg: str) -> list[tuple[str, int, int, int, int]]:
    """Class, x, y, width and height of every box and chip."""
    found = []
    for rect in ET.fromstring(svg).iter(f"{SVG}rect"):
        kind = rect.get("class", "")
        if kind.startswith(("box", "chip")):
            found.append((kind, *(int(rect.get(name, "0")) for name in ("x", "y", "width", "height"))))
    return found


def test_every_tier_and_component_is_named_with_its_counts() -> None:
    """Station, EVSEs, connectors and components stand there, and signs count what the colours show."""
    svg = picture(example().tiers, "CP1")
    said = words(svg)
    assert said[0] == "Charging station CP1"
    assert {"EVSE 1", "EVSE 2", "Connector 1", "TxCtrlr", "OCPPCommCtrlr", "EVSE", "Connector"} <= set(said)
    chip = said[said.index("TxCtrlr") + 1]
    assert chip.split() == ["●", "1", "○", "1"]
    assert said[said.index("SampledDataCtrlr") + 1].split() == ["●", "1", "!", "1"]
    assert "✗ required and missing" in said


def test_the_same_tiers_give_the_same_bytes() -> None:
    """No clock, no chance: two drawings are one."""
    assert picture(tiers(device()), "CP1") == picture(tiers(device()), "CP1")


def test_names_are_escaped_and_long_ones_cut() -> None:
    """Markup in a name stays text, a long name ends in an ellipsis and is whole in its title."""
    name = "A<b>&\"'" + "x" * 60
    svg = picture(Tiers((ComponentCount(name, observed=1),)), "<i>CP</i>")
    assert ET.fromstring(svg).find(f".//{SVG}b") is None
    assert "Charging station <i>CP</i>" in words(svg)
    assert any(text.endswith("…") and text.startswith("A<b>&") for text in words(svg))
    assert any(name in (title.text or "") for title in ET.fromstring(svg).iter(f"{SVG}title"))


def test_what_is_too_much_is_counted_and_not_drawn() -> None:
    """Beyond the limits a line says how many more there are."""
    many = tuple(EvseTier(n, (ComponentCount("EVSE", observed=1),), ()) for n in range(1, MOST_EVSES + 6))
    components = tuple(ComponentCount(f"C{n:03}", observed=1) for n in range(MOST_COMPONENTS + 2))
    said = words(picture(Tiers(components, many), "CP1"))
    assert "and 2 more components, and 5 more EVSEs, not drawn" in said
    assert f"EVSE {MOST_EVSES}" in said
    assert f"EVSE {MOST_EVSES + 1}" not in said


_counts = st.builds(ComponentCount, st.sampled_from(["TxCtrlr", "EVSE", "A" * 50]), *(st.integers(0, 9),) * 6)
_parts = st.lists(_counts, max_size=6).map(tuple)
_connectors = st.lists(st.builds(ConnectorTier, st.integers(1, 9), _parts), max_size=3).map(tuple)
_tiers = st.builds(
    Tiers, _parts, st.lists(st.builds(EvseTier, st.integers(1, 9), _parts, _connectors), max_size=6).map(tuple)
)


@given(_tiers)
def test_nothing_lies_outside_or_on_top_of_what_it_does_not_belong_to(drawn: Tiers) -> None:
    """Every box lies inside the picture; two of them are apart, or one holds the other."""
    svg = picture(drawn, "CP1")
    _, _, width, height = map(int, ET.fromstring(svg).get("viewBox", "").split())
    found = boxes(svg)
    for _, x, y, wide, high in found:
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height
    for place, (_, x1, y1, w1, h1) in enumerate(found):
        for _, x2, y2, w2, h2 in found[place + 1 :]:
            apart = x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1
            holds = x1 <= x2 and y1 <= y2 and x1 + w1 >= x2 + w2 and y1 + h1 >= y2 + h2
            assert apart or holds
