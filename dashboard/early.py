"""Begins to ask the store when a page's address is fetched: the browser takes half a second until it asks for the page.

Only where nobody has to sign in: who has not must not make the store work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard import links

if TYPE_CHECKING:
    from dashboard.data import Question

__all__ = ["Early", "asked"]

_STREAMLITS: Final = "/_stcore/"
"""Its own addresses; one of them ends in `health`, too."""
_MOST: Final = 100
_LONGEST: Final = 255
"""Characters of a parameter: ids and names are shorter."""
_log: Final = logging.getLogger(__name__)


class Early:
    """Stands before Streamlit (ASGI) and passes everything on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; for a page, ask first."""
        if scope["type"] == "http" and scope["method"] == "GET":
            try:
                _ask(asked(str(scope.get("path", "")), bytes(scope.get("query_string", b""))))
            except Exception as error:  # noqa: BLE001 - the page asks for itself, and says what is wrong
                _log.debug("could not ask early: %s", error)
        await self._app(scope, receive, send)


def asked(path: str, query: bytes) -> list[Question]:
    """What a page will ask, by its address; nothing where it is none of these pages.

    Raises:
        ValueError: more parameters than any page has.

    """
    questions = None if _STREAMLITS in path else _pages().get(path.rpartition("/")[2])
    if questions is None:
        return []
    given = dict(parse_qsl(query.decode("latin-1"), max_num_fields=_MOST))
    return questions({name: value for name, value in given.items() if len(value) <= _LONGEST})


def _ask(questions: Sequence[Question]) -> None:
    from dashboard import access, data

    if questions and not access.asks_to_sign_in():
        data.ahead(*questions)


@cache
def _pages() -> Mapping[str, Callable[[Mapping[str, str]], list[Question]]]:
    # Here and not above: Streamlit's caches want to be made when it runs.
    from dashboard.views import charger, coverage, discrepancies, fingerprint, health, rollout, session

    return {
        "": rollout.asked,
        links.ROLLOUT: rollout.asked,
        links.DISCREPANCIES: discrepancies.asked,
        links.FINGERPRINT: fingerprint.asked,
        links.SESSION: session.asked,
        links.CHARGER: charger.asked,
        links.COVERAGE: coverage.asked,
        links.HEALTH: health.asked,
    }
