"""Plug & Charge in DataTransfer: each message comes out as the 2.0.1 message of its name, or stays where it is."""

import json
from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Direction
from shadow import schema
from shadow.mapping.coverage import classified, fields
from shadow.mapping.plug_and_charge import TABLES, VENDOR
from shadow.mapping.rules import ANSWER, REQUEST
from shadow.message import MessageType, Provenance

FROM_STATION, FROM_CSMS = Direction.CP_TO_CS, Direction.CS_TO_CP
HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "0a", "issuerKeyHash": "0b", "serialNumber": "1F"}
OCSP = {**HASH, "responderURL": "https://ocsp.example"}
EMAID = "DEABCC123ABC56"
INFO = {"reasonCode": "NoError", "additionalInfo": "fine"}
V2G = {"certificateType": "V2GCertificate"}

WHOLE: list[tuple[Direction, str, dict[str, Any], dict[str, Any]]] = [
    (
        FROM_STATION,
        "Authorize",
        {
            "idToken": {
                "idToken": EMAID,
                "type": "eMAID",
                "additionalInfo": [{"additionalIdToken": "A", "type": "contract"}],
            },
            "certificate": "C",
            "iso15118CertificateHashData": [OCSP],
        },
        {
            "idTokenInfo": {
                "status": "Accepted",
                "cacheExpiryDateTime": "2030-02-01T00:00:00Z",
                "chargingPriority": 3,
                "language1": "de",
                "language2": "en",
                "evseId": [1, 2],
                "groupIdToken": {
                    "idToken": "G",
                    "type": "Central",
                    "additionalInfo": [{"additionalIdToken": "A", "type": "contract"}],
                },
                "personalMessage": {"format": "UTF8", "language": "de", "content": "Hallo"},
            },
            "certificateStatus": "Accepted",
        },
    ),
    (
        FROM_STATION,
        "Get15118EVCertificate",
        {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "RVhJ"},
        {"status": "Accepted", "exiResponse": "RVhJ", "statusInfo": INFO},
    ),
    (
        FROM_STATION,
        "GetCertificateStatus",
        {"ocspRequestData": OCSP},
        {"status": "Accepted", "ocspResult": "T0NTUA==", "statusInfo": INFO},
    ),
    (FROM_STATION, "SignCertificate", {"csr": "C", **V2G}, {"status": "Accepted", "statusInfo": INFO}),
    (FROM_CSMS, "CertificateSigned", {"certificateChain": "C", **V2G}, {"status": "Rejected", "statusInfo": INFO}),
    (FROM_CSMS, "DeleteCertificate", {"certificateHashData": HASH}, {"status": "NotFound", "statusInfo": INFO}),
    (
        FROM_CSMS,
        "GetInstalledCertificateIds",
        {"certificateType": ["V2GRootCertificate", "MORootCertificate", "V2GCertificateChain"]},
        {
            "status": "Accepted",
            "certificateHashDataChain": [
                {
                    "certificateType": "V2GCertificateChain",
                    "certificateHashData": HASH,
                    "childCertificateHashData": [HASH, HASH],
                }
            ],
            "statusInfo": INFO,
        },
    ),
    (
        FROM_CSMS,
        "InstallCertificate",
        {"certificateType": "V2GRootCertificate", "certificate": "C"},
        {"status": "Failed", "statusInfo": INFO},
    ),
    (
        FROM_CSMS,
        "TriggerMessage",
        {"requestedMessage": "SignV2GCertificate", "evse": {"id": 1, "connectorId": 1}},
        {"status": "NotImplemented", "statusInfo": INFO},
    ),
]


def _wrap(name: str, payload: Any) -> dict[str, Any]:
    return {"vendorId": VENDOR, "messageId": name, "data": payload if isinstance(payload, str) else json.dumps(payload)}


def _asked(direction: Direction, name: str, payload: Any) -> Script:
    script = Script().boot()
    say = script.call if direction is FROM_STATION else script.command
    return say("DataTransfer", _wrap(name, payload))


def _lived(direction: Direction, name: str, payload: Any, answer: Any) -> Lived:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return Lived().feed(_asked(direction, name, payload).answer({"status": "Accepted", "data": text}).frames)


@pytest.mark.parametrize(("direction", "name", "payload", "answer"), WHOLE)
def test_each_message_and_its_answer_come_out_whole(
    direction: Direction, name: str, payload: dict[str, Any], answer: dict[str, Any]
) -> None:
    """What has the form of 2.0.1 is said as it stands, both ways, and no DataTransfer is."""
    lived = _lived(direction, name, payload, answer)
    request, response = lived.messages[-2:]
    assert (request.action, request.direction, request.payload) == (name, direction, payload)
    assert (response.action, response.direction, response.payload) == (name, direction.opposite, answer)
    assert request.provenance == response.provenance == {}
    assert lived.codes() == set()
    assert "DataTransfer" not in {message.action for message in lived.messages}


