"""BootNotification and Heartbeat: the reason that 1.6 does not give, and the order in which things may be said."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script


def _reasons(script: Script) -> list[str]:
    return [one["reason"] for one in Lived().feed(script.frames).requests("BootNotification")]


def test_fields_move_into_charging_station() -> None:
    """Vendor, model, serial, firmware and modem; meter fields have no place in the message and are counted."""
    script = Script().boot(
        chargePointSerialNumber="SN1",
        firmwareVersion="1.2",
        iccid="89",
        imsi="26",
        meterType="M",
        meterSerialNumber="7",
    )
    lived = Lived().feed(script.frames)
    assert lived.losses() == {
        ("message.field-lost", "BootNotification.meterType"),
        ("message.field-lost", "BootNotification.meterSerialNumber"),
    }
    assert lived.requests("BootNotification")[0]["chargingStation"] == {
        "vendorName": "Alder",
        "model": "Curb 11",
        "serialNumber": "SN1",
        "firmwareVersion": "1.2",
        "modem": {"iccid": "89", "imsi": "26"},
    }
    assert {"BootNotification.meterType", "BootNotification.meterSerialNumber"} <= set(lived.unmapped)


def test_the_box_serial_number_serves_where_the_other_is_missing() -> None:
    """1.6 deprecates chargeBoxSerialNumber; 2.0.1 has one serial number."""
    lived = Lived().feed(Script().boot(chargeBoxSerialNumber="BOX1").frames)
    assert lived.requests("BootNotification")[0]["chargingStation"]["serialNumber"] == "BOX1"


def test_a_boot_is_a_power_up_unless_something_else_is_seen() -> None:
    """BootReasonEnumType: without a cause PowerUp."""
    assert _reasons(Script().boot()) == ["PowerUp"]


@pytest.mark.parametrize(("own", "named"), [("SN1", True), ("BOX1", False)])
def test_a_second_serial_number_is_lost(own: str, *, named: bool) -> None:
    """2.0.1 has one; the same text twice loses nothing."""
    script = Script().boot(chargeBoxSerialNumber="BOX1", chargePointSerialNumber=own)
    lived = Lived().feed(script.frames)
    assert lived.requests("BootNotification")[0]["chargingStation"]["serialNumber"] == own
    lost = [(row.path, row.primary) for row in lived.rows("message.field-lost")]
    assert lost == ([("BootNotification.chargeBoxSerialNumber", "BOX1")] if named else [])


def test_empty_texts_say_nothing_and_an_empty_vendor_is_said() -> None:
    """Stations send "" for what they have not: vendor and model are required, the rest is left out."""
    empty = dict.fromkeys(("chargePointSerialNumber", "firmwareVersion", "iccid", "imsi", "meterType"), "")
    payload = {"chargePointVendor": "", "chargePointModel": "M", **empty}
    lived = Lived().feed(Script().call("BootNotification", payload).frames)
    assert lived.requests("BootNotification")[0]["chargingStation"] == {"vendorName": "", "model": "M"}
    assert lived.losses() == set()


# -- the reason that 1.6 does not give --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Installing", "InstallRebooting", "Installed"])
def test_a_boot_after_an_installation_is_a_firmware_update(status: str) -> None:
    """Either form of the notification explains one boot; ten minutes later it explains none."""
    action = "SignedFirmwareStatusNotification" if status == "InstallRebooting" else "FirmwareStatusNotification"
    for wait, reason in ((60, "FirmwareUpdate"), (700, "PowerUp")):
        script = Script().boot().call(action, {"status": status}).answer({}).wait(wait).close().open().boot()
        assert _reasons(script.close().open().boot()) == ["PowerUp", reason, "PowerUp"]


def test_another_firmware_version_is_a_firmware_update() -> None:
    """Nothing was said of an installation, and the version is another one all the same."""
    script = Script().boot(firmwareVersion="1.0").close().open().boot(firmwareVersion="1.1").close().open()
    assert _reasons(script.boot(firmwareVersion="1.1")) == ["PowerUp", "FirmwareUpdate", "PowerUp"]


def test_a_boot_that_was_not_accepted_is_told_again_with_its_reason() -> None:
    """Pending: the station says the same after the interval (1.6 §4.2, B02)."""
    script = Script().boot().remote("Reset", {"type": "Hard"}).close().open()
    script.boot("Pending").wait(60).boot("Rejected").wait(60).boot()
    assert _reasons(script) == ["PowerUp", "RemoteReset", "RemoteReset", "RemoteReset"]


def test_a_second_boot_on_one_connection_has_no_known_reason() -> None:
    """Who restarts loses its connection: nothing powered up here."""
    assert _reasons(Script().boot().wait(600).boot()) == ["PowerUp", "Unknown"]


@pytest.mark.parametrize("kind", ["Hard", "Soft"])
def test_a_boot_after_a_reset_is_remote_reset_tc_b_20(kind: str) -> None:
    """A Reset that was accepted explains one boot, and only the next one."""
    script = Script().boot().remote("Reset", {"type": kind}).close().open().boot().close().open().boot()
    assert _reasons(script) == ["PowerUp", "RemoteReset", "PowerUp"]


def test_a_reset_long_ago_explains_no_boot() -> None:
    """Eleven minutes after the Reset the boot is another one."""
    assert _reasons(Script().boot().remote("Reset", {"type": "Hard"}).wait(660).close().open().boot())[1] == "PowerUp"


@pytest.mark.parametrize(("status", "reason"), [("Accepted", "Triggered"), ("Rejected", "Unknown")])
def test_a_triggered_boot_is_no_reboot(status: str, reason: str) -> None:
    """TriggerMessage(BootNotification): reason Triggered, and a transaction that runs is in no doubt."""
    script = Script().boot().start(1, "AA", 0, transaction=7)
    script.remote("TriggerMessage", {"requestedMessage": "BootNotification"}, status).boot().wait(700)
    script.meter(1, 7, 10).tick()
    assert _reasons(script) == ["PowerUp", reason]
    assert ("session.never-ended" in {row.code for row in Lived().feed(script.frames).versions}) is (
        reason == "Unknown"
    )


def test_the_answer_is_carried_over() -> None:
    """Status, interval and currentTime of BootNotification.conf."""
    script = Script().boot()
    (response,) = Lived().feed(script.frames).responses("BootNotification")
    assert (response["status"], response["interval"]) == ("Accepted", 300)
    assert response["currentTime"].endswith("Z")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "Maybe", "currentTime": "2030-01-01T12:00:00Z", "interval": 300},
        {"status": "Accepted", "currentTime": "2030-01-01T12:00:00Z"},
        {"status": "Accepted", "interval": 300},
        {},
    ],
)
def test_an_answer_that_lacks_what_2_0_1_requires_is_not_said(answer: dict[str, Any]) -> None:
    """Nothing is made up of it, and `schema.v16` names it."""
    payload = {"chargePointVendor": "Alder", "chargePointModel": "Curb 11"}
    lived = Lived().feed(Script().call("BootNotification", payload).answer(answer).frames)
    assert lived.responses("BootNotification") == []
    assert lived.codes() == {"schema.v16"}


def test_a_current_time_without_a_zone_is_named_and_repaired() -> None:
    """Phihong's CSMS: 2.0.1 asks for RFC 3339, and the flaw is the primary's."""
    script = Script().boot().call("Heartbeat", {}).answer({"currentTime": "2030-01-01T12:00:01.301252"})
    lived = Lived().feed(script.frames)
    assert lived.responses("Heartbeat") == [{"currentTime": "2030-01-01T12:00:01.301252Z"}]
    assert lived.codes() == {"clock.no-zone"}


# -- what comes before a boot -----------------------------------------------------------------------------------------


def test_calls_before_the_boot_are_named_b01_fr_05() -> None:
    """On a connection seen from its opening, nothing may come before BootNotification."""
    lived = Lived().feed(Script().status(1, "Available").boot().frames)
    assert [row.path for row in lived.rows("rpc.before-boot")] == ["StatusNotification"]


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
def test_calls_before_the_boot_is_accepted_are_named_b02_fr_02(status: str) -> None:
    """Pending and Rejected ask for silence."""
    lived = Lived().feed(Script().boot(status).status(1, "Available").frames)
    assert lived.codes() == {"rpc.before-boot"}


def test_a_csms_that_calls_before_it_answers_the_boot_is_named() -> None:
    """The other direction has the same rule."""
    payload = {"chargePointVendor": "Alder", "chargePointModel": "Curb 11"}
    script = Script().call("BootNotification", payload, message_id="b").remote("Reset", {"type": "Soft"})
    lived = Lived().feed(script.frames)
    assert [row.path for row in lived.rows("rpc.before-boot")] == ["CSMS.Reset"]


@pytest.mark.parametrize("script", [Script(connected=False).status(1, "Available"), Script().status(1, "Available")])
def test_a_reconnect_without_a_boot_is_no_flaw(script: Script) -> None:
    """1.6 boots once per start, not once per connection; a capture may begin anywhere."""
    assert Lived().feed(script.frames).codes() == set()


def test_a_boot_refused_by_call_error_is_rejected() -> None:
    """CALLERROR to BootNotification: what follows came before acceptance."""
    payload: dict[str, Any] = {"chargePointVendor": "Alder", "chargePointModel": "Curb 11"}
    script = Script().call("BootNotification", payload).refuse("InternalError").status(1, "Available")
    assert Lived().feed(script.frames).codes() == {"rpc.call-error", "rpc.before-boot"}


def test_what_waits_for_its_turn_is_said_before_the_boot() -> None:
    """An event of before the restart proves no life after it: said first, though its horizon is not over."""
    script = Script().boot().start(1, "AA", 0, transaction=7).status(1, "Charging").close().open().boot()
    said = [one for one in Lived().feed(script.frames).actions if one in ("BootNotification", "TransactionEvent")]
    assert said == ["BootNotification", "TransactionEvent", "TransactionEvent", "BootNotification"]
