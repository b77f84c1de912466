"""Policies as files (TOML), what holds while one is broken, and how two differ. Pure.

version = "2026-11"

[energy]
kind = "tolerance"
absolute = 5              # Wh
relative_percent = 0.2

[stop_reason]
kind = "ignore"
reason = "the backend writes Local for everything until its release 7"

What a file does not name is as built in (`diff.policy`). docs/policy.md lists the fields.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

import msgspec
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, model_validator

from diff.document import DocumentError, parse
from diff.policy import DEFAULT, SECOND, Kind, Numbers, Policy, Words, named
from diff.tariff.book import EMPTY, TariffBook

__all__ = ["FIELDS", "Changed", "PolicyField", "PolicyInForce", "changes", "parse_policy", "said"]

_MOST_WORDS: Final = 200
Amount = Annotated[Decimal, Field(ge=0, le=Decimal(10**9))]
Percent = Annotated[Decimal, Field(ge=0, le=100)]
Word = Annotated[str, Field(max_length=64)]
Group = Annotated[tuple[Word, ...], Field(min_length=2, max_length=_MOST_WORDS)]
Meanings = Annotated[tuple[Word, ...], Field(min_length=1, max_length=_MOST_WORDS)]
Seconds = Annotated[int, Field(ge=1, le=396 * 86_400)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Field(_Part):
    """A field of the file: its kind, and what goes with that kind alone."""

    kind: Literal["exact", "tolerance", "semantic", "ignore"]
    reason: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == "ignore" and not self.reason.strip():
            raise ValueError('kind = "ignore" needs a reason: who reads a verdict has to know why nobody looked')
        if self.kind != "ignore" and self.reason:
            raise ValueError(f'a reason goes with kind = "ignore", not with {self.kind!r}')
        given = sorted(self.model_fields_set - {"kind", "reason"})
        if self.kind in ("exact", "ignore") and given:
            raise ValueError(f"{given[0]} says nothing with kind = {self.kind!r}: leave it out, or choose another kind")
        if self.kind == "tolerance" and "absolute" not in given and "relative_percent" not in given:
            raise ValueError('kind = "tolerance" needs absolute (or relative_percent); kind = "exact" is none at all')
        return self


class _Time(_Field):
    kind: Literal["exact", "tolerance", "ignore"]
    absolute: Amount = Decimal()

    def read(self) -> Numbers:
        return Numbers(Kind(self.kind), _plain(self.absolute), reason=self.reason)


class _Amount(_Time):
    relative_percent: Percent = Decimal()

    def read(self) -> Numbers:
        return replace(super().read(), relative_percent=_plain(self.relative_percent))


class _Energy(_Amount):
    resolution: bool = True

    def read(self) -> Numbers:
        return replace(super().read(), resolution=self.resolution and self.kind == "tolerance")


class _RecordToken(_Field):
    kind: Literal["exact", "semantic", "ignore"]

    def read(self) -> Words:
        return Words(Kind(self.kind), reason=self.reason)


class _Token(_RecordToken):
    ignore_case: bool = DEFAULT.token.ignore_case
    same: Annotated[tuple[Group, ...], Field(max_length=_MOST_WORDS)] = DEFAULT.token.same

    def read(self) -> Words:
        if self.kind != "semantic":
            return super().read()
        return Words(ignore_case=self.ignore_case, same=self.same)


class _Reason(_RecordToken):
    same: Annotated[tuple[Group, ...], Field(max_length=_MOST_WORDS)] = ()
    means: Annotated[dict[Word, Meanings], Field(max_length=_MOST_WORDS)] = {}

    def read(self) -> Words:
        if self.kind != "semantic":
            return super().read()
        built_in = DEFAULT.stop_reason
        return replace(built_in, same=self.same, means={**built_in.means, **self.means})


class _Record(_Part):
    energy: _Energy | None = None
    token: _RecordToken | None = None
    start: _Time | None = None
    stop: _Time | None = None
    amount: _Amount | None = None
    expected: bool = DEFAULT.records_expected
    window_seconds: Annotated[int, Field(ge=0, le=86_400)] = DEFAULT.record_window // SECOND


class _Settle(_Part):
    missing_seconds: Seconds = DEFAULT.settle_missing // SECOND
    reboot_seconds: Seconds = DEFAULT.settle_reboot // SECOND
    silence_seconds: Seconds = DEFAULT.settle_silence // SECOND
    record_seconds: Seconds = DEFAULT.settle_record // SECOND


class _File(_Part):
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    energy: _Energy | None = None
    token: _Token | None = None
    start: _Time | None = None
    stop: _Time | None = None
    stop_reason: _Reason | None = None
    zero: _Time | None = None
    record: _Record = _Record()
    settle: _Settle = _Settle()


class PolicyField(msgspec.Struct, frozen=True):
    """A field that is compared, as documents name it."""

    name: str
    """In the file: the table's name."""
    attribute: str
    """Of `Policy`."""
    code: str
    compared: str
    """What is held against what, and in which unit."""
    kinds: tuple[str, ...]
    keys: tuple[str, ...]
    """What may stand beside `kind` (and `reason`, with ignore)."""