@pytest.mark.parametrize(("name", "part"), TABLES)
def test_every_field_of_201_stands_in_the_tables(name: str, part: str) -> None:
    """The wrapped messages are those of 2.0.1, so a field that no rule reads would be lost without a word."""
    named = {path for path, _ in classified(TABLES[name, part])}
    wanted = {path for path in fields(schema.V201, name, part) if "customData" not in path}
    assert named == wanted


def test_the_nine_messages_are_those_of_the_application_note() -> None:
    """Each with request and answer."""
    assert {name for name, _ in TABLES} == {name for _, name, _, _ in WHOLE}
    assert {part for _, part in TABLES} == {REQUEST, ANSWER}
    assert len(TABLES) == 18


def test_the_short_forms_of_the_application_note_are_written_out() -> None:
    """A plain eMAID, and an IdTagInfo in the answer: what the note leaves out is marked as made."""
    info = {"status": "Expired", "expiryDate": "2030-01-01T01:00:00+01:00", "parentIdTag": "G"}
    lived = _lived(FROM_STATION, "Authorize", {"idToken": EMAID}, {"idTokenInfo": info})
    request, response = lived.messages[-2:]
    assert request.payload == {"idToken": {"idToken": EMAID, "type": "eMAID"}}
    assert request.provenance == {"idToken.type": Provenance.SYNTHESISED}
    assert response.payload == {
        "idTokenInfo": {
            "status": "Expired",
            "cacheExpiryDateTime": "2030-01-01T00:00:00Z",
            "groupIdToken": {"idToken": "G", "type": "Central"},
        }
    }
    assert response.provenance == {"idTokenInfo.groupIdToken.type": Provenance.SYNTHESISED}
    assert lived.codes() == set()


@pytest.mark.parametrize(
    ("direction", "name", "payload"),
    [(FROM_STATION, "SignCertificate", {"csr": "C"}), (FROM_CSMS, "CertificateSigned", {"certificateChain": "C"})],
)
def test_certificates_of_plug_and_charge_are_those_of_iso_15118(
    direction: Direction, name: str, payload: dict[str, Any]
) -> None:
    """The note has no certificateType; without one 2.0.1 would use the certificate towards the CSMS as well."""
    lived = _lived(direction, name, payload, {"status": "Accepted"})
    request = lived.messages[-2]
    assert request.payload == {**payload, **V2G}
    assert request.provenance == {"certificateType": Provenance.SYNTHESISED}


def test_nulls_and_other_spellings_of_the_ids_are_read() -> None:
    """Serialisers write null for what is absent; vendorId and messageId are CiStrings."""
    script = Script().boot()
    payload = {
        "vendorId": VENDOR.upper(),
        "messageId": "getinstalledcertificateids",
        "data": '{"certificateType":null}',
    }
    lived = Lived().feed(script.command("DataTransfer", payload).answer({"status": "Accepted", "data": ""}).frames)
    assert lived.requests("GetInstalledCertificateIds") == [{}]
    assert lived.codes() == set()


def test_an_empty_list_is_none() -> None:
    """Stations without a certificate answer so; 2.0.1 leaves the list out."""
    answer: dict[str, Any] = {"status": "NotFound", "certificateHashDataChain": [], "statusInfo": None}
    lived = _lived(FROM_CSMS, "GetInstalledCertificateIds", {"certificateType": []}, answer)
    assert lived.requests("GetInstalledCertificateIds") == [{}]
    assert lived.responses("GetInstalledCertificateIds") == [{"status": "NotFound"}]
    assert lived.codes() == set()


def test_a_failed_certificate_installation_answers_without_exi() -> None:
    """2.0.1 asks for exiResponse even then; the note does too, so that leaving it out is named."""
    lived = _lived(FROM_STATION, "Get15118EVCertificate", WHOLE[1][2], {"status": "Failed"})
    assert lived.responses("Get15118EVCertificate") == [{"status": "Failed", "exiResponse": ""}]
    assert lived.codes() == {"schema.v16"}


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        ("", "in data"),
        ("nonsense", "no JSON"),
        ('"text"', "no JSON object"),
        ("[1]", "no JSON object"),
        ('{"csr": "' + "C" * 100_000 + '"}', "characters"),
        ('{"csr": ' + "[" * 40 + "]" * 40 + "}", "levels deep"),
        ("[" * 20_000, "no JSON"),
        ('{"csr": 1e99999999999}', "in data"),
        ('{"csr": ["C"]}', "in data"),
        ('{"certificateType": "V2GCertificate"}', "in data"),
    ],
)
def test_data_that_holds_no_such_message_stays_a_data_transfer(data: str, detail: str) -> None:
    """Named with the reason; its answer stays one too, whatever it holds."""
    script = _asked(FROM_STATION, "SignCertificate", data).answer(
        {"status": "Accepted", "data": '{"status":"Accepted"}'}
    )
    lived = Lived().feed(script.frames)
    assert lived.requests("DataTransfer") == [_wrap("SignCertificate", data)]
    assert lived.responses("DataTransfer") == [{"status": "Accepted", "data": '{"status":"Accepted"}'}]
    assert lived.requests("SignCertificate") == []
    (row,) = lived.rows("schema.v16")
    assert row.path.startswith("DataTransfer.SignCertificate")
    assert detail in row.detail


