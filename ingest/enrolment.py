"""Which charging stations are mirrored: rules from a TOML file that is read anew whenever it changes.

enabled = true                      # the kill switch
chargers = ["CP-*", "DEPOT-7"]      # globs (case counts) and explicit ids
exclude = ["CP-9*"]                 # stronger than everything above

[[connectors]]                      # a charger of which only some connectors are judged;
charger = "LAB-1"                   # it is enrolled by standing here, the rest of it is lived, not judged
connectors = [1]
"""

from __future__ import annotations

import re
import tomllib
from fnmatch import translate
from pathlib import Path
from typing import Annotated, Final

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["MIRROR_ALL", "Decision", "Enrolment", "EnrolmentError", "EnrolmentFile", "EnrolmentRules", "parse_rules"]

_MAX_FILE: Final = 16 * 1024 * 1024
"""Bytes; a list of half a million charging stations fits."""

Pattern = Annotated[str, Field(min_length=1, max_length=255)]


class ConnectorRule(BaseModel):
    """Only these connectors of a charging station are judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    charger: Pattern
    connectors: tuple[Annotated[int, Field(ge=0, le=1000)], ...] = Field(min_length=1)


class EnrolmentRules(BaseModel):
    """The file as it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    chargers: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    connectors: tuple[ConnectorRule, ...] = ()


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

    def __init__(self, rules: EnrolmentRules) -> None:
        self.rules = rules
        self._chargers = _matcher(rules.chargers)
        self._exclude = _matcher(rules.exclude)
        self._connectors: dict[str, tuple[int, ...]] = {}
        for rule in rules.connectors:
            together = {*self._connectors.get(rule.charger, ()), *rule.connectors}
            self._connectors[rule.charger] = tuple(sorted(together))

    def decide(self, charger_id: str) -> Decision:
        """Say whether a charging station is enrolled, and which of its connectors are judged."""
        if not self.rules.enabled or not charger_id or self._exclude.match(charger_id):
            return _NO
        connectors = self._connectors.get(charger_id)
        if connectors is not None:
            return Decision(enrolled=True, judged_connectors=connectors)
        return _YES if self._chargers.match(charger_id) else _NO


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


class EnrolmentFile:
    """Follows a file. A broken or vanished one changes nothing: the last good rules hold, and `error` says why."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error = ""
        """What is wrong with the file as it stands now, empty where it is good."""
        self.current = Enrolment(EnrolmentRules(enabled=False))
        """The last good rules; nothing is mirrored before there are any."""
        self._seen: tuple[int, int, int] | None = None

    def reload(self) -> bool:
        """Read the file if it changed since last time. True where the rules are new."""
        try:
            stat = self.path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen == self._seen:
                return False
            if stat.st_size > _MAX_FILE:
                self._seen, self.error = seen, f"{self.path}: {stat.st_size} bytes, at most {_MAX_FILE} are read"
                return False
            rules = parse_rules(self.path.read_bytes().decode())
        except OSError as error:
            self.error = f"{self.path}: {error.strerror or error}; the last good rules hold"
            self._seen = None
            return False
        except UnicodeDecodeError as error:
            self.error = f"{self.path}: not UTF-8 at byte {error.start}; the last good rules hold"
        except EnrolmentError as error:
            self.error = f"{self.path}: {error}; the last good rules hold"
        else:
            self._seen, self.error = seen, ""
            self.current = Enrolment(rules)
            return True
        self._seen = seen
        return False


def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all patterns; one that matches nothing where there are none."""
    return re.compile("|".join(translate(pattern) for pattern in patterns) or r"(?!)")


def _line_of(text: str, key: str) -> int | None:
    found = re.search(rf"^[ \t]*(?:\[+[ \t]*)?{re.escape(key)}\b", text, re.MULTILINE)
    return None if found is None else text.count("\n", 0, found.start()) + 1


MIRROR_ALL: Final = Enrolment(EnrolmentRules(chargers=("*",)))
"""Every charging station is enrolled: what holds where no file is named."""
