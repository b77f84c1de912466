"""Facts of configuration keys: GetConfiguration, ChangeConfiguration, and what is never kept."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.lived import Lived
from demo.script import Script
from ingest.sensitive import Kind, classify
from shadow.codec import decode, encode
from shadow.device_model.fact import Fact, Source
from shadow.state import ChargerState

DUMPS = Path(__file__).resolve().parents[3] / "../shared/config-dumps"
KEYS = [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}, {"key": "Alder.Light", "readonly": True}]


def _asked(script: Script, told: list[dict[str, Any]], names: list[str] | None = None, **more: Any) -> Script:
    script.command("GetConfiguration", {} if names is None else {"key": names})
    return script.answer({"configurationKey": told, **more})


def _keys(lived: Lived) -> dict[str, Fact]:
    return {one.name: one for one in lived.facts if one.source is Source.KEY}


def _changed(key: str, value: str, status: str) -> list[Fact]:
    lived = Lived().feed(Script().boot().remote("ChangeConfiguration", {"key": key, "value": value}, status).frames)
    return [one for one in lived.facts if one.source is Source.KEY]


@pytest.mark.parametrize(("name", "count"), [("keba", 198), ("enplus22kw", 50)])
def test_each_key_of_a_real_station_is_a_fact(name: str, count: int) -> None:
    """The dumps of two makes: one fact a key, values as told, nothing of a secret, and the answer itself."""
    path = DUMPS / f"{name}.json"
    if not path.exists():
        pytest.skip("the configuration dumps are not beside the checkout (../shared/config-dumps)")
    document = json.loads(path.read_text())
    lived = Lived().feed(_asked(Script().boot(), document["configurationKey"]).frames)
    facts = _keys(lived)
    told = {one["key"]: one for one in document["configurationKey"]}
    assert len(facts) == len(told) == count
    for key, fact in facts.items():
        assert fact.detail["readonly"] == str(told[key]["readonly"]).lower()
        if classify(key) is Kind.SECRET:
            assert (fact.value, fact.detail["secret"]) == (None, "set" if told[key].get("value") else "empty")
        else:
            assert fact.value == told[key].get("value", "")
    (answer,) = [one for one in lived.facts if one.source is Source.ANSWER]
    assert (answer.name, answer.value, answer.detail) == (
        "GetConfiguration",
        str(count),
        {"changed_at": str(answer.at)},
    )


def test_an_answer_that_repeats_the_last_gives_no_keys() -> None:
    """Only the answer is told, with the time of the first that read so; another value tells all keys again."""
    script = _asked(_asked(Script().boot(), KEYS).wait(60), KEYS[::-1])
    first, again = [one for one in Lived().feed(script.frames).facts if one.source is Source.ANSWER]
    assert (again.at > first.at, again.detail["changed_at"]) == (True, str(first.at))
    assert len(Lived().feed(script.frames).told(Source.KEY)) == 2
    changed = [{**KEYS[0], "value": "60"}, KEYS[1]]
    lived = Lived().feed(_asked(script.wait(60), changed).frames)
    assert lived.told(Source.KEY)[2:] == [(None, "HeartbeatInterval", "60"), (None, "Alder.Light", "")]


@pytest.mark.parametrize("way", ["change", "named"])
def test_whatever_else_is_told_of_keys_makes_the_next_answer_whole(way: str) -> None:
    """After a change, or an answer to named keys, an identical answer tells every key again."""
    script = _asked(Script().boot(), KEYS)
    if way == "change":
        script.remote("ChangeConfiguration", {"key": "Other", "value": "1"})
    else:
        _asked(script, [], ["Other"], unknownKey=["Other"])
    lived = Lived().feed(_asked(script, KEYS).frames)
    assert [name for _, name, _ in lived.told(Source.KEY)] == [
        "HeartbeatInterval", "Alder.Light", "Other", "HeartbeatInterval", "Alder.Light",
    ]  # fmt: skip
    last = lived.facts[-1]
    assert last.detail == {"changed_at": str(last.at)}


def test_named_keys_are_facts_and_what_is_unknown_is_one_too() -> None:
    """No answer of all keys is told; the unknown has no value."""
    lived = Lived().feed(_asked(Script().boot(), KEYS[:1], ["HeartbeatInterval", "Xy"], unknownKey=["Xy"]).frames)
    known, unknown = _keys(lived)["HeartbeatInterval"], _keys(lived)["Xy"]
    assert (known.value, known.detail) == ("300", {"via": "GetConfiguration", "readonly": "false"})
    assert (unknown.value, unknown.detail) == (None, {"via": "GetConfiguration", "unknown": "true"})
    assert lived.told(Source.ANSWER) == []


def test_of_a_key_told_twice_the_last_holds() -> None:
    """One fact, however its name is written."""
    told = [{"key": "A", "readonly": False, "value": "1"}, {"key": "a", "readonly": False, "value": "2"}]
    assert Lived().feed(_asked(Script().boot(), told).frames).told(Source.KEY) == [(None, "a", "2")]


def test_of_an_endless_answer_the_first_512_keys_are_kept() -> None:
    """What is beyond is named with its number; the answer still counts all."""
    told = [{"key": f"K{number}", "readonly": False, "value": "1"} for number in range(600)]
    lived = Lived().feed(_asked(Script().boot(), told, unknownKey=["U"]).frames)
    assert [name for _, name, _ in lived.told(Source.KEY)] == [f"K{number}" for number in range(512)]
    (row,) = [row for row in lived.rows("message.field-lost") if row.path == "GetConfiguration.conf"]
    assert (row.primary, lived.told(Source.ANSWER)) == ("89 keys", [(None, "GetConfiguration", "600")])


@pytest.mark.parametrize(
    ("status", "value", "more"),
    [
        ("Accepted", "60", {"readonly": "false"}),
        ("RebootRequired", "60", {"readonly": "false", "status": "RebootRequired"}),
        ("NotSupported", None, {"unknown": "true"}),
    ],
)
def test_a_change_is_a_fact_with_its_answer(status: str, value: str | None, more: dict[str, str]) -> None:
    """The value of the request where it was taken; a key that is not supported is unknown."""
    (fact,) = _changed("HeartbeatInterval", "60", status)
    assert (fact.name, fact.value, fact.detail) == ("HeartbeatInterval", value, {"via": "ChangeConfiguration", **more})


@pytest.mark.parametrize("status", ["Rejected", "Perhaps", ""])
def test_a_change_that_was_not_made_is_no_fact(status: str) -> None:
    """The value is what it was."""
    assert _changed("HeartbeatInterval", "60", status) == []


def test_a_pseudonym_is_kept() -> None:
    """The value of a key that holds a token is one in the mirrored copy."""
    (fact,) = _changed("FreevendIdTag", "8F2A77C1", "Accepted")
    assert classify("FreevendIdTag") is Kind.TOKEN
    assert fact.value == "8F2A77C1"


_SECRETS = st.sampled_from(
    [
        "AuthorizationKey",
        "{}Password",
        "Gsm.{}.PASSWD",
        "wifi_key{}",
        "{}ApiKey",
        "{}.accessToken",
        "pin",
        "Pw",
        "{}Secret",
    ]
)


@given(_SECRETS, st.text("abcXYZ01.-_", max_size=8), st.sampled_from(["", "hunter2-hunter2", 12345678]), st.booleans())
def test_a_secret_is_never_in_a_fact_nor_in_the_state(pattern: str, part: str, value: object, asked: bool) -> None:  # noqa: FBT001
    """Whatever way it is told: only whether it is set."""
    name = pattern.format(part)
    script = Script().boot()
    if asked:
        _asked(script, [{"key": name, "readonly": False, "value": value}])
    else:
        script.remote("ChangeConfiguration", {"key": name, "value": value})
    lived = Lived().feed(script.frames)
    (fact,) = [one for one in lived.facts if one.source is Source.KEY]
    assert (fact.value, fact.detail["secret"]) == (None, "set" if value else "empty")
    kept = encode(lived.fleet.chargers["CP1"].shadow.station.device)
    assert not value or str(value) not in f"{lived.facts}{kept!r}"


def test_what_is_remembered_of_keys_is_short() -> None:
    """A digest, and it goes through bytes."""
    told = [{"key": f"K{number}", "readonly": False, "value": "x" * 400} for number in range(200)]
    script = _asked(Script().boot(), told)
    shadow = Lived().feed(script.frames).fleet.chargers["CP1"].shadow
    assert len(shadow.station.device.keys) == 16
    assert decode(encode(shadow), ChargerState) == shadow
