"""Settings: where each value comes from, and what is said of one that cannot be used."""

from decimal import Decimal
from pathlib import Path

import pytest

from app.pages.settings import page
from app.setting_files import SettingsError
from app.setting_sources import load, origins
from app.settings import Settings
from ingest.redaction import Redactor
from shadow.config import DEFAULT, SECOND
from shadow.topology import Place

PAGE = Path(__file__).resolve().parents[2] / "docs/settings.md"


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file and no environment of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", *(name.upper() for name in Settings.model_fields)):
        monkeypatch.delenv(f"SHADOW_{name}", raising=False)


def _file(text: str) -> Path:
    path = Path("shadow-csms.toml")
    path.write_text(text)
    return path


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each source covers the ones behind it, and `origins` names the one that won."""
    assert (load().listen_port, origins()["listen_port"]) == (9310, "default")
    _file("listen_port = 1111\n")
    assert (load().listen_port, origins()["listen_port"]) == (1111, "shadow-csms.toml")
    monkeypatch.setenv("SHADOW_LISTEN_PORT", "2222")
    assert (load().listen_port, origins()["listen_port"]) == (2222, "SHADOW_LISTEN_PORT")
    assert load(listen_port=3333).listen_port == 3333
    assert origins(listen_port=3333)["listen_port"] == "flag"
    assert load(listen_port=None).listen_port == 2222


def test_shadow_config_names_another_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file that SHADOW_CONFIG names is read in place of the one in the working directory."""
    _file("listen_port = 1111\n")
    other = tmp_path / "other.toml"
    other.write_text("currency = 'SEK'\n")
    monkeypatch.setenv("SHADOW_CONFIG", str(other))

    assert (load().currency, load().listen_port) == ("SEK", 9310)
    assert origins()["currency"] == str(other)


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty SHADOW_ENROLMENT_FILE, as compose files give it, does not name the working directory."""
    monkeypatch.setenv("SHADOW_ENROLMENT_FILE", "")

    assert load().enrolment_file is None
    assert origins()["enrolment_file"] == "default"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listen_porrt = 1\n", "listen_porrt (in shadow-csms.toml): there is no such setting"),
        ("[tap]\nlisten_port = 1\n", "tap (in shadow-csms.toml): there is no such setting"),
        ("listen_port = 70000\n", "listen_port (from shadow-csms.toml): Input should be less than or equal to 65535"),
        ("listen_port = 'x'\n", "listen_port (from shadow-csms.toml): Input should be a valid integer"),
        ("settle_missing_seconds = 0\n", "settle_missing_seconds (from shadow-csms.toml): Input should be greater"),
        ("tick_seconds = nan\n", "tick_seconds (from shadow-csms.toml): "),
        ("listen_port =\n", "shadow-csms.toml: no TOML: Invalid value (at line 1, column 14)"),
        ("store_url = 'http://x'\n", "store_url (from shadow-csms.toml): the store's URL must read clickhouse://"),
        ("tx_start_points = 'ParkingBayOccupancy'\n", "tx_start_points = ParkingBayOccupancy: 1.6 says"),
        ("tx_stop_points = ''\n", "tx_stop_points = none: choose from "),
        ("id_token_type = 'RFID'\n", "id_token_type = RFID: choose from "),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(text: str, said: str) -> None:
    """The setting, where its value stands, and the rule that it breaks."""
    _file(text)

    with pytest.raises(SettingsError) as caught:
        load()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_setting_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mistakes in two sources are told together."""
    _file("currency = ''\n")
    monkeypatch.setenv("SHADOW_TICK_SECONDS", "soon")

    with pytest.raises(SettingsError, match=r"tick_seconds \(from SHADOW_TICK_SECONDS\).*; currency \(from shadow-csm"):
        load()


