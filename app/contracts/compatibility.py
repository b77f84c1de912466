"""What breaks readers: two states of the schemas compared, and the frozen state kept up to date.

`python -m app.contracts.compatibility FILE` takes what was added into the frozen state, and refuses where
something breaks.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from app.contracts.schemas import schemas

__all__ = ["breaks", "outline"]

_WORDS: Final = ("type", "const", "pattern", "items", "additionalProperties", "anyOf", "oneOf", "format")
"""What says which values a field may have, besides `enum` and `properties`."""

Outline = dict[str, Any]


def outline(found: Mapping[str, Any] | None = None) -> dict[str, Outline]:
    """What readers rely on: per schema its fields, their types, and which of them are always there."""
    return {name: _outline(schema, schema.get("$defs", {})) for name, schema in (found or schemas()).items()}


def _outline(node: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_outline(one, parts) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _outline(parts[node["$ref"].rpartition("/")[2]], parts)
    kept = {word: _outline(node[word], parts) for word in _WORDS if word in node}
    if "enum" in node:
        kept["enum"] = sorted(node["enum"])
    if "properties" in node:
        kept["properties"] = {name: _outline(one, parts) for name, one in sorted(node["properties"].items())}
        kept["required"] = sorted(node.get("required", ()))
    return kept


def breaks(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What a reader or a stored record of `before` does not survive, in words; empty where all is well."""
    found: list[str] = []
    for name, old in before.items():
        if name in now:
            _compare(name, old, now[name], found)
        else:
            found.append(f"{name}: the whole schema is gone")
    return found


def _compare(path: str, old: Any, new: Any, found: list[str]) -> None:
    if not isinstance(old, dict) or not isinstance(new, dict):
        if old != new:
            found.append(f"{path}: was {old}, is {new}")
        return
    for word in _WORDS:
        mine, its = old.get(word), new.get(word)
        if mine != its and not (isinstance(mine, dict) and isinstance(its, dict)):
            found.append(f"{path}: {word} was {mine}, is {its}")
        elif isinstance(mine, dict):
            _compare(f"{path}[]", mine, its, found)
    gone = sorted(set(old.get("enum", ())) - set(new.get("enum", ())))
    if gone:
        found.append(f"{path}: no longer one of {gone}")
    for name, field in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            _compare(f"{path}.{name}", field, new["properties"][name], found)
        else:
            found.append(f"{path}.{name}: the field is gone")
    added = sorted(set(new.get("required", ())) - set(old.get("required", ())))
    if added:
        found.append(f"{path}: records that are stored have no {added}; a new field needs a default")
    lost = sorted(set(old.get("required", ())) - set(new.get("required", ())))
    if lost:
        found.append(f"{path}: {lost} were always there")


def main(arguments: list[str]) -> int:
    """Take additions into the frozen state."""
    file, now = Path(*arguments), outline()
    found = breaks(msgspec.json.decode(file.read_bytes()), now) if file.exists() else []
    if found:
        print("\n".join((*found, "these break readers: keep version 1 as it is, and begin version 2 (docs/topics.md)")))
        return 1
    file.write_bytes(msgspec.json.format(msgspec.json.encode(now), indent=1) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
