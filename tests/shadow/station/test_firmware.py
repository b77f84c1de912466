"""Firmware updates in 2.0.1: both forms of 1.6 become UpdateFirmware, and each status knows its request (L01, L02)."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Direction
from shadow.message import MessageType, Provenance

UNSIGNED = {"location": "https://fw.example/1", "retrieveDate": "2030-01-01T13:00:00+01:00", "retries": 2}
SIGNED = {
    "requestId": 9,
    "firmware": {
        "location": "https://fw.example/2",
        "retrieveDateTime": "2030-01-01T12:00:00Z",
        "installDateTime": "2030-01-02T12:00:00Z",
        "signingCertificate": "-----BEGIN CERTIFICATE-----",
        "signature": "c2ln",
    },
    "retries": 2,
    "retryInterval": 30,
}
STATUSES = ["Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed"]
SIGNED_STATUSES = [
    *STATUSES,
    "DownloadScheduled",
    "DownloadPaused",
    "InstallRebooting",
    "InstallScheduled",
    "InstallVerificationFailed",
    "InvalidSignature",
    "SignatureVerified",
]


def _ids(script: Script) -> list[int | None]:
    return [one.get("requestId") for one in Lived().feed(script.frames).requests("FirmwareStatusNotification")]


def _told(script: Script, status: str, request_id: int | None = None, *, signed: bool = False) -> Script:
    payload: dict[str, Any] = {"status": status}
    if request_id is not None:
        payload["requestId"] = request_id
    return script.call(f"{'Signed' if signed else ''}FirmwareStatusNotification", payload).answer({})


def _updated(script: Script) -> Script:
    return script.command("UpdateFirmware", UNSIGNED).answer({})


def _signed(script: Script, status: str = "Accepted", **more: Any) -> Script:
    return script.command("SignedUpdateFirmware", {**SIGNED, **more}).answer({"status": status})


def test_update_firmware_gets_a_request_id_and_a_status() -> None:
    """The unsigned form (L02); the empty answer of 1.6 cannot refuse, so it is Accepted, marked as made."""
    lived = Lived().feed(_updated(Script().boot()).frames)
    request, response = lived.messages[-2:]
    assert (request.action, request.direction) == ("UpdateFirmware", Direction.CS_TO_CP)
    assert request.payload == {
        "requestId": -1,
        "firmware": {"location": "https://fw.example/1", "retrieveDateTime": "2030-01-01T12:00:00Z"},
        "retries": 2,
    }
    assert request.provenance == {"requestId": Provenance.SYNTHESISED}
    assert (response.direction, response.payload) == (Direction.CP_TO_CS, {"status": "Accepted"})
    assert response.provenance == {"status": Provenance.SYNTHESISED}
    assert lived.codes() == set()


@pytest.mark.parametrize(
    "status", ["Accepted", "Rejected", "AcceptedCanceled", "InvalidCertificate", "RevokedCertificate"]
)
def test_signed_update_firmware_keeps_all_that_it_says(status: str) -> None:
    """L01: the message lost its first word, its fields are the same."""
    lived = Lived().feed(_signed(Script().boot(), status).frames)
    assert lived.requests("UpdateFirmware") == [SIGNED]
    assert lived.responses("UpdateFirmware") == [{"status": status}]
    assert [message.provenance for message in lived.messages[-2:]] == [{}, {}]
    assert lived.codes() == set()


def test_a_retrieve_date_that_cannot_be_read_is_now() -> None:
    """2.0.1 asks for a time; the one that stands in is marked, and the flaw is named."""
    script = Script().boot().command("UpdateFirmware", {**UNSIGNED, "retrieveDate": "soon"})
    lived = Lived().feed(script.frames)
    message = lived.messages[-1]
    assert message.payload["firmware"]["retrieveDateTime"] == script.now
    assert message.provenance["firmware.retrieveDateTime"] is Provenance.SYNTHESISED
    assert lived.codes() == {"clock.unparseable"}


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_without_signature_carries_the_request_that_it_belongs_to(status: str) -> None:
    """L01.FR.20: all but Idle."""
    lived = Lived().feed(_told(_updated(Script().boot()), status).frames)
    request, response = lived.messages[-2:]
    if status == "Idle":
        assert (request.payload, request.provenance) == ({"status": "Idle"}, {})
    else:
        assert request.payload == {"status": status, "requestId": -1}
        assert request.provenance == {"requestId": Provenance.SYNTHESISED}
    assert (response.action, response.type) == ("FirmwareStatusNotification", MessageType.RESPONSE)
    assert lived.codes() == set()


@pytest.mark.parametrize("status", SIGNED_STATUSES)
def test_each_status_of_a_signed_update_has_its_name_in_201(status: str) -> None:
    """All fourteen, in the message that 2.0.1 has for both forms."""
    lived = Lived().feed(_told(_signed(Script().boot()), status, 9, signed=True).frames)
    assert lived.requests("FirmwareStatusNotification") == [{"status": status, "requestId": 9}]
    assert lived.messages[-2].provenance == {}
    assert lived.codes() == set()


def test_the_given_id_is_carried_on_by_statuses_that_have_none() -> None:
    """A station may report a signed update with the message of 1.6 proper."""
    script = _told(_signed(Script().boot()), "Downloading")
    assert _ids(_told(script, "SignatureVerified", signed=True)) == [9, 9]


def test_logs_and_firmware_share_no_id() -> None:
    """What is made for one is never made for the other."""
    script = Script().boot().command("GetDiagnostics", {"location": "ftp://a"}).answer({"fileName": "a"})
    _told(_updated(script), "Downloading").call("DiagnosticsStatusNotification", {"status": "Uploading"}).answer({})
    lived = Lived().feed(script.frames)
    assert lived.requests("FirmwareStatusNotification") == [{"status": "Downloading", "requestId": -2}]
    assert lived.requests("LogStatusNotification") == [{"status": "Uploading", "requestId": -1}]


@pytest.mark.parametrize("how", ["RevokedCertificate", "error", "unsigned error"])
def test_a_refused_update_leaves_the_one_before(how: str) -> None:
    """The station goes on reporting for the update that runs."""
    script = _signed(Script().boot())
    if how == "error":
        script.command("SignedUpdateFirmware", {**SIGNED, "requestId": 10}).refuse("NotSupported")
    elif how == "unsigned error":
        script.command("UpdateFirmware", UNSIGNED).refuse("NotSupported")
    else:
        _signed(script, how, requestId=10)
    assert _ids(_told(script, "Installed")) == [9]


def test_a_status_after_a_restart_of_the_shadow_gets_an_id() -> None:
    """No request was seen: one id is made for all that follows, until there is one."""
    script = _told(_told(Script().boot(), "Downloading"), "Downloaded")
    assert _ids(_told(_signed(script), "Installed")) == [-1, -1, 9]


def test_an_id_that_a_station_tells_first_is_known_from_then_on() -> None:
    """The request was not seen, its id was."""
    script = _told(Script().boot(), "Downloading", 77, signed=True)
    assert _ids(_told(script, "Installing")) == [77, 77]


def test_a_status_that_is_none_says_nothing() -> None:
    """It breaks 1.6, which is named there, and 2.0.1 could not take it."""
    lived = Lived().feed(_told(Script().boot(), "Exploded").frames)
    assert lived.requests("FirmwareStatusNotification") == []
    assert lived.codes() == {"schema.v16"}
    assert "FirmwareStatusNotification.status=Exploded" in lived.unmapped