def test_a_bad_address_of_the_store_does_not_print_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message about a value does not repeat it."""
    monkeypatch.setenv("SHADOW_STORE_URL", "clickhouse://user:topsecret@host/no-such-name")

    with pytest.raises(SettingsError) as caught:
        load()
    assert "no-such-name" in str(caught.value)
    assert "topsecret" not in str(caught.value)


def test_a_file_that_is_no_text_is_named() -> None:
    """Binary junk in place of the settings file gives the place of the first bad byte."""
    Path("shadow-csms.toml").write_bytes(b"a = 1\n\xff\xfe")

    with pytest.raises(SettingsError, match=r"^shadow-csms\.toml: no TOML: byte 6 is not UTF-8; correct the file$"):
        load()


def test_a_named_file_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A settings file that was asked for is not silently left out."""
    monkeypatch.setenv("SHADOW_CONFIG", "nowhere.toml")

    with pytest.raises(SettingsError, match=r"^nowhere\.toml: no such settings file; name another with --config"):
        load()


def test_the_topology_file_is_read_for_the_shadow() -> None:
    """Two connectors of one EVSE for the stations that the glob fits, 1:1 for every other one."""
    Path("evses.toml").write_text('[[station]]\ncharger = "DUO-*"\nconnectors = { 1 = [1, 1], 2 = [1, 2] }\n')
    _file("topology_file = 'evses.toml'\nautocharge = true\n")

    config = load().shadow_config()
    assert config.topology.place("DUO-7", "", "", 2) == Place(1, 2)
    assert config.topology.place("UNO-7", "", "", 2) == Place(2, 1)
    assert config.autocharge


def test_the_token_file_is_read_for_the_shadow_with_pseudonyms_where_there_is_a_key() -> None:
    """Without a key the tokens stand as they are; with one also as the tap writes them."""
    Path("tokens.toml").write_text('[[token]]\nid = "04A1B2C3"\nstatus = "Blocked"\nexpires = 2027-01-01T00:00:00Z\n')
    _file("token_file = 'tokens.toml'\ndata_dir = '.'\n")
    assert set(load().shadow_config().tokens.tokens) == {"04a1b2c3"}

    redactor = Redactor.from_key_file("redaction-key.json")
    tokens = load().shadow_config().tokens.tokens
    assert set(tokens) == {"04a1b2c3", redactor.pseudonym("04A1B2C3").lower()}
    assert {token.status for token in tokens.values()} == {"Blocked"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"^token_file tokens\.toml: cannot be read: No such file or directory$"),
        ("[[token]", r"^token_file tokens\.toml: no TOML: .*line 1"),
        (
            "[[token]]\nid = 'A'\nstatus = 'Ok'\n",
            r"^token_file tokens\.toml: \[\[token\]\] number 1: status .*see docs/tokens",
        ),
    ],
)
def test_a_token_file_that_cannot_be_used_is_named(text: str | None, message: str) -> None:
    """The message says which file, which table and which rule."""
    if text is not None:
        Path("tokens.toml").write_text(text)

    with pytest.raises(SettingsError, match=message):
        load(token_file=Path("tokens.toml"))


def test_a_token_file_beside_a_broken_key_is_no_token_file_without_one() -> None:
    """A key that cannot be read is an error: without it no mirrored token would be recognised."""
    Path("tokens.toml").write_text('[[token]]\nid = "A"\n')
    Path("redaction-key.json").write_text("{}")
    with pytest.raises(SettingsError, match=r"^token_file tokens\.toml: redaction-key\.json"):
        load(token_file=Path("tokens.toml"), data_dir=Path())


def test_the_settings_leave_the_shadow_as_it_is_by_default() -> None:
    """No default of a setting differs from the one that the pure core has."""
    assert load().shadow_config() == DEFAULT


