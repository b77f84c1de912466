"""JSON Schemas (draft 2020-12) of all that stands in the topics, made from the types that are published. Pure.

They are made from the msgspec structs themselves, since those are what is written: a second set of models would only be
a second truth. A field's meaning is taken from the text below it in the struct.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, Final

import msgspec

from diff.published import TYPES
from ingest.control import Acknowledgement, EnrolmentRule, EnrolmentSwitch
from ingest.frame import Direction, FrameKind, Gap, Handshake

__all__ = ["CONTROL", "FRAME_HEADERS", "FRAME_VALUE", "RECORD_HEADERS", "schemas"]

CONTROL: Final = {
    "ocpp.control.enrolment.v1": EnrolmentRule,
    "ocpp.control.enrolment-switch.v1": EnrolmentSwitch,
    "ocpp.control.acknowledgement.v1": Acknowledgement,
}
FRAME_HEADERS: Final = "ocpp.frame.headers.v1"
FRAME_VALUE: Final = "ocpp.frame.value.v1"
RECORD_HEADERS: Final = "ocpp.record.headers.v1"

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_EXACT: Final = r"^-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]+)?$"
"""What `str` makes of a Decimal that is a number."""
_NUMBER: Final = r"^[0-9]{1,19}$"

Schema = dict[str, Any]


def schemas() -> dict[str, Schema]:
    """Every schema by its name, each complete in itself."""
    found = {name: _record(kind, name) for kind, name in TYPES.items()}
    found |= {name: _record(kind, name) for name, kind in CONTROL.items()}
    found[RECORD_HEADERS] = _document(RECORD_HEADERS, "Headers of every record but frames", _headers(_common()))
    found[FRAME_HEADERS] = _document(FRAME_HEADERS, "Headers of a frame", _headers(_frame()))
    found[FRAME_VALUE] = _document(
        FRAME_VALUE,
        "Value of a frame",
        {
            "description": "The text of a message as it was mirrored, less redactions: UTF-8, never re-serialised, and"
            " not always JSON. Empty for every other kind of frame.",
            "type": "string",
        },
    )
    return dict(sorted(found.items()))


def _document(name: str, title: str, body: Schema) -> Schema:
    return {"$schema": _DRAFT, "$id": f"urn:shadow-csms:{name}", "title": title, **body}


def _record(kind: type[Any], name: str) -> Schema:
    """The schema of a struct, with its parts in `$defs`."""
    _, parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    body = parts.pop(kind.__name__)
    _explain(kind, body)
    _exact(body)
    schema = _document(name, body.pop("title"), body)
    if parts:
        schema["$defs"] = dict(sorted(parts.items()))
    return schema


def _explain(kind: type[Any], body: Schema) -> None:
    """Add what each field means."""
    texts = _texts(kind)
    for field in msgspec.structs.fields(kind):
        said = texts.get(field.name, "")
        if "Micros" in kind.__annotations__.get(field.name, ""):
            said = f"{said} Microseconds since 1970-01-01T00:00:00Z.".strip()
        if said:
            body["properties"][field.encode_name]["description"] = said


def _texts(kind: type[Any]) -> dict[str, str]:
    """The docstring below each field of a class."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                found[name] = " ".join(said.split())
            case _:
                pass
    return found


def _exact(node: Any) -> None:
    """Decimals are strings with a shape: `format` is no rule to a validator that does not know it."""
    if isinstance(node, dict):
        if node.get("format") == "decimal":
            del node["format"]
            node["pattern"] = _EXACT
        for inner in node.values():
            _exact(inner)
    elif isinstance(node, list):
        for inner in node:
            _exact(inner)


def _headers(properties: dict[str, Schema]) -> Schema:
    """Headers as an object: every value is UTF-8 text."""
    optional = {"ce_subject", *_ONLY_SOME}
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def _common() -> dict[str, Schema]:
    return {
        "ce_specversion": {"const": "1.0"},
        "ce_id": _text("Deterministic: the same record written twice has the same id."),
        "ce_source": _text("Which part of the product wrote it."),
        "ce_type": _text("What the value is, with its version: the name of its schema."),
        "ce_time": {**_text("RFC 3339, UTC."), "format": "date-time"},
        "content-type": _text("Of the value."),
        "ce_subject": _text("The charging station's id, as in the key; absent where the record belongs to none."),
    }


_ONLY_SOME: Final = frozenset(
    {
        "ce_direction",
        "ce_handshake",
        "ce_gap",
        "ce_closecode",
        "ce_connectors",
        "ce_zoneless",
        "shadow_replayed_from",
    }
)


def _frame() -> dict[str, Schema]:
    kinds = sorted(f"ocpp.frame.{kind.value}.v1" for kind in FrameKind)
    return {
        **_common(),
        "ce_id": _text("The frame's id: ce_connection, '/', ce_sequence."),
        "ce_type": {"enum": kinds, "description": "The kind of the frame."},
        "content-type": {"const": "text/plain; charset=utf-8"},
        "ce_connection": _text("The connection, unique over all taps and their restarts."),
        "ce_sequence": {
            **_text("Per connection over both directions, from 0, without holes."),
            "pattern": _NUMBER,
        },
        "ce_direction": {
            "enum": sorted(one.value for one in Direction),
            "description": "Who sent it: the charging station (cp) or the CSMS (cs). Every message has it.",
        },
        "ce_handshake": _json("Facts of the WebSocket upgrade, of an opened frame.", _part(Handshake)),
        "ce_gap": _json("What is missing, of a gap.", _part(Gap)),
        "ce_closecode": {**_text("The WebSocket close code (RFC 6455 §7.4), of a closed frame."), "pattern": _NUMBER},
        "ce_connectors": _json(
            "The connectors enrolled for judgement; absent means all.", {"type": "array", "items": {"type": "integer"}}
        ),
        "ce_zoneless": {"const": "true", "description": "The time comes from a log whose times carry no zone."},
        "shadow_replayed_from": _text("Published again by `deadletter replay`: the place of the first record."),
    }


def _part(kind: type[Any]) -> Schema:
    body: Schema = msgspec.json.schema_components([kind])[1][kind.__name__]
    _explain(kind, body)
    return body


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


def _json(description: str, content: Schema) -> Schema:
    return {**_text(description), "contentMediaType": "application/json", "contentSchema": content}
