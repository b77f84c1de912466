"""Following a table: one 1.6 payload in, one 2.0.1 payload with its provenance out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shadow.mapping.rules import Handling, Rule
from shadow.message import Provenance
from shadow.station.fields import objects
from shadow.station.outbox import Outbox

__all__ = ["translate"]

_NOTHING_GIVEN: Final[Mapping[str, Any]] = {}


def translate(
    out: Outbox,
    rules: tuple[Rule, ...],
    payload: dict[str, Any],
    where: str,
    given: Mapping[str, Any] = _NOTHING_GIVEN,
) -> tuple[dict[str, Any], dict[str, Provenance]]:
    """Translate a payload.

    `where` is its 1.6 path (`GetLog`, `GetLog.conf`), under which losses are named. `given` holds the values that the
    handler made, by 2.0.1 path: each is a `made` rule of the table. Returns the payload, and the provenance of every
    field that was not simply observed.
    """
    result: dict[str, Any] = {}
    provenance: dict[str, Provenance] = {}
    _fill(out, rules, payload, where, "", given, result, provenance)
    return result, provenance


def _fill(
    out: Outbox,
    rules: tuple[Rule, ...],
    payload: dict[str, Any],
    where: str,
    prefix: str,
    given: Mapping[str, Any],
    result: dict[str, Any],
    provenance: dict[str, Provenance],
) -> None:
    told: set[str] = set()
    for rule in rules:
        path = f"{prefix}{rule.target}" if prefix else rule.target
        if not rule.source:
            value = rule.constant if rule.constant is not None else given.get(path)
            if value is None and rule.target not in told and _stands(result, rule.target):
                provenance[path] = rule.provenance  # made by the reader of the rule before, such as an idToken's type
        else:
            raw = payload.get(rule.source)
            if raw is None:
                continue
            value = _value(out, rule, raw, f"{where}.{rule.source}", path, given, result, provenance)
        if value is None or not rule.target:
            continue
        _put(result, rule.target, value)
        if rule.source:
            told.add(rule.target)
        if rule.provenance is not Provenance.OBSERVED:
            provenance[path] = rule.provenance
        else:
            provenance.pop(path, None)  # a default of an earlier rule that the wire has overruled


def _value(
    out: Outbox,
    rule: Rule,
    raw: Any,
    where: str,
    path: str,
    given: Mapping[str, Any],
    result: dict[str, Any],
    provenance: dict[str, Provenance],
) -> Any:
    if rule.handling is Handling.NO_EQUIVALENT:
        out.lost(where, raw, detail=rule.why)
        return None
    if not rule.inside:
        value = raw if rule.read is None else rule.read(out, where, raw)
        return [value] if rule.wrapped and value is not None else value
    if not rule.target:  # its members stand one level higher in 2.0.1
        for one in objects(raw)[:1]:
            _fill(out, rule.inside, one, where, path, given, result, provenance)
        return None
    inner = f"{path}."
    members = []
    for one in objects(raw):
        member: dict[str, Any] = {}
        _fill(out, rule.inside, one, where, inner, given, member, provenance)
        members.append(member)
    if isinstance(raw, list) or rule.wrapped:
        return members
    return members[0] if members else None


def _put(result: dict[str, Any], target: str, value: Any) -> None:
    if "." not in target:
        result[target] = value
        return
    *parents, name = target.split(".")
    for parent in parents:
        result = result.setdefault(parent, {})
    result[name] = value


def _stands(result: dict[str, Any], target: str) -> bool:
    found: Any = result
    for name in target.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found is not None
