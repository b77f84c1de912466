"""What the mapping file reads from DataTransfers: fields of a vendor's data as variables. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ingest.sensitive import Kind, classify
from shadow.device_model.drafting import Draft
from shadow.device_model.fact import Fact, Source
from shadow.device_model.model import Attribute, Certainty, Value
from shadow.device_model.newest import Facts
from shadow.device_model.vendor import FieldRule, Limit, TransferRule
from shadow.device_model.vendor_values import convert, fields
from shadow.topology import Place

__all__ = ["tell"]

_LARGEST_CONNECTOR: Final = 64
_Rule = Callable[[str, str, str | None], TransferRule | None]
"""The rule of a DataTransfer: by its direction, vendorId and messageId."""


def _named(fact: Fact) -> tuple[str, str, str | None]:
    """Direction, vendorId and messageId of a fact about a DataTransfer."""
    direction, _, rest = fact.name.partition(" ")
    vendor_id, slash, message_id = rest.partition("/")
    return direction, vendor_id, message_id if slash else None


def tell(facts: Facts, rule: _Rule, place: Callable[[int], Place], draft: Draft) -> None:
    """Say what the fields of the newest DataTransfers say."""
    for fact in facts.of(Source.TRANSFER):
        found = rule(*_named(fact))
        if found is None or fact.value is None:
            continue
        told = fields(found, fact.value)
        where = _place(told.get(found.connector, "") if found.connector else "", place)
        for field in found.fields:
            _say(fact, field, told.get(field.path), where, draft)


def _place(number: str, place: Callable[[int], Place]) -> Place | None:
    known = number.isascii() and number.isdigit() and len(number) < 3 and 0 < int(number) <= _LARGEST_CONNECTOR
    return place(int(number)) if known else None


def _say(fact: Fact, field: FieldRule, text: str | None, where: Place | None, draft: Draft) -> None:
    address = field.address(where)
    if text is None or address is None or classify(field.path.rpartition(".")[2]) is Kind.SECRET:
        return
    value, flaw = convert(field, text)
    origin = f"{fact.name} {field.path}".rstrip()
    if value is None:
        # The variable is there, and what it holds cannot be read: kept, with the reason, and never as a value.
        unread = Value(None, Certainty.OBSERVED, origin, fact.at, fact.frame_id)
        draft.value(address, unread, data_type=field.kind, unit=field.unit, flaws=(flaw or "",))
    elif field.limit is Limit.MAX:
        draft.limits(address, origin, max_limit=value)
    elif field.limit is Limit.MIN:
        draft.limits(address, origin, min_limit=value)
    else:
        certainty = Certainty.OBSERVED if field.is_copied else Certainty.DERIVED
        read = Value(value, certainty, origin, fact.at, fact.frame_id)
        draft.value(address, read, Attribute.ACTUAL, data_type=field.kind, unit=field.unit)
