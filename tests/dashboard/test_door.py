"""What stands before Streamlit while somebody signs in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from http.cookies import SimpleCookie

import pytest
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from dashboard.door import Door

SIGNED_IN = "_streamlit_user=signed; HttpOnly; Path=/"
SIGNED_OUT = '_streamlit_user=""; Max-Age=0; Path=/'
STREAMLITS = logging.getLogger("streamlit.web.server.starlette.starlette_auth_routes")


class TransportError(Exception):
    """As httpx and httpx2 name it."""


class Streamlit:
    """Answers as Streamlit does, and says why in its log."""

    def __init__(self, answer: Response, *cookies: str, reason: Exception | None = None) -> None:
        self.answer = answer
        self.reason = reason
        for one in cookies:
            answer.headers.append("set-cookie", one)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer anything."""
        if self.reason:
            STREAMLITS.warning("it failed", exc_info=self.reason)
        await self.answer(scope, receive, send)


class Answer:
    """What came through the door."""

    def __init__(self, app: Streamlit, path: str, query: str = "", headers: Mapping[str, str] | None = None) -> None:
        self.text = ""
        raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": raw}
        asyncio.run(Door(app)(scope, self._receive, self._take))
        self.cookies: SimpleCookie = SimpleCookie("; ".join(self.headers.getlist("set-cookie")))

    async def _receive(self) -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = Headers(raw=list(message["headers"]))
        else:
            self.text += message["body"].decode()

    @property
    def location(self) -> str:
        return self.headers.get("location", "")


def to_provider() -> Response:
    """On the way out."""
    return RedirectResponse("https://sso.example.com/authorize?state=1", 302)


def to_first_page() -> Response:
    """On the way back."""
    return RedirectResponse("/", 302)


def test_the_view_that_was_asked_for_is_kept_and_given_back() -> None:
    """It goes into a cookie that no script reads, and the way back leads there, behind a proxy's path too."""
    came_from = {"referer": "https://shadow.example.com/shadow/fingerprint?fp=ab&tz=Asia/Tokyo"}
    begun = Answer(Streamlit(to_provider()), "/shadow/auth/login", headers=came_from)
    assert begun.location == "https://sso.example.com/authorize?state=1"
    kept = begun.cookies["shadow_back"]
    assert kept["httponly"]
    assert kept["samesite"] == "lax"
    back = {"cookie": f"shadow_back={kept.value}"}
    ended = Answer(Streamlit(to_first_page(), SIGNED_IN), "/shadow/oauth2callback", "code=1&state=1", back)
    assert ended.location == "/shadow/fingerprint?fp=ab&tz=Asia%2FTokyo"
    assert ended.cookies["_streamlit_user"].value == "signed"
    assert ended.cookies["shadow_back"]["max-age"] == "0"


@pytest.mark.parametrize(
    "value", ["https%3A%2F%2Fevil.example%2F", "%2F%2Fevil.example", "auth%2Flogin", "%0d%0aX: y", ""]
)
def test_nobody_is_sent_elsewhere(value: str) -> None:
    """Whatever stands in the cookie, the way back is one of our pages."""
    ended = Answer(
        Streamlit(to_first_page(), SIGNED_IN), "/oauth2callback", "code=1&state=1", {"cookie": f"shadow_back={value}"}
    )
    assert ended.location == "/"


def test_without_a_view_an_older_one_is_forgotten() -> None:
    """A sign-in that began nowhere does not end where an earlier one would have."""
    assert Answer(Streamlit(to_provider()), "/auth/login").cookies["shadow_back"]["max-age"] == "0"


@pytest.mark.parametrize(
    ("reason", "status", "words"),
    [
        (TransportError("no route"), 502, "does not answer as it should"),
        (ValueError("bad_signature\r\nforged: line"), 403, "cannot be trusted"),
    ],
)
def test_a_failure_is_a_sentence_and_one_line(
    reason: Exception, status: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Streamlit would show its first page and write a stack; its deletion of the old cookies is passed on."""
    failed = Answer(Streamlit(to_first_page(), SIGNED_OUT, reason=reason), "/oauth2callback", "code=1&state=1")
    assert failed.status == status
    assert words in failed.text
    assert failed.cookies["_streamlit_user"].value == ""
    (line,) = caplog.messages
    assert "\n" not in line
    assert str(reason).split()[0] in line
    assert caplog.records[0].exc_info is None


def test_the_providers_words_are_not_repeated() -> None:
    """Its error is named where it is one of OAuth's; what anybody may write into the address is not."""
    denied = Answer(Streamlit(to_first_page()), "/oauth2callback", "error=access_denied&error_description=call+0900")
    assert "access_denied" in denied.text
    assert "0900" not in denied.text
    assert "script" not in Answer(Streamlit(to_first_page()), "/oauth2callback", "error=<script>").text


def test_the_way_out_leads_to_the_first_page() -> None:
    """The provider's sign-out comes back to the same address, with nothing to say."""
    assert Answer(Streamlit(to_first_page()), "/oauth2callback").location == "/"


def test_what_is_no_sign_in_passes() -> None:
    """Every other answer is Streamlit's own."""
    answer = Answer(Streamlit(Response("page", 404)), "/fleet", "error=1")
    assert (answer.status, answer.text) == (404, "page")
