"""Scenarios written from the specification: a 1.6 dialogue and the 2.0.1 messages that must come of it.

`scenarios/README.md` says how a scenario reads. What is expected was derived from the requirements named beside it and
not copied from what the program said: where the two differ, the program is wrong or the scenario must cite a source.
"""

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from demo.lived import Lived
from demo.script import NOON, Script
from diff.catalogue import CATALOGUE
from ingest.timestamps import format_micros, parse_stamp
from shadow import topology
from shadow.config import DEFAULT, ShadowConfig, checked
from shadow.message import MessageType, ShadowMessage

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.toml"))
KEYS = {
    "title", "story", "sources", "prelude", "connectors", "settings", "topology", "dialogue", "expect", "codes",
    "losses", "sessions", "horizon",
}  # fmt: skip
SECOND = 1_000_000
LATENCY = 100_000
FREE = {"StatusNotification", "NotifyEvent", "TransactionEvent", "MeterValues"}
"""Each in its own order; the order of one beside the other is free (2.0.1 Part 6, general tool rules)."""
BESIDE = {"BootNotification", "Heartbeat"}
"""Requests that need not be listed; with all others a scenario is exhaustive. Responses count where one is listed."""
CITED = re.compile(r"\b[A-P]\d\d\b|TC_\w+|§")
"""A requirement or use case of 2.0.1 Part 2, a test case of Part 6, or a clause."""


# -- the 1.6 side ----------------------------------------------------------------------------------------------------


def _script(scenario: dict[str, Any]) -> tuple[Script, Script]:
    """The prelude and the dialogue, as frames."""
    connectors = scenario.get("connectors", 1)
    script = Script(at=NOON - 60 * SECOND, connected=False)
    if scenario.get("prelude", True):
        script.open().boot()
        for number in range(connectors + 1):
            script.status(number, "Available")
    before = len(script.frames)
    for row in scenario["dialogue"]:
        _play(script, row)
    first = Script(connected=False)
    first.frames, script.frames = script.frames[:before], script.frames[before:]
    return first, script


def _play(script: Script, row: list[Any]) -> None:
    who, second, what, *rest = row
    at = NOON + round(second * SECOND)
    assert at - LATENCY >= script.at, f"{row}: rows must stand in the order of time, a tenth of a second apart"
    if who == "line":
        script.at = at
        _ = script.open() if what == "opens" else script.close()
        return
    script.at = at - LATENCY
    answer = rest[rest.index("=>") + 1 :] if "=>" in rest else None
    payload = _times(_merged(rest[: rest.index("=>")] if answer is not None else rest), second)
    if what == "answer":
        script.answer(payload)
        return
    action, _, message_id = what.partition("#")
    (script.call if who == "station" else script.command)(action, payload, message_id=message_id or None)
    if answer is not None and isinstance(answer[0], str):
        script.refuse(answer[0])
    elif answer is not None:
        script.answer(_times(_merged(answer), second + 0.1))


def _merged(tables: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: value for table in tables for key, value in table.items()}


def _times(value: Any, second: float) -> Any:
    """`@` is the row's own second, `@12` the twelfth since noon."""
    if isinstance(value, dict):
        return {key: _times(one, second) for key, one in value.items()}
    if isinstance(value, list):
        return [_times(one, second) for one in value]
    if isinstance(value, str) and re.fullmatch(r"@-?[\d.]*", value):
        return _moment(value, second)
    return value


def _moment(text: str, second: float = 0) -> str:
    return format_micros(NOON + round(float(text[1:] or second) * SECOND))


# -- the 2.0.1 side --------------------------------------------------------------------------------------------------


def _lane(action: str) -> str:
    action = action.removesuffix("Response")
    return action if action in FREE else ""


def _name(message: ShadowMessage) -> str:
    return message.action + {MessageType.REQUEST: "", MessageType.RESPONSE: "Response"}.get(message.type, "Error")


