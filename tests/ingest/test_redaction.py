"""Redaction of messages, place by place."""

import json
from pathlib import Path

import pytest

from ingest.ocppj import MAX_TEXT, Malformed, parse
from ingest.redaction import Redactor
from ingest.sensitive import Kind, classify

RECORDINGS = Path(__file__).resolve().parents[2] / "../shared/recordings"

REDACTOR = Redactor(b"a key of the tests, 32 bytes lon", "test")
P = REDACTOR.pseudonym


def call(action, payload):
    """A CALL as compact JSON."""
    return json.dumps([2, "1", action, payload], separators=(",", ":"))


@pytest.mark.parametrize(
    "before",
    [
        '[2,"1","Authorize",{"idTag":"%s"}]',
        '[2, "1", "Authorize", { "idTag" :\t"%s" } ]',
        '[2,"1","Authorize",{"id\\u0054ag":"%s"}]',
        '[2,"1","Authorize",{"IDTAG":"%s"}]',
        '[3,"1",{"idTagInfo":{"expiryDate":"2199-12-31T00:00:00Z","parentIdTag":"%s","status":"Accepted"}}]',
        '[2,"1","SendLocalList",{"localAuthorizationList":[{"idTag":"%s","idTagInfo":{"status":"Blocked"}}]}]',
        '[2,"1","ReserveNow",{"connectorId":1,"parentIdTag":"%s","reservationId":3}]',
        '[2,"1","TransactionEvent",{"idToken":{"idToken":"%s","type":"ISO14443"}}]',
        '[2,"1","X",{"idToken":{"idToken":"","additionalInfo":[{"additionalIdToken":"%s","type":"t"}],"type":"Local"}}]',
        '[3,"1",{"idTokenInfo":{"groupIdToken":{"idToken":"%s","type":"Central"},"status":"Accepted"}}]',
        '[2,"1","CustomerInformation",{"customerIdentifier":"%s","report":true}]',
        '[2,"1","Authorize",{"idTag":["%s"]}]',
        '[2,"1","Authorize",{"idTag":{"wrong":{"deep":"%s"}}}]',
        '[2,"1","ChangeConfiguration",{"key":"FreevendIdTag","value":"%s"}]',
        '[3,"1",{"configurationKey":[{"value":"%s","readonly":false,"key":"DefaultTokenID"}]}]',
        '[2,"1","DataTransfer",{"vendorId":"v","data":"{\\"idTag\\":\\"%s\\",\\"path\\":\\"a\\\\/b\\"}"}]',
        '[2,"1","DataTransfer",{"vendorId":"v","data":"idTag: %s; connector: 1"}]',
        '[4,"1","FormationViolation","Payload {\'idTag\': \'%s\'} is invalid",{}]',
        '[2,"1","MeterValues",{"value":"OCMF|{\\"ID\\":\\"%s\\",\\"RD\\":[]}|{\\"SD\\":\\"3045\\"}","format":"SignedData"}]',
        '{"cdr_token":{"uid":"%s","type":"RFID"},"total_cost":{"excl_vat":1.5}}',
    ],
)
def test_a_token_becomes_its_pseudonym_and_nothing_else_changes(before):
    """In every place a token is known to stand, only its characters are replaced."""
    assert P("04A1B2C3") != "04A1B2C3"
    assert REDACTOR.redact(before % "04A1B2C3") == before % P("04A1B2C3")


