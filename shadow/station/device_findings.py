"""What configuration keys, data transfers and handshakes show that 2.0.1 cannot say, lacks or would refuse.

A station has one row for all keys of one fate, with their number: the device model lists each of them. Variables that
2.0.1 requires and no key of 1.6 can tell are lacking on every station alike and stand in the gap audit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ingest.frame import Handshake
from shadow.device_model import standard
from shadow.device_model.address import Address
from shadow.device_model.model import KeyFate
from shadow.mapping.device_values import Statement, fate, presence
from shadow.mapping.keys import KEYS, LEGACY_COMPONENT, Access, Key
from shadow.mapping.vendor_keys import statements
from shadow.station.fields import text
from shadow.station.key_facts import is_secret
from shadow.station.outbox import Outbox

__all__ = ["on_answer", "on_change", "on_handshake", "on_transfer"]

_CODES: Final = {
    KeyFate.UNMAPPED: "device.unmapped-key",
    KeyFate.LOSSY: "device.lossy-key",
    KeyFate.NO_EQUIVALENT: "device.no-equivalent",
}
_ANSWER: Final = "GetConfiguration.conf.configurationKey"
_MOST_NAMES: Final = 20
_CORE_KEYS: Final = frozenset(
    {
        "AuthorizeRemoteTxRequests", "ClockAlignedDataInterval", "ConnectionTimeOut", "LocalAuthorizeOffline",
        "LocalPreAuthorize", "MeterValuesAlignedData", "MeterValuesSampledData", "MeterValueSampleInterval",
        "NumberOfConnectors", "ResetRetries", "StopTransactionOnEVSideDisconnect", "StopTransactionOnInvalidId",
        "StopTxnAlignedData", "StopTxnSampledData", "TransactionMessageAttempts", "TransactionMessageRetryInterval",
        "UnlockConnectorOnEVSideDisconnect",
    }
)  # fmt: skip
_FEATURE_KEYS: Final = {
    "LocalAuthListCtrlr": ("LocalAuthListMaxLength", "SendLocalListMaxLength"),
    "SmartChargingCtrlr": (
        "ChargeProfileMaxStackLevel", "ChargingScheduleAllowedChargingRateUnit", "ChargingScheduleMaxPeriods",
        "MaxChargingProfilesInstalled",
    ),
}  # fmt: skip
"""By the component whose Available says that the feature is there (SupportedFeatureProfiles)."""
_PROFILES: Final = ("none", "1", "2", "3")
_OLDEST_TLS: Final = (1, 2)
_BELOW: Final = ("security.profile", "handshake")
_OLD_TLS: Final = ("security.tls", "handshake.tls_version")
_UNCERTIFIED: Final = ("security.tls", "handshake.client_certificate")


def _required(names: Iterable[str]) -> dict[Address, str]:
    """The variables that 2.0.1 requires (Part 1 §4.6) and 1.6 does, too, with the key that is required there (§9)."""
    found = {}
    for name in names:
        for variable in KEYS[name.lower()].variables:
            address = Address(variable.component, variable.name, variable.instance)
            known = standard.find(address)
            if known is not None and known.required_by():
                found[address.key] = name
    return found


_CORE: Final = _required(sorted(_CORE_KEYS))
_FEATURES: Final = {component: _required(names) for component, names in _FEATURE_KEYS.items()}


def on_answer(out: Outbox, told: Mapping[str, dict[str, Any]], *, whole: bool) -> None:
    """GetConfiguration.conf: `told` are its keys by name in lower case, `whole` says that all were asked for."""
    values = {name: text(one, "value") or "" for name, one in told.items()}
    rows = [(key, *statements(key, values[key.name.lower()], values, out.place)) for key in _keys(out, told)]
    for key, found, _ in rows:
        if is_secret(key.name):
            if values[key.name.lower()]:
                path, detail = f"{_ANSWER}:{key.name}", "its value stands in the answer"
                out.find("security.secret-exposed", path, expected=Access.WRITE_ONLY.value, detail=detail)
        else:
            _name_flaws(out, f"{_ANSWER}:{key.name}", values[key.name.lower()], found)
    supplied = {_untiered(one.address) for _, found, _ in rows for one in found}
    _supply(out, supplied)
    if whole:
        _name_fates(out, [(key, fate(key, whole=all_of_it)) for key, _, all_of_it in rows])
        _name_missing(out, supplied, _blocks(rows))


def _keys(out: Outbox, told: Mapping[str, dict[str, Any]]) -> Iterator[Key]:
    for one in told.values():
        yield out.key(text(one, "key") or "")


def _untiered(address: Address) -> Address:
    return Address(address.component, address.variable, address.instance).key


def _name_flaws(out: Outbox, path: str, value: str, found: Iterable[Statement]) -> None:
    flaws = dict.fromkeys(flaw for one in found for flaw in one.flaws)
    if flaws:
        out.find("device.invalid-value", path, found=value, expected=next(iter(flaws)), detail="; ".join(flaws)[:500])


def _name_fates(out: Outbox, fates: list[tuple[Key, KeyFate]]) -> None:
    for kind, code in _CODES.items():
        names = sorted(key.name for key, one in fates if one is kind)
        if names:
            more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
            detail = f"{', '.join(names[:_MOST_NAMES])}{more}"
            out.find(code, _ANSWER, found=f"{len(names)} of {len(fates)} keys", detail=detail)
        else:
            out.withdraw(code, _ANSWER)


def _blocks(rows: Iterable[tuple[Key, list[Statement], bool]]) -> set[str]:
    """The components of features that the station says it has."""
    return {
        one.address.component
        for key, found, _ in rows
        for one in (*found, *presence(key, known=True))
        if one.address.variable == "Available" and one.value == "true"
    }


def _name_missing(out: Outbox, supplied: set[Address], blocks: set[str]) -> None:
    due = dict(_CORE)
    for component, required in _FEATURES.items():
        if component in blocks:
            due.update(required)
    missing = out.station.device.missing
    for address, name in due.items():
        spelt = _spelt(address)
        if address in supplied or spelt in missing:
            continue
        missing.append(spelt)
        detail = f"1.6 requires {name}, too, and the station does not tell it"
        out.find("device.missing-variable", spelt, expected=f"key {name}", detail=detail)


def _supply(out: Outbox, supplied: set[Address]) -> None:
    """What was lacking is there now."""
    missing = out.station.device.missing
    for spelt in [one for one in missing if Address.parse(one).key in supplied]:
        missing.remove(spelt)
        out.withdraw("device.missing-variable", spelt)


def _spelt(address: Address) -> str:
    known = standard.find(address)
    return str(address if known is None else known.address)


def on_change(out: Outbox, payload: dict[str, Any], status: str) -> None:
    """ChangeConfiguration with its answer: what the station took, and 2.0.1 would not have."""
    name, value = text(payload, "key"), text(payload, "value")
    if name is None or value is None or status not in ("Accepted", "RebootRequired"):
        return
    key = out.key(name)
    path = f"ChangeConfiguration:{key.name}"
    shown = None if is_secret(name) else value
    if key.access is Access.READ_ONLY and key.variables[0].component != LEGACY_COMPONENT:
        instead = "SetNetworkProfile (B09)" if key.network_profile else "ReadOnly"
        out.find("device.readonly", path, found=shown, expected=instead, detail=_spelt(_first(key)))
        return
    found, _ = statements(key, value, {}, out.place)
    if shown is not None:
        _name_flaws(out, path, shown, found)
    _supply(out, {_untiered(one.address) for one in found})


def _first(key: Key) -> Address:
    variable = key.variables[0]
    return Address(variable.component, variable.name, variable.instance)


def on_transfer(out: Outbox, name: str, variables: Iterable[str]) -> None:
    """A DataTransfer that was accepted for the first time: `cp>cs VENDOR/MESSAGE`; and what the mapping file gives it.

    One that the other side refuses is no language that the two have in common.
    """
    direction, _, kind = name.partition(" ")
    carried = ", ".join(dict.fromkeys(variables))
    detail = f"{direction}: {'the mapping file names its variables' if carried else 'no mapping file names it'}"
    out.find("vendor.data-transfer", f"DataTransfer:{name}", found=kind, expected=carried or None, detail=detail)


def on_handshake(out: Outbox, shake: Handshake) -> None:
    """The security profile that a connection shows (2.0.1 A00), named where it is another than the last one showed."""
    shown = _profile(out, shake)
    old = _is_old(shake.tls_version)
    uncertified = out.config.security_profile == 3 and shown == 2
    said = f"{shown} {shake.tls_version if old else ''} {uncertified}"
    device = out.station.device
    if said == device.security:
        return
    known, device.security = bool(device.security), said
    aimed = out.config.security_profile
    wrong = {
        _BELOW: (_PROFILES[shown], str(aimed)) if shown is not None and shown < aimed else None,
        _OLD_TLS: (shake.tls_version, "TLSv1.2") if old else None,
        _UNCERTIFIED: ("none", "a client certificate") if uncertified else None,
    }
    for (code, path), values in wrong.items():
        if values is not None:
            out.find(code, path, found=values[0], expected=values[1], detail="as the tap saw the handshake")
        elif known:
            out.withdraw(code, path)


def _profile(out: Outbox, shake: Handshake) -> int | None:
    """None: a log of others, or TLS ends before the tap and no password tells the profile."""
    if not shake.path:
        return None
    if out.config.tls_before_tap:
        return 2 if shake.basic_auth else None
    if shake.tls_version is None:
        return 1 if shake.basic_auth else 0
    return 3 if shake.client_certificate_subject is not None else 2 if shake.basic_auth else 0


def _is_old(version: str | None) -> bool:
    """`TLSv1`, `TLSv1.1`, `SSLv3` against 1.2 (A00.FR.313)."""
    if version is None:
        return False
    name, _, number = version.lower().partition("v")
    major, _, minor = number.partition(".")
    if name != "tls":
        return True
    return (int(major or 0), int(minor or 0)) < _OLDEST_TLS if (major + minor).isdigit() else False
