"""Carrying out the edits of the fault table on a payload. Pure."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

from demo.faults import Add, Edit, Keep, Restamp, Scale, Set, Shift
from ingest.timestamps import format_micros, parse_stamp

__all__ = ["edited", "filled"]

_SECOND = 1_000_000


def edited(payload: dict[str, Any], edits: tuple[Edit, ...]) -> dict[str, Any]:
    """A copy of the payload with the edits carried out in order.

    Raises LookupError where a path leads nowhere: the fault table and the charging station do not agree.
    """
    result = deepcopy(payload)
    for edit in edits:
        _apply(result, edit)
    return result


def filled(payload: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """A copy of the payload in which each string `$name` is replaced by the value of that name.

    Raises LookupError where a name is unknown.
    """
    result: dict[str, Any] = _filled(payload, values)
    return result


def _filled(node: Any, values: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        return {name: _filled(child, values) for name, child in node.items()}
    if isinstance(node, list):
        return [_filled(child, values) for child in node]
    if isinstance(node, str) and node.startswith("$"):
        return values[node[1:]]
    return node


def _apply(payload: dict[str, Any], edit: Edit) -> None:
    match edit:
        case Set(path, value):
            _replace(payload, path, lambda _: value)
        case Add(path, amount):
            _replace(payload, path, lambda old: _number(old, lambda number: number + amount))
        case Scale(path, numerator, denominator):
            _replace(payload, path, lambda old: _number(old, lambda number: number * numerator // denominator))
        case Keep(path, members):
            _replace(payload, path, lambda old: {name: old[name] for name in members})
        case Shift(seconds, path):
            _timestamps(payload, lambda text: _shifted(text, seconds), path)
        case Restamp(offset_hours, designator):
            _timestamps(payload, lambda text: _restamped(text, offset_hours, designator))


def _replace(payload: dict[str, Any], path: str, change: Callable[[Any], Any]) -> None:
    *parents, last = path.split(".")
    node: Any = payload
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node[part]
    place: Any = int(last) if isinstance(node, list) else last
    node[place] = change(node[place])


def _number(old: Any, change: Callable[[Decimal], Decimal]) -> Any:
    """Sampled values are strings and registers are integers: each stays what it was."""
    changed = change(Decimal(old))
    return format(changed, "f") if isinstance(old, str) else int(changed)


def _timestamps(node: Any, change: Callable[[str], str], path: str = "") -> None:
    if path:
        _replace(node, path, change)
    elif isinstance(node, dict):
        for name, child in node.items():
            if name == "timestamp":
                node[name] = change(child)
            else:
                _timestamps(child, change)
    elif isinstance(node, list):
        for child in node:
            _timestamps(child, change)


def _shifted(text: str, seconds: int) -> str:
    at = parse_stamp(text).at
    if at is None:
        raise LookupError(f"{text!r} is no timestamp that could be moved")
    return format_micros(at + seconds * _SECOND)


def _restamped(text: str, offset_hours: int, designator: str) -> str:
    return _shifted(text, offset_hours * 3600).removesuffix("Z") + designator