@pytest.mark.parametrize(
    "before",
    [
        '[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"%s"}]',
        '[2,"1","ChangeConfiguration",{"value":"%s","key":"authorizationkey"}]',
        '[2,"1","ChangeConfiguration",{"value":"%s","key":"Authorization\\u004bey"}]',
        '[3,"1",{"configurationKey":[{"key":"enc.PortalEnrollmentToken","readonly":true,"value":"%s"}]}]',
        '[3,"1",{"configurationKey":[{"key":"WifiPsk","readonly":true,"value":"%s"}],"unknownKey":["x"]}]',
        (
            '[2,"1","SetVariables",{"setVariableData":[{"attributeValue":"%s","component":{"name":"SecurityCtrlr"},'
            '"variable":{"name":"BasicAuthPassword"}}]}]'
        ),
        (
            '[3,"1",{"getVariableResult":[{"attributeStatus":"Accepted","component":{"name":"SecurityCtrlr"},'
            '"variable":{"name":"basicauthpassword"},"attributeValue":"%s"}]}]'
        ),
        (
            '[2,"1","NotifyReport",{"reportData":[{"variableAttribute":[{"type":"Actual","value":"%s"}],'
            '"component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}]'
        ),
        (
            '[2,"1","NotifyEvent",{"eventData":[{"actualValue":"%s","component":{"name":"SecurityCtrlr"},'
            '"variable":{"name":"BasicAuthPassword"}}]}]'
        ),
        '[2,"1","SetNetworkProfile",{"connectionData":{"apn":{"apn":"internet","apnPassword":"%s"}}}]',
        '[2,"1","SetNetworkProfile",{"connectionData":{"vpn":{"server":"h","type":"IKEv2","key":"%s"}}}]',
        '[2,"1","SetNetworkProfile",{"connectionData":{"vpn":{"server":"h","password":"%s","type":"IKEv2"}}}]',
        '[2,"1","UpdateFirmware",{"location":"ftp://%s@host/fw.bin","retries":1}]',
        '[2,"1","UpdateFirmware",{"location":"ftp:\\/\\/%s@host\\/fw.bin"}]',
        '[2,"1","GetLog",{"log":{"remoteLocation":"https://host/up?sig=%s"},"logType":"DiagnosticsLog"}]',
        '[2,"1","GetDiagnostics",{"location":"host/up?sig=%s"}]',
        '[2,"1","SetNetworkProfile",{"connectionData":{"ocppCsmsUrl":"wss://%s@host:443/ocpp"}}]',
        '[2,"1","DataTransfer",{"data":"{\\"wifi_password\\":\\"%s\\"}"}]',
        '[2,"1","DataTransfer",{"data":{"a":[{"apiKey":["%s"]}]}}]',
        '[4,"1","InternalError","cannot set: password=%s",{}]',
        '[2,"1","NotifyCustomerInformation",{"data":"%s","seqNo":0,"generatedAt":"2030-01-01T00:00:00Z"}]',
        '[2,"1","Authorize",{"certificate":"%s","idToken":{"idToken":"","type":"NoAuthorization"}}]',
        '[2,"1","TransactionEvent",{"signedMeterValue":{"signedMeterData":"%s","encodingMethod":"OCMF"}}]',
    ],
)
@pytest.mark.parametrize("secret", ["hunter2x", "s3cr3t value"])
def test_a_secret_becomes_asterisks_and_nothing_else_changes(before, secret):
    """In every place a secret is known to stand, it is replaced by as many asterisks."""
    if "@host" in before:
        secret = secret.replace(" ", "")
    assert REDACTOR.redact(before % secret) == before % ("*" * len(secret))


def test_an_escaped_secret_is_counted_by_its_characters():
    """Escapes are read before the length is taken: presence and length are those of the secret."""
    text = r'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"a\"b\\c\u00e9"}]'
    assert json.loads(REDACTOR.redact(text))[3]["value"] == "******"


@pytest.mark.parametrize(("number", "masked"), [("4711", "9999"), ("-12.50", "-99.99"), ("12e5", "99e5")])
def test_a_secret_number_stays_a_number(number, masked):
    """Digits become nines, so that the wrong type is still seen and the value is not."""
    text = '[2,"1","ChangeConfiguration",{"key":"SimPin","value":%s}]'
    assert REDACTOR.redact(text % number) == text % masked


def test_a_token_number_gets_the_pseudonym_of_its_digits():
    """An idTag of the wrong type is redacted and joins with the same digits as a string."""
    assert REDACTOR.redact('[2,"1","Authorize",{"idTag":12345678}]') == call("Authorize", {"idTag": int(P("12345678"))})


@pytest.mark.parametrize("value", ["null", "true", "false", '""', "[]", "{}"])
def test_a_token_that_is_no_token_stays(value):
    """What holds no characters of a token is left as it is."""
    text = f'[2,"1","Authorize",{{"idTag":{value}}}]'
    assert REDACTOR.redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        '[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M","iccid":"89","imsi":"26"}]',
        '[3,"1",{"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"300"}]}]',
        '[2,"1","GetConfiguration",{"key":["AuthorizationKey"]}]',
        '[3,"1",{"idTagInfo":{"status":"Accepted","expiryDate":"2030-01-01T00:00:00Z"}}]',
        '[2,"1","InstallCertificate",{"certificate":"-----BEGIN CERTIFICATE-----","certificateType":"x"}]',
        '[2,"1","StatusNotification",{"connectorId":1,"info":"see https://host/help","status":"Faulted"}]',
        '[2,"1","MeterValues",{"meterValue":[{"sampledValue":[{"value":"1","location":"Outlet"}]}]}]',
        '[2,"1","DataTransfer",{"data":[{"idTag":""},"plain",["plain"],{"password":null},7]}]',
        '"just a string"',
        "7",
        "[]",
    ],
)
def test_what_names_nobody_and_opens_nothing_stays(text):
    """Everyday texts come out as they went in."""
    assert REDACTOR.redact(text) == text


