"""Redaction under a field policy: rules of the operator beside the built-in names, and never against secrets."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.field_policy import FieldPolicy, parse_field_policy
from ingest.field_redaction import FieldRedactor, redactor_of
from ingest.key_ring import RingKey
from ingest.redaction import Redactor
from ingest.spans import apply

KEY = RingKey("k", b"a key of the tests, 32 bytes lon", 1)
PLAIN = Redactor(KEY.key, "k")


def _policy(*rules: dict[str, str]) -> FieldPolicy:
    return parse_field_policy(
        "".join(
            "[[rule]]\n" + "".join(f'{name} = "{value}"\n' for name, value in {"reason": "r", **rule}.items())
            for rule in rules
        )
    )


def _redacted(text: str, *rules: dict[str, str]) -> str:
    return redactor_of(KEY, _policy(*rules)).redact(text)


def _transfer(data: Any, vendor: str = "com.example", message: str = "Driver") -> str:
    return json.dumps([2, "1", "DataTransfer", {"vendorId": vendor, "messageId": message, "data": data}])


def _data(text: str) -> Any:
    return json.loads(text)[-1]["data"]


DRIVER = {"driver": {"name": "Max Power", "age": 42, "ok": True}, "site": "north", "list": [{"name": "x"}, 7]}


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({"path": "driver.name"}, {**DRIVER, "driver": {"name": "*********", "age": 42, "ok": True}}),
        ({"path": "driver"}, {**DRIVER, "driver": {"name": "*********", "age": 99, "ok": True}}),
        (
            {"member": "name"},
            {**DRIVER, "driver": {**DRIVER["driver"], "name": "*********"}, "list": [{"name": "*"}, 7]},
        ),
        ({"path": "list"}, {**DRIVER, "list": [{"name": "*"}, 9]}),
        ({"message": "other"}, DRIVER),
        ({"vendor": "other"}, DRIVER),
        ({"path": "name"}, DRIVER),
    ],
)
def test_members_of_a_vendor_s_data(rule: dict[str, str], wanted: Any) -> None:
    """As an object (2.0.1) and as a string that holds JSON (1.6), also with escapes; numbers keep their form."""
    rule = {"vendor": "COM.*", "do": "drop", **rule}
    assert _data(_redacted(_transfer(DRIVER), rule)) == wanted
    assert json.loads(_data(_redacted(_transfer(json.dumps(DRIVER)), rule))) == wanted
    inner = json.dumps(DRIVER).replace("Max", "\\u004d\\u0061x")
    assert json.loads(_data(_redacted(_transfer(inner), rule))) == wanted


def test_the_whole_data_of_a_vendor() -> None:
    """A text, a document, a number: an asterisk for each character, and nothing beside it changes."""
    rule = {"vendor": "com.example", "do": "drop"}
    assert _data(_redacted(_transfer("card 7"), rule)) == "******"
    assert _data(_redacted(_transfer('{"a":1}'), rule)) == "*******"
    assert _data(_redacted(_transfer({"a": 1, "b": ["cd"]}), rule)) == {"a": 9, "b": ["**"]}
    text = _transfer("card 7")
    assert _redacted(text, rule) == text.replace("card 7", "******")


def test_the_answer_to_a_transfer_names_no_vendor() -> None:
    """What is dropped of any vendor is dropped of its data; other answers are left alone."""
    rule = {"vendor": "com.example", "path": "driver", "do": "drop"}
    answer = json.dumps([3, "1", {"status": "Accepted", "data": '{"driver":"Max","x":"y"}'}])
    assert json.loads(_data(_redacted(answer, rule))) == {"driver": "***", "x": "y"}
    other = json.dumps([3, "1", {"configurationKey": [], "data": '{"driver":"Max"}'}])
    assert _redacted(other, rule) == other


def test_configuration_keys_and_variables() -> None:
    """1.6 and 2.0.1, set, read and reported."""
    rule = {"key": "Customer*", "do": "hash"}
    for text in (
        [2, "1", "ChangeConfiguration", {"key": "CustomerNumber", "value": "4711"}],
        [3, "1", {"configurationKey": [{"key": "A", "value": "4711"}, {"key": "customerNumber", "value": "4711"}]}],
        [2, "1", "SetVariables", {"d": [{"attributeValue": "4711", "variable": {"name": "CustomerNumber"}}]}],
        [
            2,
            "1",
            "NotifyReport",
            {"d": [{"variable": {"name": "CustomerNr"}, "variableAttribute": [{"value": "4711"}]}]},
        ],
    ):
        written = json.dumps(text)
        places = written.count("4711")
        redacted = _redacted(written, rule)
        assert redacted.count(f'"{PLAIN.pseudonym("4711")}"') == 1
        assert redacted.count("4711") == places - 1


def test_a_hash_keeps_equal_what_is_equal() -> None:
    """One word becomes a pseudonym, other text a keyed hash that another key makes otherwise; numbers stay numbers."""
    rule = {"member": "who", "do": "hash"}
    text = '{"a":{"who":"Max Power"},"b":{"who":"Max Power"},"c":{"who":"ABC-12"},"d":{"who":4711},"e":{"who":""}}'
    told = json.loads(_redacted(text, rule))
    assert told["a"] == told["b"]
    assert told["a"]["who"][0] == "#"
    assert len(told["a"]["who"]) == 33
    assert told["c"]["who"] == PLAIN.pseudonym("ABC-12")
    assert told["d"]["who"] == int(PLAIN.pseudonym("4711"))
    assert told["e"]["who"] == ""
    other = FieldRedactor(b"another key of the tests, 32 byt", "o", _policy(rule)).redact(text)
    assert json.loads(other)["a"] != told["a"]


def test_keep_lets_a_name_be_none_of_a_token() -> None:
    """`uid` of a backend's own is no token there; a secret is asterisks under any rule, also within what is kept."""
    text = json.dumps({"uid": "AB12", "uidPassword": "pw", "tokenId": {"value": "CD34", "password": {"a": "pw"}}})
    assert json.loads(PLAIN.redact(text))["uid"] != "AB12"
    kept = json.loads(_redacted(text, {"member": "uid*", "do": "keep"}, {"member": "tokenid", "do": "keep"}))
    assert kept == {"uid": "AB12", "uidPassword": "**", "tokenId": {"value": "CD34", "password": {"a": "**"}}}
    hashed = json.loads(_redacted(text, {"member": "*", "do": "hash"}))
    assert hashed["uidPassword"] == "**"
    assert hashed["uid"] == PLAIN.pseudonym("AB12")
    address = _redacted('{"uid":"http://me:pw@host/"}', {"member": "uid", "do": "keep"})
    assert address == '{"uid":"http://**:**@host/"}'


