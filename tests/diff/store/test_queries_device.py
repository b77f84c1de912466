"""Facts of device models in the real engine: of each name the newest, as it was written."""

import pytest
from msgspec.structs import replace

from diff.policy import JUDGING_RUN
from diff.store import queries
from diff.store.client import Store
from diff.store.tables import ChargerFacts
from diff.store.writer import Writer
from shadow.device_model.fact import Fact, Source

T0 = 1_700_000_000_000_000
MONTH = 31 * 86_400_000_000
KEY = Fact("CP-1", Source.KEY, "HeartbeatInterval", None, "300", T0, "CP-1@0/4", {"readonly": "false"})


def _write(store: Store, *facts: Fact) -> None:
    """One insert each, as if they came in batches of their own."""
    for fact in facts:
        writer = Writer(store, judging_run=JUDGING_RUN)
        writer.add_fact(fact)
        writer.flush()


def _charger(store: Store, charger_id: str, vendor: str, model: str, firmware: str) -> None:
    writer = Writer(store, judging_run=JUDGING_RUN)
    writer.add_charger(ChargerFacts(charger_id, JUDGING_RUN, vendor, model, firmware, T0, T0, 0, T0))
    writer.add_fact(replace(KEY, charger_id=charger_id))
    writer.flush()


def test_facts_come_back_as_they_were(store: Store) -> None:
    """No value, no connector, connector 0, letters of the world, microseconds."""
    facts = [
        replace(KEY, name="ΔΩ [1]", value=None, at=T0 + 1, detail={"secret": "set", "via": "GetConfiguration"}),
        replace(KEY, source=Source.STATUS, name="status", connector_id=0, value="Available", detail={}),
        replace(KEY, source=Source.STATUS, name="status", connector_id=2, value="", detail={}),
    ]
    _write(store, *facts)
    assert queries.device_facts(store, "CP-1") == facts
    assert queries.device_facts(store, "CP-2") == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("merged", [False, True])
def test_the_newest_of_a_name_holds(store: Store, order: tuple[int, ...], *, merged: bool) -> None:
    """By the tap's clock, whatever the order of writing, over months, before a merge and after it."""
    versions = [replace(KEY, value=str(number), at=T0 + number * MONTH) for number in range(3)]
    _write(store, *(versions[place] for place in order))
    if merged:
        store.execute("OPTIMIZE TABLE device_facts FINAL")
    assert queries.device_facts(store, "CP-1") == [versions[2]]


def test_the_same_fact_again_changes_nothing(store: Store) -> None:
    """At least once is how facts are delivered."""
    _write(store, KEY, KEY)
    assert store.execute("SELECT count() FROM device_facts FINAL") == [(1,)]


def test_of_what_waits_the_newest_is_written(store: Store) -> None:
    """Versions of one name within a batch are one row."""
    writer = Writer(store, judging_run=JUDGING_RUN)
    for at in (T0 + 2, T0 + 9, T0 + 5):
        writer.add_fact(replace(KEY, at=at))
    assert writer.flush() == 1
    assert [one.at for one in queries.device_facts(store, "CP-1")] == [T0 + 9]


def test_chargers_are_found_by_vendor_model_and_firmware(store: Store) -> None:
    """Patterns with `*`; without one, all that have facts."""
    _charger(store, "A-1", "Alder", "Curb 11", "1.0")
    _charger(store, "A-2", "Alder", "Curb 22", "1.1")
    _charger(store, "B-1", "Birch", "Post", "1.0")
    assert queries.chargers_with_facts(store) == ["A-1", "A-2", "B-1"]
    assert queries.chargers_with_facts(store, vendor="Alder") == ["A-1", "A-2"]
    assert queries.chargers_with_facts(store, vendor="A*", firmware="1.0") == ["A-1"]
    assert queries.chargers_with_facts(store, model="Curb*", limit=1) == ["A-1"]
    assert queries.chargers_with_facts(store, model="None") == []
