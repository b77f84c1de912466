"""TLS of one socket, without the socket: ciphertext in, plaintext out, and back.

OpenSSL over two memory buffers. Unlike the event loop's own TLS it can begin behind a PROXY line, and it passes on that
one direction has ended while the other goes on: `close_notify` is to TLS what FIN is to TCP (RFC 8446 §6.1).
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Final

from ingest.tap.wire import certificate_facts

__all__ = ["TlsError", "TlsSession"]

_READ: Final = 256 * 1024


class TlsError(Exception):
    """The peer broke the protocol, or is not to be trusted; the message is OpenSSL's reason."""


class TlsSession:
    """The TLS state of one socket."""

    __slots__ = ("_in", "_out", "_tls", "_waiting", "ended", "established")

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_name: str | None = None,
    ) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=server_side, server_hostname=server_name)
        self._waiting = bytearray()
        """Plaintext that came before the handshake was done."""
        self.established = False
        self.ended = False
        """The peer said that it sends no more."""

    def begin(self) -> bytes:
        """What a client sends first."""
        self._shake()
        return self.pending()

    def pending(self) -> bytes:
        """Ciphertext that is to be sent."""
        return self._out.read() if self._out.pending else b""

    def receive(self, data: bytes) -> bytes:
        """Take ciphertext, give plaintext; ask for `pending` afterwards.

        Raises:
            TlsError: the connection cannot go on. `pending` may hold an alert that says so.
        """
        self._in.write(data)
        if not self.established and not self._shake():
            return b""
        parts: list[bytes] = []
        try:
            while chunk := self._tls.read(_READ):
                parts.append(chunk)
                if not self._in.pending and len(chunk) < 16_384:
                    break
            else:
                self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            raise TlsError(_reason(error)) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def send(self, data: bytes) -> bytes:
        """Take plaintext, give the ciphertext to send; before the handshake is done it waits.

        Raises:
            TlsError: the connection cannot go on.
        """
        if not self.established:
            self._waiting += data
            return b""
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise TlsError(_reason(error)) from None
        return self._out.read()

    def end(self) -> bytes:
        """Say that no more is sent; what the peer still sends can be read."""
        if self.established:
            # OpenSSL wants to hear the peer's own end too; whether it comes is the peer's affair.
            with suppress(ssl.SSLError):
                self._tls.unwrap()
        return self.pending()

    def facts(self) -> dict[str, str | bool | None]:
        """What is recorded of the handshake, by the names of `Wire`."""
        cipher = self._tls.cipher()
        return {
            "tls_version": self._tls.version(),
            "tls_cipher": None if cipher is None else cipher[0],
            "tls_resumed": bool(self._tls.session_reused),
            **certificate_facts(self._tls.getpeercert(), self._tls.getpeercert(binary_form=True)),
        }

    def _shake(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise TlsError(_reason(error)) from None
        self.established = True
        if self._waiting:
            waiting, self._waiting = bytes(self._waiting), bytearray()
            self._tls.write(waiting)
        return True


def _reason(error: ssl.SSLError) -> str:
    verify = getattr(error, "verify_message", "")
    return f"{error.reason or error.__class__.__name__}: {verify}" if verify else str(error.reason or error)
