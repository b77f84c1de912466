"""Which variable of which component: as messages say it and as people write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.device_model.address import Address, address_of

LETTERS = st.characters(codec="utf-8", exclude_characters="[]@/", exclude_categories=["Cs"])
NAMES = st.text(LETTERS, min_size=1, max_size=50)
NUMBERS = st.integers(0, 2**31 - 1)
MEMBERS = st.sampled_from(["component", "variable", "name", "instance", "evse", "id", "connectorId"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    """Any address that a message may name."""
    evse = draw(st.none() | NUMBERS)
    connector = None if evse is None else draw(st.none() | NUMBERS)
    instances = st.none() | NAMES
    return Address(draw(NAMES), draw(NAMES), draw(instances), evse, connector, draw(instances))


@given(addresses())
def test_what_is_written_is_read(address: Address) -> None:
    """The text form holds all of it, and so do the members of a message."""
    assert Address.parse(str(address)) == address
    assert address_of(address.said()) == address


@given(st.recursive(LEAVES, lambda inner: st.dictionaries(MEMBERS, inner, max_size=4)))
def test_whatever_a_message_holds_is_read_or_is_none(said: object) -> None:
    """No element stops the reader, and what it reads can be written."""
    found = address_of(said) if isinstance(said, dict) else None

    assert found is None or Address.parse(str(found)) == found


@pytest.mark.parametrize(
    "text", ["", "EVSE", "EVSE/", "/Power", "EVSE@/Power", "EVSE@x/Power", "EVSE@1.2.3/Power", "A/B/C"]
)
def test_what_is_no_variable_is_refused_with_the_form(text: str) -> None:
    """The error says how one is written."""
    with pytest.raises(ValueError, match="Component/Variable"):
        Address.parse(text)


def test_names_are_compared_without_case() -> None:
    """Component, variable and instances, as Part 2 asks."""
    assert Address("EVSE", "Power", "L1", 1).key == Address("evse", "POWER", "l1", 1).key
    assert Address("EVSE", "Power", None, 1).key != Address("EVSE", "Power", None, 2).key
