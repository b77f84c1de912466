"""The security extension in 2.0.1: certificates and security events (A02 to A04, M03 to M05)."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from ingest.frame import Direction
from shadow.message import Provenance

HASH = {"hashAlgorithm": "SHA384", "issuerNameHash": "0a", "issuerKeyHash": "0b", "serialNumber": "1F"}
OWN = "ChargingStationCertificate"
FROM_STATION, FROM_CSMS = Direction.CP_TO_CS, Direction.CS_TO_CP


def _exchange(direction: Direction, action: str, payload: dict[str, Any], answer: dict[str, Any]) -> Lived:
    script = Script().boot()
    say = script.call if direction is FROM_STATION else script.command
    return Lived().feed(say(action, payload).answer(answer).frames)


def _event(kind: str, **more: Any) -> Lived:
    script = Script().boot()
    payload = {"type": kind, "timestamp": script.now, **more}
    return Lived().feed(script.call("SecurityEventNotification", payload).answer({}).frames)


@pytest.mark.parametrize(
    ("direction", "action", "payload", "payload_201", "statuses"),
    [
        (
            FROM_STATION,
            "SignCertificate",
            {"csr": "C"},
            {"csr": "C", "certificateType": OWN},
            ("Accepted", "Rejected"),
        ),
        (
            FROM_CSMS,
            "CertificateSigned",
            {"certificateChain": "C"},
            {"certificateChain": "C", "certificateType": OWN},
            ("Accepted", "Rejected"),
        ),
        (
            FROM_CSMS,
            "InstallCertificate",
            {"certificateType": "CentralSystemRootCertificate", "certificate": "C"},
            {"certificateType": "CSMSRootCertificate", "certificate": "C"},
            ("Accepted", "Failed", "Rejected"),
        ),
        (
            FROM_CSMS,
            "InstallCertificate",
            {"certificateType": "ManufacturerRootCertificate", "certificate": "C"},
            {"certificateType": "ManufacturerRootCertificate", "certificate": "C"},
            ("Accepted", "Failed", "Rejected"),
        ),
        (
            FROM_CSMS,
            "DeleteCertificate",
            {"certificateHashData": HASH},
            {"certificateHashData": HASH},
            ("Accepted", "Failed", "NotFound"),
        ),
        (
            FROM_CSMS,
            "GetInstalledCertificateIds",
            {"certificateType": "CentralSystemRootCertificate"},
            {"certificateType": ["CSMSRootCertificate"]},
            ("NotFound",),
        ),
    ],
)
def test_each_message_and_every_answer(
    direction: Direction,
    action: str,
    payload: dict[str, Any],
    payload_201: dict[str, Any],
    statuses: tuple[str, ...],
) -> None:
    """Request and answers are the 2.0.1 ones, travel in their direction, and keep the schema."""
    for status in statuses:
        lived = _exchange(direction, action, payload, {"status": status})
        request, response = lived.messages[-2:]
        assert (request.action, request.direction, request.payload) == (action, direction, payload_201)
        assert (response.action, response.direction) == (action, direction.opposite)
        assert response.payload == {"status": status}
        assert lived.codes() == set()


def test_the_certificate_type_is_marked_as_made() -> None:
    """1.6 has no such field: its certificates are the station's own."""
    lived = _exchange(FROM_STATION, "SignCertificate", {"csr": "C"}, {"status": "Accepted"})
    assert lived.messages[-2].provenance == {"certificateType": Provenance.SYNTHESISED}


@pytest.mark.parametrize(
    ("use", "use_201"),
    [
        ("CentralSystemRootCertificate", "CSMSRootCertificate"),
        ("ManufacturerRootCertificate", "ManufacturerRootCertificate"),
    ],
)
def test_installed_certificates_become_chains_of_the_use_that_was_asked_for(use: str, use_201: str) -> None:
    """2.0.1 names the use with each certificate; 1.6 named it once, in the request."""
    answer = {"status": "Accepted", "certificateHashData": [HASH, {**HASH, "serialNumber": "2"}]}
    lived = _exchange(FROM_CSMS, "GetInstalledCertificateIds", {"certificateType": use}, answer)
    assert lived.responses("GetInstalledCertificateIds") == [
        {
            "status": "Accepted",
            "certificateHashDataChain": [
                {"certificateType": use_201, "certificateHashData": HASH},
                {"certificateType": use_201, "certificateHashData": {**HASH, "serialNumber": "2"}},
            ],
        }
    ]
    assert lived.messages[-1].provenance == {"certificateHashDataChain.certificateType": Provenance.DERIVED}
    assert lived.codes() == set()


def test_an_empty_list_of_certificates_is_none() -> None:
    """It breaks both schemas, and says as clearly as NotFound that there is none: the answer is not lost for it."""
    answer = {"status": "NotFound", "certificateHashData": []}
    use = {"certificateType": "ManufacturerRootCertificate"}
    lived = _exchange(FROM_CSMS, "GetInstalledCertificateIds", use, answer)
    assert lived.responses("GetInstalledCertificateIds") == [{"status": "NotFound"}]
    assert lived.codes() == {"schema.v16"}


