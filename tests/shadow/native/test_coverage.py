"""Which fields of 2.0.1 are checked by which rules: from the tables, over every official schema."""

from shadow import schema
from shadow.native.coverage import ACTIONS, checked_fields, fields_of
from shadow.native.rule import ANSWER, ANY, REQUEST
from shadow.native.rules import RULES


def test_every_action_and_field_is_there() -> None:
    """64 actions, requests and answers; every field of every schema, down to its leaves."""
    assert len(ACTIONS) == 64
    table = checked_fields()
    assert {(action, part) for action, part, _ in table} == {(a, part) for a in ACTIONS for part in (REQUEST, ANSWER)}
    for action in ACTIONS:
        for part in (REQUEST, ANSWER):
            document = schema.read(schema.V201, action, response=part == ANSWER) or {}
            assert set(document["properties"]) <= set(fields_of(action, part))
    deep = "meterValue.sampledValue.signedMeterValue.publicKey"
    assert table["TransactionEvent", REQUEST, deep] == ()


def test_rules_are_about_fields_that_exist() -> None:
    """A rule that names a field wrongly would check it and not show it."""
    table = checked_fields()
    unknown = [
        (rule.id, field)
        for rule in RULES
        if rule.action != ANY
        for field in rule.fields
        if (rule.action, rule.part, field) not in table
    ]
    assert unknown == []


def test_the_ids_of_the_rules_stand_at_their_fields() -> None:
    """In the order of the rules; nothing where only the schema checks."""
    table = checked_fields()
    assert table["TransactionEvent", REQUEST, "seqNo"] == ("1.3.2.1", "E01.FR.07")
    assert table["GetVariables", ANSWER, "getVariableResult"] == ("B06.FR.01",)
    assert table["Heartbeat", REQUEST, "customData"] == ()
    shown = {number for ids in table.values() for number in ids}
    assert shown == {rule.id for rule in RULES if rule.action != ANY}


def test_rules_say_what_they_ask_in_a_sentence() -> None:
    """A capital first, a full stop at the end, and each id, message and text once."""
    for rule in RULES:
        assert rule.text[0].isupper()
        assert rule.text.endswith(".")
        assert rule.fields or rule.action == ANY
    assert len({(rule.id, rule.action, rule.part) for rule in RULES}) == len(RULES)
