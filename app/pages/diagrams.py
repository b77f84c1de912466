"""The state machines as a page of the documentation, drawn from the tables that live them.

`python -m app.pages.diagrams > docs/state-machines.md` writes it anew; a test fails when the page is stale. What stands
here beside the tables is only which requirement each row follows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Final

from shadow.csms.transitions import TRANSITIONS as PHASES
from shadow.csms.transitions import EventType, Phase
from shadow.station.error_reports import ERRORS, WARNINGS, Report
from shadow.station.points import FALSE_WITH, TRUE_WITH, Stimulus
from shadow.station.tables import CHARGING_STATES, CONNECTOR_STATUSES, STOP_REASONS
from shadow.station.transitions16 import STATUSES
from shadow.station.transitions16 import TRANSITIONS as STEPS

__all__ = ["OF_PHASES", "OF_POINTS", "OF_REASONS", "OF_STATUSES", "OF_STIMULI", "page"]

OF_PHASES: Final[dict[tuple[Phase, EventType], str]] = {
    (Phase.UNKNOWN, EventType.STARTED): "E01.FR.02 to E01.FR.06, Part 2 §2.6.4",
    (Phase.UNKNOWN, EventType.UPDATED): "E03 remark: always answered, so an unseen beginning is taken over",
    (Phase.UNKNOWN, EventType.ENDED): "E03 remark",
    (Phase.RUNNING, EventType.UPDATED): "E02.FR.16",
    (Phase.RUNNING, EventType.ENDED): "E06.FR.01 to E06.FR.07, Part 2 §2.6.5",
}
OF_POINTS: Final[dict[str, str]] = {
    "ParkingBayOccupancy": "E01.FR.01, E06.FR.01: 1.6 knows no parking bays",
    "EVConnected": "E01.FR.02, E02.FR.06; E06.FR.02",
    "Authorized": "E01.FR.03; E06.FR.03, E06.FR.04",
    "PowerPathClosed": "E01.FR.05; E06.FR.06: EVConnected and Authorized together, not the relay",
    "EnergyTransfer": "E01.FR.06; E06.FR.07",
    "DataSigned": "E01.FR.04; E06.FR.05 was removed by errata",
}
OF_STIMULI: Final[dict[Stimulus, str]] = {
    Stimulus.PLUGGED: "Preparing that no token caused, or the first status that a cable alone can have",
    Stimulus.TOKEN: "Authorize or RemoteStartTransaction accepted",
    Stimulus.START: "StartTransaction",
    Stimulus.ENERGY: "the first Charging, or a power or register that shows a flow",
    Stimulus.SIGNED: "a signed Transaction.Begin value",
    Stimulus.PAUSE: "the first SuspendedEV or SuspendedEVSE after Charging",
    Stimulus.STOP: "StopTransaction",
    Stimulus.UNPLUGGED: "Available, or info `EV side disconnected`",
}
OF_STATUSES: Final[dict[str, str]] = {
    "Available": "G01.FR.04",
    "Preparing": "G01.FR.03, E02.FR.05; with a token waiting it proves no cable, and nothing is said",
    "Charging": "E02.FR.13",
    "SuspendedEV": "E01.FR.19; with info `EV side disconnected` it is Idle (E10)",
    "SuspendedEVSE": "E01.FR.18, E05.FR.02",
    "Finishing": "E01.FR.18; with info `EV side disconnected` Ended says Idle (E09.FR.01)",
    "Reserved": "H01.FR.23",
    "Unavailable": "G01.FR.07, G03.FR.04",
    "Faulted": "G01.FR.01; the error itself is a NotifyEvent, see below",
}
OF_REASONS: Final[dict[str, str]] = {
    "Local": "E07.FR.02, E07.FR.05; also where 1.6 gives no reason (1.6 §6.49, E07.FR.04)",
    "Remote": "F03.FR.03",
    "DeAuthorized": "E05.FR.10",
    "EVDisconnected": "E06.FR.02, E09.FR.01; EVDeparted would be the parking bay",
    "HardReset": "B12.FR.04, errata 2.16",
    "SoftReset": "B12.FR.04: 1.6 stops what runs, OnIdle would wait for it (B12.FR.01)",
    "Reboot": "E06.FR.16; after a Reset of the CSMS it is that reset (B12.FR.08, errata 2.16)",
    "PowerLoss": "E06.FR.16",
    "EmergencyStop": "E06.FR.16",
    "UnlockCommand": "TriggerReasonEnumType; 2.0.1 would have refused the unlock (F05.FR.02)",
    "Other": "no requirement covers it",
}

_HEAD: Final = """\
# State machines