def _leaves(table: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted paths and what is expected there."""
    for key, value in table.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and value and "anyOf" not in value:
            yield from _leaves(value, here)
        else:
            yield here, value


def _at(payload: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for part in path.split("."):
        if isinstance(payload, list):
            payload = payload[int(part)] if part.isdigit() and int(part) < len(payload) else None
        else:
            payload = payload.get(part) if isinstance(payload, dict) else None
    return payload


def _samples(payload: dict[str, Any]) -> list[str]:
    """Every sampled value as `1000 Wh Transaction.Begin` or `230.1 V Voltage L1 Sample.Periodic`."""
    found = []
    for element in payload.get("meterValue", []):
        for sample in element["sampledValue"]:
            signed = sample.get("signedMeterValue", {}).get("signedMeterData")
            value = f"{Decimal(str(sample['value'])).normalize():f}" if signed is None else f"signed {signed}"
            measurand = sample.get("measurand", "Energy.Active.Import.Register")
            energy = measurand == "Energy.Active.Import.Register"
            unit = sample.get("unitOfMeasure", {}).get("unit", "Wh" if energy else "")
            words = (
                value,
                "" if signed else unit,
                "" if energy else measurand,
                sample.get("phase", ""),
                sample.get("context", "Sample.Periodic"),
            )
            found.append(" ".join(word for word in words if word))
    return found


def _differs(payload: dict[str, Any], fields: dict[str, Any], names: dict[str, Any]) -> str:
    """The first field that is not as expected, in words; empty where all are. Binds the names that it meets."""
    bound = dict(names)
    for path, wanted in fields.items():
        if path == "without":
            present = [one for one in wanted if _at(payload, one) is not None]
            if present:
                return f"{present[0]} must not be there"
            continue
        if path in ("has", "readings"):
            found = _samples(payload)
            if sorted(found) != sorted(wanted) if path == "readings" else set(wanted) - set(found):
                return f"{path} {wanted}, got {found}"
            continue
        found = _at(payload, path)
        if not _fits(path, found, wanted, bound):
            return f"{path} = {wanted!r}, got {found!r}"
    names.update(bound)
    return ""


def _fits(path: str, found: Any, wanted: Any, names: dict[str, Any]) -> bool:
    if isinstance(wanted, dict) and "anyOf" in wanted:
        return any(_fits(path, found, one, names) for one in wanted["anyOf"])
    if path == "transactionInfo.stoppedReason" and wanted == "Local":
        return found in (None, "Local")  # E06.FR.08: absent is Local
    if found is None:
        return False
    if isinstance(wanted, str) and wanted.startswith("$"):
        meant = (path.rpartition(".")[2], found)
        taken = wanted not in names and meant in names.values()
        return not taken and bool(names.setdefault(wanted, meant) == meant)
    if isinstance(wanted, str) and wanted.startswith("@"):
        return parse_stamp(found).at == parse_stamp(_moment(wanted)).at
    if isinstance(wanted, int | float) and not isinstance(wanted, bool):
        return Decimal(str(found)) == Decimal(str(wanted))
    return bool(wanted in ("*", found))


def _compare(expected: list[list[Any]], said: list[ShadowMessage]) -> list[str]:
    """What is wrong, lane by lane; empty where all is as expected."""
    names: dict[str, Any] = {}
    wrong = []
    listed = {row[0].rstrip("?") for row in expected}
    for lane in dict.fromkeys(("", *sorted(FREE, reverse=True))):
        rows = [row for row in expected if _lane(row[0].rstrip("?")) == lane]
        heard = [
            one
            for one in said
            if _lane(_name(one)) == lane
            and (_name(one) in listed or (one.type is MessageType.REQUEST and one.action not in BESIDE))
        ]
        wrong += _walk(rows, heard, names)
    return wrong


def _walk(rows: list[list[Any]], heard: list[ShadowMessage], names: dict[str, Any]) -> list[str]:
    for action, why, *tables in rows:
        if not heard:
            if action.endswith("?"):
                continue
            return [f"missing: {action} ({why}) {tables}"]
        fields = dict(leaf for table in tables for leaf in _leaves(table))
        same = _name(heard[0]) == action.rstrip("?")
        difference = _differs(heard[0].payload, fields, names) if same else f"{_name(heard[0])} came instead"
        if not difference:
            heard = heard[1:]
        elif not action.endswith("?"):
            return [f"{action} ({why}): {difference}\n      in {_shown(heard[0])}"]
    return [f"not expected: {_shown(one)}" for one in heard]


def _shown(message: ShadowMessage) -> str:
    return f"{_name(message)} {msgspec.json.encode(message.payload).decode()}"


def _illegal(events: list[dict[str, Any]]) -> list[str]:
    """What every transaction owes, whatever the scenario: Part 2 §1.3.2, §2.6.4, §2.6.5, E01.FR.16, E01.FR.18."""
    wrong = []
    by_id: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_id.setdefault(event["transactionInfo"]["transactionId"], []).append(event)
    for ordered in (sorted(one, key=lambda event: event["seqNo"]) for one in by_id.values()):
        first = ordered[0]["seqNo"]
        if [event["seqNo"] for event in ordered] != list(range(first, first + len(ordered))):
            wrong.append(f"seqNo {[event['seqNo'] for event in ordered]}")
        kinds = [event["eventType"] for event in ordered]
        if "Started" in kinds[1:] or "Ended" in kinds[:-1] or (kinds[0] == "Started" and first != 0):
            wrong.append(f"course {kinds}")
        if kinds[0] == "Started" and "chargingState" not in ordered[0]["transactionInfo"]:
            wrong.append("Started without chargingState (E01.FR.18)")
    return wrong


# -- the tests -------------------------------------------------------------------------------------------------------


def _config(scenario: dict[str, Any]) -> ShadowConfig:
    settings = {key: frozenset(value) for key, value in scenario.get("settings", {}).items()}
    if "topology" in scenario:
        settings["topology"] = topology.parse(scenario["topology"])
    return checked(msgspec.structs.replace(DEFAULT, **settings))


@pytest.mark.parametrize("horizon", [True, False], ids=["ordered", "at-once"])
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_gives_what_the_specification_asks_for(path: Path, horizon: bool) -> None:  # noqa: FBT001 - a parameter
    """The messages in their order, the fields that are determined, the legality of each transaction, and the codes.

    With the reorder horizon and without one, but for a scenario that is about what comes late.
    """
    scenario = tomllib.loads(path.read_text(encoding="utf-8"))
    if scenario.get("horizon") and not horizon:
        pytest.skip("it is about the reorder horizon")
    prelude, script = _script(scenario)
    config = _config(scenario)
    lived = Lived(config if horizon else msgspec.structs.replace(config, reorder_horizon=0)).feed(prelude.frames)
    begun = len(lived.messages)
    lived.feed(script.frames).settle()
    wrong = _compare(scenario["expect"], lived.messages[begun:]) + _illegal(lived.events)
    if lived.codes() != set(scenario["codes"]):
        wrong.append(f"codes {scenario['codes']}, got {sorted(lived.codes())}")
    if missing := set(scenario.get("losses", [])) - {f"{code} {where}" for code, where in lived.losses()}:
        wrong.append(f"losses {sorted(missing)}, got {sorted(lived.losses())}")
    sessions = [{"energy": one.shadow_energy_wh, "complete": one.complete} for one in lived.sessions.values()]
    if sessions != (due := [{"energy": None, **one} for one in scenario.get("sessions", [])]):
        wrong.append(f"sessions {due}, got {sessions}")
    assert lived.refused == []
    assert not wrong, "\n".join((scenario["title"], *wrong))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_is_well_formed(path: Path) -> None:
    """Nothing in it is misspelt or without a source: keys, codes, and a requirement or clause for each message."""
    scenario = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(scenario) <= KEYS
    assert {"title", "sources", "dialogue", "expect", "codes"} <= set(scenario)
    assert set(scenario["codes"]) | {loss.partition(" ")[0] for loss in scenario.get("losses", [])} <= set(CATALOGUE)
    assert all(CITED.search(why) for _, why, *_ in scenario["expect"])


def test_there_are_enough_scenarios() -> None:
    """At least thirty, each with a title of its own."""
    titles = {tomllib.loads(path.read_text(encoding="utf-8"))["title"] for path in SCENARIOS}
    assert len(titles) == len(SCENARIOS) >= 30
