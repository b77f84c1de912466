"""Configuration keys as variables of the device model (1.6 Core; 2.0.1 B05 to B08).

The handlers of `shadow.station.configuration` follow the table of keys; these tables say what becomes of each field.
"""

from __future__ import annotations

from typing import Final

from shadow.mapping.rules import ANSWER, FROM_CSMS, REQUEST, Handling, Rule, Table, group, made, moved
from shadow.message import Provenance

__all__ = ["TABLES"]

_BY_KEY: Final = (
    "component and variable by the table of keys, those of vendors by the mapping file, else on OCPP16LegacyCtrlr"
)


def _by_key(source: str, target: str, why: str, *, lossy: bool = False) -> Rule:
    handling = Handling.LOSSY if lossy else Handling.MAPPED
    return Rule(source=source, target=target, handling=handling, provenance=Provenance.DERIVED, why=why)


TABLES: Final[tuple[Table, ...]] = (
    Table(
        action="GetConfiguration",
        part=REQUEST,
        directions=FROM_CSMS,
        message="GetVariables",
        also=("GetBaseReport", "GetReport"),
        rules=(
            _by_key(
                "key",
                "getVariableData",
                f"{_BY_KEY}; what is no attribute is asked for with GetReport (B08); no keys are GetBaseReport (B07)",
            ),
            made("GetBaseReport.requestId", why="1.6 has none: its answer is the report"),
            made(
                "GetBaseReport.reportBase",
                why="ConfigurationInventory; FullInventory would bring the hardware, of which 1.6 keys say nothing",
            ),
            made("GetReport.requestId", why="1.6 has none: its answer is the report"),
        ),
        why="one answer of 1.6 is an answer and a report in 2.0.1",
    ),
    Table(
        action="GetConfiguration",
        part=ANSWER,
        directions=FROM_CSMS,
        message="GetVariables",
        also=("GetBaseReport", "GetReport", "NotifyReport"),
        rules=(
            group(
                "configurationKey",
                "getVariableResult",
                _by_key(
                    "key",
                    "variable.name",
                    f"{_BY_KEY}; in a report as reportData; keys that nobody asked for are named (B06.FR.02)",
                    lossy=True,
                ),
                Rule(
                    source="readonly",
                    handling=Handling.LOSSY,
                    why="mutability in a report (B07); a GetVariablesResponse has no place for it, which is named",
                ),
                moved(
                    "value",
                    "attributeValue",
                    lossy=True,
                    why="booleans in lower case, words of 2.0.1; of a MaxLength key the maxLimit of its variable; what"
                    " no variable takes is named",
                ),
                made("attributeType", why="Actual, which an answer has to name (B06.FR.11)"),
            ),
            _by_key("unknownKey", "getVariableResult.attributeStatus", "UnknownVariable (B06.FR.07)"),
            made(
                "getVariableResult.attributeStatus",
                provenance=Provenance.DERIVED,
                why="one result for each variable asked for (B06.FR.01); what is write-only is Rejected (B06.FR.09)",
            ),
            made("GetBaseReport.status", provenance=Provenance.DERIVED, why="the report follows (B07.FR.01)"),
            made("GetReport.status", provenance=Provenance.DERIVED, why="the report follows (B08.FR.01)"),
            made("NotifyReport.requestId", why="of the request (B07.FR.04)"),
            made("NotifyReport.generatedAt", why="the time of the answer"),
            made("NotifyReport.seqNo", why="0, and one more for each part (B07.FR.10)"),
            made("NotifyReport.tbc", why="in every part but the last"),
            made("NotifyReport.reportData.variableAttribute.type", why="Actual: 1.6 tells no other"),
            made("NotifyReport.reportData.variableCharacteristics", why="from the table of keys (B07.FR.07)"),
        ),
    ),
    Table(
        action="ChangeConfiguration",
        part=REQUEST,
        directions=FROM_CSMS,
        message="SetVariables",
        rules=(
            _by_key(
                "key",
                "setVariableData.variable.name",
                f"{_BY_KEY}; SecurityProfile and MessageTimeout belong to a network profile (B09): named, not said",
                lossy=True,
            ),
            moved(
                "value",
                "setVariableData.attributeValue",
                lossy=True,
                why="booleans in lower case, words of 2.0.1; what of a list no variable takes is named",
            ),
        ),
    ),
    Table(
        action="ChangeConfiguration",
        part=ANSWER,
        directions=FROM_CSMS,
        message="SetVariables",
        rules=(
            moved(
                "status",
                "setVariableResult.attributeStatus",
                why="NotSupported is UnknownVariable (B05.FR.05); the others have the same name",
            ),
            made("setVariableResult.attributeType", why="Actual, which an answer has to name (B05.FR.12)"),
            made("setVariableResult.component", provenance=Provenance.DERIVED, why="of the request (B05.FR.02)"),
            made("setVariableResult.variable", provenance=Provenance.DERIVED, why="of the request (B05.FR.02)"),
        ),
    ),
)
