"""What configuration keys of 1.6 say of variables, and what becomes of each key. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from shadow.device_model import standard
from shadow.device_model.address import Address
from shadow.device_model.drafting import Draft
from shadow.device_model.fact import Fact
from shadow.device_model.model import Certainty, KeyState, Value
from shadow.device_model.newest import Facts
from shadow.mapping.device_values import PlaceOf, Statement, fate, presence
from shadow.mapping.keys import KEYS, LEGACY_COMPONENT, Access, Key, Relation
from shadow.mapping.vendor_keys import statements

__all__ = ["TELLABLE", "keys"]


def keys(facts: Facts, place: PlaceOf, draft: Draft, rule: Callable[[str], Key]) -> Iterator[KeyState]:
    """Say what the keys that hold say into the draft, and give what became of each. `rule`: the row of a key."""
    held = list(facts.keys())
    others = {fact.name.lower(): fact.value or "" for fact in held}
    for fact in held:
        key = rule(fact.name)
        known = "unknown" not in fact.detail
        for one in presence(key, known=known):
            # Weaker than what a list of features says of the same: it counts as if nobody had said when.
            draft.value(one.address, Value(one.value, one.certainty, _origin(fact), 0, fact.frame_id))
        if not known:
            yield _state(fact, key, (), known=False)
        elif "secret" in fact.detail:
            yield _state(fact, key, tuple(_secret(fact, key, draft)))
        else:
            yield _tell(fact, key, others, place, draft)


def _origin(fact: Fact) -> str:
    return f"key {fact.name}"


def _secret(fact: Fact, key: Key, draft: Draft) -> Iterator[Address]:
    """That it is set is all that is known of it."""
    for variable in key.variables:
        address = Address(variable.component, variable.name, variable.instance)
        value = Value(None, Certainty.OBSERVED, _origin(fact), fact.at, fact.frame_id)
        draft.value(address, value, data_type=key.data_type, mutability=Access.WRITE_ONLY.value)
        yield address


def _tell(fact: Fact, key: Key, others: Mapping[str, str], place: PlaceOf, draft: Draft) -> KeyState:
    found, whole = statements(key, fact.value or "", others, place)
    for one in found:
        if one.limit is not None:
            draft.limits(one.address, _origin(fact), max_limit=str(one.limit))
        if one.least is not None:
            draft.limits(one.address, _origin(fact), min_limit=str(one.least))
        if one.value is not None:
            _say(fact, key, one, draft)
    caveats = dict.fromkeys(caveat for one in found for caveat in (*one.caveats, *one.flaws))
    caveat = "; ".join((*((key.caveat,) if key.caveat else ()), *caveats))
    addresses = tuple(one.address for one in found) or tuple(
        Address(variable.component, variable.name, variable.instance) for variable in key.variables
    )
    return msgspec.structs.replace(_state(fact, key, addresses, whole=whole), caveat=caveat)


def _say(fact: Fact, key: Key, one: Statement, draft: Draft) -> None:
    # An analogy is no evidence of a value: it must not be held against anybody.
    certainty = Certainty.ASSUMED if key.relation is Relation.NEAR else one.certainty
    known = one.address.component != LEGACY_COMPONENT and standard.find(one.address) is not None
    draft.value(
        one.address,
        Value(one.value, certainty, _origin(fact), fact.at, fact.frame_id),
        data_type="" if known else key.data_type,
        unit=None if known else key.unit,
        mutability=_mutability(key, fact),
        flaws=one.flaws,
    )


def _mutability(key: Key, fact: Fact) -> str:
    """As 1.6 says it, unless the variable allows less."""
    read_only = fact.detail.get("readonly") == "true" and key.access is Access.READ_WRITE
    return (Access.READ_ONLY if read_only else key.access).value


def _state(fact: Fact, key: Key, addresses: tuple[Address, ...], *, known: bool = True, whole: bool = True) -> KeyState:
    flag = fact.detail.get("readonly")
    return KeyState(
        fact.name,
        fate(key, whole=whole),
        addresses,
        fact.value,
        None if flag is None else flag == "true",
        known,
        fact.at,
        fact.frame_id,
        key.caveat,
    )


def _tellable() -> Iterator[Address]:
    for key in KEYS.values():
        for variable in key.variables:
            if variable.component != LEGACY_COMPONENT:
                yield Address(variable.component, variable.name, variable.instance).key
        if key.shows:
            yield Address(key.shows, "Available").key


TELLABLE: Final = frozenset(_tellable())
"""Every variable that a key of the standard can tell, without EVSE and connector, as `Address.key`."""
