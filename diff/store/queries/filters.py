"""What a page asks for, as conditions with bound parameters. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from diff.discrepancy import Class, Severity
from diff.judging import CURRENT
from ingest.frame import Micros

__all__ = ["ACTION", "FAULTS", "SEVERITIES", "SEVERITY_RANK", "Filter", "pattern"]

SEVERITIES: Final = tuple(severity.value for severity in Severity)
"""The worst first."""

SEVERITY_RANK: Final = f"transform(severity, {list(SEVERITIES)!r}, {list(range(1, len(SEVERITIES) + 1))!r}, 0)"
"""SQL: 1 for the worst. A severity that this version does not know (0) comes before all: it must not be overlooked.

`transform` asks once per value of the column's dictionary, `indexOf` once per row: a third of a page's time.
"""


FAULTS: Final = f"class != '{Class.EXPECTED_LOSS}'"
"""SQL: what is counted against a charging station or a fleet. What 2.0.1 cannot say is known beforehand."""


ACTION: Final = "splitByChar('.', path)[1]"
"""SQL: the action that a path begins with; a path that names no message begins with a small letter."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which discrepancies. An empty field allows everything; values of one field are alternatives."""

    run: str = CURRENT
    """A judging run, or whichever is current."""
    severities: tuple[str, ...] = ()
    status: str = ""
    """`open`, `withdrawn`, or both."""
    codes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    """Of the message in which it lies, where its path names one: `MeterValues`, `StartTransaction.conf`."""
    losses: bool = False
    """Expected losses too, which stand on the best charging station. They are there anyway where a fingerprint or
    their class is asked for."""
    charger: str = ""
    """An id; `*` in it stands for any characters."""
    chargers: tuple[str, ...] | None = None
    """Ids, as of a site; None allows every one, an empty one none."""
    vendors: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    firmwares: tuple[str, ...] = ()
    since: Micros | None = None
    """Last seen at or after."""
    until: Micros | None = None
    """First seen before."""
    fingerprint: str = ""
    session_id: str = ""

    @property
    def narrow(self) -> bool:
        """Whether it asks for single charging stations or a session: few rows, which the store finds by its keys."""
        return bool(self.charger or self.session_id) or self.chargers is not None

    def where(self, counting: str) -> tuple[str, dict[str, object]]:
        """The condition on the table `discrepancies`, and its parameters; `counting`: the one for its run's rows."""
        of_fingerprints, of_rows, bound = self.split(counting)
        return f"{of_fingerprints} AND {of_rows}", bound

    def split(self, counting: str) -> tuple[str, str, dict[str, object]]:
        """The condition in two parts, and its parameters.

        The first is about what all discrepancies of a fingerprint have in common, their run and their status; the
        second about the rows alone.
        """
        parts, bound = [counting], dict[str, object]()
        lists = {
            "severity": self.severities,
            "code": self.codes,
            "class": self.classes,
            "vendor": self.vendors,
            "model": self.models,
            "firmware": self.firmwares,
        }
        for column, values in lists.items():
            if values:
                parts.append(f"{column} IN %({column})s")
                bound[column] = values
        if not (self.losses or self.fingerprint or self.classes):
            parts.append(FAULTS)
        if self.status:
            parts.append("status = %(status)s")
            bound["status"] = self.status
        # A number of 64 bits stands for the text: a collision among a million is one in ten million.
        if self.fingerprint:
            parts.append("fingerprint_key = sipHash64(%(fingerprint)s)")
            bound["fingerprint"] = self.fingerprint
        if self.actions:
            parts.append(f"{ACTION} IN %(actions)s")
            bound["actions"] = self.actions
        rows, values_of_rows = self._of_rows()
        return " AND ".join(parts), rows, bound | values_of_rows

    def _of_rows(self) -> tuple[str, dict[str, object]]:
        parts, bound = list[str](), dict[str, object]()
        if self.session_id:
            # As text too: that is what the index is on.
            parts.append("session_key = sipHash64(%(session_id)s) AND session_id = %(session_id)s")
            bound["session_id"] = self.session_id
        if self.charger:
            operator, bound["charger"] = pattern(self.charger)
            parts.append(f"charger_id {operator} %(charger)s")
        if self.chargers is not None:
            parts.append("charger_id IN %(chargers)s")
            bound["chargers"] = self.chargers or ("",)
        if self.since is not None:
            parts.append("observed_at >= fromUnixTimestamp64Micro(%(since)s, 'UTC')")
            bound["since"] = self.since
        if self.until is not None:
            parts.append("first_received_at < fromUnixTimestamp64Micro(%(until)s, 'UTC')")
            bound["until"] = self.until
        return " AND ".join(parts) or "1", bound


def pattern(glob: str) -> tuple[str, str]:
    """The SQL operator and its right side for an id that may hold `*`."""
    if "*" not in glob:
        return "=", glob
    escaped = glob.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return "LIKE", escaped.replace("*", "%")
