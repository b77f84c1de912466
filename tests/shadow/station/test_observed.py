"""Facts of boots, handshakes, statuses, profiles, local lists, certificates and data transfers."""

from typing import Any

import pytest
from msgspec.structs import replace

from demo.lived import Lived
from demo.native import NativeScript
from demo.script import Script
from ingest.frame import Frame, FrameKind, Handshake
from shadow.device_model.fact import LONGEST_NAME, LONGEST_VALUE, Source
from shadow.mapping.plug_and_charge import VENDOR
from shadow.station.state import MAX_CONNECTORS

WHOLE = {
    "chargePointSerialNumber": "S1", "chargeBoxSerialNumber": "S2", "firmwareVersion": "1.2", "iccid": "8949",
    "imsi": "", "meterType": "EHZ", "meterSerialNumber": "M1",
}  # fmt: skip


def _told(script: Script, source: Source) -> list[tuple[int | None, str, str | None]]:
    return Lived().feed(script.frames).told(source)


def test_each_field_of_a_boot_is_a_fact() -> None:
    """All nine of 1.6, the empty one too; an older one than the vendor did not stand in the latest boot."""
    lived = Lived().feed(Script().boot(**WHOLE).boot().frames)
    first, second = lived.told(Source.BOOT)[:9], lived.told(Source.BOOT)[9:]
    expected = {"chargePointVendor": "Alder", "chargePointModel": "Curb 11", **WHOLE}
    assert {name: value for _, name, value in first} == expected
    assert [name for _, name, _ in second] == ["chargePointVendor", "chargePointModel"]
    assert lived.told(Source.BOOT_ANSWER)[:2] == [(None, "interval", "300"), (None, "status", "Accepted")]


def _opened(handshake: Handshake) -> list[tuple[int | None, str, str | None]]:
    return Lived().feed([Frame("CP1", "c", 0, 5, FrameKind.OPENED, handshake=handshake)]).told(Source.HANDSHAKE)


@pytest.mark.parametrize("spoken", ["ocpp1.6", "ocpp2.0.1"])
def test_a_handshake_is_one_fact_a_name(spoken: str) -> None:
    """In both versions; what was not there gives none."""
    shake = Handshake("/CP1", spoken, ("ocpp2.0.1", "ocpp1.6"), 101, basic_auth=True, tls_version="TLSv1.3")
    told = [("subprotocol", spoken), ("offered", "ocpp2.0.1,ocpp1.6"), ("tls_version", "TLSv1.3")]
    told += [("basic_auth", "true"), ("compression", "false")]
    assert _opened(shake) == [(None, name, value) for name, value in told]


def test_a_log_of_others_tells_the_subprotocol_only() -> None:
    """That no password was sent does not follow from what such a log leaves out."""
    assert _opened(Handshake(subprotocol="ocpp1.6", status=101)) == [(None, "subprotocol", "ocpp1.6")]


@pytest.mark.parametrize("shake", [Handshake("/CP1", "ocpp1.6", status=401), Handshake("/CP1", "ocpp1.5", status=101)])
def test_a_connection_that_is_not_lived_tells_nothing(shake: Handshake) -> None:
    """Refused by the CSMS, or in another language."""
    assert _opened(shake) == []


def test_a_status_is_told_where_it_changes() -> None:
    """Or its errorCode does; the station as a whole is connector 0."""
    script = Script().boot().status(1, "Available").status(1, "Available").status(0, "Available")
    script.status(1, "Faulted", errorCode="GroundFailure").status(1, "Faulted", errorCode="OtherError")
    facts = [one for one in Lived().feed(script.frames).facts if one.source is Source.STATUS]
    assert [(one.connector_id, one.value, one.detail) for one in facts] == [
        (1, "Available", {}),
        (0, "Available", {}),
        (1, "Faulted", {"error_code": "GroundFailure"}),
        (1, "Faulted", {"error_code": "OtherError"}),
    ]


def test_a_status_that_comes_late_is_not_the_latest() -> None:
    """By the tap's clock: one from before what was told tells nothing, and what follows is told against the latest."""
    frames = Script().boot().status(1, "Available").status(1, "Charging").frames
    late = [replace(frame, connection_id="CP1@9", seq=number) for number, frame in enumerate(frames[3:5])]
    more = Script().boot().status(1, "Charging").status(1, "Charging").status(1, "Charging").frames[7:]
    lived = Lived().feed([*frames[:3], *frames[5:], *late, *(replace(one, connection_id="CP1@8") for one in more)])
    assert lived.told(Source.STATUS) == [(1, "status", "Charging")]


def test_connectors_without_end_are_not_remembered() -> None:
    """As many as a station can have; the rest is named as unknown connectors."""
    script = Script().boot()
    for number in (*range(1, 80), 2**31, -1):
        script.status(number, "Available")
    lived = Lived().feed(script.frames)
    assert len(lived.told(Source.STATUS)) <= MAX_CONNECTORS
    assert "topology.unknown-connector" in lived.codes()


def _profile(number: int) -> dict[str, Any]:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]}
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": number, "stackLevel": number, "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative", "chargingSchedule": schedule,
        },
    }  # fmt: skip


