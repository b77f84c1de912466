"""What configuration keys tell of the device model: facts of GetConfiguration and ChangeConfiguration."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from ingest.sensitive import Kind, classify
from shadow.device_model.fact import Source
from shadow.station.fields import plain, text
from shadow.station.outbox import Outbox

__all__ = ["is_secret", "note_answer", "note_change", "secrecy"]

_MAX_KEYS: Final = 512
"""Of one answer. The largest that was seen has 198."""
_BEYOND: Final = (
    f"more keys than the device model takes from one answer: those behind the first {_MAX_KEYS} are not kept"
)
_CHANGED: Final = frozenset({"Accepted", "RebootRequired"})


def is_secret(name: str) -> bool:
    """Whether a value of this name is never kept. A token is no secret: in the mirrored copy it is a pseudonym."""
    return classify(name) is Kind.SECRET


def secrecy(value: str | None) -> dict[str, str]:
    """What is told of a secret: redaction keeps its length, so that an empty one shows."""
    return {"secret": "set" if value else "empty"}


def note_answer(out: Outbox, told: Mapping[str, dict[str, Any]], unknown: object, *, whole: bool) -> bool:
    """GetConfiguration.conf: `told` are its keys by name in lower case, `whole` says that all were asked for.

    Returns whether it says anything that the answer before it did not.
    """
    device = out.station.device
    names = {one.lower(): one for one in unknown if isinstance(one, str)} if isinstance(unknown, list) else {}
    absent = [name for low, name in names.items() if low not in told]
    digest = _digest(told, absent) if whole else ""
    repeated = whole and digest == device.keys
    if not repeated:
        device.keys, device.keys_since = digest, out.at
        _note_keys(out, told, absent)
    if whole:
        changed = {"changed_at": str(device.keys_since)}
        out.fact(Source.ANSWER, "GetConfiguration", str(len(told)), detail=changed)
    return not repeated


def _note_keys(out: Outbox, told: Mapping[str, dict[str, Any]], absent: list[str]) -> None:
    via = {"via": "GetConfiguration"}
    for one in list(told.values())[:_MAX_KEYS]:
        name = text(one, "key") or ""
        value = plain(one.get("value")) or ""
        detail = {**via, "readonly": _flag(one)}
        if is_secret(name):
            out.fact(Source.KEY, name, None, detail={**detail, **secrecy(value)})
        else:
            out.fact(Source.KEY, name, value, detail=detail)
    for name in absent[: max(_MAX_KEYS - len(told), 0)]:
        out.fact(Source.KEY, name, None, detail={**via, "unknown": "true"})
    beyond = len(told) + len(absent) - _MAX_KEYS
    if beyond > 0:
        out.lost("GetConfiguration.conf", f"{beyond} keys", detail=_BEYOND)


def note_change(out: Outbox, payload: dict[str, Any], status: str) -> None:
    """ChangeConfiguration, as its answer has it."""
    name = text(payload, "key")
    if name is None:
        return
    if status == "NotSupported":
        out.fact(Source.KEY, name, None, detail={"via": "ChangeConfiguration", "unknown": "true"})
        out.station.device.keys = ""
    if status not in _CHANGED:
        return
    out.station.device.keys = ""  # the next answer with all keys is told in full, whatever it says
    value = plain(payload.get("value")) or ""
    detail = {"via": "ChangeConfiguration", "readonly": "false"}
    if status != "Accepted":
        detail["status"] = status
    if is_secret(name):
        out.fact(Source.KEY, name, None, detail={**detail, **secrecy(value)})
    else:
        out.fact(Source.KEY, name, value, detail=detail)


def _flag(told: dict[str, Any]) -> str:
    return "true" if told.get("readonly") is True else "false"


def _digest(told: Mapping[str, dict[str, Any]], absent: list[str]) -> str:
    """Of what an answer says, whatever its order."""
    lines = [f"{name.lower()}\x1funknown" for name in absent]
    for name, one in told.items():
        value = plain(one.get("value")) or ""
        shown = secrecy(value)["secret"] if is_secret(name) else value
        lines.append(f"{name}\x1f{_flag(one)}\x1f{shown}")
    text_ = "\x1e".join(sorted(lines))
    return blake2b(text_.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
