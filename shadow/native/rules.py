"""All rules of the specification that are checked, and the check of a sequence of 2.0.1 messages against them.

The same rules serve the native messages of a charging station and the messages that the virtual station derives: what
it says must be as legal as what is asked of others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from shadow.message import MessageType, ShadowMessage
from shadow.native import control_rules, meter_rules, provisioning_rules, transaction_rules
from shadow.native.memory import note
from shadow.native.rule import ANSWER, ANY, REQUEST, Broken, Fault, Rule, Said
from shadow.native.state import NativeState

__all__ = ["RULES", "Broken", "Fault", "Rule", "Said", "check", "judge"]

RULES: Final[tuple[Rule, ...]] = (
    *provisioning_rules.RULES,
    *transaction_rules.RULES,
    *meter_rules.RULES,
    *control_rules.RULES,
)
"""Every rule. An id may stand on several messages (B02.FR.05)."""

_OF_ANY: Final = tuple(rule for rule in RULES if rule.action == ANY)
_BY_MESSAGE: Final[dict[tuple[str, str], tuple[Rule, ...]]] = {
    key: tuple(rule for rule in RULES if (rule.action, rule.part) == key)
    for key in {(rule.action, rule.part) for rule in RULES if rule.action != ANY}
}


def judge(facts: NativeState, said: Said) -> list[Broken]:
    """Which rules a message breaks beside what went before it; then it is remembered. Changes `facts`, never raises."""
    said.look_up(facts)
    if said.is_resend:
        return []
    rules = (*(_OF_ANY if said.is_request else ()), *_BY_MESSAGE.get((said.action, _part_of(said)), ()))
    named = None if said.event is None else said.event.transaction_id
    broken = []
    for rule in rules:
        fault = rule.check(facts, said)
        if fault is not None:
            broken.append(Broken(rule, rule.path(said.action, fault.field), fault, named))
    note(facts, said)
    return broken


def _part_of(said: Said) -> str:
    return REQUEST if said.is_request else ANSWER


def check(messages: Iterable[ShadowMessage]) -> list[Broken]:
    """Which rules a sequence of 2.0.1 messages of one charging station breaks, in order. Pure.

    What later messages take back is left out. An answer belongs to the request that the first frame of its
    causes brought.
    """
    facts = NativeState()
    waiting: dict[tuple[str, str], list[dict[str, Any]]] = {}
    found: list[Broken] = []
    for message in messages:
        if message.type is MessageType.REQUEST:
            request = None
            waiting.setdefault((message.action, message.caused_by[-1]), []).append(message.payload)
        else:
            asked = waiting.get((message.action, message.caused_by[0]))
            request = asked.pop(0) if asked else None
        if message.type is MessageType.ERROR:
            continue
        said = Said(message.action, message.payload, message.direction, message.type, request=request, at=message.at)
        for one in judge(facts, said):
            if one.fault.withdrawn:
                _take_back(found, one)
            else:
                found.append(one)
    return found


def _take_back(found: list[Broken], late: Broken) -> None:
    """Forget the finding about the hole that a number fills: from the one expected to the one that came."""
    number = int(late.fault.found or 0)
    for place, one in enumerate(found):
        if (one.path, one.transaction_id) == (late.path, late.transaction_id):
            first, came = int(one.fault.expected or 0), int(one.fault.found or 0)
            if first <= number < came:
                del found[place]
                return
