"""What keys, data transfers and handshakes show that 2.0.1 cannot say, lacks or would refuse."""

from typing import Any

import pytest
from msgspec.structs import replace

from demo.lived import AT_ONCE, Lived
from demo.script import Script
from diff.discrepancy import Discrepancy, Status
from ingest.frame import FrameKind, Handshake
from shadow.config import ShadowConfig
from shadow.device_model.vendor_file import parse

CORE = {
    "AuthorizeRemoteTxRequests": "true", "ClockAlignedDataInterval": "0", "ConnectionTimeOut": "60",
    "LocalAuthorizeOffline": "true", "LocalPreAuthorize": "false", "MeterValuesAlignedData": "",
    "MeterValuesSampledData": "Energy.Active.Import.Register", "MeterValueSampleInterval": "60",
    "NumberOfConnectors": "1", "ResetRetries": "1", "StopTransactionOnEVSideDisconnect": "true",
    "StopTransactionOnInvalidId": "true", "StopTxnAlignedData": "", "StopTxnSampledData": "",
    "TransactionMessageAttempts": "3", "TransactionMessageRetryInterval": "10",
    "UnlockConnectorOnEVSideDisconnect": "true",
}  # fmt: skip


def _told(script: Script, keys: dict[str, str], *, asked: list[str] | None = None) -> Script:
    listed = [{"key": key, "readonly": False, "value": value} for key, value in keys.items()]
    script.wait(10).command("GetConfiguration", {} if asked is None else {"key": asked})
    return script.answer({"configurationKey": listed})


def _rows(script: Script, code: str, config: ShadowConfig = AT_ONCE) -> list[Discrepancy]:
    lived = Lived(config).feed(script.frames)
    return [row for row in lived.discrepancies.values() if row.code == code and row.status is Status.OPEN]


def _values(rows: list[Discrepancy]) -> list[tuple[str, str | None, str | None]]:
    return sorted((row.path, row.primary, row.shadow) for row in rows)


def test_a_station_that_tells_all_that_1_6_requires_lacks_nothing() -> None:
    """Nor has it a flaw, a secret, or a key without a place."""
    lived = Lived().feed(_told(Script().boot(), CORE).frames)

    assert {code for code in lived.codes() if code.startswith(("device.", "security.", "vendor."))} == set()


@pytest.mark.parametrize(
    ("code", "more", "count", "name"),
    [
        ("device.unmapped-key", {"AlderLight": "on", "AlderFan": "2"}, "2 of 19 keys", "AlderFan, AlderLight"),
        ("device.no-equivalent", {"BlinkRepeat": "3"}, "1 of 18 keys", "BlinkRepeat"),
        ("device.lossy-key", {"GetConfigurationMaxKeys": "50"}, None, "GetConfigurationMaxKeys"),
    ],
)
def test_keys_of_one_fate_are_one_row(code: str, more: dict[str, str], count: str | None, name: str) -> None:
    """With how many they are of how many, and their names."""
    (row,) = _rows(_told(Script().boot(), {**CORE, **more}), code)

    assert row.path == "GetConfiguration.conf.configurationKey"
    assert count is None or row.primary == count
    assert name in row.detail


def test_keys_that_are_gone_take_their_row_with_them() -> None:
    """The next whole answer, of another firmware, has none of them."""
    script = _told(Script().boot(), {**CORE, "AlderLight": "on"})

    assert len(_rows(script, "device.unmapped-key")) == 1
    assert _rows(_told(script, CORE), "device.unmapped-key") == []


def test_a_key_that_the_mapping_file_names_is_mapped() -> None:
    """The file takes it off the list."""
    text = {"station": [{"vendor": "*", "key": [{"key": "AlderLight", "variable": "AlderCtrlr/Enabled"}]}]}
    config = replace(AT_ONCE, vendor_mapping=parse(text))

    assert _rows(_told(Script().boot(), {**CORE, "AlderLight": "true"}), "device.unmapped-key", config) == []


