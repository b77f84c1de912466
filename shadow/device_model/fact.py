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

__all__ = ["LONGEST_NAME", "LONGEST_VALUE", "Fact", "Source"]

LONGEST_NAME: Final = 500
"""Room for an address with all its parts, and for a vendorId with a messageId."""

LONGEST_VALUE: Final = 2500
"""ReportingValueSize (Part 2 §2.1.21): no value that 2.0.1 reports is longer."""


class Source(StrEnum):
    """Where a fact comes from, and so what its name is."""

    KEY = "key"
    """A configuration key, by its name as sent: GetConfiguration.conf, or ChangeConfiguration that was accepted.

    Names differ by case only where the CSMS writes one otherwise than the station: of both the newest holds. `value`
    None: the station does not know it (`detail.unknown`: `true`), or it is a secret (`detail.secret`: `set` or
    `empty`); a key without a value is empty. `detail`: `readonly` (`true`, `false`; what was changed is `false`), `via`
    (`GetConfiguration`, `ChangeConfiguration`), `status` (`RebootRequired`: it holds from the next boot on). A change
    that was Rejected gives no fact, one that is NotSupported says that the key is unknown."""
    ANSWER = "answer"
    """A GetConfiguration.conf to a request for all keys; name `GetConfiguration`, value the number of keys.

    `detail.changed_at`: the time (µs) of the first answer that read just so. Answers that repeat it give no facts of
    keys, and a key from an older answer is one that the station has no more.

    Of a native station: name `NotifyReport`, told when the last part of a base report has come and none is missing;
    value the number of variables in it, `detail.changed_at` the time of its first part, `detail.base`
    `FullInventory` or `ConfigurationInventory` (which leaves out what can only be read)."""
    BOOT = "boot"
    """A field of BootNotification, by its 1.6 name (`chargePointVendor`); of native 2.0.1 too.

    One that is older than `chargePointVendor`, which each boot has, did not stand in the latest boot."""
    BOOT_ANSWER = "boot-answer"
    """A field of its answer: `interval` (seconds), `status`."""
    HANDSHAKE = "handshake"
    """How it connected: `subprotocol`, `offered` (comma-separated), `tls_version`, `client_certificate_subject`,
    `basic_auth`, `compression` (`true`, `false`).

    The last two are always told where the tap saw the handshake: a name that is older did not stand in the latest. A
    log of others tells the subprotocol at most."""
    STATUS = "status"
    """The latest status of a connector as 1.6 says it (`Charging`); `detail.error_code` where it is not NoError. Name
    `status`."""
    METER = "meter"
    """What was measured at a connector: name is the measurand, value the unit, `detail.phases` the phases seen (sorted,
    comma-separated), `detail.location`, `detail.context` likewise. What a sample leaves out is what 1.6 §7.43 takes it
    for; without a phase there is none. Also the largest value so far of `Power.Offered`, `Power.Active.Import` (all
    phases together) and `Current.Offered` (of any phase): name `max:MEASURAND`, value the number in W or A, told when
    it is at least 5 % above what was told before."""
    PROFILE = "profile"
    """Name `installed`: how many charging profiles the CSMS installed and did not clear, as far as they are
    remembered (16)."""
    LOCAL_LIST = "local-list"
    """`version` of the local list, and `entries` where a full list was sent."""
    CERTIFICATE = "certificate"
    """Name `installed`: how many certificates the station listed; `detail`: how many of each certificateType of 1.6
    that it was asked for."""
    TRANSFER = "data-transfer"
    """A DataTransfer that was answered: name `cp>cs VENDOR/MESSAGE` or `cs>cp …`, value its latest data as mirrored;
    `detail.status` of its answer, or the code of its CALLERROR. Of a station that makes up ever new names those beyond
    the 64th are one: `cp>cs …/…`."""
    VARIABLE = "variable"
    """A value that a native 2.0.1 station gave: name the address as text, with `#Target`, `#MinSet`, `#MaxSet`
    behind it where it is not the Actual attribute. `detail`: `via` (`NotifyReport`, `GetVariables`, `SetVariables`,
    `NotifyEvent`), `status` where it is not Accepted (then without a value, except RebootRequired), `secret` as of a
    key. SetVariables that was Rejected gives no fact: the value is what it was."""
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
    """Tap clock; also the version. Of what sums up several messages never before the fact before it."""
    frame_id: str
    detail: dict[str, str] = {}