Generated from the tables of `shadow/csms/transitions.py` and, in `shadow/station/`, of `points.py`, `tables.py`,
`transitions16.py` and `error_reports.py`, by `python -m app.pages.diagrams`; change the tables, not this page.
Requirement ids are those of OCPP 2.0.1 Part 2 edition 3, test cases those of Part 6, and keys such as B3 those of the
state table of OCPP 1.6 edition 2, section 4.9.
"""
_PHASES_SAY: Final = """\
## A transaction at the 2.0.1 CSMS

Started exactly once, Ended exactly once, any number of Updated between. What is no arrow here is illegal: it leaves the
transaction as it was and is reported. A seqNo that was applied before is a retry and changes nothing (E13.FR.02).
"""
_POINTS_SAY: Final = """\
## Where a transaction begins and ends

Which stimulus of 1.6 makes a TxStartPoint true, and which makes a TxStopPoint false (Part 2 §2.6.6). A transaction
begins with the first configured start point that becomes true, and ends with the first configured stop point that
becomes false. The settings of a 1.6 transaction are TxStartPoint PowerPathClosed and TxStopPoint EVConnected and
Authorized (§1.1.2, Table 95): then Started is StartTransaction, Ended is StopTransaction, and any other setting is a
what-if. Where StopTransaction ends it too, an unplugged cable alone does not: 1.6 stops a moment later and says why, or
goes on.
"""
_STATUSES_SAY: Final = """\
## Status of a connector: 1.6 in 2.0.1 terms

Five statuses of 1.6 are Occupied; what they tell beyond it is the chargingState of the transaction, where one runs.
"""
_CHARGING_SAY: Final = """\
## chargingState

2.0.1 has no table of its transitions. These are the ones that 1.6 can lead to: a legal step of its status table between
two statuses with a transaction running. Each is one Updated with triggerReason ChargingStateChanged (E01.FR.18,
E02.FR.13), unless a more specific reason tells it (E02.FR.17). A transaction starts in EVConnected and ends in it, or
in Idle where the cable is out.

Three more come of what a status says beside its name. Info `EV side disconnected` with SuspendedEV is Idle, with
triggerReason EVCommunicationLost; the status that follows is EVConnected, with CablePluggedIn (E10). Faulted while
energy flows is SuspendedEVSE, with AbnormalCondition (E01.FR.18).
"""
_STEPS_SAY: Final = """\
## Status of a connector in 1.6

The steps that OCPP 1.6 allows; any other is named `status.illegal-transition`. The drawing leaves out Unavailable and
Faulted, which nearly every status may go to and come back from; the table has them all.
"""
_REASONS_SAY: Final = """\
## Why a transaction stopped

From the reason of StopTransaction to the triggerReason of Ended; stoppedReason stands on the arrow.
"""
_ERRORS_SAY: Final = """\
## Errors

