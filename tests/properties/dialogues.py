"""Dialogues of schema-valid OCPP 1.6, drawn from the official schemas: plausible ones, arbitrary ones, and mixtures.

Half of all values are what a charging station and its CSMS would say: a few connectors, a few tokens, the time as it
is, transaction ids that were given before. The other half is whatever the schema allows. Who calls, in which order,
and what becomes of each call (answered, refused, forgotten, answered late) is drawn too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from demo.script import Script
from ingest.frame import Direction
from shadow import schema
from shadow.mapping.coverage import OCPP201, directions201
from shadow.mapping.rules import ANSWER, REQUEST

__all__ = ["ACTIONS", "HUGE", "dialogues", "native_dialogues", "payloads"]

ACTIONS: Final = schema.actions(schema.V16)
TAGS: Final = ("04A1B2C3", "04a1b2c3", "driver-42", "DE*ABC*C123456", "NoAuthorization", "T" * 20, "")
_DEFINITIONS: Final = "#/definitions/"
_MONEY: Final = (
    "StartTransaction", "StartTransaction", "StopTransaction", "StopTransaction", "MeterValues", "StatusNotification",
    "Authorize",
)  # fmt: skip


class Ago(msgspec.Struct, frozen=True):
    """A time so many seconds before the message is said."""

    seconds: int


class Known(msgspec.Struct, frozen=True):
    """A transaction id that was given before, the latest ones first; a plain number where there is none."""

    place: int


_error_codes: Final = st.sampled_from(["NotImplemented", "InternalError", "FormationViolation"]) | st.text(max_size=90)
_times: Final = st.sampled_from(
    [Ago(0), Ago(0), Ago(0), Ago(0), Ago(5), Ago(3600), Ago(-500), "2030-01-01T13:00:00.5+01:00",
     "2030-01-01T12:00:00", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60Z", "",
     "yesterday"]
)  # fmt: skip
HUGE: Final = 2**80
_integers: Final = st.integers(-1, 4) | st.integers(0, 100_000) | st.sampled_from([-(2**31), 2**31, 2**63 - 1, HUGE])
_anything: Final = st.none() | st.integers() | st.text(max_size=9) | st.dictionaries(st.text(max_size=3), st.booleans())
_likely: Final[dict[str, st.SearchStrategy[Any]]] = {
    "connectorId": st.sampled_from([1, 1, 1, 2, 2, 0]),
    "idTag": st.sampled_from(TAGS[:3]),
    "parentIdTag": st.sampled_from(TAGS[:3]),
    "transactionId": st.integers(0, 1).map(Known),
    "meterStart": st.integers(0, 5000),
    "meterStop": st.integers(4000, 9000),
    "timestamp": st.just(Ago(0)),
    "value": st.integers(0, 10_000).map(str) | st.integers(0, 10_000).map(lambda number: f"{number / 100:.2f}"),
    "measurand": st.sampled_from(["Energy.Active.Import.Register", "Power.Active.Import", "SoC"]),
    "unit": st.sampled_from(["Wh", "kWh", "W", "Percent"]),
    "status": st.just("Accepted"),
    "errorCode": st.just("NoError"),
    "vendorId": st.sampled_from(["org.openchargealliance.iso15118pnc", "Alder"]),
    "messageId": st.sampled_from(
        ["Authorize", "Get15118EVCertificate", "GetCertificateStatus", "SignCertificate", "CertificateSigned",
         "InstallCertificate", "DeleteCertificate", "GetInstalledCertificateIds", "TriggerMessage"]
    ),
    "key": st.sampled_from(["HeartbeatInterval", "MeterValueSampleInterval", "SupportedFeatureProfiles", "Custom"]),
}  # fmt: skip
"""By name of the field: what it would hold in a plausible dialogue. Only values that its schema allows are taken."""
_SHORT_IDS: Final = st.sampled_from(["tx-1", "tx-2"])
"""Transactions of 2.0.1, whose ids are strings."""
_REAL_TIMES: Final = st.sampled_from([Ago(0), Ago(5), Ago(3600), Ago(-500), "2030-01-01T13:00:00.5+01:00"])
"""Of 2.0.1 the schema check judges the format too, which is that of RFC 3339."""


@cache
def payloads(version: str, action: str, part: str, likely: float = 0.5) -> st.SearchStrategy[dict[str, Any]]:
    """Payloads that the official schema of a message allows."""
    document = schema.read(version, action, response=part == ANSWER)
    assert document is not None
    return _object(document, document, likely)


def _object(document: dict[str, Any], node: dict[str, Any], likely: float) -> st.SearchStrategy[dict[str, Any]]:
    needed = node.get("required", ())
    members = {
        name: _value(document, child, name, likely)
        for name, child in node.get("properties", {}).items()
        if name != "customData"
    }
    return st.fixed_dictionaries(
        {name: members[name] for name in needed},
        optional={name: member for name, member in members.items() if name not in needed},
    )


def _value(document: dict[str, Any], node: dict[str, Any], name: str, likely: float) -> st.SearchStrategy[Any]:
    while "$ref" in node:
        node = document["definitions"][node["$ref"].removeprefix(_DEFINITIONS)]
    if "enum" in node:
        allowed = st.sampled_from(node["enum"])
        common = _likely.get(name)
        return allowed if common is None else _mixed(common.map(_within(node["enum"])), allowed, likely)
    match node.get("type"):
        case "object":
            return _object(document, node, likely)
        case "array":
            fewest = node.get("minItems", 0)
            inner = _value(document, node["items"], name, likely)
            return st.lists(inner, min_size=fewest, max_size=max(fewest, min(3, node.get("maxItems", 3))))
        case "string":
            return _string(document, node, name, likely)
        case "integer":
            return _mixed(_likely.get(name, _integers), _integers, likely).filter(_bounded(node))
        case "number":
            return (st.integers(0, 1000).map(lambda tenths: tenths / 10) | st.integers(0, 100)).filter(_bounded(node))
        case "boolean":
            return st.booleans()
        case None:  # 2.0.1 DataTransfer takes any JSON
            return _anything
    raise AssertionError(node)


def _within(names: list[str]) -> Callable[[str], str]:
    return lambda value: value if value in names else names[0]


def _bounded(node: dict[str, Any]) -> Callable[[Any], bool]:
    low, high = node.get("minimum"), node.get("maximum")
    return lambda value: isinstance(value, Known) or ((low is None or low <= value) and (high is None or value <= high))


def _is_201(document: dict[str, Any]) -> bool:
    return "2.0.1" in document.get("comment", "")


def _string(document: dict[str, Any], node: dict[str, Any], name: str, likely: float) -> st.SearchStrategy[Any]:
    longest = node.get("maxLength", 2000)
    if node.get("format") == "date-time":
        return _mixed(st.just(Ago(0)), _REAL_TIMES if _is_201(document) else _times, likely)
    anything = st.text(max_size=min(longest, 30)) | st.sampled_from(["x" * longest, "é" * longest, "", " ", "-1"])
    common = _SHORT_IDS if name == "transactionId" else _likely.get(name)
    if common is None or name in ("status", "timestamp"):
        return anything
    return _mixed(common.filter(lambda value: len(str(value)) <= longest), anything, likely)


def _mixed(common: st.SearchStrategy[Any], other: st.SearchStrategy[Any], likely: float) -> st.SearchStrategy[Any]:
    if likely >= 1:
        return common
    return st.one_of(common, other) if likely else other


# -- what is said ------------------------------------------------------------------------------------------------------


@st.composite
def _exchange(draw: st.DrawFn, actions: st.SearchStrategy[str], likely: float) -> tuple[Any, ...]:
    """One call, and what becomes of it: `(direction, action, payload, ending, answer)`."""
    action = draw(actions)
    payload = draw(payloads(schema.V16, action, REQUEST, likely))
    direction = Direction.CP_TO_CS if action in OF_THE_STATION else Direction.CS_TO_CP
    if action == "DataTransfer" or draw(st.integers(0, 30)) == 30:  # nothing but the specification forbids it
        direction = draw(st.sampled_from(list(Direction)))
    wrapped = action == "DataTransfer" and draw(st.booleans())
    if wrapped:
        payload = {**payload, **draw(_wrapped(REQUEST))}
    ending = draw(st.sampled_from(["answered"] * 8 + ["refused", "forgotten", "late"]))
    answer: Any = draw(payloads(schema.V16, action, ANSWER, likely))
    if wrapped:
        answer = {"status": "Accepted", "data": draw(_wrapped(ANSWER, payload["messageId"]))["data"]}
    if ending == "refused":
        answer = draw(_error_codes)
    return (direction, action, payload, ending, answer)


OF_THE_STATION: Final = frozenset(
    {*_MONEY, "BootNotification", "DiagnosticsStatusNotification", "FirmwareStatusNotification", "Heartbeat",
     "LogStatusNotification", "SecurityEventNotification", "SignCertificate", "SignedFirmwareStatusNotification"}
)  # fmt: skip


@st.composite
def _wrapped(draw: st.DrawFn, part: str, name: str = "") -> dict[str, Any]:
    """A message of 2.0.1 as DataTransfer carries it (OCA application note on ISO 15118 Plug & Charge)."""
    name = name or draw(_likely["messageId"])
    data = draw(payloads(schema.V201, name, part, 0.5))
    return {
        "vendorId": "org.openchargealliance.iso15118pnc",
        "messageId": name,
        "data": json.dumps(_resolved(data, Script(), [])),
    }


_between: Final = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 61, 130, 700, 1000, 90_000])),
    st.tuples(st.just("reconnect")),
    st.tuples(st.just("catch-up")),
    st.tuples(st.just("tick")),
    st.tuples(st.just("skip")),
)


def _steps(actions: st.SearchStrategy[str], likely: float) -> st.SearchStrategy[tuple[Any, ...]]:
    said = st.tuples(st.just("say"), _exchange(actions, likely))
    return st.one_of(said, said, said, said, _between)


@st.composite
def dialogues(draw: st.DrawFn, *kinds: str, longest: int = 16) -> Script:
    """A dialogue: a plausible one about transactions, one of all actions, or one of anything that is valid."""
    kind = draw(st.sampled_from(kinds or ("sessions", "plausible", "mixed", "arbitrary")))
    actions = st.sampled_from(_MONEY) if kind == "sessions" else st.sampled_from(ACTIONS)
    likely = {"sessions": 1.0, "plausible": 1.0, "mixed": 0.5, "arbitrary": 0.0}[kind]
    script = Script()
    if draw(st.integers(0, 3)):
        script.boot()
    told = _Telling(script, fresh_ids=kind in ("sessions", "plausible"))
    many = draw(st.integers(0, longest))  # a list left to itself is short more often than not
    for step in draw(st.lists(_steps(actions, likely), min_size=many, max_size=many)):
        told.take(step)
    return script


class _Telling:
    """Says the steps to a script, and keeps in mind what later ones refer to."""

    def __init__(self, script: Script, *, fresh_ids: bool) -> None:
        self._script = script
        self._fresh_ids = fresh_ids
        self._given: list[int] = []
        self._late: list[tuple[str, Any]] = []
        self._said = 0

    def take(self, step: tuple[Any, ...]) -> None:
        script = self._script
        match step:
            case ("wait", seconds):
                script.wait(seconds)
            case ("tick",):
                script.tick()
            case ("skip",):
                script.skip(2)
                self._late.clear()
            case ("reconnect",):
                script.close().wait(30).open()
                self._late.clear()
            case ("catch-up",):
                for message_id, answer in self._late:
                    script.answer(_resolved(answer, script, self._given), message_id=message_id)
                self._late.clear()
            case ("say", (direction, action, payload, ending, answer)):
                self._say(direction, action, payload, ending, answer)

    def _say(self, direction: Direction, action: str, payload: Any, ending: str, answer: Any) -> None:
        script = self._script
        self._said += 1
        message_id = f"own-{self._said}"
        call = script.call if direction is Direction.CP_TO_CS else script.command
        call(action, _resolved(payload, script, self._given), message_id=message_id)
        match ending:
            case "answered":
                script.answer(self._answer(action, answer), message_id=message_id)
            case "refused":
                script.refuse(answer, message_id=message_id)
            case "late":
                self._late.append((message_id, self._answer(action, answer)))

    def _answer(self, action: str, answer: Any) -> Any:
        said = _resolved(answer, self._script, self._given)
        if action == "StartTransaction":
            if self._fresh_ids:
                said = {**said, "transactionId": 100 + self._said}
            self._given.insert(0, said["transactionId"])
        return said


def _resolved(value: Any, script: Script, given: list[int]) -> Any:
    match value:
        case Ago(seconds):
            return script.ago(seconds)
        case Known(place):
            return given[place] if place < len(given) else 7
        case dict():
            return {name: _resolved(one, script, given) for name, one in value.items()}
        case list():
            return [_resolved(one, script, given) for one in value]
    return value


# -- the same of native 2.0.1 ------------------------------------------------------------------------------------------


@st.composite
def native_dialogues(draw: st.DrawFn, *, longest: int = 14) -> Script:
    """A dialogue of schema-valid OCPP 2.0.1, half of it about transactions, now and then interrupted by 1.6."""
    script = Script(connected=False).open(OCPP201)
    every = st.sampled_from(schema.actions(schema.V201))
    for number in range(draw(st.integers(0, longest))):
        match draw(st.sampled_from(["say"] * 8 + ["wait", "reconnect", "fall-back"])):
            case "wait":
                script.wait(draw(st.sampled_from([1, 100, 90_000])))
            case "reconnect":
                script.close().open(OCPP201)
            case "fall-back":
                script.close().open().boot().close().open(OCPP201)
            case _:
                action = draw(st.just("TransactionEvent") | every)
                _say_native(draw, script, action, f"own-{number}")
    return script


def _say_native(draw: st.DrawFn, script: Script, action: str, message_id: str) -> None:
    likely = draw(st.sampled_from([0.0, 0.5, 1.0]))
    payload = _resolved(draw(payloads(schema.V201, action, REQUEST, likely)), script, [])
    direction = draw(st.sampled_from(directions201(action)))
    (script.call if direction is Direction.CP_TO_CS else script.command)(action, payload, message_id=message_id)
    match draw(st.sampled_from(["answered", "answered", "answered", "refused", "forgotten"])):
        case "answered":
            answer = _resolved(draw(payloads(schema.V201, action, ANSWER, likely)), script, [])
            script.answer(answer, message_id=message_id)
        case "refused":
            script.refuse(draw(_error_codes), message_id=message_id)