def test_what_breaks_the_schema_and_can_be_left_out_is_named_and_left_out() -> None:
    """The message is said all the same; a certificate is never shown whole."""
    payload = {"csr": "Q" * 6000, "extra": 1, "certificateType": "Other"}
    lived = _lived(FROM_STATION, "SignCertificate", payload, {"status": "Accepted"})
    (request,) = lived.requests("SignCertificate")
    assert (len(request["csr"]), request["certificateType"]) == (5500, "V2GCertificate")
    assert {row.path for row in lived.rows("schema.v16")} == {
        "DataTransfer.SignCertificate.csr:maxLength",
        "DataTransfer.SignCertificate.certificateType:enum",
        "DataTransfer.SignCertificate.:additionalProperties",
    }
    assert [row.primary for row in lived.rows("message.field-lost")] == ["6000 characters"]
    assert all("Q" * 50 not in f"{one.found} {one.detail}" for one in lived.findings)


@pytest.mark.parametrize(
    ("direction", "message_id"), [(FROM_CSMS, "Authorize"), (FROM_STATION, "TriggerMessage"), (FROM_STATION, "Other")]
)
def test_what_the_note_does_not_have_stays_a_data_transfer(direction: Direction, message_id: str) -> None:
    """Another message, or one that the other side sends."""
    lived = Lived().feed(
        _asked(direction, message_id, {"idToken": EMAID}).answer({"status": "UnknownMessageId"}).frames
    )
    assert [message.action for message in lived.messages[-2:]] == ["DataTransfer", "DataTransfer"]
    assert lived.codes() == set()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": "UnknownMessageId"}, "NotImplemented"),
        ({"status": "UnknownVendorId", "data": ""}, "NotImplemented"),
        ({"status": "Rejected", "data": "no"}, "GenericError"),
        ({"status": "Accepted", "data": '{"status": "Perhaps"}'}, None),
    ],
)
def test_an_answer_that_holds_none_is_an_error_in_201(answer: dict[str, Any], error: str | None) -> None:
    """2.0.1 has no status for it: a station answers what it does not know with a CALLERROR (Part 4 §4.3)."""
    lived = Lived().feed(_asked(FROM_CSMS, "InstallCertificate", WHOLE[7][2]).answer(answer).frames)
    (row,) = lived.rows("message.no-answer")
    assert (row.path, row.primary) == ("DataTransfer.InstallCertificate.conf", answer["status"])
    last = lived.messages[-1]
    assert last.action == "InstallCertificate"
    if error is None:
        assert last.type is MessageType.REQUEST
    else:
        assert (last.type, last.direction) == (MessageType.ERROR, FROM_STATION)
        assert last.payload["errorCode"] == error
        assert last.provenance == {"errorCode": Provenance.DERIVED, "errorDescription": Provenance.SYNTHESISED}


def test_a_refusal_is_that_of_the_message_inside() -> None:
    """The CALLERROR answers what 2.0.1 was told; the next DataTransfer is another matter."""
    script = _asked(FROM_CSMS, "InstallCertificate", WHOLE[7][2]).refuse("NotSupported")
    script.command("DataTransfer", {"vendorId": "Alder"}).refuse("NotSupported")
    script.call("DataTransfer", _wrap("SignCertificate", {"csr": "C"})).refuse("NotSupported")
    errors = [message for message in Lived().feed(script.frames).messages if message.type is MessageType.ERROR]
    assert [(error.action, error.direction) for error in errors] == [
        ("InstallCertificate", FROM_STATION),
        ("DataTransfer", FROM_STATION),
        ("SignCertificate", FROM_CSMS),
    ]


def _begun(status: str, id_tag: str = EMAID) -> Lived:
    script = Script().boot().status(1, "Available")
    script.call("DataTransfer", _wrap("Authorize", {"idToken": EMAID}))
    script.answer({"status": "Accepted", "data": json.dumps({"idTokenInfo": {"status": status}})})
    return Lived().feed(script.status(1, "Preparing").start(1, id_tag, 0, transaction=5).frames)


@pytest.mark.parametrize(("status", "trigger"), [("Accepted", "CablePluggedIn"), ("Invalid", "Authorized")])
def test_an_accepted_contract_may_begin_a_transaction(status: str, trigger: str) -> None:
    """As with Authorize of 1.6: once the driver is known it is the cable that begins the transaction (E02, E03)."""
    assert _begun(status).events[0]["triggerReason"] == trigger


def test_the_token_of_a_contract_has_one_type_wherever_it_stands() -> None:
    """C01.FR.25. This one has the form of an ISO 14443 UID as well, so a guess would go wrong."""
    assert _begun("Accepted").events[0]["idToken"] == {"idToken": EMAID, "type": "eMAID"}
    assert _begun("Accepted", EMAID.lower()).events[0]["idToken"]["type"] == "eMAID"
    assert _begun("Accepted", "04A1B2C3").events[0]["idToken"]["type"] == "ISO14443"
