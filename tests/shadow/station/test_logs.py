"""Log uploads in 2.0.1: GetDiagnostics and GetLog, their answers, and the statuses that are told of them (N01)."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Direction
from shadow.message import MessageType, Provenance

LOCATION = "ftp://logs.example/a"
DIAGNOSTICS = {
    "location": LOCATION,
    "retries": 3,
    "retryInterval": 60,
    "startTime": "2029-12-31T00:00:00Z",
    "stopTime": "2030-01-01T01:00:00+01:00",
}
GET_LOG = {"log": {"remoteLocation": LOCATION}, "logType": "SecurityLog", "requestId": 41}


def _ids(lived: Lived) -> list[int | None]:
    return [one.get("requestId") for one in lived.requests("LogStatusNotification")]


def _diagnostics(script: Script, file_name: str | None = "log.zip") -> Script:
    return script.command("GetDiagnostics", DIAGNOSTICS).answer({} if file_name is None else {"fileName": file_name})


def _told(script: Script, *statuses: str) -> Script:
    for status in statuses:
        script.call("DiagnosticsStatusNotification", {"status": status}).answer({})
    return script


def _log_told(script: Script, status: str, request_id: int | None = None) -> Script:
    payload: dict[str, Any] = {"status": status}
    if request_id is not None:
        payload["requestId"] = request_id
    return script.call("LogStatusNotification", payload).answer({})


def test_get_diagnostics_is_a_get_log_of_the_diagnostics_log() -> None:
    """Every field moves (times to UTC), the requestId is made and marked, and nothing breaks the 2.0.1 schema."""
    lived = Lived().feed(_diagnostics(Script().boot()).frames)
    request, response = lived.messages[-2:]
    assert (request.action, request.direction) == ("GetLog", Direction.CS_TO_CP)
    assert request.payload == {
        "logType": "DiagnosticsLog",
        "requestId": -1,
        "log": {
            "remoteLocation": LOCATION,
            "oldestTimestamp": "2029-12-31T00:00:00Z",
            "latestTimestamp": "2030-01-01T00:00:00Z",
        },
        "retries": 3,
        "retryInterval": 60,
    }
    assert request.provenance["requestId"] is Provenance.SYNTHESISED
    assert (response.direction, response.payload) == (
        Direction.CP_TO_CS,
        {"filename": "log.zip", "status": "Accepted"},
    )
    assert response.provenance == {"status": Provenance.SYNTHESISED}
    assert lived.codes() == set()


@pytest.mark.parametrize("file_name", [None, ""])
def test_without_a_file_name_nothing_will_be_uploaded(file_name: str | None) -> None:
    """1.6 has no status here: no name says that there is nothing, which 2.0.1 calls Rejected."""
    lived = Lived().feed(_diagnostics(Script().boot(), file_name).frames)
    assert lived.responses("GetLog") == [{"status": "Rejected"}]


@pytest.mark.parametrize("status", ["Accepted", "Rejected", "AcceptedCanceled"])
def test_get_log_is_the_same_in_both(status: str) -> None:
    """The security extension took the message from 2.0.1; its requestId was observed."""
    script = Script().boot().command("GetLog", {**GET_LOG, "retries": 1}).answer({"status": status, "filename": "a"})
    lived = Lived().feed(script.frames)
    assert lived.requests("GetLog") == [{**GET_LOG, "retries": 1}]
    assert lived.responses("GetLog") == [{"status": status, "filename": "a"}]
    assert [message.provenance for message in lived.messages[-2:]] == [{}, {}]
    assert lived.codes() == set()


@pytest.mark.parametrize(
    ("status", "status_201"),
    [("Uploading", "Uploading"), ("Uploaded", "Uploaded"), ("UploadFailed", "UploadFailure")],
)
def test_a_diagnostics_status_carries_the_request_that_it_belongs_to(status: str, status_201: str) -> None:
    """1.6 has no requestId, 2.0.1 asks for that of the GetLog; it is marked as made."""
    lived = Lived().feed(_told(_diagnostics(Script().boot()), status).frames)
    request, response = lived.messages[-2:]
    assert (request.action, request.payload) == ("LogStatusNotification", {"status": status_201, "requestId": -1})
    assert request.provenance == {"requestId": Provenance.SYNTHESISED}
    assert (response.action, response.type, response.payload) == ("LogStatusNotification", MessageType.RESPONSE, {})
    assert lived.codes() == set()


def test_idle_has_no_request() -> None:
    """It answers a TriggerMessage while nothing is uploaded, so there is nothing that it could belong to."""
    lived = Lived().feed(_told(_diagnostics(Script().boot()), "Idle").frames)
    assert lived.requests("LogStatusNotification") == [{"status": "Idle"}]


@pytest.mark.parametrize(
    "status",
    ["BadMessage", "Idle", "NotSupportedOperation", "PermissionDenied", "Uploaded", "UploadFailure", "Uploading"],
)
def test_a_log_status_keeps_its_own_request(status: str) -> None:
    """What the station says itself is observed, whatever else is known."""
    lived = Lived().feed(_log_told(_diagnostics(Script().boot()), status, 7).frames)
    assert lived.requests("LogStatusNotification") == [{"status": status, "requestId": 7}]
    assert lived.messages[-2].provenance == {}
    assert lived.codes() == set()


def test_each_upload_has_an_id_of_its_own() -> None:
    """Two GetDiagnostics are two requests of 2.0.1, and their statuses are kept apart."""
    script = _told(_diagnostics(Script().boot()), "Uploading", "Uploaded")
    _told(_diagnostics(script), "Uploading", "UploadFailed")
    assert _ids(Lived().feed(script.frames)) == [-1, -1, -2, -2]


def test_a_given_id_is_carried_on_where_the_station_leaves_it_out() -> None:
    """WP3 §9 made the requestId of LogStatusNotification optional; GetLog always has one."""
    script = Script().boot().command("GetLog", GET_LOG).answer({"status": "Accepted"})
    assert _ids(Lived().feed(_log_told(script, "Uploading").frames)) == [41]


def test_an_upload_that_gives_way_is_reported_as_canceled_n01_fr_20() -> None:
    """1.6 says it in the answer to the new request alone; with no upload before, nothing gave way."""
    script = Script().boot()
    for own_id, status in ((41, "AcceptedCanceled"), (42, "AcceptedCanceled"), (43, "Accepted"), (44, "Rejected")):
        script.command("GetLog", {**GET_LOG, "requestId": own_id}).answer({"status": status})
    lived = Lived().feed(_log_told(script, "Uploading").frames)
    assert lived.requests("LogStatusNotification") == [
        {"status": "AcceptedCanceled", "requestId": 41},
        {"status": "Uploading", "requestId": 43},
    ]
    canceled = next(one for one in lived.messages if one.action == "LogStatusNotification")
    assert canceled.direction is Direction.CP_TO_CS
    assert set(canceled.provenance.values()) == {Provenance.DERIVED}
    assert lived.codes() == set()


@pytest.mark.parametrize("how", ["rejected", "no file", "error"])
def test_a_refused_request_leaves_the_running_upload_as_it_was(how: str) -> None:
    """The station goes on reporting for the first request."""
    script = Script().boot().command("GetLog", GET_LOG).answer({"status": "Accepted"})
    if how == "rejected":
        script.command("GetLog", {**GET_LOG, "requestId": 42}).answer({"status": "Rejected"})
    elif how == "no file":
        _diagnostics(script, None)
    else:
        script.command("GetLog", {**GET_LOG, "requestId": 42}).refuse("InternalError")
    assert _ids(Lived().feed(_told(script, "Uploading").frames)) == [41]


def test_a_status_that_comes_before_the_answer_belongs_to_the_new_request() -> None:
    """Some stations begin to upload before they answer."""
    script = Script().boot().command("GetLog", GET_LOG, message_id="late")
    _told(script, "Uploading").answer({"status": "Accepted"}, message_id="late")
    assert _ids(Lived().feed(script.frames)) == [41]


def test_a_status_without_any_request_gets_an_id_that_stays() -> None:
    """The shadow may come in late: 2.0.1 asks for an id, and one upload has one."""
    script = _told(Script().boot(), "Uploading", "Uploaded")
    assert _ids(Lived().feed(_told(_diagnostics(script), "Uploading").frames)) == [-1, -1, -2]


def test_ids_below_zero_that_a_csms_gives_are_not_made_again() -> None:
    """Unique per station, whoever counts downwards."""
    script = Script().boot().command("GetLog", {**GET_LOG, "requestId": -5}).answer({"status": "Accepted"})
    lived = Lived().feed(_told(_diagnostics(script), "Uploading").frames)
    assert [one["requestId"] for one in lived.requests("GetLog")] == [-5, -6]
    assert _ids(lived) == [-6]


def test_a_location_longer_than_201_takes_is_cut_and_its_length_is_named() -> None:
    """The location may hold a password, so it is not shown."""
    script = Script().boot().command("GetDiagnostics", {"location": "ftp://user:secret@" + "a" * 600})
    lived = Lived().feed(script.answer({"fileName": "f"}).frames)
    assert len(lived.requests("GetLog")[0]["log"]["remoteLocation"]) == 512
    (row,) = lived.rows("message.field-lost")
    assert (row.path, row.primary) == ("GetDiagnostics.location", "618 characters")
    assert lived.codes() == set()