def test_the_first_rule_that_fits_counts() -> None:
    """Whatever kind it is of."""
    text = _transfer({"phone": "123", "name": "Max"})
    first = {"vendor": "*", "path": "phone", "do": "hash"}
    second = {"member": "phone", "do": "drop"}
    assert _data(_redacted(text, first, second))["phone"] == PLAIN.pseudonym("123")
    assert _data(_redacted(text, second, first)) == {"phone": "***", "name": "Max"}


def test_a_rule_about_the_data_s_parts_hides_no_token_beside_them() -> None:
    """The built-in names go on being found, in data too."""
    text = _transfer('{"idTag":"04A1B2C3","phone":"123"}')
    told = json.loads(_data(_redacted(text, {"member": "phone", "do": "drop"})))
    assert told == {"idTag": PLAIN.pseudonym("04A1B2C3"), "phone": "***"}


_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 10**6), st.text(max_size=12), st.just("https://a:b@c/d?e=f")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["idTag", "data", "key", "value", "name", "password", "uid", "vendorId", "x", "variable"]),
            inner,
            max_size=4,
        ),
        inner.map(json.dumps),
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(value=_values, transfer=st.booleans())
def test_rules_that_meet_nothing_change_nothing(value: Any, *, transfer: bool) -> None:
    """Under a policy the built-in rules do what they do without one."""
    text = _transfer(value) if transfer else json.dumps(value)
    redactor = FieldRedactor(KEY.key, "k", _policy({"member": "nobody", "do": "drop"}))
    assert redactor._edits(text, 0) == PLAIN._edits(text, 0)
    assert redactor.redact(text) == PLAIN.redact(text)


@settings(deadline=None, max_examples=200)
@given(_values)
def test_what_is_touched_is_explained(value: Any) -> None:
    """Explaining a text finds something wherever redacting changes it."""
    text = _transfer(value)
    redactor = FieldRedactor(KEY.key, "k", _policy({"member": "x", "do": "hash"}, {"vendor": "*", "do": "drop"}))
    assert redactor.explain(text) or redactor.redact(text) == text


@settings(deadline=None, max_examples=200)
@given(value=_values, transfer=st.booleans())
def test_the_quick_look_overlooks_nothing(value: Any, *, transfer: bool) -> None:
    """Where it passes a text over, no rule touches any value of it."""
    text = _transfer(value) if transfer else json.dumps(value)
    rules = ({"member": "id[st]a*", "do": "hash"}, {"key": "?", "do": "drop"}, {"vendor": "*", "do": "drop"})
    for rule in rules:
        redactor = FieldRedactor(KEY.key, "k", _policy(rule))
        assert redactor.redact(text) == apply(text, redactor._walk(text, 0))


def test_no_policy_costs_nothing() -> None:
    """Without rules the redactor is the built-in one."""
    assert type(redactor_of(KEY)) is Redactor
    assert type(redactor_of(KEY, FieldPolicy(()))) is Redactor
    for text in ("no json", "x" * 20_000_000):
        assert redactor_of(KEY, _policy({"member": "x", "do": "drop"})).redact(text) == PLAIN.redact(text)
    assert FieldRedactor(KEY.key, "k", _policy()).explain("no json")[0].becomes == "described"