def test_the_reorder_horizon_may_be_none() -> None:
    """0 says each TransactionEvent at once; a horizon beyond an hour is refused."""
    assert load(reorder_horizon_seconds=0).shadow_config().reorder_horizon == 0
    with pytest.raises(SettingsError, match=r"reorder_horizon_seconds \(from flag\): .* 3600"):
        load(reorder_horizon_seconds=3601)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"^topology_file evses\.toml: cannot be read: No such file or directory$"),
        ("[[station]", r"^topology_file evses\.toml: no TOML: .*line 1"),
        ("[stations]\n", r"has an entry 'stations'; it holds \[\[station\]\] tables and nothing else; see docs"),
        ("[station]\n", r"station must be a list of tables: write \[\[station\]\]"),
        ("[[station]]\nconnectors = { 1 = [1, 0] }\n", r"\[\[station\]\] number 1: connector 1 = \[1, 0\]: .* from 1"),
        ("[[station]]\nconnectors = { a = [1, 1] }\n", r"\[\[station\]\] number 1: Expected `int`"),
        (
            "[[station]]\nconnectors = { 1 = [1, 1] }\n[[station]]\nconnectors = { 1 = [1, 1], 2 = [1, 1] }\n",
            r"\[\[station\]\] number 2: EVSE 1, connector 1 stands for two connectors of 1\.6",
        ),
        ("[[station]]\nglob = 'X'\nconnectors = { 1 = [1, 1] }\n", r"number 1: Object contains unknown field `glob`"),
    ],
)
def test_a_topology_that_cannot_be_used_is_named(text: str | None, message: str) -> None:
    """The message says which file, which table and which rule."""
    if text is not None:
        Path("evses.toml").write_text(text)

    with pytest.raises(SettingsError, match=message):
        load(topology_file=Path("evses.toml"))


def test_the_vendor_mapping_file_is_read_for_the_shadow() -> None:
    """Its rules are part of what the shadow believes."""
    Path("keys.toml").write_text('[[station]]\n[[station.key]]\nkey = "X"\nvariable = "A/B"\n')

    mapping = load(vendor_mapping_file=Path("keys.toml")).shadow_config().vendor_mapping
    rule = mapping.key("V", "M", "CP1", "x")
    assert rule is not None
    assert rule.variable == "A/B"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"^vendor_mapping_file keys\.toml: cannot be read: No such file or directory$"),
        ("[[station]", r"^vendor_mapping_file keys\.toml: no TOML: .*line 1"),
        (
            "[[station]]\n[[station.key]]\nkey = 'X'\n",
            r"^vendor_mapping_file keys\.toml: \[\[station\]\] number 1, .* names no variable: .* see docs/vendor",
        ),
    ],
)
def test_a_vendor_mapping_that_cannot_be_used_is_named(text: str | None, message: str) -> None:
    """The message says which file, which table and what to write."""
    if text is not None:
        Path("keys.toml").write_text(text)

    with pytest.raises(SettingsError, match=message):
        load(vendor_mapping_file=Path("keys.toml"))


@pytest.mark.parametrize("password", ["secret", "se:cret", "p@secret"])
def test_passwords_are_masked(password: str) -> None:
    """Shown values keep user and host of an address, and nothing of the password."""
    shown = load(store_url=f"clickhouse://reader:{password}@db:9000/shadow").shown()

    assert shown["store_url"] == "clickhouse://reader:***@db:9000/shadow"


def test_settings_reach_the_shadow_and_the_policy() -> None:
    """Every duration is turned into microseconds once, and every choice arrives where it decides."""
    settings = load(
        tx_start_points=" PowerPathClosed , EnergyTransfer ",
        tx_stop_points="EVConnected",
        id_token_type="ISO14443",
        connection_timeout_seconds=11,
        slow_answer_seconds=12,
        unanswered_seconds=13,
        skew_seconds=14,
        energy_tolerance_wh="2.5",
        settle_missing_seconds=15,
        settle_reboot_seconds=16,
        settle_silence_seconds=17,
    )
    shadow, policy = settings.shadow_config(), settings.policy()

    assert shadow.tx_start_points == {"PowerPathClosed", "EnergyTransfer"}
    assert (shadow.tx_stop_points, shadow.id_token_type) == ({"EVConnected"}, "ISO14443")
    durations = (shadow.connection_timeout, shadow.slow_answer, shadow.unanswered_after, shadow.skew_limit)
    assert durations == (11 * SECOND, 12 * SECOND, 13 * SECOND, 14 * SECOND)
    assert policy.energy.absolute == Decimal("2.5")
    assert (policy.settle_missing, policy.settle_reboot, policy.settle_silence) == (
        15 * SECOND,
        16 * SECOND,
        17 * SECOND,
    )


def test_the_page_of_settings_is_the_one_the_settings_give() -> None:
    """docs/settings.md is what `python -m app.pages.settings` writes now, with a meaning for each setting."""
    assert PAGE.read_text(encoding="utf-8") == page()
    for name, field in Settings.model_fields.items():
        assert field.description
        assert f"| `{name}` |" in page()