def test_what_both_versions_require_and_is_not_told_is_missing() -> None:
    """Named when the station told all of its keys; withdrawn when it comes, in whatever answer."""
    lacking = {name: value for name, value in CORE.items() if name not in ("ResetRetries", "ConnectionTimeOut")}
    script = _told(Script().boot(), lacking)

    assert _values(_rows(script, "device.missing-variable")) == [
        ("OCPPCommCtrlr/ResetRetries", None, "key ResetRetries"),
        ("TxCtrlr/EVConnectionTimeOut", None, "key ConnectionTimeOut"),
    ]
    asked = _told(script, {"ResetRetries": "2"}, asked=["ResetRetries"])
    assert [row.path for row in _rows(asked, "device.missing-variable")] == ["TxCtrlr/EVConnectionTimeOut"]
    assert _rows(_told(asked, CORE), "device.missing-variable") == []


def test_features_are_asked_for_their_own_keys() -> None:
    """Only where the station says that it has them."""
    with_charging = {**CORE, "SupportedFeatureProfiles": "Core,SmartCharging"}

    assert sorted(row.path for row in _rows(_told(Script().boot(), with_charging), "device.missing-variable")) == [
        "SmartChargingCtrlr/Entries[ChargingProfiles]",
        "SmartChargingCtrlr/PeriodsPerSchedule",
        "SmartChargingCtrlr/ProfileStackLevel",
        "SmartChargingCtrlr/RateUnit",
    ]


def test_an_answer_to_some_keys_misses_none() -> None:
    """Nobody asked for the others."""
    asked = _told(Script().boot(), {"ResetRetries": "2"}, asked=["ResetRetries"])

    assert _rows(asked, "device.missing-variable") == []


@pytest.mark.parametrize(
    ("key", "value", "names"),
    [
        ("ResetRetries", "often", "integer"),
        ("LocalPreAuthorize", "yes", "true"),
        ("HeartbeatInterval", "0", "minLimit"),
    ],
)
def test_a_value_that_2_0_1_refuses_is_named(key: str, value: str, names: str) -> None:
    """Where it is told and where it is set; with the rule that it breaks."""
    read = _rows(_told(Script().boot(), {**CORE, key: value}), "device.invalid-value")
    written = _rows(Script().boot().remote("ChangeConfiguration", {"key": key, "value": value}), "device.invalid-value")

    assert [(row.path, row.primary) for row in read] == [(f"GetConfiguration.conf.configurationKey:{key}", value)]
    assert [(row.path, row.primary) for row in written] == [(f"ChangeConfiguration:{key}", value)]
    assert names in read[0].detail


def test_a_write_that_2_0_1_refuses_is_named() -> None:
    """SecurityProfile is part of a network profile there; a write that the station refused is none."""
    request = {"key": "SecurityProfile", "value": "2"}

    taken = _rows(Script().boot().remote("ChangeConfiguration", request), "device.readonly")

    assert _values(taken) == [("ChangeConfiguration:SecurityProfile", "2", "SetNetworkProfile (B09)")]
    assert _rows(Script().boot().remote("ChangeConfiguration", request, "Rejected"), "device.readonly") == []


def test_a_secret_that_is_told_is_exposed_and_not_repeated() -> None:
    """Its key is named, its value stands nowhere; one that is empty exposes nothing."""
    lived = Lived().feed(_told(Script().boot(), {**CORE, "AuthorizationKey": "*****", "GsmSimPin": ""}).frames)
    rows = [row for row in lived.discrepancies.values() if row.code == "security.secret-exposed"]

    assert _values(rows) == [("GetConfiguration.conf.configurationKey:AuthorizationKey", None, "WriteOnly")]


def test_the_same_answer_again_says_nothing_new() -> None:
    """A station that is asked every day has its rows once."""
    keys = {**CORE, "AuthorizationKey": "*****", "ResetRetries": "often", "AlderLight": "on"}
    once, twice = _told(Script().boot(), keys), _told(_told(Script().boot(), keys), keys)

    assert [row.occurrences for row in Lived().feed(twice.frames).discrepancies.values()] == [
        row.occurrences for row in Lived().feed(once.frames).discrepancies.values()
    ]


def _transfer(script: Script, vendor: str, message: str) -> Script:
    return script.call("DataTransfer", {"vendorId": vendor, "messageId": message, "data": "a;b"}).answer(
        {"status": "Accepted"}
    )


