"""One thing that was observed of a charging station's device model, and when. Pure.

Facts are what the wire said: a configuration key and its value, a field of BootNotification, a variable that a native
2.0.1 station reported. What follows from them (`shadow.device_model.inventory`) is worked out by whoever reads them, so
that another mapping needs no frames to be lived again. Of one name the newest fact holds, by the tap's clock.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from ingest.frame import Micros

__all__ = ["LONGEST_VALUE", "Fact", "Source"]

LONGEST_VALUE: Final = 2500
"""ReportingValueSize (Part 2 §2.1.21): no value that 2.0.1 reports is longer."""


class Source(StrEnum):
    """Where a fact comes from, and so what its name is."""

    KEY = "key"
    """A configuration key, by its name as sent: GetConfiguration.conf, or ChangeConfiguration that was accepted.

    `value` None: the station does not know it (`detail.unknown`), or it is a secret (`detail.secret`: `set` or
    `empty`). `detail`: `readonly` (`true`, `false`), `via` (`GetConfiguration`, `ChangeConfiguration`), `status`
    (`RebootRequired`: it holds from the next boot on)."""
    ANSWER = "answer"
    """A GetConfiguration.conf to a request for all keys; name `GetConfiguration`, value the number of keys.

    `detail.changed_at`: the time (µs) of the first answer that read just so. Answers that repeat it give no facts of
    keys, and a key from an older answer is one that the station has no more."""
    BOOT = "boot"
    """A field of BootNotification, by its 1.6 name (`chargePointVendor`); of native 2.0.1 too."""
    BOOT_ANSWER = "boot-answer"
    """A field of its answer: `interval` (seconds), `status`."""
    HANDSHAKE = "handshake"
    """How it connected: `subprotocol`, `offered`, `tls_version`, `client_certificate_subject`, `basic_auth`,
    `compression`."""
    STATUS = "status"
    """The latest status of a connector as 1.6 says it (`Charging`); `detail.error_code` where it is not NoError."""
    METER = "meter"
    """What was measured at a connector: name is the measurand, value the unit, `detail.phases` the phases seen (sorted,
    comma-separated), `detail.location`, `detail.context` likewise. Also the largest value so far of `Power.Offered`,
    `Current.Offered`, `Power.Active.Import`: name `max:MEASURAND`, value the number in W or A."""
    PROFILE = "profile"
    """Name `installed`: how many charging profiles the station holds."""
    LOCAL_LIST = "local-list"
    """`version` of the local list, and `entries` where a full list was sent."""
    CERTIFICATE = "certificate"
    """Name `installed`: how many certificates the station listed."""
    TRANSFER = "data-transfer"
    """A DataTransfer: name `cp>cs VENDOR/MESSAGE`, value its latest data as mirrored; `detail.status` of its answer."""
    VARIABLE = "variable"
    """A value that a native 2.0.1 station gave: name the address as text, with `#Target`, `#MinSet`, `#MaxSet`
    behind it where it is not the Actual attribute. `detail`: `via` (`NotifyReport`, `GetVariables`, `SetVariables`,
    `NotifyEvent`), `status` where it is not Accepted (then without a value)."""
    CHARACTERISTICS = "characteristics"
    """What a native station says of a variable: name the address as text, value its dataType. `detail`: `unit`,
    `minLimit`, `maxLimit`, `valuesList`, `mutability` (of Actual), `supportsMonitoring`."""


class Fact(msgspec.Struct, frozen=True):
    """One thing that was observed. The newest of a charging station, source, connector and name holds."""

    charger_id: str
    source: Source
    name: str
    connector_id: int | None
    """The 1.6 connector, where it is about one; 0 is the station as a whole."""
    value: str | None
    at: Micros
    """Tap clock; also the version."""
    frame_id: str
    detail: dict[str, str] = {}
