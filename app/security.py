"""How the clients of Kafka and ClickHouse prove who they are and whom they trust.

One description for three libraries: kafka-python, aiokafka and Faust get the same TLS context, in which the server's
certificate and its host name are always verified. There is no setting that turns that off.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import msgspec

__all__ = ["NO_SECURITY", "KafkaSecurity", "SecurityError", "location", "read_password"]

_MAX_PASSWORD: Final = 4096


class SecurityError(ValueError):
    """Security settings that cannot be used; the message names them and never repeats a secret."""


class KafkaSecurity(msgspec.Struct, frozen=True):
    """The security of the connections to Kafka. Printing it does not show the password."""

    protocol: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    """None trusts the authorities of this machine."""
    cert_file: Path | None = None
    key_file: Path | None = None

    def __repr__(self) -> str:
        return f"KafkaSecurity({self.protocol}, {self.username or 'no user'})"

    @property
    def sasl(self) -> bool:
        """Whether the client names itself by user and password."""
        return self.protocol.startswith("SASL_")

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted and the broker has to prove its name."""
        return self.protocol.endswith("SSL")

    def check(self) -> None:
        """Whether the parts fit each other. No file is read. Raises `SecurityError`."""
        named = self.username or self.password or self.password_file
        if self.password and self.password_file:
            raise SecurityError("kafka_password and kafka_password_file are both set: choose one")
        if self.sasl and not (self.username and (self.password or self.password_file)):
            raise SecurityError(
                f"kafka_security_protocol = {self.protocol} needs kafka_username and kafka_password (or a "
                "kafka_password_file)"
            )
        if named and not self.sasl:
            raise SecurityError(
                f"kafka_username and kafka_password are not used with kafka_security_protocol = {self.protocol}: "
                "choose SASL_SSL (or SASL_PLAINTEXT), or leave them out"
            )
        if (self.ca_file or self.cert_file or self.key_file) and not self.tls:
            raise SecurityError(
                f"kafka_ca_file, kafka_cert_file and kafka_key_file are not used with kafka_security_protocol = "
                f"{self.protocol}: choose SSL or SASL_SSL, or leave them out"
            )
        if (self.cert_file is None) != (self.key_file is None):
            raise SecurityError("kafka_cert_file and kafka_key_file belong together: set both, or neither")

    def context(self) -> ssl.SSLContext | None:
        """What verifies the broker's certificate and name; None without TLS. Raises `SecurityError`."""
        if not self.tls:
            return None
        context = _trusting("kafka_ca_file", self.ca_file)
        if self.cert_file is not None and self.key_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file, password=_no_passphrase)
            except OSError as error:
                reason = _reason(error, "no certificate with its key in PEM form, or not the key of this certificate")
                raise SecurityError(f"kafka_cert_file {self.cert_file}, kafka_key_file: {reason}") from None
        return context

    def kafka_python(self) -> dict[str, Any]:
        """Settings of kafka-python's clients. Raises `SecurityError`."""
        if not (self.sasl or self.tls):
            return {}
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.tls:
            options["ssl_context"] = self.context()
        if self.sasl:
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.secret()
        return options

    def aiokafka(self) -> dict[str, Any]:
        """Settings of aiokafka's clients, which go by the same names. Raises `SecurityError`."""
        return self.kafka_python()

    def faust(self) -> dict[str, Any]:
        """Settings of a Faust application. Raises `SecurityError`."""
        if not (self.sasl or self.tls):
            return {}
        import faust

        context = self.context()
        if not self.sasl:
            return {"broker_credentials": faust.SSLCredentials(context)}
        credentials = faust.SASLCredentials(
            username=self.username, password=self.secret(), ssl_context=context, mechanism=self.mechanism
        )
        return {"broker_credentials": credentials}

    def secret(self) -> str:
        """The password, from its file where one is named. Raises `SecurityError`."""
        return read_password("kafka_password_file", self.password_file) if self.password_file else self.password


NO_SECURITY: Final = KafkaSecurity()
"""Plain text, no user: for a broker on loopback."""


def read_password(setting: str, path: Path) -> str:
    """A password from a file; a line end behind it does not belong to it.

    Raises:
        SecurityError: the file cannot be read, holds nothing, or more than a password.

    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_PASSWORD + 1)
        text = content.decode()
    except OSError as error:
        raise SecurityError(f"{setting} {path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecurityError(f"{setting} {path}: no text in UTF-8") from None
    password = text.removesuffix("\n").removesuffix("\r")
    if not password or len(content) > _MAX_PASSWORD or "\n" in password:
        raise SecurityError(f"{setting} {path}: one line with the password is wanted, up to {_MAX_PASSWORD} bytes")
    return password


def location(url: str, password: str, ca_file: Path | None) -> str:
    """The URL of the store with the password and the certificate authority that stand in settings of their own.

    Raises:
        SecurityError: the URL holds another password, or is none with TLS.

    """
    if not url or not (password or ca_file):
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = parts.netloc.rpartition("@")[0]
    if password:
        if ":" in user:
            raise SecurityError("store_url holds a password, and store_password or its file another: choose one")
        user = f"{user or 'default'}:{quote(password, safe='')}"
    query = parts.query
    if ca_file is not None:
        if parts.scheme != "clickhouses":
            raise SecurityError("store_ca_file is not used without TLS: write store_url as clickhouses://…")
        _trusting("store_ca_file", ca_file)
        query = urlencode({"ca_file": str(ca_file.absolute())})
    return urlunsplit((parts.scheme, f"{user}@{host}" if user else host, parts.path, query, ""))


def _trusting(setting: str, ca_file: Path | None) -> ssl.SSLContext:
    try:
        # Verifies certificate and host name, and refuses TLS before 1.2.
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SecurityError(f"{setting} {ca_file}: {_reason(error, 'no certificates in PEM form')}") from None


def _reason(error: OSError, unreadable: str) -> str:
    """What OpenSSL says of a file it cannot read is a place in its own source."""
    return unreadable if isinstance(error, ssl.SSLError) else error.strerror or type(error).__name__


def _no_passphrase() -> str:
    """Without this OpenSSL would ask at the terminal, and a service would wait for ever."""
    raise SecurityError("kafka_key_file is encrypted: name one that is not, readable by this user only")
