"""What browser tests share: a page that writes down what goes wrong in it, and where it is opened."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

CHROMIUM = Path("/usr/bin/chromium")
LAPTOP = {"width": 1440, "height": 900}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Browser:
    """A page of the browser that writes down whatever went wrong in it."""

    def __init__(self, page: Any, base: str) -> None:
        self.page = page
        self.base = base
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(f"exception: {error}"))
        page.on("console", self._hear)
        page.on("request", self._see)

    def open(self, address: str, heading: str) -> None:
        """Open an address and wait for its heading."""
        self.page.goto(self.base + address)
        self.page.get_by_role("heading", name=heading, exact=True).wait_for(timeout=60_000)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing runs, and see that no box with an error is shown."""
        self.page.wait_for_selector("[data-testid=stStatusWidget]", state="detached", timeout=60_000)
        self.page.wait_for_timeout(1_000)  # tables and charts are drawn on a canvas, which no selector sees
        assert self.page.locator("[data-testid=stException]").count() == 0
        assert self.wrong == []

    def text(self) -> str:
        """What can be read, canvases aside."""
        return str(self.page.locator("[data-testid=stMain]").inner_text())

    def parameters(self) -> dict[str, list[str]]:
        """The parameters of the address."""
        return parse_qs(urlsplit(self.page.url).query)

    def _hear(self, message: Any) -> None:
        # Below a page's own path Streamlit looks for its server first, is told 404, and then finds it at the root.
        probe = "/_stcore/" in message.location.get("url", "") and "404" in message.text
        if message.type == "error" and not probe:
            self.wrong.append(f"console: {message.text} {message.location}")

    def _see(self, request: Any) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", None) and not request.url.startswith(("data:", "blob:")):
            self.wrong.append(f"fetched from outside: {request.url}")
