"""What a mapping file could speak of: counted over frames, guessed at, and written so that it can be read again."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.script import Script
from ingest.frame import Frame
from ingest.sensitive import Kind, classify
from shadow.config import DEFAULT, ShadowConfig
from shadow.device_model.hints import candidate
from shadow.device_model.seen import Seen, data_type_of
from shadow.device_model.suggest import StationsSeen, VendorTally, parser_of
from shadow.device_model.suggested import document, toml
from shadow.device_model.vendor import Parser
from shadow.device_model.vendor_check import remarks
from shadow.device_model.vendor_file import parse
from shadow.mapping.keys import find
from shadow.mapping.vendor_keys import is_standard

DUMPS = Path(__file__).resolve().parents[3] / "../shared/config-dumps"


def _boot(charger_id: str, vendor: str, model: str) -> Script:
    boot = {"chargePointVendor": vendor, "chargePointModel": model}
    accepted = {"status": "Accepted", "currentTime": "2030-01-01T12:00:00Z", "interval": 300}
    return Script(charger_id).call("BootNotification", boot).answer(accepted)


def _told(script: Script, *keys: dict[str, Any]) -> Script:
    return script.command("GetConfiguration", {}).answer({"configurationKey": list(keys)})


def _key(name: str, value: str | None = None, *, readonly: bool = False) -> dict[str, Any]:
    return {"key": name, "readonly": readonly, **({} if value is None else {"value": value})}


def _transfer(script: Script, data: Any, vendor_id: str = "V", message_id: str | None = "M") -> Script:
    payload = {"vendorId": vendor_id, "data": data, **({} if message_id is None else {"messageId": message_id})}
    return script.call("DataTransfer", payload).answer({"status": "Accepted"})


def _tally(frames: list[Frame], config: ShadowConfig = DEFAULT, **globs: str) -> VendorTally:
    tally = VendorTally(config, **globs)
    for frame in frames:
        tally.feed(frame)
    tally.end()
    return tally


def _groups(*scripts: Script, **globs: str) -> list[StationsSeen]:
    return _tally([frame for script in scripts for frame in script.frames], **globs).found()


def _lines(text: str) -> list[str]:
    """The entries of a file, those in comments too."""
    return [line.removeprefix("# ") for line in text.splitlines()]


# -- counting ----------------------------------------------------------------------------------------------------


def test_keys_are_counted_by_station_and_model() -> None:
    """A key counts once a station, however often and however spelt; standard keys are not among them."""
    one = _told(_boot("CP1", "V", "M"), _key("Lamp", "5"), _key("HeartbeatInterval", "300"))
    one = _told(one, _key("LAMP", "20", readonly=True)).remote("ChangeConfiguration", {"key": "lamp", "value": "7"})
    two = _told(_boot("CP2", "V", "M"), _key("lamp", "1"))
    other = _told(_boot("CP3", "V", "N"), _key("Lamp", "9"))
    (group, last) = _groups(one, two, other)
    assert (group.vendor, group.model, group.stations, list(group.keys)) == ("V", "M", 2, ["lamp"])
    lamp = group.keys["lamp"]
    assert (lamp.name, lamp.stations, lamp.values, lamp.readonly) == ("Lamp", 2, 4, {True, False})
    assert (lamp.data_type, lamp.least, lamp.most, list(lamp.samples)) == ("integer", 1, 20, ["5", "20", "7", "1"])
    assert last.keys["lamp"].stations == 1


def test_only_settings_that_were_taken_count() -> None:
    """A ChangeConfiguration that the station refused says nothing of a key."""
    script = _boot("CP1", "V", "M").remote("ChangeConfiguration", {"key": "Lamp", "value": "7"}, "Rejected")
    assert _groups(script) == []


def test_stations_can_be_chosen_by_vendor_and_model() -> None:
    """By globs on what BootNotification said."""
    scripts = [_told(_boot(f"CP{model}", "V", model), _key("Lamp", "1")) for model in ("A1", "A2", "B1")]
    assert [one.model for one in _groups(*scripts, vendor="V", model="A*")] == ["A1", "A2"]
    assert _groups(*scripts, vendor="W") == []


def test_what_has_a_rule_is_not_suggested() -> None:
    """Keys and DataTransfers of the mapping file are counted and left out."""
    transfer = {"vendor_id": "V", "parser": "text"}
    mapping = parse({"station": [{"key": [{"key": "La*", "variable": "A/B"}], "transfer": [transfer]}]})
    script = _transfer(_told(_boot("CP1", "V", "M"), _key("Lamp", "1"), _key("Other", "1")), "x")
    tally = _tally(script.frames, ShadowConfig(vendor_mapping=mapping))
    (group,) = tally.found()
    assert (list(group.keys), group.transfers, tally.mapped) == (["other"], {}, 2)


def test_transfers_are_counted_by_direction_and_ids() -> None:
    """Plug & Charge messages are none of a vendor's; objects in place of a text are read as what they are."""
    script = _transfer(_transfer(_boot("CP1", "V", "M"), '{"a": 1}'), {"a": 2})
    script = script.command("DataTransfer", {"vendorId": "V", "messageId": "M"}).answer({"status": "Accepted"})
    script = _transfer(script, "{}", "org.openchargealliance.iso15118pnc", "Authorize")
    (group,) = _groups(script)
    assert list(group.transfers) == [("cp>cs", "V", "M"), ("cs>cp", "V", "M")]
    first = group.transfers["cp>cs", "V", "M"]
    assert (first.messages, first.parser, list(first.fields["a"].samples)) == (2, Parser.JSON, ["1", "2"])


