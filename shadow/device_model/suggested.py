"""Suggestions as a mapping file: entries to confirm, and as comments what has no candidate. Pure.

`vendor_file.parse` reads whatever is written here: names from the field are escaped for globs and for TOML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from shadow.device_model.address import LONGEST_NAME
from shadow.device_model.hints import Candidate, candidate
from shadow.device_model.seen import Seen
from shadow.device_model.suggest import StationsSeen, TransferId, TransferSeen
from shadow.device_model.vendor import Parser
from shadow.device_model.vendor_file import LONGEST_KEY, LONGEST_VENDOR
from shadow.device_model.vendor_values import number_text

__all__ = ["document", "toml"]

_HEAD: Final = """\
# Suggestions of `shadow-csms mapping suggest`: each has to be confirmed from the vendor's manual.
# What has no candidate is a comment: name its variable and take the signs away, or leave it; it stays on
# OCPP16LegacyCtrlr then. `shadow-csms mapping check FILE` says what is wrong; the format is in docs/vendor-mapping.md.
"""
_NOTHING: Final = "\n# Nothing to suggest: no vendor key and no DataTransfer was seen that has no rule yet.\n"
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED: Final = ('"', "\\")
"""Signs that a comment may hold as they are."""
_GLOB: Final = re.compile(r"[*?\[]")
_COLUMN: Final = re.compile(r"\d{1,3}", re.ASCII)
_WHERE: Final = {Parser.JSON: "path", Parser.QUERY: "name"}

_Taken = dict[tuple[str, object], str]
"""Variables (with the limit) that have been suggested for a key of the same stations."""


def toml(groups: Iterable[StationsSeen]) -> str:
    """The text of a mapping file, one `[[station]]` for each vendor and model."""
    lines = [line for group in groups for line in _station(group)]
    return _HEAD + ("".join(f"{line}\n" for line in lines) if lines else _NOTHING)


def _station(group: StationsSeen) -> Iterator[str]:
    yield ""
    named = _fits(group.vendor, LONGEST_VENDOR) and _fits(group.model, LONGEST_VENDOR)
    mark = "" if named else "# "
    yield f"{mark}[[station]]{_comment(_count(group.stations, 'charging station'))}"
    if not group.vendor and not group.model:
        yield "# No BootNotification was seen: vendor and model are not known, so that this table fits every station."
    else:
        yield f"{mark}vendor = {_text(_glob(group.vendor))}"
        yield f"{mark}model = {_text(_glob(group.model))}"
    for seen, found, why in _keys(group):
        yield from _entry("[[station.key]]", [("key", _text(_glob(seen.name)))], seen, found, why, live=named)
    # One without a messageId fits all of its vendor, and so comes behind the others.
    for name, transfer in sorted(group.transfers.items(), key=lambda one: (not one[0][2], one[0])):
        yield from _transfer(name, transfer, live=named)


def _keys(group: StationsSeen) -> Iterator[tuple[Seen, Candidate | None, str]]:
    """Each key with its candidate; a variable is suggested for one key only, the one with the shortest name."""
    taken: _Taken = {}
    found = {}
    for seen in sorted(group.keys.values(), key=lambda one: (one.name[-1:].isdigit(), len(one.name), one.name)):
        one = candidate(seen.name, seen)
        why = "" if one is None else one.why
        if one is not None and (one.variable, one.limit) in taken:
            why, one = f"{one.variable} too, as {taken[one.variable, one.limit]}", None
        elif one is not None:
            taken[one.variable, one.limit] = seen.name
        found[seen.name] = (seen, one, why)
    return (found[name] for name in sorted(found, key=str.lower))


def _transfer(name: TransferId, seen: TransferSeen, *, live: bool) -> Iterator[str]:
    direction, vendor_id, message_id = name
    rows = [(path, field, candidate(re.split(r"[.\[]", path)[-1], field)) for path, field in seen.fields.items()]
    # One with no variable at all would count as dealt with.
    live = live and any(path and found for path, _, found in rows)
    live = live and _fits(vendor_id, LONGEST_VENDOR) and _fits(message_id, LONGEST_KEY)
    mark = "" if live else "# "
    yield ""
    count = f"{_count(seen.messages, 'message')} of {_count(seen.stations, 'charging station')}"
    yield f"{mark}[[station.transfer]]{_comment(count)}"
    yield f"{mark}vendor_id = {_text(_glob(vendor_id))}"
    if message_id:
        yield f"{mark}message_id = {_text(_glob(message_id))}"
    yield f'{mark}direction = "{direction}"'
    yield f'{mark}parser = "{seen.parser}"'
    for path, field, found in rows:
        plain = seen.parser is Parser.CSV and _COLUMN.fullmatch(path)
        where = [(_WHERE.get(seen.parser, "column"), path if plain else _text(path))]
        why = "" if found is None else found.why
        yield from _entry("[[station.transfer.field]]", where, field, found, why, live=live and bool(path))


def _entry(
    head: str, names: list[tuple[str, str]], seen: Seen, found: Candidate | None, why: str, *, live: bool
) -> Iterator[str]:
    yield ""
    yield f"# {_facts(seen)}"
    # A name that is too long, or holds what stands for a connector, can be in no mapping file.
    mark = "" if live and found is not None and _fits(seen.name, LONGEST_NAME) else "# "
    yield f"{mark}{head}"
    for name, value in names:
        yield f"{mark}{name} = {value}"
    if found is None:
        perhaps = f"; perhaps {why}" if why else ""
        yield f'{mark}variable = "Component/Variable"{_comment("no candidate" + perhaps)}'
        yield f'{mark}data_type = "{seen.data_type}"'
        return
    yield f"{mark}variable = {_text(found.variable)}{_comment(f'suggestion, to be confirmed: {why}')}"
    if found.limit is not None:
        yield f'{mark}limit = "{found.limit}"'
    yield f'{mark}data_type = "{found.data_type}"'
    for name, said in (("unit", found.unit), ("scale", found.scale)):
        if said is not None:
            yield f"{mark}{name} = {_text(said)}"


def _facts(seen: Seen) -> str:
    """What was seen of it, as a comment."""
    parts = [f"seen on {_count(seen.stations, 'charging station')}"]
    if seen.readonly:
        both = len(seen.readonly) > 1
        parts.append("read-only on some of them" if both else "read-only" if True in seen.readonly else "writable")
    if seen.secret:
        return ", ".join([*parts, "its value may be a token or a secret and is not shown"])
    parts.append(seen.data_type if seen.types else "no value seen")
    if seen.least is not None and seen.most is not None and seen.least != seen.most:
        parts.append(f"{number_text(seen.least)} to {number_text(seen.most)}")
    if seen.samples:
        more = ", …" if seen.more else ""
        parts.append(f"e.g. {', '.join(map(_text, seen.samples))}{more}")
    return ", ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _comment(text: str) -> str:
    return f"  # {''.join(sign if sign in _ESCAPED else _sign(sign) for sign in text)}"


def _fits(name: str, longest: int) -> bool:
    return len(_glob(name)) <= longest and "{" not in name and "\ue000" not in name


def _glob(name: str) -> str:
    """The glob that fits just this name."""
    return _GLOB.sub(lambda sign: f"[{sign[0]}]", name)


def _text(text: str) -> str:
    """A TOML string; control characters as their code, what is no character as a question mark."""
    return f'"{"".join(map(_sign, text))}"'


def _sign(sign: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if "\ud800" <= sign <= "\udfff":
        return "?"
    return f"\\u{ord(sign):04x}" if ord(sign) < 32 or ord(sign) == 127 else sign


def document(groups: Iterable[StationsSeen]) -> list[dict[str, Any]]:
    """The same as plain data, for programs."""
    return [
        {
            "vendor": group.vendor,
            "model": group.model,
            "stations": group.stations,
            "keys": [{"key": seen.name, **_row(seen, found, why)} for seen, found, why in _keys(group)],
            "transfers": [_transfer_row(name, seen) for name, seen in group.transfers.items()],
        }
        for group in groups
    ]


def _transfer_row(name: TransferId, seen: TransferSeen) -> dict[str, Any]:
    direction, vendor_id, message_id = name
    rows = []
    for path, field in seen.fields.items():
        found = candidate(re.split(r"[.\[]", path)[-1], field)
        rows.append({"field": path, **_row(field, found, "" if found is None else found.why)})
    return {
        "direction": direction,
        "vendor_id": vendor_id,
        "message_id": message_id or None,
        "parser": seen.parser,
        "messages": seen.messages,
        "stations": seen.stations,
        "fields": rows,
    }


def _row(seen: Seen, found: Candidate | None, why: str) -> dict[str, Any]:
    return {
        "stations": seen.stations,
        "readonly": sorted(seen.readonly),
        "data_type": None if seen.secret or not seen.types else seen.data_type,
        "secret": seen.secret,
        "least": None if seen.least is None else number_text(seen.least),
        "most": None if seen.most is None else number_text(seen.most),
        "samples": list(seen.samples),
        "candidate": found,
        "why": why,
    }
