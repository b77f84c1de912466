"""Alerts to a webhook: a POST each, with certificates verified, time and repeats bounded, and no secret in any message.

The address is a secret as a whole: with most services whoever knows it may write. Messages name its host only.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ssl
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from diff.alerts.alert import Alert

__all__ = ["AddressError", "RefusedError", "UndeliveredError", "Webhook", "flaw_of", "signature"]

_TIMEOUT: Final = 5.0
_PAUSES: Final = (0.5, 2.0)
"""Seconds before the second and the third attempt; what fails then is tried again at the next look."""
_PASSING: Final = frozenset({408, 425, 429})
_LONGEST: Final = 64 * 1024
"""Bytes of an answer that are read."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class AddressError(ValueError):
    """The address is none that alerts may be sent to."""


class UndeliveredError(Exception):
    """Nobody took the alert now; a later attempt may succeed."""


class RefusedError(Exception):
    """The receiver does not want this alert, however often it is sent."""


def flaw_of(url: str) -> str:
    """What is wrong with an address, without repeating it; empty where nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "no URL"
    if parts.scheme not in ("https", "http") or not host:
        return "write https://HOST[:PORT]/PATH"
    if parts.scheme == "http" and host not in _LOOPBACK:
        return "http:// is for loopback only, because alerts name charging stations: use https://"
    if parts.username or parts.password or parts.fragment:
        return "no user, password or fragment may stand in it"
    return ""


def signature(secret: str, moment: str, body: bytes) -> str:
    """What the header X-Shadow-Signature holds: HMAC-SHA256 over the moment, a dot and the body."""
    return f"sha256={hmac.new(secret.encode(), moment.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


class Webhook:
    """Sends alerts to one address."""

    def __init__(
        self,
        url: str,
        secret: str = "",
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare. `context`: whom to trust, else the usual authorities. Raises `AddressError`."""
        if flaw := flaw_of(url):
            raise AddressError(flaw)
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self._port = parts.port
        self._path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        self._context = (context or ssl.create_default_context()) if parts.scheme == "https" else None
        self._secret, self._sleep, self._clock = secret, sleep, clock

    def send(self, alert: Alert) -> None:
        """Deliver one word of an alert. The receiver may get it more than once: `id` and `state` tell.

        Raises:
            RefusedError: it answered with a status that repeating does not change.
            UndeliveredError: nobody answered in time, or with a status that passes.

        """
        body = msgspec.json.encode({**msgspec.to_builtins(alert), "text": _text(alert)})
        failure = ""
        for pause in (0.0, *_PAUSES):
            if pause:
                self._sleep(pause)
            failure = self._post(body, alert)
            if not failure:
                return
        raise UndeliveredError(f"the webhook at {self.host} did not take an alert: {failure}")

    def _post(self, body: bytes, alert: Alert) -> str:
        """Why it was not taken; empty where it was. Raises `RefusedError`."""
        moment = str(int(self._clock()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "shadow-csms",
            "X-Shadow-Alert": f"{alert.id}@{alert.state.value}",
            "X-Shadow-Timestamp": moment,
        }
        if self._secret:
            headers["X-Shadow-Signature"] = signature(self._secret, moment, body)
        line = self._connection()
        try:
            line.request("POST", self._path, body, headers)
            answer = line.getresponse()
            status = answer.status
            answer.read(_LONGEST)
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {getattr(error, 'strerror', None) or 'no answer that can be read'}"
        finally:
            line.close()
        if 200 <= status < 300:
            return ""
        if status >= 500 or status in _PASSING:
            return f"status {status}"
        # A redirect is none of ours to follow: it would carry the alert to where nobody said that it may go.
        raise RefusedError(f"the webhook at {self.host} refused an alert with status {status}")

    def _connection(self) -> http.client.HTTPConnection:
        options: dict[str, Any] = {"port": self._port, "timeout": _TIMEOUT}
        if self._context is None:
            return http.client.HTTPConnection(self.host, **options)
        return http.client.HTTPSConnection(self.host, context=self._context, **options)


def _text(alert: Alert) -> str:
    """One line for receivers that show a text and nothing else."""
    mark = alert.severity.value if alert.state.value == "open" else alert.state.value
    return " ".join(filter(None, (f"[{mark}] {alert.title}: {alert.detail}", alert.link)))
