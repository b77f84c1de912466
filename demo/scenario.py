"""Scenarios: a dialogue in OCPP 1.6, and the OCPP 2.0.1 messages that the specification asks for. Pure but for `read`.

How a file reads is told in `tests/golden/scenarios/README.md`. Here it becomes frames, and what the shadow made of them
is compared with what was expected; every difference is told in words, none raises.
"""

from __future__ import annotations

import re
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from demo.script import NOON, Script
from ingest.frame import Frame, Micros
from ingest.timestamps import format_micros, parse_stamp
from shadow import topology
from shadow.config import DEFAULT, ShadowConfig, checked
from shadow.message import MessageType, ShadowMessage

__all__ = ["Scenario", "differences", "fits", "read"]

Row: TypeAlias = list[Any]

_SECOND: Final[Micros] = 1_000_000
_LATENCY: Final[Micros] = 100_000
_MOMENT: Final = re.compile(r"@-?[\d.]*")
_FREE: Final = frozenset({"StatusNotification", "NotifyEvent", "TransactionEvent", "MeterValues"})
"""Each in its own order; the order of one beside the other is free (2.0.1 Part 6, general tool rules)."""
_LANES: Final = ("", *sorted(_FREE, reverse=True))
_BESIDE: Final = frozenset({"BootNotification", "Heartbeat"})
"""Requests that need not be listed; with all others a scenario is exhaustive."""
_SUFFIX: Final = {MessageType.REQUEST: "", MessageType.RESPONSE: "Response", MessageType.ERROR: "Error"}


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file, as it stands."""

    title: str
    sources: tuple[str, ...]
    dialogue: list[Row]
    """`[who, second, action, payload …, "=>", answer …]`."""
    expect: list[Row]
    """`[message, requirement ids, fields …]`."""
    codes: frozenset[str]
    story: str = ""
    prelude: bool = True
    connectors: int = 1
    settings: dict[str, frozenset[str]] = {}
    topology: dict[str, Any] = {}
    losses: frozenset[str] = frozenset()
    breaks: frozenset[str] = frozenset()
    sessions: list[dict[str, Any]] = []
    horizon: bool = False

    @property
    def config(self) -> ShadowConfig:
        """The settings of the virtual station.

        Raises:
            ValueError: a setting that cannot be lived.

        """
        given: dict[str, Any] = {**self.settings}
        if self.topology:
            given["topology"] = topology.parse(self.topology)
        return checked(msgspec.structs.replace(DEFAULT, **given))

    def frames(self) -> tuple[list[Frame], list[Frame]]:
        """The prelude, a minute before noon, and the dialogue.

        Raises:
            ValueError: rows that do not stand in the order of time.

        """
        script = Script(at=NOON - 60 * _SECOND, connected=False)
        if self.prelude:
            script.open().boot()
            for number in range(self.connectors + 1):
                script.status(number, "Available")
        before = len(script.frames)
        for row in self.dialogue:
            _play(script, row)
        return script.frames[:before], script.frames[before:]


def read(path: Path) -> Scenario:
    """Read one file.

    Raises:
        msgspec.ValidationError: a key that is missing, misspelt, or of another type.
        tomllib.TOMLDecodeError: the file is no TOML.

    """
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Scenario)


# -- the dialogue ----------------------------------------------------------------------------------------------------


def _play(script: Script, row: Row) -> None:
    who, second, what, *rest = row
    at = NOON + round(second * _SECOND)
    if at - _LATENCY < script.at:
        raise ValueError(f"{row}: rows must stand in the order of time, a tenth of a second apart")
    if who == "line":
        script.at = at
        _ = script.open() if what == "opens" else script.close()
        return
    script.at = at - _LATENCY
    split = rest.index("=>") if "=>" in rest else len(rest)
    payload, answer = _times(_merged(rest[:split]), second), rest[split + 1 :]
    if what == "answer":
        script.answer(payload)
        return
    action, _, message_id = what.partition("#")
    (script.call if who == "station" else script.command)(action, payload, message_id=message_id or None)
    if answer and isinstance(answer[0], str):
        script.refuse(answer[0])
    elif answer:
        script.answer(_times(_merged(answer), second + 0.1))


def _merged(tables: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: value for table in tables for key, value in table.items()}


def _times(value: Any, second: float) -> Any:
    """`@` is the row's own second, `@12` the twelfth since noon."""
    if isinstance(value, dict):
        return {key: _times(one, second) for key, one in value.items()}
    if isinstance(value, list):
        return [_times(one, second) for one in value]
    return _moment(value, second) if isinstance(value, str) and _MOMENT.fullmatch(value) else value


def _moment(text: str, second: float = 0) -> str:
    return format_micros(NOON + round(float(text[1:] or second) * _SECOND))


# -- the expectation -------------------------------------------------------------------------------------------------


