"""Which charging stations are mirrored: rules from a TOML file, and what was said since. Pure.

enabled = true                      # the kill switch
chargers = ["CP-*", "DEPOT-7"]      # globs (case counts) and explicit ids
exclude = ["CP-9*"]                 # stronger than everything above

[[connectors]]                      # a charger of which only some connectors are judged;
charger = "LAB-1"                   # it is enrolled by standing here, the rest of it is lived, not judged
connectors = [1]

[[wave]]                            # a part that only grows: ingest.waves, docs/waves.md
name = "pilot"
percent = 10
chargers = ["SITE-A-*"]             # of these; none means of all

Beside the file there may be overrides: rules that came through the control topic while the tap ran. They are stronger
than the file; of several that match, the one that says it most precisely counts.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from fnmatch import translate
from typing import Annotated, Final

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.waves import within

__all__ = [
    "MIRROR_ALL",
    "Decision",
    "Enrolment",
    "EnrolmentError",
    "EnrolmentRules",
    "Override",
    "Overrides",
    "parse_overrides",
    "parse_rules",
]

_ONE: Final = re.compile(r"\?|\[.[^\]]*\]")
"""What stands for one character in a glob."""
_ANY: Final = re.compile(rf"{_ONE.pattern}|\*")
"""What is no plain character in a glob."""

Pattern = Annotated[str, Field(min_length=1, max_length=255)]


class ConnectorRule(BaseModel):
    """Only these connectors of a charging station are judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    charger: Pattern
    connectors: tuple[Annotated[int, Field(ge=0, le=1000)], ...] = Field(min_length=1)


class WaveRule(BaseModel):
    """The first so many per cent of a series."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")
    percent: Decimal = Field(ge=0, le=100, decimal_places=2)
    chargers: tuple[Pattern, ...] = ("*",)


class EnrolmentRules(BaseModel):
    """The file as it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    chargers: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    connectors: tuple[ConnectorRule, ...] = ()
    wave: tuple[WaveRule, ...] = Field(default=(), max_length=100)


class Override(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was said while the tap ran: of one charging station, or of all that a glob matches."""

    charger: str
    enrolled: bool
    connectors: tuple[int, ...] = ()
    """The connectors that are judged; none named means all."""


class Overrides(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that was said."""

    enabled: bool = True
    """The kill switch: False mirrors nothing, whatever the rules say."""
    rules: tuple[Override, ...] = ()
    bypass: bool = False
    """Taps do not even copy: what they forward is not looked at by anything."""


class EnrolmentError(Exception):
    """A file that cannot be followed; the message says where and why."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.line = line
        """The line, counted from 1, where it is known."""


class Decision(msgspec.Struct, frozen=True):
    """What the rules say of one charging station."""

    enrolled: bool
    judged_connectors: tuple[int, ...] | None = None
    """The connectors that are judged; None means all."""


_NO: Final = Decision(enrolled=False)
_YES: Final = Decision(enrolled=True)


class Enrolment:
    """Rules, made ready for asking. Pure."""

    def __init__(self, rules: EnrolmentRules, overrides: Overrides | None = None) -> None:
        self.rules = rules
        self.overrides = overrides or Overrides()
        self._enabled = rules.enabled and self.overrides.enabled
        self._chargers = _matcher(rules.chargers)
        self._exclude = _matcher(rules.exclude)
        self._connectors: dict[str, tuple[int, ...]] = {}
        for rule in rules.connectors:
            together = {*self._connectors.get(rule.charger, ()), *rule.connectors}
            self._connectors[rule.charger] = tuple(sorted(together))
        self._waves = [(_matcher(one.chargers), one) for one in rules.wave]
        self._exact = {one.charger: one for one in self.overrides.rules}
        globs = [one for one in self.overrides.rules if _ANY.search(one.charger)]
        self._globs = [(_matcher((one.charger,)), one) for one in sorted(globs, key=_precision, reverse=True)]

    def decide(self, charger_id: str) -> Decision:
        """Say whether a charging station is enrolled, and which of its connectors are judged."""
        if not self._enabled or not charger_id:
            return _NO
        override = self._override(charger_id)
        if override is not None:
            return Decision(enrolled=True, judged_connectors=override.connectors or None) if override.enrolled else _NO
        if self._exclude.match(charger_id):
            return _NO
        connectors = self._connectors.get(charger_id)
        if connectors is not None:
            return Decision(enrolled=True, judged_connectors=connectors)
        if self._chargers.match(charger_id):
            return _YES
        in_wave = (
            matcher.match(charger_id) and within(charger_id, wave.name, wave.percent) for matcher, wave in self._waves
        )
        return _YES if any(in_wave) else _NO

    def _override(self, charger_id: str) -> Override | None:
        exact = self._exact.get(charger_id)
        if exact is not None:
            return exact
        return next((one for matcher, one in self._globs if matcher.match(charger_id)), None)


def parse_rules(text: str) -> EnrolmentRules:
    """Read the text of an enrolment file.

    Raises:
        EnrolmentError: it is no TOML, or holds what the rules do not know.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        # Without a line the text ended too early: it is its last one.
        line = int(found.group(1)) if found else text.rstrip().count("\n") + 1
        raise EnrolmentError(f"no TOML: {error}", line) from None
    except RecursionError:
        raise EnrolmentError("no TOML: nested too deeply") from None
    try:
        return EnrolmentRules.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise EnrolmentError(f"{place}: {first['msg']}", _line_of(text, str(first["loc"][0]))) from None


def parse_overrides(text: str) -> Overrides:
    """Read overrides as they lie beside the spool: JSON, because it is machines that write and read them, at once.

    Raises:
        EnrolmentError: it is something else.

    """
    try:
        return msgspec.json.decode(text, type=Overrides)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise EnrolmentError(f"no overrides: {error}") from None


def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all patterns; one that matches nothing where there are none."""
    return re.compile("|".join(translate(pattern) for pattern in patterns) or r"(?!)")


def _precision(rule: Override) -> tuple[int, int, bool, str]:
    """How precisely a glob names: plain characters, then places for one character; of equals the removal counts."""
    plain = _ANY.sub("", rule.charger)
    return (len(plain), len(_ONE.findall(rule.charger)), not rule.enrolled, rule.charger)


def _line_of(text: str, key: str) -> int | None:
    found = re.search(rf"^[ \t]*(?:\[+[ \t]*)?{re.escape(key)}\b", text, re.MULTILINE)
    return None if found is None else text.count("\n", 0, found.start()) + 1


MIRROR_ALL: Final = Enrolment(EnrolmentRules(chargers=("*",)))
"""Every charging station is enrolled: what holds where no file is named."""
