"""A small OpenID provider on loopback, strict in what it is asked (OpenID Connect Core 3.1, RFC 7636).

Where a test wants it, it is wrong in what it answers. JOSE is joserfc's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "shadow-csms"
CLIENT_SECRET = "a-secret-of-the-client"
FORM = """<!doctype html><html lang="en"><title>provider</title><body><h1>Provider</h1>
<form method="post" action="/authorize?{query}"><label>Who <input name="who"></label>
<button name="answer" value="yes">Continue</button><button name="answer" value="no">Cancel</button></form>"""


@dataclass
class Provider:
    """Knows people by the name that is typed into its form, and their claims."""

    redirect_uri: str
    people: Mapping[str, Mapping[str, Any]]
    lie: str = ""
    """What is wrong with the next tokens: `issuer`, `audience`, `authorized party`, `signature`, `nonce`, `expired`."""
    away: str = ""
    """The path that nobody answers."""
    refused: list[str] = field(default_factory=list)
    """What was asked in a way that a provider must not answer."""
    signed_out: list[dict[str, str]] = field(default_factory=list)
    """What its end-session endpoint was asked."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def discovery(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    @cached_property
    def keys(self) -> RSAKey:
        return RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})

    @cached_property
    def others(self) -> RSAKey:
        """A key under the same name that is in no JWKS."""
        return RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/end-session",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def wrong_with(self, asked: Mapping[str, str]) -> str:
        """Why an authentication request cannot be answered (Core 3.1.2.1, RFC 7636 4.3)."""
        expected = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self.redirect_uri,
            "code_challenge_method": "S256",
        }
        wrong = [name for name, value in expected.items() if asked.get(name) != value]
        wrong += [name for name in ("state", "nonce", "code_challenge") if not asked.get(name)]
        if "openid" not in asked.get("scope", "").split():
            wrong.append("scope")
        return ", ".join(wrong)

    def let(self, who: str, asked: Mapping[str, str]) -> str:
        """A code for somebody."""
        code = secrets.token_urlsafe(16)
        self._codes[code] = {**asked, "who": who}
        return code

    def token(self, asked: Mapping[str, str], credentials: str) -> dict[str, Any] | None:
        """Tokens for a code, once, for the client that asked for it (Core 3.1.3)."""
        code = self._codes.pop(asked.get("code", ""), None)
        told = base64.b64decode(credentials.removeprefix("Basic ")).decode()
        verifier = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        if (
            code is None
            or told != f"{CLIENT_ID}:{CLIENT_SECRET}"
            or asked.get("grant_type") != "authorization_code"
            or asked.get("redirect_uri") != code["redirect_uri"]
            or base64.urlsafe_b64encode(verifier).decode().rstrip("=") != code["code_challenge"]
        ):
            self.refused.append(f"token: {sorted(asked)}")
            return None
        return {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self._identity(code),
        }

    def _identity(self, code: Mapping[str, str]) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": code["nonce"],
            **self.people[code["who"]],
        }
        lies: dict[str, dict[str, Any]] = {
            "issuer": {"iss": "https://elsewhere.example"},
            "audience": {"aud": "another-application"},
            "authorized party": {"aud": "another-application", "azp": CLIENT_ID},
            "nonce": {"nonce": "of another sign-in"},
            "expired": {"iat": now - 7200, "exp": now - 3600},
        }
        key = self.others if self.lie == "signature" else self.keys
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims | lies.get(self.lie, {}), key)


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, asked = self._asked()
            if path == provider.away:
                self.close_connection = True
            elif path == "/.well-known/openid-configuration":
                self._json(provider.metadata())
            elif path == "/jwks":
                self._json({"keys": [provider.keys.as_dict(private=False)]})
            elif path == "/authorize":
                wrong = provider.wrong_with(asked)
                if wrong:
                    provider.refused.append(f"authorize: {wrong}")
                self._say(400 if wrong else 200, "text/html", wrong or FORM.format(query=urlencode(asked)))
            elif path == "/end-session":
                provider.signed_out.append(asked)
                self._away_to(asked.get("post_logout_redirect_uri", "/"))
            else:
                self._say(404, "text/plain", "nothing is here")

        def do_POST(self) -> None:
            path, asked = self._asked()
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            given = {name: values[0] for name, values in parse_qs(body).items()}
            if path == provider.away:
                self.close_connection = True
            elif path == "/authorize" and given["answer"] == "no":
                self._back(asked, {"error": "access_denied", "error_description": "<b>not today</b>"})
            elif path == "/authorize":
                self._back(asked, {"code": provider.let(given["who"], asked)})
            elif path == "/token":
                found = provider.token(given, self.headers.get("Authorization", ""))
                self._json(found or {"error": "invalid_grant"}, 200 if found else 400)
            else:
                self._say(404, "text/plain", "nothing is here")

        def _asked(self) -> tuple[str, dict[str, str]]:
            parts = urlsplit(self.path)
            return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}

        def _back(self, asked: Mapping[str, str], given: Mapping[str, str]) -> None:
            self._away_to(f"{asked['redirect_uri']}?{urlencode({**given, 'state': asked['state']})}")

        def _away_to(self, address: str) -> None:
            self.send_response(302)
            self.send_header("Location", address)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _json(self, told: Mapping[str, Any], status: int = 200) -> None:
            self._say(status, "application/json", json.dumps(told))

        def _say(self, status: int, kind: str, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives
            """Say nothing."""

    return Handler
