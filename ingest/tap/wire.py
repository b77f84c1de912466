"""What is known of a connection before its first byte of HTTP: TLS, certificate, and who stands in front. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

import msgspec

__all__ = ["NOTHING_KNOWN", "Networks", "Wire", "certificate_facts", "distinguished_name"]

_MAX_NAME: Final = 500
_SHORT: Final = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "domainComponent": "DC",
    "serialNumber": "SERIALNUMBER",
}
_SPECIAL: Final = frozenset(',+"\\<>;')
_MAX_REMEMBERED: Final = 100_000


class Wire(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts of the socket. Never a key, and of a certificate only what names it."""

    tls_version: str | None = None
    """As OpenSSL names it, `TLSv1.2`; None without TLS."""
    tls_cipher: str | None = None
    tls_resumed: bool = False
    """The session was resumed (RFC 5077, RFC 8446 §2.2)."""
    tls_handshake_us: int | None = None
    """Microseconds from the accepted socket to the end of the TLS handshake."""
    certificate_subject: str | None = None
    """Distinguished name of the client's certificate (RFC 4514)."""
    certificate_serial: str | None = None
    """Its serial number, hexadecimal."""
    certificate_fingerprint: str | None = None
    """SHA-256 of the certificate, hexadecimal."""
    trusted: bool = False
    """A trusted terminator stands in front: what its headers say of the charging station is believed."""


NOTHING_KNOWN: Final = Wire()


class Networks:
    """Addresses that are believed when they speak for others."""

    def __init__(self, text: str = "") -> None:
        """Read `10.0.0.0/8, ::1`.

        Raises:
            ValueError: a part is no address and no network; the message names it.
        """
        self._networks: list[IPv4Network | IPv6Network] = []
        self._known: dict[str, bool] = {}
        for part in (part.strip() for part in text.split(",")):
            if part:
                try:
                    self._networks.append(ip_network(part, strict=False))
                except ValueError:
                    raise ValueError(f"{part!r} is no address and no network; write 10.0.0.5 or 10.0.0.0/8") from None

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, host: object) -> bool:
        if not self._networks or not isinstance(host, str):
            return False
        known = self._known.get(host)
        if known is None:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            known = self._known[host] = self._holds(host)
        return known

    def _holds(self, host: str) -> bool:
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any(one in network for network in self._networks for one in (address, mapped) if one is not None)


def certificate_facts(fields: Mapping[str, Any] | None, der: bytes | None) -> dict[str, str]:
    """What a client certificate is recorded by: subject, serial number and fingerprint; empty where there is none.

    `fields` is what `ssl.SSLObject.getpeercert` gives, `der` the certificate itself.
    """
    if not fields or der is None:
        return {}
    return {
        "certificate_subject": distinguished_name(fields.get("subject", ())),
        "certificate_serial": str(fields.get("serialNumber", ""))[:64].lower(),
        "certificate_fingerprint": sha256(der).hexdigest(),
    }


def distinguished_name(subject: Any) -> str:
    r"""A name as RFC 4514 writes it, the most specific part first.

    >>> distinguished_name(((("organizationName", "Acme, Inc."),), (("commonName", "CP1"),)))
    'CN=CP1,O=Acme\\, Inc.'
    """
    parts = ["+".join(f"{_SHORT.get(key, key)}={_escaped(value)}" for key, value in rdn) for rdn in reversed(subject)]
    return ",".join(parts)[:_MAX_NAME]


def _escaped(value: str) -> str:
    return "".join(f"\\{one}" if one in _SPECIAL else one if one.isprintable() else "?" for one in value)
