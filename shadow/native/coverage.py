"""Which fields of 2.0.1 are checked by which rules of the specification, and which by their schema alone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from shadow import schema
from shadow.native.rule import ANSWER, REQUEST
from shadow.native.rules import RULES

__all__ = ["ACTIONS", "checked_fields", "fields_of"]


ACTIONS: Final[tuple[str, ...]] = schema.actions(schema.V201)
"""The 64 actions of OCPP 2.0.1 (Part 2 §1), in alphabetical order."""


@lru_cache(maxsize=1)
def checked_fields() -> dict[tuple[str, str, str], tuple[str, ...]]:
    """Ids of the rules that each field is checked by, empty where only its schema checks it.

    Key: action, `request` or `answer`, and the field with dots (`transactionInfo.chargingState`), list positions left
    out. What is asked of every message, as not to be sent before acceptance (B01.FR.08), is about none of its fields.
    """
    table: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for action in ACTIONS:
        for part in (REQUEST, ANSWER):
            rules = [rule for rule in RULES if (rule.action, rule.part) == (action, part)]
            for field in fields_of(action, part):
                table[action, part, field] = tuple(rule.id for rule in rules if field in rule.fields)
    return table


@lru_cache(maxsize=256)
def fields_of(action: str, part: str) -> tuple[str, ...]:
    """Every field of a message by the official schema, parents before their children.

    What stands inside `customData` is the vendor's own (Part 4 §2.1) and no field of 2.0.1.
    """
    document = schema.read(schema.V201, action, response=part == ANSWER)
    return () if document is None else tuple(_walk(document, document, ""))


def _walk(document: dict[str, Any], node: dict[str, Any], above: str) -> list[str]:
    found = []
    for name, child in _resolve(document, node).get("properties", {}).items():
        field = f"{above}{name}"
        found.append(field)
        if name != "customData":
            found += _walk(document, child, f"{field}.")
    return found


def _resolve(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The object that a property holds: behind a reference, or the items of a list."""
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        return _resolve(document, document["definitions"][name])
    if node.get("type") == "array":
        return _resolve(document, node["items"])
    return node
