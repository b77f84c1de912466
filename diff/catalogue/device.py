"""Codes about the device model: configuration keys, variables, vendors' extensions, security."""

from __future__ import annotations

from typing import Final

from diff.catalogue.entry import Code, Values
from diff.discrepancy import Class, Severity

__all__ = ["DEVICE", "SECURITY", "VENDOR"]

DEVICE: Final[tuple[Code, ...]] = (
    Code(
        "device.unmapped-key",
        Class.EXPECTED_LOSS,
        Severity.MINOR,
        "The station has configuration keys of its vendor's own that no mapping file gives a variable of 2.0.1.",
        "Run `shadow-csms mapping suggest`, decide key by key, and name the variables in the mapping file; `shadow-csms"
        " device show` lists the keys with their values.",
        Values("how many of its keys"),
    ),
    Code(
        "device.lossy-key",
        Class.EXPECTED_LOSS,
        Severity.INFO,
        "Variables of 2.0.1 say only part of what configuration keys of the station say, or mean something else by it.",
        "Read the caveats of these keys (`shadow-csms device show`) and set the variables by hand where they matter.",
        Values("how many of its keys"),
    ),
    Code(
        "device.no-equivalent",
        Class.EXPECTED_LOSS,
        Severity.INFO,
        "The station has configuration keys of the 1.6 standard for which 2.0.1 has no variable.",
        "Check whether anything of yours sets them; after the move the vendor decides where they live, if anywhere.",
        Values("how many of its keys"),
    ),
    Code(
        "device.missing-variable",
        Class.QUALITY,
        Severity.MAJOR,
        "A variable that 2.0.1 requires is not there: the station told all of its keys and the one that would supply it"
        " is not among them, or its full report lacks the variable.",
        "Ask the vendor for it before the certification of the new firmware; required variables that no key of 1.6 can"
        " supply stand in the gap audit.",
        Values("", "what would supply it"),
    ),
    Code(
        "device.invalid-value",
        Class.QUALITY,
        Severity.MINOR,
        "A configuration key or variable has a value outside of the type, range or list that 2.0.1 allows it.",
        "Set a value that both versions allow now, so that the new firmware does not refuse it at its first start.",
        Values("the value as sent", "what is allowed"),
    ),
    Code(
        "device.readonly",
        Class.QUALITY,
        Severity.MINOR,
        "The CSMS wrote a configuration key, or a variable, that can only be read in 2.0.1.",
        "Change the CSMS: security profile and message timeout are set through SetNetworkProfile (B09); others are the"
        " station's own.",
        Values("the value as written", "what 2.0.1 has instead"),
    ),
)

VENDOR: Final[tuple[Code, ...]] = (
    Code(
        "vendor.data-transfer",
        Class.QUALITY,
        Severity.MAJOR,
        "Station and CSMS speak a language of the vendor's own in DataTransfer.",
        "Find out what depends on it; give its fields variables in the mapping file, or agree with the vendor on what"
        " the 2.0.1 firmware sends in its place.",
        Values("vendorId and messageId", "the variables that the mapping file gives it"),
    ),
)

SECURITY: Final[tuple[Code, ...]] = (
    Code(
        "security.profile",
        Class.QUALITY,
        Severity.MAJOR,
        "A station connects below the security profile that is aimed at.",
        "Move it to TLS and basic authentication (profile 2) or to client certificates (profile 3) before its firmware:"
        " a 2.0.1 station has no way to connect without one (A00).",
        Values("the profile as the handshake shows it", "the profile aimed at"),
    ),
    Code(
        "security.secret-exposed",
        Class.QUALITY,
        Severity.MAJOR,
        "A station tells a password or key in answer to GetConfiguration.",
        "Have the vendor make the key write-only, and change the secret: whoever reads the log has it. 2.0.1 refuses"
        " to read it (B06.FR.09).",
        Values("", "no value, as of all that can only be written"),
    ),
    Code(
        "security.tls",
        Class.QUALITY,
        Severity.MAJOR,
        "A station connects with a TLS older than 1.2, or without the client certificate that profile 3 asks for.",
        "Update the station's TLS library or its firmware: 2.0.1 asks for TLS 1.2 at least (A00.FR.313, A00.FR.416).",
        Values("what was agreed", "what is asked for"),
    ),
)