def _field(name: str, code: str, model: type[_Field], compared: str) -> PolicyField:
    kinds = model.model_fields["kind"].annotation
    keys = tuple(key for key in model.model_fields if key not in ("kind", "reason"))
    return PolicyField(name, name.replace(".", "_"), code, compared, tuple(getattr(kinds, "__args__", ())), keys)


FIELDS: Final = (
    _field("energy", "session.energy", _Energy, "energy of the session, primary and 2.0.1, in Wh"),
    _field("token", "session.token", _Token, "idTag of the primary and idToken of the 2.0.1 session"),
    _field("start", "session.start-time", _Time, "start of the session, primary and 2.0.1, in seconds"),
    _field("stop", "session.stop-time", _Time, "end of the session, primary and 2.0.1, in seconds"),
    _field("stop_reason", "session.stop-reason", _Reason, "reason of StopTransaction and stoppedReason"),
    _field("zero", "session.zero", _Time, "a session without energy; with a tolerance also a shorter one, in seconds"),
    _field("record.energy", "session.energy", _Energy, "energy of the billing record and of the session, in Wh"),
    _field("record.token", "session.token", _RecordToken, "token of the billing record and of the session"),
    _field("record.start", "session.start-time", _Time, "start of the billing record and of the session, in seconds"),
    _field("record.stop", "session.stop-time", _Time, "end of the billing record and of the session, in seconds"),
    _field("record.amount", "session.record-amount", _Amount, "cost of the record and what its own tariff gives"),
)
"""Every field that a policy speaks of."""


def parse_policy(text: str, tariffs: TariffBook = EMPTY) -> Policy:
    """Read the text of a policy file; its version is what the file names and a digest of what it says.

    Raises:
        DocumentError: it is no TOML, or holds what no policy can be; says in which line, and the rule.

    """
    file = parse(text, _File)
    given: dict[str, Any] = {}
    for one in FIELDS:
        of: Any = file.record if one.name.startswith("record.") else file
        rule = getattr(of, one.name.removeprefix("record."))
        if rule is not None:
            given[one.attribute] = rule.read()
    policy = Policy(
        **given,
        settle_missing=file.settle.missing_seconds * SECOND,
        settle_reboot=file.settle.reboot_seconds * SECOND,
        settle_silence=file.settle.silence_seconds * SECOND,
        settle_record=file.settle.record_seconds * SECOND,
        records_expected=file.record.expected,
        record_window=file.record.window_seconds * SECOND,
        tariffs=tariffs,
    )
    return named(policy, file.version)


def said(policy: Policy) -> dict[str, str]:
    """What a policy says, as its file would write it, a line for each thing; tariffs are not part of it."""
    lines: dict[str, str] = {}
    for one in FIELDS:
        rule: Numbers | Words = getattr(policy, one.attribute)
        lines[f"{one.name}.kind"] = rule.kind.value
        if rule.reason:
            lines[f"{one.name}.reason"] = rule.reason
        for key in one.keys:
            value = getattr(rule, key)
            if key == "means":
                lines |= {f"{one.name}.means.{word}": _words(meant) for word, meant in sorted(value.items())}
            elif rule.kind in (Kind.TOLERANCE, Kind.SEMANTIC) and value not in (Decimal(), ()):
                lines[f"{one.name}.{key}"] = _text(value)
    lines["record.expected"] = _text(policy.records_expected)
    lines["record.window_seconds"] = str(policy.record_window // SECOND)
    for name in ("missing", "reboot", "silence", "record"):
        lines[f"settle.{name}_seconds"] = str(getattr(policy, f"settle_{name}") // SECOND)
    return lines


class Changed(msgspec.Struct, frozen=True):
    """One thing that two policies say differently; None where one of them does not say it."""

    name: str
    before: str | None
    after: str | None


def changes(before: Policy, after: Policy) -> list[Changed]:
    """What the second says otherwise, in the order of the fields."""
    old, new = said(before), said(after)
    names = [*old, *(name for name in new if name not in old)]
    found = [Changed(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
    if before.tariffs.said != after.tariffs.said:
        found.append(Changed("tariffs", f"{len(before.tariffs)} tariffs", f"{len(after.tariffs)} other tariffs"))
    return found


class PolicyInForce:
    """What holds while a file is changed: a broken one is named, and the last good one stays."""

    def __init__(self, good: Policy) -> None:
        self.current = good
        self.problem = ""
        """What is wrong with the file as it was read last; empty while it is the one in force."""

    def take(self, text: str) -> bool:
        """Take the file as it stands now. True where another policy is in force than before."""
        before = self.current.version
        try:
            self.current = parse_policy(text, self.current.tariffs)
        except DocumentError as error:
            self.problem = str(error)
        else:
            self.problem = ""
        return self.current.version != before


def _plain(value: Decimal) -> Decimal:
    """Without zeros at the end: 1 and 1.0 are the same tolerance and have the same digest."""
    return Decimal(f"{value.normalize():f}")


def _words(words: tuple[str, ...]) -> str:
    return " | ".join(word or '""' for word in words)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return "; ".join(map(_words, value)) if isinstance(value, tuple) else str(value)
