"""One payload of every message of OCPP 1.6, with every field that its official schema knows. Pure."""

from __future__ import annotations

from typing import Any, Final

from shadow import schema

__all__ = ["example"]

_TIMES: Final = {"date-time": "2030-01-01T12:00:00Z", "uri": "ftp://logs.example/1"}
_BY_NAME: Final[dict[str, Any]] = {
    "value": "1250",
    "recurrencyKind": "Daily",
    "measurand": "Energy.Active.Import.Register",
}
"""Where the first that the schema allows would say something odd."""


def example(action: str, *, response: bool) -> dict[str, Any]:
    """The payload of a request or its answer. Raises `KeyError` for an action that 1.6 does not have."""
    document = schema.read(schema.V16, action, response=response)
    if document is None:
        raise KeyError(f"{action} is no action of OCPP 1.6")
    payload: dict[str, Any] = _of(document, action, document.get("definitions", {}))
    return payload


def _of(rule: dict[str, Any], name: str, named: dict[str, Any]) -> Any:
    if "$ref" in rule:  # the schemas of the security extension
        rule = named[rule["$ref"].removeprefix("#/definitions/")]
    if name in _BY_NAME and "properties" not in rule:
        return _BY_NAME[name]
    if "enum" in rule:
        return rule["enum"][0]
    match rule.get("type"):
        case "object":
            return {key: _of(inner, key, named) for key, inner in rule.get("properties", {}).items()}
        case "array":
            return [_of(rule["items"], name, named)]
        case "integer":
            return 1
        case "number":
            return 16
        case "boolean":
            return False
        case _:
            text = _TIMES.get(rule.get("format", ""), "04A1B2C3")
            return text[: rule.get("maxLength", len(text))]
