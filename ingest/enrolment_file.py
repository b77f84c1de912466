"""The enrolment rules as files that are read anew whenever they change: the operator's, and the overrides beside it."""

from __future__ import annotations

from pathlib import Path

from ingest.enrolment import (
    MIRROR_ALL,
    Enrolment,
    EnrolmentError,
    EnrolmentRules,
    Overrides,
    parse_overrides,
    parse_rules,
)
from ingest.followed import Followed

__all__ = ["EnrolmentFile"]


class EnrolmentFile:
    """Follows the files. A broken or vanished one changes nothing: its last good rules hold, and `error` says why."""

    def __init__(self, path: Path | None, overrides: Path | None = None) -> None:
        """Prepare. Without a `path` all are enrolled whom no override removes; `overrides` need not exist yet."""
        nobody = EnrolmentRules(enabled=False)
        self._rules = None if path is None else Followed(path, parse_rules, nobody, refusals=EnrolmentError)
        # One that is there and cannot be read may hold the kill switch: nothing is mirrored before it can be.
        self._overrides = (
            None
            if overrides is None
            else Followed(
                overrides, parse_overrides, Overrides(enabled=False), absent=Overrides(), refusals=EnrolmentError
            )
        )
        self.current = Enrolment(nobody)
        """The last good rules; nothing is mirrored before there are any."""

    @property
    def error(self) -> str:
        """What is wrong with the files as they stand now, empty where they are good."""
        return "; ".join(one.error for one in (self._rules, self._overrides) if one is not None and one.error)

    def reload(self) -> bool:
        """Read what changed since last time. True where the rules are new."""
        fresh = [one.reload() for one in (self._rules, self._overrides) if one is not None]
        if any(fresh):
            rules = MIRROR_ALL.rules if self._rules is None else self._rules.current
            self.current = Enrolment(rules, None if self._overrides is None else self._overrides.current)
        return any(fresh)
