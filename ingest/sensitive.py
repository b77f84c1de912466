"""Which names hold tokens and which hold secrets: the tables of redaction.

A name is a member of a JSON object, or the name of a configuration key (1.6) or variable (2.0.1) whose value stands
beside it. Names are compared without case and without punctuation (`enc.PortalEnrollmentToken`, `apn_password`).
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import Final

import jsonschema_rs

__all__ = ["KEPT_IN_TOKEN", "MEMBERS", "NAMING_KEYS", "VALUE_KEYS", "Kind", "classify", "may_hold"]


class Kind(IntEnum):
    """What is done with a value."""

    PLAIN = 0
    """Nothing."""
    TOKEN = 1
    """It becomes a pseudonym."""
    SECRET = 2
    """It becomes asterisks: presence and length are kept."""
    SIGNED = 3
    """Signed meter data: a token inside where it can be read (OCMF), asterisks where it is encoded."""


_TOKEN_NAMES: Final = frozenset(
    {
        # OCPI 2.2.1 Token and CdrToken (§12.4.2, §10.4.5).
        "uid", "contractid", "authid", "visualnumber",
        # ISO 15118: the contract, and the vehicle's MAC address, which Autocharge uses as a token.
        "emaid", "evccid", "vehicleid",
        # 2.0.1 Part 2 §2.4 AuthCtrlr.MasterPassGroupId; CustomerInformationRequest.
        "masterpassgroupid", "customeridentifier",
    }
)  # fmt: skip
_TOKEN_PARTS: Final = ("idtag", "idtoken", "tokenid")
"""idTag, parentIdTag (1.6), idToken, groupIdToken, additionalIdToken (2.0.1), DefaultTokenID (KEBA), FreevendIdTag …"""

_NO_TOKEN_ENDS: Final = ("info", "length", "enabled", "supported", "list", "count", "type", "timeout", "version", "max")
"""idTagInfo, idTokenInfo, idTokenType …: names that speak of tokens and hold none."""

_SECRET_NAMES: Final = frozenset(
    {
        "pin", "pincode", "pw", "pwd", "pass", "authorization", "basicauth", "apnusername",
        # Binary messages of ISO 15118 that carry the contract and its encrypted key (2.0.1 Part 2 M03).
        "exirequest", "exiresponse",
    }
)  # fmt: skip
_SECRET_PARTS: Final = (
    # 1.6 security white paper §7.2 AuthorizationKey; 2.0.1 Part 2 §2.2.1 SecurityCtrlr.BasicAuthPassword.
    "authorizationkey", "password", "passwd", "passphrase", "passcode", "secret", "credential",
    "apikey", "privatekey", "presharedkey", "accesskey", "networkkey", "wifikey", "wlankey", "wpakey", "wepkey",
    "encryptionkey", "masterkey", "accountkey", "psk", "simpin",
    "enrollmenttoken", "enrolmenttoken", "accesstoken", "authtoken", "bearertoken", "refreshtoken", "sastoken",
    "apitoken", "sessiontoken", "securitytoken",
)  # fmt: skip

NAMING_KEYS: Final = frozenset({"key", "name", "variable", "variablename"})
"""Members whose value names what stands in a `VALUE_KEYS` member of the same object."""

VALUE_KEYS: Final = frozenset({"value", "attributevalue", "actualvalue"})
"""1.6 KeyValue and ChangeConfiguration; 2.0.1 SetVariableData, GetVariableResult, VariableAttribute, EventData."""

KEPT_IN_TOKEN: Final = frozenset({"type", "vendorid", "status", "expirydate"})
"""Members of a token object (2.0.1 IdTokenType, AdditionalInfoType, customData) that name nobody."""

MEMBERS: Final[dict[str, dict[str, Kind]]] = {
    # 2.0.1 VPNType (§2.54): user, password and key of the tunnel.
    "vpn": {"user": Kind.SECRET, "key": Kind.SECRET},
    # 2.0.1 OCSPRequestDataType and CertificateHashDataType of a contract: its serial number is one driver's (C07, N09).
    "iso15118certificatehashdata": {"serialnumber": Kind.TOKEN},
    "customercertificate": {"serialnumber": Kind.TOKEN},
    # 2.0.1 MessageContentType for one driver (§2.27 IdTokenInfoType, §1.60.2): it may call him by his name.
    "personalmessage": {"content": Kind.SECRET},
    "updatedpersonalmessage": {"content": Kind.SECRET},
}
"""Members that are more than their name says inside an object of this key; all in lower case."""

_WORD: Final = re.compile(r"[^a-z0-9]+")


_MAX_REMEMBERED: Final = 64
"""Longest name that is remembered, in characters, so that the memory is bounded whatever a charger sends."""


def classify(name: str) -> Kind:
    """What a value of this name is.

    >>> classify("parentIdTag"), classify("GsmApnPassword"), classify("idTagInfo")
    (<Kind.TOKEN: 1>, <Kind.SECRET: 2>, <Kind.PLAIN: 0>)
    """
    return _remembered(name) if len(name) <= _MAX_REMEMBERED else _classify(name)


@lru_cache(maxsize=8192)
def _remembered(name: str) -> Kind:
    return _classify(name)


def _classify(name: str) -> Kind:
    if not may_hold(name):
        return Kind.PLAIN
    word = _WORD.sub("", name.lower())
    if word in _SECRET_NAMES or any(part in word for part in _SECRET_PARTS):
        return Kind.SECRET
    if word == "signedmeterdata":
        return Kind.SIGNED
    if word in _TOKEN_NAMES or (any(part in word for part in _TOKEN_PARTS) and not word.endswith(_NO_TOKEN_ENDS)):
        return Kind.TOKEN
    return Kind.PLAIN


_SIGNS: Final = (
    # An escape could hide any of the others; these are of addresses.
    "\\", "://", "@", "?", "#",
    # The shortest parts of the tables above that OCPP's everyday messages lack.
    "idt", "id_t", "id-t", "token", "key", "pass", "secret", "pin", "pw", "psk", "credential", "authorization", "basic",
    "apnu", "uid", "contract", "auth_id", "authid", "visual", "emaid", "evcc", "vehicle", "signed", "ocmf", "exire",
    "customer", "vpn", "personalm", "iso15118",
)  # fmt: skip


_is_free_of_them: Final = jsonschema_rs.validator_for(
    {"not": {"pattern": "(?i)" + "|".join(map(re.escape, _SIGNS))}}, pattern_options=jsonschema_rs.RegexOptions()
).is_valid
"""All signs in one pass: the engine of the schema validator looks for many literals at once, in linear time. Looking
for one after the other, or with `re`, takes ten times as long, and every message is looked at."""


def may_hold(text: str) -> bool:
    """A quick look: False means that no rule touches any value of the text. True may be wrong.

    It holds by construction: `_classify` asks it first, and the other rules need one of the signs.
    """
    try:
        return not _is_free_of_them(text)
    except UnicodeEncodeError:  # half a surrogate pair, which no text from a wire holds
        return True