def test_a_chain_of_edition_1_beyond_the_limit_is_cut_and_named() -> None:
    """9000 bytes are 12 000 characters of Base64 in 188 lines, with their frame; their number is all that is shown."""
    lived = _exchange(FROM_CSMS, "CertificateSigned", {"cert": ["30" * 9000]}, {"status": "Accepted"})
    assert len(lived.requests("CertificateSigned")[0]["certificateChain"]) == 10_000
    (row,) = lived.rows("message.field-lost")
    assert (row.path, row.primary) == ("CertificateSigned.cert", "12241 characters")


def test_the_field_names_of_edition_1_are_read() -> None:
    """`typeOfCertificate` and `cert` (DER in hexadecimal) stood there before edition 2; 1.6 names them as no fields."""
    script = Script().boot().command("GetInstalledCertificateIds", {"typeOfCertificate": "ManufacturerRootCertificate"})
    script.answer({"status": "Accepted", "certificateHashData": [HASH]})
    script.command("CertificateSigned", {"cert": ["3003", "plain"]}).answer({"status": "Accepted"})
    lived = Lived().feed(script.frames)
    assert lived.requests("GetInstalledCertificateIds") == [{"certificateType": ["ManufacturerRootCertificate"]}]
    chain = lived.responses("GetInstalledCertificateIds")[0]["certificateHashDataChain"]
    assert [one["certificateType"] for one in chain] == ["ManufacturerRootCertificate"]
    assert lived.requests("CertificateSigned") == [
        {
            "certificateChain": "-----BEGIN CERTIFICATE-----\nMAM=\n-----END CERTIFICATE-----\nplain",
            "certificateType": OWN,
        }
    ]
    signed = next(message for message in lived.messages if message.action == "CertificateSigned")
    assert signed.provenance["certificateChain"] is Provenance.DERIVED
    assert lived.codes() == {"schema.v16"}


@pytest.mark.parametrize(
    ("kind", "kind_201"),
    [
        ("FailedToAuthenticationAtCentralSystem", "FailedToAuthenticateAtCsms"),
        ("FailedToAuthenticateAtCentralSystem", "FailedToAuthenticateAtCsms"),
        ("CentralSystemFailedToAuthentication", "CsmsFailedToAuthenticate"),
        ("CentralSystemFailedToAuthenticate", "CsmsFailedToAuthenticate"),
        ("InvalidCentralSystemCertificate", "InvalidCsmsCertificate"),
        ("Invalid CentralSystemCertificate", "InvalidCsmsCertificate"),
        ("InvalidChargePoint Certificate ", "InvalidChargingStationCertificate"),
        ("TamperDetectionActivated", "TamperDetectionActivated"),
        ("Invalid TLS Version", "InvalidTLSVersion"),
        ("Door open since noon", "Door open since noon"),
    ],
)
def test_security_events_have_the_names_of_201(kind: str, kind_201: str) -> None:
    """Four are renamed, the blanks of edition 1 go, and a vendor's own name stays as it is."""
    lived = _event(kind, techInfo="ntp")
    (event,) = lived.requests("SecurityEventNotification")
    assert (event["type"], event["techInfo"]) == (kind_201, "ntp")
    assert lived.responses("SecurityEventNotification") == [{}]
    assert lived.messages[-2].provenance == {}
    assert lived.codes() == set()


def test_the_time_of_an_event_that_cannot_be_read_is_that_of_its_receipt() -> None:
    """2.0.1 asks for a time of the right form; the one that stands in is marked, and the flaw is named."""
    script = Script().boot().call("SecurityEventNotification", {"type": "MemoryExhaustion", "timestamp": "noon"})
    lived = Lived().feed(script.frames)
    message = lived.messages[-1]
    assert message.payload["timestamp"] == script.now
    assert message.provenance == {"timestamp": Provenance.SYNTHESISED}
    assert lived.codes() == {"clock.unparseable"}


def test_a_certificate_beyond_the_limit_is_cut_and_only_its_length_is_shown() -> None:
    """It breaks 1.6 as well, whose limit is the same."""
    payload = {"certificateType": "CentralSystemRootCertificate", "certificate": "Q" * 6000}
    lived = _exchange(FROM_CSMS, "InstallCertificate", payload, {"status": "Rejected"})
    assert len(lived.requests("InstallCertificate")[0]["certificate"]) == 5500
    (finding,) = [one for one in lived.findings if one.code == "message.field-lost"]
    assert (finding.path, finding.found) == ("InstallCertificate.certificate", "6000 characters")
    assert all("Q" * 100 not in f"{one.found}" for one in lived.findings)


def test_a_use_that_is_none_is_not_asked_for() -> None:
    """Without a use 2.0.1 would ask for all certificates; and it has no certificate without a use to answer with."""
    answer = {"status": "Accepted", "certificateHashData": [HASH]}
    lived = _exchange(FROM_CSMS, "GetInstalledCertificateIds", {"certificateType": "Nothing"}, answer)
    assert [message.action for message in lived.messages if message.action != "BootNotification"] == []
    assert lived.codes() == {"schema.v16"}
    assert lived.unmapped == ["GetInstalledCertificateIds: no certificateType"]
