"""Certificates as files that are read anew when they change. A broken one changes nothing: the last good one serves.

Connections keep what they were opened with, so reading anew drops none. A new chain goes into the living context, which
keeps its ticket keys: charging stations resume their sessions across the change.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final, Literal

import msgspec

__all__ = ["ClientTls", "ServerCertificates", "ServerTls", "TlsFileError", "client_context"]

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:AES256-GCM-SHA384:AES128-GCM-SHA256"
"""Those that a CSMS has to speak (2.0.1 A00.FR.318 and its kin in the 1.6 security whitepaper), RSA key exchange among
them: a tap may not refuse a charging station that the primary would have taken."""

_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_CLIENTS: Final = {"none": ssl.CERT_NONE, "observed": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


class TlsFileError(Exception):
    """A certificate, key or authority cannot be used; the message names the file and the next step."""


class ServerTls(msgspec.Struct, frozen=True):
    """TLS towards charging stations (security profiles 2 and 3)."""

    certificate: Path
    """PEM, with its chain."""
    key: Path
    """PEM, not encrypted."""
    clients: Literal["none", "observed", "required"] = "none"
    """Certificates of charging stations: not asked for; asked for, and verified where one is shown; required."""
    client_ca: Path | None = None
    """Who signed them (PEM)."""
    minimum: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    ciphers: str = CIPHERS
    """Of TLS 1.2, as OpenSSL writes them."""


class ClientTls(msgspec.Struct, frozen=True):
    """TLS towards the primary. Certificate and host name are always verified."""

    ca: Path | None = None
    """Authorities (PEM); None: this machine's."""
    server_name: str = ""
    """Name in the primary's certificate; empty: the host of the address."""
    certificate: Path | None = None
    """Ours, where the primary asks for one (PEM)."""
    key: Path | None = None


class ServerCertificates:
    """The context that new connections are opened with."""

    def __init__(self, settings: ServerTls) -> None:
        """Read the files.

        Raises:
            TlsFileError: one cannot be used.
        """
        self._settings = settings
        self.error = ""
        """What is wrong with the files as they are now, empty where they are good."""
        self.reloads = 0
        self._seen = self._stamps()
        self.context = self._build()

    def reload(self, *, force: bool = False) -> bool:
        """Read the files if they changed, or `force`. True where new connections get something new."""
        seen = self._stamps()
        if seen == self._seen and not force:
            return False
        authorities_changed = seen[2:] != self._seen[2:]
        self._seen = seen
        try:
            context = self._build()
            if not authorities_changed:
                self.context.load_cert_chain(self._settings.certificate, self._settings.key)
                context = self.context
        except (TlsFileError, OSError) as error:
            self.error = f"{error}; new connections are opened with the last good one"
            return False
        self.context, self.error = context, ""
        self.reloads += 1
        return True

    def _build(self) -> ssl.SSLContext:
        settings = self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _VERSIONS[settings.minimum]
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        try:
            context.set_ciphers(settings.ciphers)
        except ssl.SSLError:
            raise TlsFileError(f"ciphers {settings.ciphers!r}: OpenSSL knows none of them") from None
        _chain(context, settings.certificate, settings.key)
        context.verify_mode = _CLIENTS[settings.clients]
        if settings.clients != "none":
            if settings.client_ca is None:
                raise TlsFileError("client certificates are asked for and no authority is named that signs them")
            _authorities(context, settings.client_ca)
        return context

    def _stamps(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(
            _stamp(path) for path in (self._settings.certificate, self._settings.key, self._settings.client_ca)
        )


def client_context(settings: ClientTls) -> ssl.SSLContext:
    """The context for connections to the primary.

    Raises:
        TlsFileError: a file cannot be used.
    """
    context = ssl.create_default_context()
    if settings.ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _authorities(context, settings.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate is not None:
        _chain(context, settings.certificate, settings.key or settings.certificate)
    return context


def _chain(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise TlsFileError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        # A password would be asked for at the terminal, where nobody sits.
        context.load_cert_chain(certificate, key, password=b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise TlsFileError(
            f"{certificate} with {key}: no certificate chain and its unencrypted key in PEM: {why}"
        ) from None


def _authorities(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(cadata=path.read_text(encoding="ascii"))
    except (ssl.SSLError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise TlsFileError(f"{path}: no certificates of authorities in PEM: {why}") from None
    except OSError as error:
        raise TlsFileError(f"{path}: cannot be read: {error.strerror}") from None


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    if path is None:
        return None
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
