"""Redaction of native 2.0.1: each field of each official schema, and whether it is kept, renamed or masked."""

import json
from typing import Any

import pytest

from ingest.redaction import Redactor
from shadow import schema

REDACTOR = Redactor(b"a key of the tests, 32 bytes lon", "test")
MARK = "zq7x"

TOKENS = {
    "idToken.idToken",
    "idToken.additionalInfo.additionalIdToken",
    "groupIdToken.idToken",
    "groupIdToken.additionalInfo.additionalIdToken",
    "customerIdentifier",
    "iso15118CertificateHashData.serialNumber",
    "customerCertificate.serialNumber",
}
"""Ends of the paths of all fields that name a driver, a contract or a card."""
SECRETS = {
    ("Authorize", "certificate"),
    ("Get15118EVCertificate", "exiRequest"),
    ("Get15118EVCertificate", "exiResponse"),
    ("MeterValues", "meterValue.sampledValue.signedMeterValue.signedMeterData"),
    ("NotifyCustomerInformation", "data"),
    ("SetNetworkProfile", "connectionData.apn.apnPassword"),
    ("SetNetworkProfile", "connectionData.apn.apnUserName"),
    ("SetNetworkProfile", "connectionData.apn.simPin"),
    ("SetNetworkProfile", "connectionData.vpn.key"),
    ("SetNetworkProfile", "connectionData.vpn.password"),
    ("SetNetworkProfile", "connectionData.vpn.user"),
    ("TransactionEvent", "meterValue.sampledValue.signedMeterValue.signedMeterData"),
    ("TransactionEvent", "updatedPersonalMessage.content"),
    ("Authorize", "idTokenInfo.personalMessage.content"),
    ("SendLocalList", "localAuthorizationList.idTokenInfo.personalMessage.content"),
    ("TransactionEvent", "idTokenInfo.personalMessage.content"),
}
"""All fields of which only the length is kept."""


def _filled(document: dict[str, Any], node: dict[str, Any]) -> Any:
    """A value with every field of a schema."""
    if "$ref" in node:
        return _filled(document, document["definitions"][node["$ref"].rpartition("/")[2]])
    if "enum" in node:
        return node["enum"][0]
    match node.get("type"):
        case "object":
            members = node.get("properties", {})
            return {name: _filled(document, child) for name, child in members.items() if name != "customData"}
        case "array":
            return [_filled(document, node["items"])]
        case "string":
            return "2030-01-01T00:00:00Z" if node.get("format") == "date-time" else MARK
        case "boolean":
            return True
        case kind:
            return {"integer": 1, "number": 1.5}.get(str(kind), MARK)


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {key: leaf for name, child in value.items() for key, leaf in _leaves(child, f"{path}.{name}").items()}
    if isinstance(value, list):
        return _leaves(value[0], path) if value else {}
    return {path[1:]: value}


@pytest.mark.parametrize("action", schema.actions(schema.V201))
def test_every_field_of_2_0_1_is_kept_renamed_or_masked(action: str) -> None:
    """Tokens become pseudonyms, secrets asterisks, and nothing else changes."""
    for response in (False, True):
        document = schema.read(schema.V201, action, response=response)
        assert document is not None
        payload = _filled(document, document)
        message = [3, "m", payload] if response else [2, "m", action, payload]
        before, after = _leaves(payload), _leaves(json.loads(REDACTOR.redact(json.dumps(message)))[-1])
        assert after.keys() == before.keys()
        for path, value in before.items():
            if any(path == end or path.endswith(f".{end}") for end in TOKENS):
                assert after[path] == REDACTOR.pseudonym(value) != value, path
            elif (action, path) in SECRETS:
                assert set(str(after[path])) <= {"*", "9"}, path
            else:
                assert after[path] == value, path


def test_what_is_listed_exists() -> None:
    """Each secret of the table is a field of 2.0.1: a name that is none would be masked nowhere."""
    known = set()
    for action in schema.actions(schema.V201):
        for response in (False, True):
            document = schema.read(schema.V201, action, response=response) or {}
            known |= {(action, path) for path in _leaves(_filled(document, document))}
    assert known >= SECRETS


@pytest.mark.parametrize(
    "text",
    [
        '[3,"1",{"updatedPersonalMessage":{"format":"UTF8","content":"%s"}}]',
        '[2,"1","CustomerInformation",{"customerCertificate":{"serialNumber":"%s"},"report":true,"clear":false}]',
        '[2,"1","X",{"iso15118CertificateHashData":[{"serialNumber":"%s"}]}]',
    ],
)
def test_no_other_sign_is_needed(text: str) -> None:
    """Also where nothing else in the message is sensitive."""
    assert "Ada7" not in REDACTOR.redact(text % "Ada7")


def test_the_serial_number_of_the_station_is_kept() -> None:
    """It names a device, and evidence needs it."""
    text = '[2,"1","BootNotification",{"chargingStation":{"serialNumber":"SN-1","model":"M","vendorName":"V"}}]'
    assert REDACTOR.redact(text) == text
