"""The official JSON schemas, as the `ocpp` package ships them, compiled once and checked with jsonschema-rs.

The only module outside `demo/` that knows the `ocpp` package. Of 1.6 the structure is judged and formats are not:
what is wrong with a timestamp is said by the `clock.*` codes. Of 2.0.1 the formats are judged too.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import jsonschema_rs
import msgspec

__all__ = ["V16", "V201", "Violation", "actions", "is_known", "read", "required", "violations"]

V16: Final = "v16"
V201: Final = "v201"
_MAX_VIOLATIONS: Final = 8
"""Per message: a message of another shape altogether would list each of its fields."""


class Violation(msgspec.Struct, frozen=True):
    """One rule of a schema that a payload breaks."""

    path: str
    """Where, with list positions left out: `meterValue.sampledValue.unit`."""
    rule: str
    """Which keyword of the schema: `enum`, `required`, `maxLength` …"""
    detail: str
    """In words, bounded."""
    value: str | None = None
    """What stands there, bounded; None for an object or a list."""


def is_known(version: str, action: str) -> bool:
    """Whether the version has this action at all."""
    return _validator(version, action, response=False) is not None


def violations(version: str, action: str, *, response: bool, payload: dict[str, Any]) -> list[Violation]:
    """What a payload breaks of its schema; empty where it is valid or the action has no schema (`is_known`)."""
    validator = _validator(version, action, response)
    if validator is None or validator.is_valid(payload):
        return []
    found = []
    for error in validator.iter_errors(payload):
        path = ".".join(str(step) for step in error.instance_path if not isinstance(step, int))
        rule = str(error.schema_path[-1]) if error.schema_path else "schema"
        value = None if isinstance(error.instance, dict | list) else str(error.instance)[:80]
        found.append(Violation(path, rule, error.message[:200], value))
        if len(found) == _MAX_VIOLATIONS:
            break
    return found


@lru_cache(maxsize=2)
def actions(version: str) -> tuple[str, ...]:
    """Every action that the version has a schema of, by name."""
    names = (source.name.removesuffix(".json") for source in files("ocpp").joinpath(version, "schemas").iterdir())
    answered = {name.removesuffix("Response") for name in names if name.endswith("Response")}
    return tuple(sorted(name for name in answered if is_known(version, name)))


@lru_cache(maxsize=512)
def required(version: str, action: str, *, response: bool) -> tuple[str, ...]:
    """The fields that a message must have at its top level; none where the action has no schema."""
    document = read(version, action, response=response)
    return () if document is None else tuple(document.get("required", ()))


def read(version: str, action: str, *, response: bool) -> dict[str, Any] | None:
    """The official schema of a request or its response; None where there is none.

    Raises nothing: an action from the wire never becomes part of a path unless it is a plain word.
    """
    if not (action.isalnum() and action.isascii() and len(action) <= 64):
        return None
    suffix = "Response" if response else "" if version == V16 else "Request"
    # Actions of 1.6 could otherwise be asked for as "AuthorizeResponse", which is a file but no action.
    if not response and action.endswith(("Response", "Request")):
        return None
    source = files("ocpp").joinpath(version, "schemas", f"{action}{suffix}.json")
    if not source.is_file():
        return None
    document: dict[str, Any] = msgspec.json.decode(source.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    return document


@lru_cache(maxsize=1024)
def _validator(version: str, action: str, response: bool) -> Any:  # noqa: FBT001 - a cache key, positional for speed
    schema = read(version, action, response=response)
    if schema is None:
        return None
    return jsonschema_rs.validator_for(schema, validate_formats=version == V201)
