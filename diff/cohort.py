"""Cohorts: named parts of a fleet that move to 2.0.1 together and get a verdict of their own. Pure.

[sites]                                  # where charging stations stand: ids, or globs (case counts)
"Depot North" = ["DN-*", "CP-17"]

[waves]                                  # which are to move at the same time
first = ["DN-0*"]

[[cohort]]
name = "north, ACME on 2.x"
sites = ["Depot North"]                  # values of one field are alternatives, all fields have to fit
vendors = ["ACME*"]
models = ["One", "Two"]
firmwares = ["2.*"]
chargers = ["DN-*"]
waves = ["first"]
exclude = ["DN-99"]

Beside the file, a selection of the moment: `vendor=ACME model=One*`, with the singular of each field.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Final, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from diff.document import parse

__all__ = ["FLEET", "Cohort", "CohortError", "Cohorts", "Member", "ad_hoc", "matching", "members", "parse_cohorts"]

Pattern = Annotated[str, Field(min_length=1, max_length=255)]
Patterns = tuple[Pattern, ...]

_GLOB: Final = re.compile(r"[*?\[]")
_MOST_COHORTS: Final = 1000
_MOST_PATTERNS: Final = 100_000
_FIELDS: Final = ("charger", "vendor", "model", "firmware", "site", "wave", "exclude")


class CohortError(ValueError):
    """A cohort that is not there, or a selection that names none."""


class Member(msgspec.Struct, frozen=True):
    """A charging station as far as it decides where it belongs."""

    charger_id: str
    vendor: str
    model: str
    firmware: str


class Cohort(BaseModel):
    """Who belongs together. An empty field allows everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    chargers: Patterns = ()
    vendors: Patterns = ()
    models: Patterns = ()
    firmwares: Patterns = ()
    sites: Patterns = ()
    waves: Patterns = ()
    exclude: Patterns = ()

    @property
    def whole_fleet(self) -> bool:
        """It names nothing: its verdict is about the fleet."""
        return not any((self.chargers, self.vendors, self.models, self.firmwares, self.sites, self.waves))


FLEET: Final = Cohort(name="fleet")
"""Every charging station."""


class Cohorts(BaseModel):
    """A cohort file as it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sites: dict[str, Patterns] = {}
    waves: dict[str, Patterns] = {}
    cohort: Annotated[tuple[Cohort, ...], Field(max_length=_MOST_COHORTS)] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [one.name for one in self.cohort]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two cohorts are called {twice!r}")
        if FLEET.name in names:
            raise ValueError(f"{FLEET.name!r} is the name of all charging stations together; choose another")
        listed = sum(len(patterns) for patterns in (*self.sites.values(), *self.waves.values()))
        if listed > _MOST_PATTERNS:
            raise ValueError(f"{listed} charging stations in sites and waves, at most {_MOST_PATTERNS}: use globs")
        for one in self.cohort:
            unknown = [f"site {name!r}" for name in one.sites if name not in self.sites]
            unknown += [f"wave {name!r}" for name in one.waves if name not in self.waves]
            if unknown:
                raise ValueError(f"cohort {one.name!r} names {unknown[0]}, which the file does not list")
        return self

    def named(self, name: str) -> Cohort:
        """The cohort of a name, or the selection that it spells.

        Raises:
            CohortError: there is none; names those that there are.

        """
        if name == FLEET.name:
            return FLEET
        found = next((one for one in self.cohort if one.name == name), None)
        if found is not None:
            return found
        if "=" in name:
            return ad_hoc(name, self)
        known = ", ".join(repr(one.name) for one in (*self.cohort[:20], FLEET))
        raise CohortError(f"no cohort is called {name[:80]!r}: there are {known}, or select with vendor=… model=…")


def parse_cohorts(text: str) -> Cohorts:
    """Read the text of a cohort file.

    Raises:
        DocumentError: it is no TOML, or holds what cohorts do not know; says in which line.

    """
    return parse(text, Cohorts)


def ad_hoc(text: str, known: Cohorts | None = None) -> Cohort:
    """A selection such as `vendor=ACME model='One *'`; a field may stand several times.

    Raises:
        CohortError: a field that there is not, or a site or wave that the file does not list.

    """
    fields: dict[str, list[str]] = {}
    try:
        parts = shlex.split(text.replace(",", " "))
    except ValueError as error:
        raise CohortError(f"{text[:80]!r}: {error}") from None
    for part in parts:
        field, _, value = part.partition("=")
        if field not in _FIELDS or not value:
            raise CohortError(f"{part[:80]!r}: write FIELD=VALUE with one of {', '.join(_FIELDS)}")
        fields.setdefault(field if field == "exclude" else f"{field}s", []).append(value)
    lists: Mapping[str, Mapping[str, Patterns]] = {"sites": {}, "waves": {}}
    if known is not None:
        lists = {"sites": known.sites, "waves": known.waves}
    for kind, names in lists.items():
        unknown = next((name for name in fields.get(kind, ()) if name not in names), None)
        if unknown is not None:
            raise CohortError(f"{unknown[:80]!r} is none of the {kind} in the cohort file")
    return Cohort(name=text[:200], **{field: tuple(values) for field, values in fields.items()})


def members(cohort: Cohort, cohorts: Cohorts, fleet: Iterable[Member]) -> tuple[list[Member], list[str]]:
    """Who of the fleet belongs to a cohort, in order of name, and who was named for it and is not known.

    Only ids count as named, no globs: such a charging station was expected and never seen.
    """
    sites = [pattern for name in cohort.sites for pattern in cohorts.sites.get(name, ())]
    waves = [pattern for name in cohort.waves for pattern in cohorts.waves.get(name, ())]
    asked = [list(cohort.chargers), sites, waves]
    fits = [_Fits(patterns) for patterns in asked if patterns]
    excluded = _Fits(cohort.exclude)
    kinds = ((cohort.vendors, "vendor"), (cohort.models, "model"), (cohort.firmwares, "firmware"))
    found: dict[str, Member] = {}
    known = set()
    for one in fleet:
        known.add(one.charger_id)
        placed = all(fit(one.charger_id) for fit in fits) and not excluded(one.charger_id)
        if placed and all(not patterns or matching(getattr(one, field), patterns) for patterns, field in kinds):
            found[one.charger_id] = one
    named = {pattern for patterns in asked for pattern in patterns if not _GLOB.search(pattern)}
    expected = {name for name in named - known if all(fit(name) for fit in fits) and not excluded(name)}
    return [found[name] for name in sorted(found)], sorted(expected)


def matching(value: str, patterns: Iterable[str]) -> bool:
    """Whether one of the globs fits; case counts."""
    return any(fnmatchcase(value, pattern) for pattern in patterns)


class _Fits:
    """Many patterns asked often: plain ids are looked up, globs are tried."""

    def __init__(self, patterns: Iterable[str]) -> None:
        given = tuple(patterns)
        self._plain = frozenset(one for one in given if not _GLOB.search(one))
        self._globs = tuple(one for one in given if _GLOB.search(one))

    def __call__(self, value: str) -> bool:
        return value in self._plain or matching(value, self._globs)