def test_a_proprietary_data_transfer_is_named_once_for_each_kind() -> None:
    """However often it comes; with the variables that the mapping file gives it."""
    script = _transfer(
        _transfer(_transfer(Script().boot(), "com.alder", "Load"), "com.alder", "Load"), "com.alder", "X"
    )
    field = {"column": 1, "variable": "AlderCtrlr/Count"}
    transfer = {"vendor_id": "com.alder", "message_id": "Load", "parser": "csv", "field": [field]}
    config = replace(AT_ONCE, vendor_mapping=parse({"station": [{"transfer": [transfer]}]}))

    assert [(row.path, row.occurrences) for row in _rows(script, "vendor.data-transfer")] == [
        ("DataTransfer:cp>cs com.alder/Load", 1),
        ("DataTransfer:cp>cs com.alder/X", 1),
    ]
    assert _values(_rows(script, "vendor.data-transfer", config)) == [
        ("DataTransfer:cp>cs com.alder/Load", "com.alder/Load", "AlderCtrlr/Count"),
        ("DataTransfer:cp>cs com.alder/X", "com.alder/X", None),
    ]


def _opened(*shakes: dict[str, Any]) -> Script:
    script = Script(connected=False)
    for shake in shakes:
        told = Handshake(path="/CP1", subprotocol="ocpp1.6", status=101, **shake)
        script.open()
        script.frames[-1] = replace(script.frames[-1], handshake=told)
        script.wait(60).close().wait(60)
    return script


PLAIN: dict[str, Any] = {}
BASIC = {"basic_auth": True}
SECURED = {"basic_auth": True, "tls_version": "TLSv1.3"}
CERTIFIED = {"tls_version": "TLSv1.2", "client_certificate_subject": "CN=CP1"}


@pytest.mark.parametrize(
    ("shake", "aimed", "found"),
    [
        (PLAIN, 0, None), (PLAIN, 1, "none"), (BASIC, 1, None), (BASIC, 2, "1"), (SECURED, 2, None),
        (SECURED, 3, "2"), (CERTIFIED, 3, None),
    ],
)  # fmt: skip
def test_a_handshake_below_the_profile_aimed_at_is_named(shake: dict[str, Any], aimed: int, found: str | None) -> None:
    """Where none is aimed at, none is judged."""
    rows = _rows(_opened(shake), "security.profile", replace(AT_ONCE, security_profile=aimed))

    assert [row.primary for row in rows] == ([] if found is None else [found])


def test_a_station_that_was_moved_up_is_below_no_longer() -> None:
    """The row is withdrawn with the handshake that shows it; the same handshake again is no news."""
    config = replace(AT_ONCE, security_profile=2)

    assert [row.occurrences for row in _rows(_opened(BASIC, BASIC), "security.profile", config)] == [1]
    assert _rows(_opened(BASIC, SECURED), "security.profile", config) == []


def test_behind_a_terminator_nothing_is_said_of_tls() -> None:
    """The tap cannot see it; a password still tells profile 2."""
    config = replace(AT_ONCE, security_profile=3, tls_before_tap=True)

    assert [row.primary for row in _rows(_opened(BASIC), "security.profile", config)] == ["2"]
    assert _rows(_opened(PLAIN), "security.profile", config) == []


@pytest.mark.parametrize(("version", "old"), [("TLSv1", True), ("TLSv1.1", True), ("SSLv3", True), ("TLSv1.2", False)])
def test_a_tls_older_than_1_2_is_named(version: str, old: bool) -> None:  # noqa: FBT001
    """Whatever profile is aimed at (A00.FR.313)."""
    rows = _rows(_opened({"basic_auth": True, "tls_version": version}), "security.tls")

    assert [row.primary for row in rows] == ([version] if old else [])


def test_a_log_of_others_shows_no_handshake() -> None:
    """Without a path nothing of it was seen, and nothing is judged."""
    script = Script(connected=False).open()
    script.frames[-1] = replace(script.frames[-1], handshake=Handshake(subprotocol="ocpp1.6"))

    assert script.frames[-1].kind is FrameKind.OPENED
    assert _rows(script, "security.profile", replace(AT_ONCE, security_profile=3)) == []