def test_data_in_several_forms_has_no_fields() -> None:
    """What no parser reads in all its messages is a text, of one station or of several."""
    mixed = _transfer(_transfer(_boot("CP1", "V", "M"), "a=1"), '{"b": 1}')
    other = _transfer(_boot("CP2", "V", "M"), "a=1")
    for scripts in ((mixed,), (other, mixed), (other, _transfer(_boot("CP3", "V", "M"), "1,2,3"))):
        (group,) = _groups(*scripts)
        (transfer,) = group.transfers.values()
        assert (transfer.parser, transfer.fields) == (Parser.TEXT, {})


def test_what_is_kept_is_bounded() -> None:
    """Half a mapping file of entries, of one station and of all; the rest is counted."""
    many = [_key(f"Key{number}", "1") for number in range(3000)]
    tally = _tally(_told(_boot("CP1", "V", "M"), *many).frames)
    (group,) = tally.found()
    assert (len(group.keys), tally.left_out) == (2500, 500)
    scripts = [_told(_boot(f"CP{n}", "V", f"M{n}"), *many[:2000]) for n in range(2)]
    both = _tally([frame for script in scripts for frame in script.frames])
    assert (sum(len(one.keys) for one in both.found()), both.left_out) == (2500, 1500)


# -- guessing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("MaxAvailableCurrent", ["32000"], ("ChargingStation/ACCurrent", "max", "A", "0.001")),
        ("max_current", ["6", "32"], ("ChargingStation/ACCurrent", "max", "A", None)),
        ("CurrentLimit", ["0"], ("ChargingStation/ACCurrent", "max", "A", None)),
        ("MinChargingCurrent", ["6"], ("ChargingStation/ACCurrent", "min", "A", None)),
        ("Alder.MaxPower", ["22"], ("ChargingStation/Power", "max", "W", "1000")),
        ("Alder.MaxPower", ["22000"], ("ChargingStation/Power", "max", "W", None)),
        ("TimeZone", ["Europe/Vienna"], ("ClockCtrlr/TimeZone", None, None, None)),
        ("MaxCurrent", ["high"], None),
        ("MaxCurrent", [""], None),
        ("MaxCurrentThreshold", ["32"], None),
        ("Colour", ["red"], None),
    ],
)
def test_a_candidate_needs_name_and_values(
    name: str, values: list[str], expected: tuple[str, str | None, str | None, str | None] | None
) -> None:
    """The unit is guessed by the range: a current of 1000 and more is in mA, a power below 1000 in kW."""
    seen = Seen(name)
    for value in values:
        seen.add(value)
    found = candidate(name, seen)
    assert (None if found is None else (found.variable, found.limit, found.unit, found.scale)) == expected


