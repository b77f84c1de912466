"""The tokens that the shadow has been given: a file of the operator, read with care."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shadow.config import DEFAULT
from shadow.tokens import NONE, GivenToken, TokenBook, parse, pseudonymised


def test_a_file_with_everything() -> None:
    """Ids and groups in lower case; what is not said is not known."""
    book = parse(
        {
            "complete": True,
            "token": [
                {"id": "AAbb", "status": "Blocked", "expires": "2030-01-01T00:00:00Z", "group": "Fleet"},
                {"id": "CC", "expires": datetime(2030, 1, 1, tzinfo=UTC), "concurrent": False},
            ],
        }
    )
    new_year = 1_893_456_000_000_000
    assert book.complete
    assert book.tokens == {
        "aabb": GivenToken("Blocked", new_year, "fleet"),
        "cc": GivenToken(expires_at=new_year, concurrent=False),
    }


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"tokens": []}, "an entry 'tokens'"),
        ({"complete": "yes"}, "complete is true or false"),
        ({"token": {}}, "write [[token]]"),
        ({"token": [{"id": "A"}, {"id": ""}]}, "[[token]] number 2: id has 1 to 36 characters"),
        ({"token": [{"id": "A" * 37}]}, "id has 1 to 36 characters"),
        ({"token": [{"status": "Accepted"}]}, "number 1: Object missing required field `id`"),
        ({"token": [{"id": "SECRET1", "status": "accepted"}]}, "status is one of Accepted, Blocked"),
        ({"token": [{"id": "SECRET1", "status": "ConcurrentTx"}]}, "status is one of"),
        ({"token": [{"id": "SECRET1", "expires": "2030-01-01T00:00:00"}]}, "expires is no time with its zone"),
        ({"token": [{"id": "SECRET1", "expires": "soon"}]}, "expires is no time with its zone"),
        ({"token": [{"id": "SECRET1", "blocked": True}]}, "unknown field `blocked`"),
        ({"token": [{"id": "SECRET1"}, {"id": "secret1"}]}, "its id stands on a table before it"),
    ],
)
def test_what_is_no_token_file_is_said_precisely(document: dict[str, Any], said: str) -> None:
    """Which table and what is wrong with it, without the token."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse(document)
    assert said in str(caught.value)
    assert "secret1" not in str(caught.value).lower()


def test_tokens_stand_under_their_pseudonyms_too() -> None:
    """What the tap mirrored is redacted, and recordings of others are not: both are recognised, groups with them."""
    book = TokenBook({"aa": GivenToken("Blocked", group="g")}, complete=True)
    both = pseudonymised(book, {"1": {"aa": "XX", "g": "Y"}})
    assert both.tokens == {"aa": GivenToken("Blocked", group="g"), "xx": GivenToken("Blocked", group="y")}
    assert both.complete


def test_no_log_shows_a_token() -> None:
    """Printed with the settings it says how many there are; it can be a part of what settings are keyed by."""
    book = TokenBook({"04a1b2c3": GivenToken()})
    assert repr(book) == "TokenBook(1 tokens, complete=False)"
    assert len({book, NONE, DEFAULT.tokens}) == 2
