"""What taps and sinks are told while they run: the records of the control topic, and what they add up to. Pure.

The topic is compacted, so the key says what a record replaces. The key of an enrolment rule is the charging station's
id, or the glob. Every other key begins with `/KIND`, as that of an acknowledgement; no rule can be named so. A record
without a value takes back what was said under its key. The value is JSON with its kind in `kind`; a kind that this
version does not know is passed over and counted, so that newer records may come before newer readers do.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from ingest.cloudevents import Headers, envelope
from ingest.enrolment import Override, Overrides
from ingest.frame import Micros

__all__ = [
    "ACKNOWLEDGEMENT",
    "LONGEST_ACKNOWLEDGED",
    "SWITCH",
    "Acknowledgement",
    "Control",
    "ControlState",
    "EnrolmentRule",
    "EnrolmentSwitch",
    "acknowledgement_of",
    "encode",
    "flaw_of",
    "takes_back",
]

SWITCH: Final = "/enrolment-switch"
"""The key of the kill switch."""
ACKNOWLEDGEMENT: Final = "/acknowledgement/"
"""Begins the key of an acknowledgement; its id follows."""
LONGEST_ACKNOWLEDGED: Final[Micros] = 366 * 86_400_000_000
"""An acknowledgement holds for a year at most: then somebody has to look again."""
LONGEST_RULE: Final = 255
"""Characters of a charging station's id or glob."""
MOST_RULES: Final = 100_000
_MAX_VALUE: Final = 64 * 1024
_MAX_CONNECTOR: Final = 1000
_SOURCE: Final = "/shadow-csms/control"
_JSON: Final = b"application/json"


class EnrolmentRule(msgspec.Struct, frozen=True, tag_field="kind", tag="enrolment"):
    """One charging station, or all that a glob matches: mirrored or not, whatever a tap's enrolment file says."""

    charger: str
    """Its id, or a glob."""
    enrolled: bool
    connectors: tuple[int, ...] = ()
    """The connectors that are judged, none named means all; the rest is lived, not judged."""
    reason: str = ""
    by: str = ""
    """Who said it."""
    at: Micros = 0
    """When it was said, by the clock of who said it."""


class EnrolmentSwitch(msgspec.Struct, frozen=True, tag_field="kind", tag="enrolment-switch"):
    """The kill switch: off mirrors nothing, on lets rules and files hold again."""

    enabled: bool
    reason: str = ""
    by: str = ""
    """Who said it."""
    at: Micros = 0
    """When it was said, by the clock of who said it."""
    bypass: bool = False
    """With `enabled` false: taps do not even copy what they forward. Connections that live meanwhile are mirrored again
    once they reconnect."""


class Acknowledgement(msgspec.Struct, frozen=True, tag_field="kind", tag="acknowledgement"):
    """Discrepancies of one cause that are known: who answers for them, why, and until when.

    They are stored and counted as before. Said again for the same scope, the newer one counts; a revoked one stays as
    a record of who took it back.
    """

    fingerprint: str
    """The group of discrepancies, 16 hexadecimal digits."""
    reason: str
    """Why it may be so."""
    owner: str
    """Who answers for it."""
    expires: Micros
    """From then on it does not hold any more."""
    vendor: str = ""
    """Only charging stations of this vendor; empty means any."""
    model: str = ""
    """Only of this model; empty means any."""
    firmware: str = ""
    """Only with this firmware; empty means any."""
    charger: str = ""
    """Only the charging station of this id; empty means any."""
    by: str = ""
    """Who said it."""
    at: Micros = 0
    """When it was said, by the clock of who said it."""
    revoked: bool = False
    """It was taken back."""

    @property
    def id(self) -> str:
        """Identity: the scope. Who says more of the same scope replaces what was said."""
        scope = (self.fingerprint, self.vendor, self.model, self.firmware, self.charger)
        return blake2b("\x1f".join(scope).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


Control = EnrolmentRule | EnrolmentSwitch | Acknowledgement


class Message(NamedTuple):
    """Key, value and headers of a record; a value of None takes back what the key names."""

    key: bytes
    value: bytes | None
    headers: Headers


class _Kind(msgspec.Struct):
    kind: str = ""


_encode: Final = msgspec.json.Encoder().encode
_kind: Final = msgspec.json.Decoder(_Kind).decode
_decode: Final = msgspec.json.Decoder(Control).decode
_KINDS: Final = frozenset({"enrolment", "enrolment-switch"})
_FOR_OTHERS: Final = frozenset({"acknowledgement"})
"""Kinds that concern no tap."""
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}\Z")
_LONGEST_REASON: Final = 2000


def encode(item: Control) -> Message:
    """Write a record.

    Raises:
        ValueError: a rule that nobody could follow; the message says what is wrong.

    """
    if isinstance(item, EnrolmentSwitch):
        return Message(SWITCH.encode(), _encode(item), _headers("enrolment-switch", SWITCH, item.at))
    flaw = flaw_of(item) if isinstance(item, Acknowledgement) else _flaw(item)
    if flaw:
        raise ValueError(flaw)
    if isinstance(item, Acknowledgement):
        key = f"{ACKNOWLEDGEMENT}{item.id}"
        return Message(key.encode(), _encode(item), _headers("acknowledgement", key, item.at))
    return Message(item.charger.encode(), _encode(item), _headers("enrolment", item.charger, item.at))


def takes_back(charger: str, at: Micros) -> Message:
    """Make the record after which a rule is as if it had never been said."""
    return Message(charger.encode(), None, _headers("enrolment", charger, at))