2.0.1 has no error codes: each errorCode of 1.6 is a variable of a component, told by NotifyEvent when it comes and when
it goes (N07.FR.02, N07.FR.19). Only ConnectorLockFailure has a mandated place (G05.FR.02). A dotted arrow is a warning:
the same errorCode with another status than Faulted.
"""


def page() -> str:
    """The whole page as Markdown: a drawing and a table for each state machine."""
    sections = (_phases(), _points(), _statuses(), _charging(), _steps(), _reasons(), _errors())
    return "\n".join((_HEAD, *sections))


def _phases() -> str:
    arrows = [f"{before} --> {after} : {event}" for (before, event), after in PHASES.items()]
    rows = [(before, event, after, OF_PHASES[before, event]) for (before, event), after in PHASES.items()]
    legend = [f"[*] --> {Phase.UNKNOWN}", *arrows, f"{Phase.ENDED} --> [*]"]
    return _section(_PHASES_SAY, _states(legend), _table(("phase", "event", "next phase", "basis"), rows))


def _points() -> str:
    begin = [f"{one} --> {point}1[{point}]" for point, stimuli in TRUE_WITH.items() for one in sorted(stimuli)]
    end = [f"{point}1[{point}] --> {one}2[{one}]" for point, stimuli in FALSE_WITH.items() for one in sorted(stimuli)]
    rows = [(point, _stimuli(TRUE_WITH[point]), _stimuli(FALSE_WITH[point]), OF_POINTS[point]) for point in TRUE_WITH]
    head = ("point", "true with: Started", "false with: Ended", "basis")
    shown = _table(("stimulus", "what 1.6 shows"), OF_STIMULI.items())
    return _section(_POINTS_SAY, _flow([*begin, *end]), f"{_table(head, rows)}\n{shown}")


def _stimuli(stimuli: frozenset[Stimulus]) -> str:
    return ", ".join(sorted(stimuli)) or "nothing that 1.6 shows"


def _statuses() -> str:
    arrows = [f"{before} --> {after}2[{after}]" for before, after in CONNECTOR_STATUSES.items()]
    rows = [
        (status, reported, CHARGING_STATES.get(status, "none"), OF_STATUSES[status])
        for status, reported in CONNECTOR_STATUSES.items()
    ]
    head = ("1.6 status", "connectorStatus", "chargingState of a transaction", "basis")
    return _section(_STATUSES_SAY, _flow(arrows), _table(head, rows))


def _charging() -> str:
    changes: dict[tuple[str, str], list[str]] = {}
    for key, (before, after) in STEPS.items():
        pair = CHARGING_STATES.get(before), CHARGING_STATES.get(after)
        if pair[0] is not None and pair[1] is not None and pair[0] != pair[1]:
            changes.setdefault((pair[0], pair[1]), []).append(key)
    arrows = [f"{before} --> {after} : {', '.join(keys)}" for (before, after), keys in changes.items()]
    rows = [(before, after, ", ".join(keys)) for (before, after), keys in changes.items()]
    drawing = _states(["[*] --> EVConnected : Started", *arrows, "EVConnected --> [*] : Ended"])
    return _section(_CHARGING_SAY, drawing, _table(("from", "to", "steps of 1.6"), rows))


def _steps() -> str:
    drawn = [
        f"{before} --> {after} : {key}"
        for key, (before, after) in STEPS.items()
        if not {before, after} & {"Unavailable", "Faulted"}
    ]
    keys = {step: key for key, step in STEPS.items()}
    rows = [(before, *(keys.get((before, after), "") for after in STATUSES)) for before in STATUSES]
    return _section(_STEPS_SAY, _states(["[*] --> Available", *drawn]), _table(("from \\ to", *STATUSES), rows))


def _reasons() -> str:
    arrows = [f"{reason} -->|{stopped}| {trigger}2[{trigger}]" for reason, (stopped, trigger) in STOP_REASONS.items()]
    rows = [(reason, stopped, trigger, OF_REASONS[reason]) for reason, (stopped, trigger) in STOP_REASONS.items()]
    head = ("reason (1.6)", "stoppedReason", "triggerReason", "basis")
    return _section(_REASONS_SAY, _flow(arrows), _table(head, rows))


def _errors() -> str:
    arrows = [*_told(ERRORS, "-->"), *_told(WARNINGS, "-.->")]
    rows = [
        (code, standing, f"{one.component}.{one.variable}", one.tier, one.trigger, _values(one), one.why)
        for standing, reports in (("Faulted", ERRORS), ("other", WARNINGS))
        for code, one in reports.items()
    ]
    head = ("errorCode (1.6)", "status", "component.variable", "tier", "trigger", "actualValue", "basis")
    return _section(_ERRORS_SAY, _flow(arrows), _table(head, rows))


def _told(reports: Mapping[str, Report], arrow: str) -> list[str]:
    return [
        f"{code} {arrow} {one.component}_{one.variable}[{one.component}.{one.variable}]"
        for code, one in reports.items()
    ]


def _values(one: Report) -> str:
    coming = one.value or "empty"
    return f"{coming}, never cleared" if one.cleared is None else f"{coming}; cleared: {one.cleared or 'empty'}"


def _section(text: str, drawing: str, table: str) -> str:
    return f"{text}\n{drawing}\n{table}"


def _states(lines: Iterable[str]) -> str:
    return _mermaid("stateDiagram-v2", "    direction LR", *(f"    {line}" for line in lines))


def _flow(arrows: Iterable[str]) -> str:
    return _mermaid("flowchart LR", *(f"    {arrow}" for arrow in arrows))


def _mermaid(*lines: str) -> str:
    return "\n".join(("```mermaid", *lines, "```", ""))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join((*lines, ""))


if __name__ == "__main__":
    sys.stdout.write(page())
