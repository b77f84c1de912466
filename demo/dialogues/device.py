"""Configuration, charging profiles, vendors, and what 2.0.1 has no word for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from demo.dialogues.kinds import Dialogue, booted
from demo.script import Script

__all__ = ["DEVICE"]


def _keys(**values: str) -> Callable[[Script, int], object]:
    told_keys = [{"key": key, "readonly": False, "value": value} for key, value in values.items()]
    return lambda script, _: booted(script).command("GetConfiguration", {}).answer({"configurationKey": told_keys})


def _profile(script: Script, number: int, status: str = "Accepted") -> Script:
    schedule = {
        "chargingRateUnit": "A",
        "startSchedule": "2026-01-01T00:00:00Z",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}],
    }
    profile = {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    }
    return script.remote("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}, status)


DEVICE: Final[tuple[Dialogue, ...]] = (
    Dialogue(
        name="vendor-key",
        codes=("device.unmapped-key",),
        also=("device.missing-variable",),
        detail="a key of the vendor's own",
        tell=_keys(AlderLight="on"),
    ),
    Dialogue(
        name="lossy-key",
        codes=("device.lossy-key",),
        also=("device.missing-variable",),
        detail="GetConfigurationMaxKeys, which 2.0.1 says for items of each message",
        tell=_keys(GetConfigurationMaxKeys="50"),
    ),
    Dialogue(
        name="key-without-equivalent",
        codes=("device.no-equivalent",),
        also=("device.missing-variable",),
        detail="BlinkRepeat",
        tell=_keys(BlinkRepeat="3"),
    ),
    Dialogue(
        name="few-keys",
        codes=("device.missing-variable",),
        detail="a complete report without what 2.0.1 requires",
        tell=_keys(HeartbeatInterval="300"),
    ),
    Dialogue(
        name="value-out-of-type",
        codes=("device.invalid-value",),
        also=("device.missing-variable",),
        detail='ResetRetries "often"',
        tell=_keys(ResetRetries="often"),
    ),
    Dialogue(
        name="secret-readable",
        codes=("security.secret-exposed",),
        also=("device.missing-variable",),
        detail="the AuthorizationKey stands in an answer",
        tell=_keys(AuthorizationKey="****"),
    ),
    Dialogue(
        name="write-to-read-only",
        codes=("device.readonly",),
        also=("message.field-lost",),
        detail="SecurityProfile is written",
        tell=lambda script, _: booted(script).remote("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"}),
    ),
    Dialogue(
        name="vendor-data",
        codes=("vendor.data-transfer",),
        detail="DataTransfer of a vendor",
        tell=lambda script, _: (
            booted(script).call("DataTransfer", {"vendorId": "com.alder", "data": "1"}).answer({"status": "Accepted"})
        ),
    ),
    Dialogue(
        name="profiles-of-one-level",
        codes=("profile.conflict",),
        detail="two charging profiles of one purpose and stack level",
        tell=lambda script, _: _profile(_profile(booted(script), 1), 2),
    ),
    Dialogue(
        name="profiles-not-supported",
        codes=("profile.unmappable",),
        detail="SetChargingProfile is answered with NotSupported",
        tell=lambda script, _: _profile(booted(script), 1, "NotSupported"),
    ),
    Dialogue(
        name="local-list-not-supported",
        codes=("message.no-answer",),
        detail="SendLocalList is answered with NotSupported, which 2.0.1 cannot say",
        tell=lambda script, _: booted(script).remote(
            "SendLocalList", {"listVersion": 1, "updateType": "Full"}, "NotSupported"
        ),
    ),
    Dialogue(
        name="location-too-long",
        codes=("message.field-lost",),
        detail="a location of more than 512 characters in GetDiagnostics",
        tell=lambda script, _: (
            booted(script).command("GetDiagnostics", {"location": "ftp://" + "a" * 600}).answer({"fileName": "log.zip"})
        ),
    ),
)
