"""Mapping files: where a backend's log, or its Kafka topic, keeps charger, direction, time and text. Pure.

A log is described by regular expressions (`[[line]]`, the first that matches counts) or, where each line is a JSON
object, by places (`[record]`). A topic is described by places. A place is a JSON pointer into the line or the value
(RFC 6901, `/charger/id`), or of a topic also `key`, `value`, `timestamp` or `header:NAME`.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ingest.frame import Direction

__all__ = ["LogMapping", "LogMappingError", "Rule", "What", "parse_log_mapping"]

What = Literal["message", "open", "close", "ping", "pong", "ignore"]
_GROUPS: Final = frozenset({"time", "charger", "connection", "direction", "text", "code", "subprotocol"})
_SEE: Final = "see docs/captures.md"


class LogMappingError(ValueError):
    """A mapping file that cannot be used; the message names the key and the next step."""


class Rule(BaseModel):
    """Lines of one form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: re.Pattern[str]
    """Searched in the line; its named groups say what stands where."""
    what: What = "message"
    direction: Direction | None = None
    """Where no group says it."""

    @field_validator("pattern")
    @classmethod
    def _known_groups(cls, value: re.Pattern[str]) -> re.Pattern[str]:
        unknown = sorted(set(value.groupindex) - _GROUPS)
        if unknown:
            raise ValueError(f"no group is called {unknown[0]!r}; there are {', '.join(sorted(_GROUPS))}")
        return value

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Rule:
        if self.what == "ignore":
            return self
        needed = {"charger", "text"} if self.what == "message" else {"charger"}
        missing = sorted(needed - set(self.pattern.groupindex))
        if missing:
            raise ValueError(f"a {self.what} needs the group (?P<{missing[0]}>…)")
        return self


class Places(BaseModel):
    """Where things stand in a record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    charger: str
    text: str
    """The text as sent: a string, or the array itself."""
    time: str = ""
    direction: str = ""
    connection: str = ""
    """What names the connection, where the system names it."""
    what: str = ""
    code: str = ""
    subprotocol: str = ""

    @field_validator("*")
    @classmethod
    def _a_place(cls, value: str) -> str:
        if value and not value.startswith(("/", "header:")) and value not in {"key", "value", "timestamp"}:
            raise ValueError(f"{value!r} is no place: a JSON pointer, key, value, timestamp or header:NAME")
        return value


class LogMapping(BaseModel):
    """A mapping file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")
    """Names the source in connection ids."""
    relevant: re.Pattern[str] | None = None
    """Lines without it are of no interest; of the others each that no rule fits is named as broken."""
    time_format: str = ""
    """strptime's directives, `unix` or `unix-ms`; empty: RFC 3339, as it is met in the field."""
    time_zone: str = ""
    """IANA name, for times without a zone; empty: they are taken as UTC and marked so."""
    infer_direction: bool = False
    """Where nothing says who sent a message: its action says it, or the call that it answers."""
    line: tuple[Rule, ...] = Field(default=(), max_length=64)
    record: Places | None = None
    directions: dict[str, Direction] = {}
    """The system's words for the directions."""
    events: dict[str, What] = {}
    """The system's words for what happened; one that is not named is a message."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (KeyError, OSError, ValueError) as error:
                raise ValueError(f"no time zone {value!r}: write an IANA name, as Europe/Berlin") from error
        return value

    @model_validator(mode="after")
    def _one_form(self) -> LogMapping:
        if bool(self.line) == (self.record is not None):
            raise ValueError("either [[line]] rules or one [record] say what stands where")
        return self

    @property
    def of_topic(self) -> bool:
        """It names places that only a Kafka record has."""
        return self.record is not None and any(
            place and not place.startswith("/") for place in self.record.model_dump().values()
        )


def parse_log_mapping(text: str) -> LogMapping:
    """Read a mapping file.

    Raises:
        LogMappingError: it is no TOML, or a key is missing, unknown or wrong.

    """
    try:
        document: Any = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise LogMappingError(f"no TOML: {error}") from None
    try:
        return LogMapping.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise LogMappingError(f"{place}: {first['msg'].removeprefix('Value error, ')}; {_SEE}") from None
