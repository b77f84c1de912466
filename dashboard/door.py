"""The way through a sign-in: who asked for a view gets there, and what goes wrong on the way is a sentence.

Streamlit's login forgets the address that was asked for, answers a failure with two words or with its first page as if
nothing had been, and writes a stack trace. So its two steps are looked at here once it has answered them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextvars import ContextVar
from html import escape
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.logger import get_logger

from dashboard import links

__all__ = ["Door"]

_LOGIN: Final = "/auth/login"
_CALLBACK: Final = "/oauth2callback"
_BACK: Final = "shadow_back"
"""The cookie with the view that was asked for, between the two steps."""
_BACK_SECONDS: Final = 900
_SIGNED_IN: Final = re.compile(r'_streamlit_user=[^";]')
"""Streamlit's cookie with something in it; one that it deletes is empty."""
_ERROR: Final = re.compile(r"[a-z_.]{1,64}")
_LONGEST_REASON: Final = 300

_LOG: Final = get_logger(__name__)
_STREAMLITS: Final = logging.getLogger("streamlit.web.server.starlette.starlette_auth_routes")
_HEARD: Final[ContextVar[list[BaseException] | None]] = ContextVar("heard", default=None)


class _Refusal(NamedTuple):
    title: str
    next_step: str
    status: int


_AWAY: Final = _Refusal(
    "The provider of the sign-in does not answer as it should.",
    "Nobody was signed in. Try again in a moment; if it stays so, the dashboard's log says what it answered.",
    502,
)
_UNTRUSTED: Final = _Refusal(
    "What the provider of the sign-in sent cannot be trusted.",
    "Nobody was signed in. The dashboard's log says what is wrong with it.",
    403,
)
_STALE: Final = _Refusal(
    "This sign-in was not begun here, or has been used already.",
    "Nobody was signed in. Begin again, at the address of these pages that redirect_uri names.",
    400,
)
_DENIED: Final = _Refusal("The provider refused the sign-in: {}.", "Nobody was signed in.", 403)


class Door:
    """Stands before Streamlit (ASGI) and passes on everything but the two steps of a sign-in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        if _hear not in _STREAMLITS.filters:
            _STREAMLITS.addFilter(_hear)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a step of the sign-in, or pass on."""
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or not path.endswith((_LOGIN, _CALLBACK)):
            await self._app(scope, receive, send)
            return
        reasons: list[BaseException] = []
        # The command line asks Streamlit for errors only, and it calls a failed sign-in a warning.
        _STREAMLITS.setLevel(logging.WARNING)
        token = _HEARD.set(reasons)
        try:
            found = await _answer_of(self._app, scope, receive)
        finally:
            _HEARD.reset(token)
        step = _begun if path.endswith(_LOGIN) else _ended
        await step(Request(scope), found, reasons)(scope, receive, send)


def _begun(request: Request, found: Response, reasons: Sequence[BaseException]) -> Response:
    """On to the provider, with a note of the view that was asked for."""
    view = links.view_of(request.headers.get("referer", ""))
    if found.status_code >= 400:
        return _sentence(_AWAY, _base(request, _LOGIN) + view, reasons)
    if view:
        found.set_cookie(_BACK, quote(view, safe=""), max_age=_BACK_SECONDS, httponly=True, samesite="lax")
    else:
        found.delete_cookie(_BACK)
    return found


def _ended(request: Request, found: Response, reasons: Sequence[BaseException]) -> Response:
    """Back from the provider: to the view that was asked for, or to a sentence."""
    given = request.query_params
    cookies = found.headers.getlist("set-cookie")
    way = _base(request, _CALLBACK) + links.view_of(unquote(request.cookies.get(_BACK, "")))
    if any(_SIGNED_IN.match(one) for one in cookies):
        answer: Response = RedirectResponse(way, status_code=302)
    elif "error" in given:
        error = given["error"] if _ERROR.fullmatch(given["error"]) else "for a reason that is none of OAuth's"
        answer = _sentence(_DENIED._replace(title=_DENIED.title.format(error)), way, ())
    elif reasons:
        answer = _sentence(_AWAY if _is_away(reasons[-1]) else _UNTRUSTED, way, reasons)
    elif "code" in given or "state" in given:
        answer = _sentence(_STALE, way, ())
    else:  # back from the provider's sign-out
        answer = RedirectResponse(way, status_code=302)
    for one in cookies:
        answer.headers.append("set-cookie", one)
    answer.delete_cookie(_BACK)
    return answer


def _is_away(reason: BaseException) -> bool:
    """By the name of the error: Authlib asks by httpx or by httpx2, whichever it finds."""
    return any(one.__name__ in ("TransportError", "HTTPStatusError") for one in type(reason).__mro__)


def _base(request: Request, step: str) -> str:
    return f"{str(request.scope['path']).removesuffix(step)}/"


def _sentence(refusal: _Refusal, way: str, reasons: Sequence[BaseException]) -> Response:
    """A page of its own, since Streamlit's would have to be told by its address, which people send to each other."""
    said = "; ".join(f"{type(one).__name__}: {one}" for one in reasons)
    _LOG.error(
        "sign-in: %s %s", refusal.title, "".join(one if one.isprintable() else " " for one in said)[:_LONGEST_REASON]
    )
    page = _PAGE.format(title=escape(refusal.title), next_step=escape(refusal.next_step), way=escape(way))
    return HTMLResponse(page, refusal.status, {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY})


def _hear(record: logging.LogRecord) -> bool:
    """Keep what Streamlit says of a step for the one line that is written of it, without the stack."""
    reasons = _HEARD.get()
    if reasons is None:
        return True
    if record.exc_info and record.exc_info[1]:
        reasons.append(record.exc_info[1])
    return False


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """What an application answers, whole. For the short answers of a sign-in only."""
    answer = Response()
    body: list[bytes] = []

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status_code = message["status"]
            answer.raw_headers = list(message["headers"])
        else:
            body.append(message.get("body", b""))

    await app(scope, receive, take)
    answer.body = b"".join(body)
    return answer


_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>shadow-csms: sign-in</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }}
</style>
</head>
<body><main><h1>shadow-csms</h1><p><strong>{title}</strong> {next_step}</p>
<p><a href="{way}">Back to the page, to sign in</a></p></main></body>
</html>
"""