def differences(expected: list[Row], said: list[ShadowMessage]) -> list[str]:
    """What is missing, unexpected or different, in words; empty where all is as expected."""
    names: dict[str, Any] = {}
    listed = {row[0].rstrip("?") for row in expected}
    wrong = []
    for lane in _LANES:
        rows = [row for row in expected if _lane(row[0].rstrip("?")) == lane]
        heard = [one for one in said if _lane(_name(one)) == lane and _counts(one, listed)]
        wrong += _walk(rows, heard, names)
    return wrong


def _lane(name: str) -> str:
    action = name.removesuffix("Response")
    return action if action in _FREE else ""


def _name(message: ShadowMessage) -> str:
    return message.action + _SUFFIX[message.type]


def _counts(message: ShadowMessage, listed: set[str]) -> bool:
    """Every request but the few beside; of the responses those of a name that is listed, unless they say nothing."""
    if message.type is MessageType.REQUEST:
        return message.action in listed or message.action not in _BESIDE
    return _name(message) in listed and bool(message.payload)


def _walk(rows: list[Row], heard: list[ShadowMessage], names: dict[str, Any]) -> list[str]:
    for name, why, *tables in rows:
        optional = name.endswith("?")
        if not heard:
            if optional:
                continue
            return [f"missing: {name} ({why}) {tables}"]
        fields = dict(leaf for table in tables for leaf in _leaves(table))
        same = _name(heard[0]) == name.rstrip("?")
        difference = _differs(heard[0].payload, fields, names) if same else f"{_name(heard[0])} came instead"
        if not difference:
            heard = heard[1:]
        elif not optional:
            return [f"{name} ({why}): {difference}\n    in {_shown(heard[0])}"]
    return [f"not expected: {_shown(one)}" for one in heard]


def _shown(message: ShadowMessage) -> str:
    return f"{_name(message)} {msgspec.json.encode(message.payload).decode()}"


def _leaves(table: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted paths and what is expected there."""
    for key, value in table.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and value and "anyOf" not in value:
            yield from _leaves(value, here)
        else:
            yield here, value


def _differs(payload: dict[str, Any], fields: dict[str, Any], names: dict[str, Any]) -> str:
    """The first field that is not as expected, in words; empty where all are, and then their names are bound."""
    bound = dict(names)
    for path, wanted in fields.items():
        if path == "without":
            present = [one for one in wanted if _at(payload, one) is not None]
            if present:
                return f"{present[0]} must not be there"
        elif path in ("has", "readings"):
            found = _samples(payload)
            if sorted(found) != sorted(wanted) if path == "readings" else set(wanted) - set(found):
                return f"{path} {wanted}, got {found}"
        elif not fits(path, found := _at(payload, path), wanted, bound):
            return f"{path} = {wanted!r}, got {found!r}"
    names.update(bound)
    return ""


def _at(payload: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for part in path.split("."):
        if isinstance(payload, list):
            payload = payload[int(part)] if part.isdigit() and int(part) < len(payload) else None
        else:
            payload = payload.get(part) if isinstance(payload, dict) else None
    return payload


def _samples(payload: dict[str, Any]) -> list[str]:
    """Every sampled value as `1000 Wh Transaction.Begin` or `230.1 V Voltage L1 Sample.Periodic`."""
    samples = [sample for element in payload.get("meterValue", []) for sample in element["sampledValue"]]
    return [_reading(sample) for sample in samples]


def _reading(sample: dict[str, Any]) -> str:
    encoded = sample.get("signedMeterValue", {}).get("signedMeterData")
    signed = None if encoded is None else b64decode(encoded).decode()  # Base64 of what the meter signed (§2.44)
    measurand = sample.get("measurand", "Energy.Active.Import.Register")
    energy = measurand == "Energy.Active.Import.Register"
    words = (
        f"{Decimal(str(sample['value'])).normalize():f}" if signed is None else f"signed {signed}",
        "" if signed else sample.get("unitOfMeasure", {}).get("unit", "Wh" if energy else ""),
        "" if energy else measurand,
        sample.get("phase", ""),
        sample.get("context", "Sample.Periodic"),
    )
    return " ".join(word for word in words if word)


def fits(path: str, found: Any, wanted: Any, names: dict[str, Any]) -> bool:
    """Whether a value is the one expected. `names` binds `$A` and the like to the values that they stand for."""
    if isinstance(wanted, dict) and "anyOf" in wanted:
        return any(fits(path, found, one, names) for one in wanted["anyOf"])
    if path == "transactionInfo.stoppedReason" and wanted == "Local":
        return found in (None, "Local")  # E06.FR.09: absent is Local
    if found is None:
        return False
    if isinstance(wanted, str) and wanted.startswith("$"):
        meant = (path.rpartition(".")[2], found)
        taken = wanted not in names and meant in names.values()
        return not taken and bool(names.setdefault(wanted, meant) == meant)
    if isinstance(wanted, str) and wanted.startswith("@"):
        return parse_stamp(found).at == parse_stamp(_moment(wanted)).at
    if isinstance(wanted, int | float) and not isinstance(wanted, bool):
        return Decimal(str(found)) == Decimal(str(wanted))
    return bool(wanted in ("*", found))