def test_a_variable_is_suggested_once() -> None:
    """The shortest name without a number at its end has it; the others say whose it is, as comments."""
    keys = [_key(name, "32000") for name in ("MaxCurrent1", "MaxCurrentOfAll", "MaxCurrentAll")]
    text = toml(_groups(_told(_boot("CP1", "V", "M"), *keys)))
    (table,) = parse(tomllib.loads(text)).stations
    assert [one.key for one in table.keys] == ["MaxCurrentAll"]
    assert text.count("perhaps ChargingStation/ACCurrent too, as MaxCurrentAll") == 2


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("True", "boolean"),
        ("-5", "integer"),
        ("5.0", "decimal"),
        ("2030-01-01T10:00:00Z", "dateTime"),
        ("FTP,HTTP", "MemberList"),
        ("'en','Insert plug',0", "string"),
        ("x", "string"),
    ],
)
def test_a_text_looks_like_a_type(text: str, kind: str) -> None:
    """By its form alone."""
    assert data_type_of(text) == kind


def test_a_masked_value_says_nothing_of_its_type() -> None:
    """Asterisks of redaction, and empty values."""
    seen = Seen("X")
    for value in ("****", "", "masked"):
        seen.add(value)
    assert (seen.values, seen.types, seen.samples, seen.data_type) == (3, set(), {}, "string")


@pytest.mark.parametrize(
    ("data", "parser"),
    [
        ('{"a": 1}', Parser.JSON),
        ("[1]", Parser.JSON),
        ("{1,2,3},4,5", Parser.CSV),
        ("a=1&b=", Parser.QUERY),
        ("a=1", Parser.QUERY),
        ("1,2,3", Parser.CSV),
        ("Hello, world", Parser.TEXT),
        ("42", Parser.TEXT),
    ],
)
def test_the_form_of_data_tells_its_parser(data: str, parser: Parser) -> None:
    """JSON, a query string, CSV, and one value otherwise."""
    assert parser_of(data) is parser


# -- writing ----------------------------------------------------------------------------------------------------


def test_no_token_and_no_secret_is_written() -> None:
    """By the names of keys, of members at any depth and of query fields; of CSV texts no value at all."""
    script = _told(_boot("CP1", "V", "M"), _key("Alder.Password", "geheim"), _key("DefaultIdTag", "04A1B2C3"))
    script = _transfer(script, '{"login": {"password": {"old": "geheim"}}, "temp": 21}', message_id="J")
    script = _transfer(script, "idTag=04A1B2C3&temp=21", message_id="Q")
    script = _transfer(script, "1,04A1B2C3,geheim", message_id="C")
    groups = _groups(script)
    for text in (toml(groups), json.dumps(document(groups), default=lambda one: one.variable)):
        assert "geheim" not in text
        assert "04A1B2C3" not in text
        assert "password" in text
        assert "21" in text


def test_a_transfer_without_a_candidate_is_a_comment() -> None:
    """Written as an entry it would count as dealt with; one without a messageId comes last, for it fits all."""
    script = _transfer(_boot("CP1", "V", "M"), "temperature=21", message_id=None)
    script = _transfer(_transfer(script, "temperature=22"), "colour=red", message_id="N")
    (table,) = parse(tomllib.loads(toml(_groups(script)))).stations
    assert [(one.message_id, len(one.fields)) for one in table.transfers] == [("M", 1), ("*", 1)]


def test_stations_without_a_boot_come_last() -> None:
    """Their table fits every station, which is said, so that it must not stand before those of models."""
    unknown = Script("CP1").command("GetConfiguration", {}).answer({"configurationKey": [_key("TimeZone", "UTC")]})
    known = _told(_boot("CP2", "V", "M"), _key("TimeZone", "UTC"))
    text = toml(_groups(unknown, known))
    assert "fits every station" in text
    first, last = parse(tomllib.loads(text)).stations
    assert ((first.vendor, first.model), (last.vendor, last.model)) == (("V", "M"), ("*", "*"))