def test_every_pseudonym_of_a_repeated_member_is_made():
    """A member that stands twice is redacted twice, whichever a reader would take."""
    assert REDACTOR.redact('{"idTag":"AB12","idTag":"CD34"}') == f'{{"idTag":"{P("AB12")}","idTag":"{P("CD34")}"}}'


def test_a_repeated_name_cannot_hide_a_secret():
    """With two `key` members, one secret name is enough."""
    text = '{"key":"AuthorizationKey","value":"%s","key":"HeartbeatInterval"}'
    assert REDACTOR.redact(text % "abc") == text % "***"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Error: password=hunter2, retry", "Error: password=*******, retry"),
        ("password: s3cr3t://x y; next", f"password: {'*' * 12}; next"),
        ("see ftp://wlankey:pw@host/a password=x", "see ftp://*******:**@host/a password=*"),
        ("Authorization: Basic dXNlcg==\nnext", f"Authorization: {'*' * 14}\nnext"),
    ],
)
def test_pairs_in_free_text_are_found_beside_addresses(value, expected):
    """In running text a secret goes up to the end of its phrase, and an address keeps its host."""
    assert json.loads(REDACTOR.redact(json.dumps({"info": value})))["info"] == expected


def test_json_nested_deeper_than_the_limit_is_masked_whole():
    """Strings in strings are searched three deep; what lies deeper is not kept."""
    text = json.dumps({"idTag": "04A1B2C3"})
    for _ in range(4):
        text = json.dumps({"data": text})
    assert "04A1B2C3" not in REDACTOR.redact(text)
    assert "*" in REDACTOR.redact(text)


@pytest.mark.parametrize(
    "text",
    ["", "garbage", '[2,"1","Authorize",{"idTag":"04A1B2C3"}', "\x00\x01", '[2,"\ud800"]', "[" * 100_000, '{"a":1}x'],
)
def test_a_text_that_is_no_json_is_described_and_stays_malformed(text):
    """Only length, keyed hash and shape of it are kept, and it is still no message."""
    described = REDACTOR.redact(text)
    assert described.startswith(f"<<unparsable {len(text)} characters hash=")
    assert described.endswith(">>")
    assert "04A1B2C3" not in described
    assert len(described) < 300
    assert isinstance(parse(described), Malformed)
    assert described == REDACTOR.redact(text)
    assert described != Redactor(b"another key of the tests, 32 byt", "2").redact(text)


def test_the_shape_of_an_unparsable_text_tells_letters_from_digits_only():
    """Letters become `a`, digits `9`, punctuation stays."""
    assert REDACTOR.redact('{"idTag":"é4A",').endswith('shape={"aaaaa":"a9a",>>')


def test_a_text_beyond_the_limit_is_not_searched():
    """What no reader would parse is described instead of scanned."""
    assert REDACTOR.redact('"' + "a" * MAX_TEXT + '"').startswith("<<unparsable 4194306 characters")


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "value", ["key" + "a" * 200_000, "key " + "a=" * 100_000, "key" + " " * 200_000, "://" * 60_000, "token:" * 40_000]
)
def test_a_hostile_string_costs_linear_time(value):
    """No pattern backtracks over a long value."""
    json.loads(REDACTOR.redact(json.dumps({"data": value})))


def test_names_are_told_apart():
    """Names that merely sound like a token or a secret are neither."""
    plain = ["idTagInfo", "idTokenInfo", "LocalAuthListEnabled", "AuthorizationCacheEnabled", "publicKey", "key"]
    plain += ["WebSocketPingInterval", "PublicKeyWithSignedMeterValue", "transactionId", "configurationKey", "apn"]
    assert {name for name in plain if classify(name) is not Kind.PLAIN} == set()
    assert {classify(name) for name in ("MasterPassGroupId", "id_tag", "parentIdTag", "evccId")} == {Kind.TOKEN}
    assert {classify(name) for name in ("GsmSimPin", "api_key", "Authorization", "SASToken")} == {Kind.SECRET}


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the real recordings are not beside this checkout")
def test_recordings_keep_everything_but_their_tokens():
    """Of every real frame only the known idTags change, and all of them do."""
    seen = 0
    for path in sorted(RECORDINGS.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            if "frame" not in entry:
                continue
            text = json.dumps(entry["frame"])
            expected = text
            for tag in ("TAGA0000000000000001", "TAGB0000000000000001"):
                seen += tag in text
                expected = expected.replace(tag, P(tag))
            assert REDACTOR.redact(text) == expected
    assert seen > 3
