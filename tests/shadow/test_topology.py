"""Which EVSE and connector a 1.6 connector is: the default, the file, and the page that describes it."""

import tomllib
from pathlib import Path

import pytest

from demo.lived import Lived
from demo.script import Script
from shadow.config import ShadowConfig
from shadow.topology import DEFAULT, Place, parse

PAGE = Path(__file__).resolve().parents[2] / "docs/topology.md"
DUO = parse({"station": [{"connectors": {"1": [1, 1], "2": [1, 2]}, "charger": "CP*"}]})


def test_each_connector_is_an_evse_of_its_own_by_default() -> None:
    """Without a file, and for a connector that no table names."""
    assert DEFAULT.place("CP1", "V", "M", 3) == Place(3, 1)
    assert DUO.place("CP1", "V", "M", 3) == Place(3, 1)
    assert DUO.place("other", "V", "M", 2) == Place(2, 1)
    assert DEFAULT.siblings("CP1", "V", "M", 3) == ()


def test_siblings_share_an_evse() -> None:
    """The other connectors of the EVSE, in order; a connector that is alone has none."""
    trio = parse({"station": [{"connectors": {"3": [2, 1], "2": [1, 2], "1": [1, 1], "4": [1, 3]}}]})
    assert trio.siblings("CP1", "", "", 2) == (1, 4)
    assert trio.siblings("CP1", "", "", 3) == ()


def test_the_first_table_whose_patterns_all_fit_counts() -> None:
    """Charger, vendor and model are globs; capitals count; a table without patterns fits every station."""
    topology = parse(
        {
            "station": [
                {"vendor": "Alder", "model": "Terrace*", "connectors": {"1": [7, 1]}},
                {"charger": "CP?", "connectors": {"1": [8, 1]}},
                {"connectors": {"1": [9, 1]}},
            ]
        }
    )
    assert topology.place("CP1", "Alder", "Terrace 150", 1) == Place(7, 1)
    assert topology.place("CP1", "alder", "Terrace 150", 1) == Place(8, 1)
    assert topology.place("CP10", "", "", 1) == Place(9, 1)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"stations": []}, "has an entry 'stations'"),
        ({"station": {}}, "must be a list of tables"),
        ({"station": [{"connectors": {}}]}, "number 1 names no connectors"),
        ({"station": [{}]}, "number 1: Object missing required field `connectors`"),
        ({"station": [{"connectors": {"0": [1, 1]}}]}, "connector 0 = .* count from 1"),
        ({"station": [{"connectors": {"1": [65, 1]}}]}, "count from 1 to 64"),
        ({"station": [{"connectors": {"1": [1, 1], "2": [1, 1]}}]}, "stands for two connectors"),
        ({"station": [{"connectors": {"1": [1]}}]}, "number 1: Expected `array` of length 2"),
        ({"station": [{"charger": 1, "connectors": {"1": [1, 1]}}]}, "number 1: Expected `str`"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(document: dict[str, object], message: str) -> None:
    """A table that no station can be is refused, by its number in the file."""
    with pytest.raises(ValueError, match=message):
        parse(document)


def test_a_session_on_the_second_cable_is_on_the_first_evse() -> None:
    """TransactionEvent carries the EVSE and connector of the file; without it, those of the default."""
    story = Script("CP1").boot().start(2, "04A1B2C3", 1000, transaction=7).wait(60).stop(7, 2000)
    with_file = Lived(ShadowConfig(topology=DUO)).feed(story.frames)
    assert with_file.events[0]["evse"] == {"id": 1, "connectorId": 2}
    assert Lived().feed(story.frames).events[0]["evse"] == {"id": 2, "connectorId": 1}


def test_the_example_of_the_page_can_be_read() -> None:
    """docs/topology.md shows a file that parses, and means what its comments say."""
    example = PAGE.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    topology = parse(tomllib.loads(example))
    assert topology.place("DUO-1", "", "", 2) == Place(1, 2)
    assert topology.place("CP1", "Alder", "Terrace 150 kW", 3) == Place(2, 1)
    assert topology.siblings("CP1", "Alder", "Terrace 150 kW", 1) == (2,)