def test_the_number_of_profiles_is_told_where_it_changes() -> None:
    """Installed, replaced, refused, cleared."""
    script = Script().boot().remote("SetChargingProfile", _profile(1)).remote("SetChargingProfile", _profile(2))
    script.remote("SetChargingProfile", _profile(2)).remote("SetChargingProfile", _profile(3), "Rejected")
    script.remote("ClearChargingProfile", {"id": 1})
    assert [value for *_, value in _told(script, Source.PROFILE)] == ["1", "2", "1"]


def test_a_local_list_tells_its_version_and_a_full_one_its_length() -> None:
    """Sent and accepted, or asked for."""
    script = Script().boot()
    entries = [{"idTag": "AA"}, {"idTag": "AB"}]
    full = {"listVersion": 4, "updateType": "Full", "localAuthorizationList": entries}
    script.remote("SendLocalList", full).remote("SendLocalList", {**full, "listVersion": 5}, "Failed")
    script.remote("SendLocalList", {"listVersion": 6, "updateType": "Differential"})
    script.command("GetLocalListVersion", {}).answer({"listVersion": 7})
    assert [(name, value) for _, name, value in _told(script, Source.LOCAL_LIST)] == [
        ("version", "4"), ("entries", "2"), ("version", "6"), ("version", "7"),
    ]  # fmt: skip


def test_certificates_of_both_types_are_counted_together() -> None:
    """Each type is asked for on its own; its newest answer counts."""
    one = {"hashAlgorithm": "SHA256", "issuerNameHash": "0a", "issuerKeyHash": "0b", "serialNumber": "1F"}
    script = Script().boot()
    for kind, count in (("CentralSystemRootCertificate", 2), ("ManufacturerRootCertificate", 1)):
        script.command("GetInstalledCertificateIds", {"certificateType": kind})
        script.answer({"status": "Accepted", "certificateHashData": [one] * count})
    script.command("GetInstalledCertificateIds", {"certificateType": "CentralSystemRootCertificate"})
    script.answer({"status": "NotFound"})
    facts = [one for one in Lived().feed(script.frames).facts if one.source is Source.CERTIFICATE]
    assert [one.value for one in facts] == ["2", "3", "1"]
    assert facts[-1].detail == {"CentralSystemRootCertificate": "0", "ManufacturerRootCertificate": "1"}


def test_a_data_transfer_is_told_with_its_answer() -> None:
    """Both directions, any data, a refusal too."""
    script = Script().boot().call("DataTransfer", {"vendorId": "V", "messageId": "Temp", "data": "21"})
    script.answer({"status": "Accepted"}).remote("DataTransfer", {"vendorId": "W", "data": {"a": 1.50}}, "Rejected")
    script.call("DataTransfer", {"vendorId": "V"}).refuse("NotSupported")
    facts = [one for one in Lived().feed(script.frames).facts if one.source is Source.TRANSFER]
    assert [(one.name, one.value, one.detail["status"]) for one in facts] == [
        ("cp>cs V/Temp", "21", "Accepted"),
        ("cs>cp W", '{"a":1.5}', "Rejected"),
        ("cp>cs V", None, "NotSupported"),
    ]


def test_what_is_plug_and_charge_is_no_data_transfer() -> None:
    """It is said as the message inside."""
    payload = {"vendorId": VENDOR, "messageId": "GetCertificateStatus"}
    hashed = {"hashAlgorithm": "SHA256", "issuerNameHash": "0a", "issuerKeyHash": "0b", "serialNumber": "1F"}
    data = {"ocspRequestData": {**hashed, "responderURL": "https://ocsp.example"}}
    script = Script().boot().call("DataTransfer", {**payload, "data": str(data).replace("'", '"')})
    lived = Lived().feed(script.answer({"status": "Accepted", "data": '{"status":"Accepted"}'}).frames)
    assert lived.actions[-1] == "GetCertificateStatus"
    assert lived.told(Source.TRANSFER) == []


def test_names_without_end_are_one_name() -> None:
    """The 65th name of a data transfer and all behind it."""
    script = Script().boot()
    for number in range(70):
        script.call("DataTransfer", {"vendorId": "V", "messageId": str(number)}).answer({"status": "Accepted"})
    names = [name for _, name, _ in _told(script, Source.TRANSFER)]
    assert names[:2] + names[63:65] == ["cp>cs V/0", "cp>cs V/1", "cp>cs V/63", "cp>cs …/…"]
    assert len(set(names)) == 65


def test_names_and_values_are_cut() -> None:
    """Whatever a station sends."""
    script = Script().boot().call("DataTransfer", {"vendorId": "V" * 900, "messageId": "M" * 900, "data": "x" * 9000})
    ((_, name, value),) = _told(script.answer({"status": "Accepted"}), Source.TRANSFER)
    assert (len(name), len(value or "")) == (LONGEST_NAME, LONGEST_VALUE)


def test_a_native_boot_has_the_names_of_1_6() -> None:
    """And its answer has too."""
    lived = Lived().feed(NativeScript().boot(serialNumber="S1", modem={"iccid": "89", "imsi": "26"}).frames)
    assert {name: value for _, name, value in lived.told(Source.BOOT)} == {
        "chargePointVendor": "Alder", "chargePointModel": "Curb 21", "chargePointSerialNumber": "S1",
        "firmwareVersion": "2.0", "iccid": "89", "imsi": "26",
    }  # fmt: skip
    assert lived.told(Source.BOOT_ANSWER) == [(None, "interval", "300"), (None, "status", "Accepted")]
