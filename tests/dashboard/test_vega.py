"""Charts in Vega-Lite's own words: small builders, and every chart of the pages against the grammar's schema."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.vega import field, layers, mark, tips
from demo.stored import fill
from demo.traffic import frames
from diff.store import queries
from diff.store.client import Store

Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def grammar() -> jsonschema_rs.Validator:
    """The schema of Vega-Lite, which comes with Altair, which comes with Streamlit."""
    schema = files("altair.vegalite.v6.schema").joinpath("vega-lite-schema.json").read_text(encoding="utf-8")
    return jsonschema_rs.validator_for(json.loads(schema, object_hook=_referring))


def _referring(part: dict[str, Any]) -> dict[str, Any]:
    """Some of its names hold what no URI does."""
    name = part.get("$ref")
    return part | {"$ref": quote(name, safe="#/")} if isinstance(name, str) else part


@pytest.fixture
def fleet(store: Store) -> Store:
    """Six simulated chargers, with faults."""
    fill(store, frames(seed=5, chargers=6, sessions_per_charger=2))
    return store


def _charts(page: AppTest) -> list[dict[str, Any]]:
    assert not page.exception
    found = [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]
    assert found
    return found


def test_words_of_the_grammar() -> None:
    """A letter says the type; a title stands where one is given; marks of the same rows share them."""
    assert field("per 1,000:Q", title=None) == {"field": "per 1,000", "type": "quantitative", "title": None}
    assert tips("at:T", "id:N", id="frames")[1] == {"field": "id", "type": "nominal", "title": "frames"}
    dot = mark("point", {"x": field("at:T")}, where="datum.proves", size=7)
    assert dot["transform"] == [{"filter": "datum.proves"}]
    one, two = layers([{"at": 1}], dot, height=9), layers([{"at": 1}], dot, dot, height=9)
    assert one == {"data": {"values": [{"at": 1}]}, **dot, "height": 9}
    assert two["layer"] == [dot, dot]


@pytest.mark.parametrize("name", ["rollout", "fingerprint", "session", "charger"])
def test_every_chart_is_in_the_grammar(
    name: str, fleet: Store, open_page: Open, grammar: jsonschema_rs.Validator
) -> None:
    """Also what Streamlit adds to it; and its rows come along within it."""
    line = queries.latest_sessions(fleet, limit=1)[0]
    group = queries.groups(fleet, queries.Filter(status="open"), limit=1)[0]
    asked = {
        "fingerprint": {"fp": group.fingerprint},
        "session": {"id": line.session_id},
        "charger": {"id": line.charger_id},
        "rollout": {"about": "newest-frame"},
    }
    for chart in _charts(open_page(name, **asked[name])):
        grammar.validate(chart)
        assert '"values": [{' in json.dumps(chart)
        assert not grammar.is_valid(chart | {"spacng": 4})
