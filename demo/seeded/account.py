"""The account of a seeded fleet: by code what was planted, found, missed and false, and the money. Pure."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any, Final

from demo.seeded.outcome import Outcome
from diff.catalogue import CATALOGUE

__all__ = ["MOST_FALSE", "RECALL", "Account"]

RECALL: Final = Decimal("0.99")
MOST_FALSE: Final = Decimal("0.001")
_SHOWN: Final = 20
NOT_PLANTED: Final[dict[str, str]] = {
    "profile.schedule": "comes with an engine for composite schedules",
}
"""Codes that nothing here plants, with the reason."""


class Account:
    """Sums over charging stations."""

    def __init__(self) -> None:
        self.chargers = self.frames = self.sessions = 0
        self.planted: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.false: Counter[str] = Counter()
        self.remarks: list[str] = []
        """The first misses and false alarms, each with its place."""
        self.money: dict[str, list[Decimal]] = {}
        """By fault: bills, planted and found in EUR, bills of which the two differ."""

    def take(self, outcome: Outcome) -> None:
        """Add what came of one charging station."""
        self.chargers += 1
        self.frames += outcome.frames
        self.sessions += outcome.sessions
        self.planted.update(row.code for row in outcome.planted)
        self.missed.update(row.code for row in outcome.missed)
        self.false.update(row.code for row in outcome.false)
        for what, rows in (("missed", outcome.missed), ("false", outcome.false)):
            self.remarks += [
                f"{what}: {row.code} {row.path} on {row.charger_id} ({row.fault or 'nothing planted'})" for row in rows
            ]
        for one in outcome.money:
            sums = self.money.setdefault(one.fault, [Decimal(0)] * 4)
            sums[0] += 1
            sums[1] += one.planted
            sums[2] += one.found or 0
            sums[3] += one.planted != one.found

    @property
    def recall(self) -> Decimal:
        """Found of planted; 0 where nothing was planted, since nothing was shown then."""
        planted = self.planted.total()
        return Decimal(planted - self.missed.total()) / planted if planted else Decimal(0)

    @property
    def false_per_session(self) -> Decimal:
        """False alarms in a session."""
        return Decimal(self.false.total()) / self.sessions if self.sessions else Decimal(0)

    @property
    def exact(self) -> bool:
        """Whether every amount was found to the cent."""
        return not any(sums[3] for sums in self.money.values())

    @property
    def failures(self) -> list[str]:
        """The targets that were missed."""
        found = []
        if self.recall < RECALL:
            found.append(f"recall {self.recall:.4f} is below {RECALL}")
        if self.false_per_session > MOST_FALSE:
            found.append(f"{self.false_per_session:.5f} false alarms a session are more than {MOST_FALSE}")
        if not self.exact:
            found.append("an amount was not found to the cent")
        return found

    @property
    def not_planted(self) -> dict[str, str]:
        """Codes that were not planted, with the reason."""
        left = [code for code in CATALOGUE if code not in self.planted]
        return {**dict.fromkeys(left, "too few charging stations for every fault"), **NOT_PLANTED}

    def document(self) -> dict[str, Any]:
        """All of it, as `--json` prints it. The same seed gives the same document."""
        return {
            "chargers": self.chargers,
            "frames": self.frames,
            "sessions": self.sessions,
            "codes": {
                code: {
                    "planted": self.planted[code],
                    "found": self.planted[code] - self.missed[code],
                    "missed": self.missed[code],
                    "false": self.false[code],
                }
                for code in CATALOGUE
                if self.planted[code] or self.false[code]
            },
            "recall": f"{self.recall:.4f}",
            "false_per_session": f"{self.false_per_session:.6f}",
            "money": {
                fault: {"bills": int(bills), "planted": f"{planted:f}", "found": f"{found:f}", "differ": int(differ)}
                for fault, (bills, planted, found, differ) in sorted(self.money.items())
            },
            "not_planted": self.not_planted,
            "remarks": self.remarks,
            "failures": self.failures,
        }

    def text(self) -> str:
        """The table, for people."""
        document = self.document()
        lines = [f"{self.chargers} charging stations, {self.sessions:,} sessions, {self.frames:,} frames", ""]
        lines.append(f"{'code':<30}{'planted':>9}{'found':>9}{'missed':>9}{'false':>9}")
        for code, row in document["codes"].items():
            lines.append(f"{code:<30}" + "".join(f"{row[name]:>9}" for name in ("planted", "found", "missed", "false")))
        whole = (self.planted.total(), self.planted.total() - self.missed.total(), self.missed.total())
        lines.append(f"{'in all':<30}" + "".join(f"{one:>9}" for one in (*whole, self.false.total())))
        lines += ["", f"recall {self.recall:.4f}, false alarms per session {self.false_per_session:.6f}", ""]
        lines.append(f"{'money (EUR)':<30}{'bills':>9}{'planted':>12}{'found':>12}{'differ':>9}")
        for fault, row in document["money"].items():
            lines.append(f"{fault:<30}{row['bills']:>9}{row['planted']:>12}{row['found']:>12}{row['differ']:>9}")
        lines += ["", *(f"not planted: {code}: {reason}" for code, reason in document["not_planted"].items())]
        lines += self.remarks[:_SHOWN]
        if len(self.remarks) > _SHOWN:
            lines.append(f"… and {len(self.remarks) - _SHOWN} more (--json lists all)")
        return "\n".join(lines) + "\n"