def acknowledgement_of(key: bytes | None, value: bytes | None) -> Acknowledgement | None:
    """The acknowledgement in a record of the control topic; None where it holds something else.

    Raises:
        ValueError: it should be one and is none, or nobody could follow it.

    """
    if value is None or not (key or b"").startswith(ACKNOWLEDGEMENT.encode()):
        return None
    if len(value) > _MAX_VALUE:
        raise ValueError(f"a value of {len(value)} bytes, at most {_MAX_VALUE} are read")
    try:
        item = _decode(value) if _kind(value).kind in _FOR_OTHERS else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(f"no acknowledgement: {error}") from None
    if not isinstance(item, Acknowledgement):
        return None
    if key != f"{ACKNOWLEDGEMENT}{item.id}".encode():
        raise ValueError(f"the acknowledgement {item.id} under another key")
    if flaw := flaw_of(item):
        raise ValueError(flaw)
    return item


def flaw_of(item: Acknowledgement) -> str:
    """What is wrong with an acknowledgement, empty where it can be followed. All but the scope is mandatory."""
    if _FINGERPRINT.match(item.fingerprint) is None:
        return f"{item.fingerprint[:40]!r} is no fingerprint: 16 digits from 0 to f, as lists of discrepancies show"
    for name, text in (("a reason", item.reason), ("an owner", item.owner)):
        if not text.strip():
            return f"{name} is missing: nobody could tell later why it was acknowledged, and who answers for it"
        if len(text) > _LONGEST_REASON:
            return f"{name} of {len(text)} characters, at most {_LONGEST_REASON}"
    scope = {"vendor": item.vendor, "model": item.model, "firmware": item.firmware, "charger": item.charger}
    for name, text in (*scope.items(), ("by", item.by)):
        if len(text) > LONGEST_RULE or not (text.isprintable() or not text):
            return f"{name} {text[:40]!r}: at most {LONGEST_RULE} characters that can be printed"
    if item.expires <= item.at:
        return "it expires before it begins"
    if item.expires - item.at > LONGEST_ACKNOWLEDGED:
        return "it expires in more than a year: choose a day on which somebody looks at it again"
    return ""


def _headers(kind: str, key: str, at: Micros) -> Headers:
    return envelope(f"{key}@{at}", _SOURCE, f"ocpp.control.{kind}.v1".encode(), at, key, _JSON)


def _flaw(rule: EnrolmentRule) -> str:
    """What is wrong with a rule, empty where it can be followed."""
    name = rule.charger
    if not 1 <= len(name) <= LONGEST_RULE:
        return f"a charging station's id or glob of {len(name)} characters: from 1 to {LONGEST_RULE}"
    if name.startswith("/"):
        return f"{name[:40]!r} begins with '/', which marks what is no charging station; write the glob [/]{name[1:40]}"
    if not name.isprintable():
        return f"{name[:40]!r} holds characters that cannot be printed"
    if any(not 0 <= one <= _MAX_CONNECTOR for one in rule.connectors):
        return f"connectors of {name[:40]!r}: from 0 to {_MAX_CONNECTOR}"
    if rule.connectors and not rule.enrolled:
        return f"{name[:40]!r} is removed as a whole; to judge only some connectors, add it with those"
    return ""


class ControlState:
    """The newest of each key. Feed it every record of the topic; the order within a key is all that matters."""

    def __init__(self) -> None:
        self.rules: dict[str, EnrolmentRule] = {}
        """By charging station's id or glob."""
        self.switch: EnrolmentSwitch | None = None
        """None where nobody ever touched it: on."""
        self.passed_over = 0
        """Records of kinds that this version does not know."""
        self.unreadable = 0
        """Records that are none, or that nobody could follow."""
        self.flaw = ""
        """What was wrong with the last of them."""

    @property
    def enabled(self) -> bool:
        """Where the kill switch stands."""
        return self.switch is None or self.switch.enabled

    def overrides(self) -> Overrides:
        """What a tap follows."""
        rules = sorted(self.rules.values(), key=lambda one: one.charger)
        bypass = self.switch is not None and self.switch.bypass and not self.switch.enabled
        said = tuple(Override(one.charger, one.enrolled, one.connectors) for one in rules)
        return Overrides(self.enabled, said, bypass)

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Take a record. One that cannot be followed changes nothing and is counted."""
        try:
            name = (key or b"").decode()
            if value is None:
                self._take_back(name)
            elif len(value) > _MAX_VALUE:
                self._reject(f"a value of {len(value)} bytes, at most {_MAX_VALUE} are read")
            elif (kind := _kind(value).kind) in _KINDS:
                self._follow(name, _decode(value))
            elif kind not in _FOR_OTHERS:
                self.passed_over += 1
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            self._reject(str(error))

    def _follow(self, name: str, item: Control) -> None:
        if isinstance(item, EnrolmentSwitch):
            if name == SWITCH:
                self.switch = item
            else:
                self._reject(f"a kill switch under the key {name[:40]!r}, not {SWITCH!r}")
            return
        assert isinstance(item, EnrolmentRule)  # by its kind
        flaw = _flaw(item)
        if item.charger != name:
            flaw = f"a rule for {item.charger[:40]!r} under the key {name[:40]!r}"
        elif name not in self.rules and len(self.rules) >= MOST_RULES:
            flaw = f"more than {MOST_RULES} rules; say with globs what is said one by one"
        if flaw:
            self._reject(flaw)
        else:
            self.rules[name] = item

    def _take_back(self, name: str) -> None:
        if name == SWITCH:
            self.switch = None
        self.rules.pop(name, None)

    def _reject(self, flaw: str) -> None:
        self.unreadable += 1
        self.flaw = flaw