def test_nothing_seen_is_a_file_that_says_so() -> None:
    """An empty mapping file, with the reason."""
    text = toml(_groups(_boot("CP1", "V", "M")))
    assert "Nothing to suggest" in text
    assert len(parse(tomllib.loads(text))) == 0


_names = st.text(min_size=1, max_size=60) | st.sampled_from(
    ["MaxCurrent", "MaxCurrent[1]", "TimeZone", "Max*Current", "max{connector}current", 'a"b\\c\n[[x]]', "temperature"]
)
_values = st.text(max_size=40) | st.sampled_from(
    ["32000", "6", "true", "UTC", "temperature=21&x[1]=2", '{"": 1}', "1,2,3"]
)
_json = st.dictionaries(_names, st.lists(st.integers() | _values, max_size=2) | _values, max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(_names, _values), max_size=6),
    st.lists(st.tuples(_names, _names | st.none(), _values | _json), max_size=4),
    _names,
    _names,
)
def test_what_is_suggested_can_always_be_read(
    keys: list[tuple[str, str]], transfers: list[tuple[str, str | None, Any]], vendor: str, model: str
) -> None:
    """Whatever names and values stations send: a file that `check` accepts, whose rules fit what was seen."""
    script = _told(_boot("CP1", vendor, model), *(_key(name, value) for name, value in keys))
    for vendor_id, message_id, data in transfers:
        script = _transfer(script, data, vendor_id, message_id)
    groups = _groups(script)
    mapping = parse(tomllib.loads(toml(groups).encode("utf-8").decode()))
    assert [one for one in remarks(mapping) if "never used" in one.text] == []
    for group in groups:
        rules = [rule.key for table in mapping.stations for rule in table.keys]
        fitting = {name for name in group.keys if mapping.key(group.vendor, group.model, "CP1", name)}
        assert len(rules) == len(fitting)
    assert json.loads(json.dumps(document(groups), default=lambda one: one.variable)) is not None


@pytest.mark.parametrize("name", ["keba", "enplus22kw"])
def test_each_vendor_key_of_a_real_station_is_listed_once(name: str) -> None:
    """No key of the standard, no secret value, and a file that can be read."""
    path = DUMPS / f"{name}.json"
    if not path.is_file():
        pytest.skip("no dumps here: put the shared folder beside the checkout (../shared/config-dumps)")
    dump = json.loads(path.read_text())
    groups = _groups(_told(_boot("CP1", "Maker", name), *dump["configurationKey"]))
    text = toml(groups)
    listed = [line for line in _lines(text) if line.startswith("key = ")]
    wanted = {one["key"] for one in dump["configurationKey"] if not is_standard(find(one["key"]))}
    assert sorted(listed) == sorted(f'key = "{key}"' for key in wanted)
    for one in dump["configurationKey"]:
        value = one.get("value", "")
        if classify(one["key"]) is not Kind.PLAIN and len(value) > 6:
            assert value not in text
    assert remarks(parse(tomllib.loads(text))) == []


def test_a_keba_is_understood_in_part() -> None:
    """Its currents are in mA; its texts on the display have no variable."""
    path = DUMPS / "keba.json"
    if not path.is_file():
        pytest.skip("no dumps here: put the shared folder beside the checkout (../shared/config-dumps)")
    told = json.loads(path.read_text())["configurationKey"]
    mapping = parse(tomllib.loads(toml(_groups(_told(_boot("CP1", "Keba", "P30"), *told)))))
    rule = mapping.key("Keba", "P30", "CP1", "MaxAvailableCurrent")
    assert rule is not None
    assert (rule.variable, str(rule.scale), rule.limit) == ("ChargingStation/ACCurrent", "0.001", "max")
    assert mapping.key("Keba", "P30", "CP1", "DisplayTextCard") is None
