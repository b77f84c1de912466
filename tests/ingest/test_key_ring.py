"""The ring: which key is current, which was, and what a pseudonym of one is called under another."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.key_ring import MOST_KEYS, NO_KEYS, KeyRing, RingKey, comparable
from tests.rotating import DAY, RING, YEAR_2030

THIRD = RingKey("k3", b"c" * 32, YEAR_2030 + 2 * DAY)
tokens = st.one_of(
    st.text(string.hexdigits, min_size=1, max_size=20),
    st.text(string.ascii_letters + string.digits + ":-_ ", min_size=1, max_size=36),
)


@settings(deadline=None, max_examples=100)
@given(tokens)
def test_translating_is_what_the_other_key_would_have_said(token: str) -> None:
    """From one version to the other and back, up to case."""
    first, second = (one.cipher.token(token) for one in RING)
    there = RING.translate(first, "k1", "k2")
    assert there is not None
    assert there.lower() == second.lower()
    assert (RING.translate(there, "k2", "k1") or "").lower() == first.lower()
    assert RING.translate(first, "k1", "k1") == first
    assert (RING.reveal(second, "k2") or "").lower() == token.lower()
    assert dict(RING.pseudonyms(token)) == {"k1": first, "k2": second}


def test_without_a_key_nothing_can_be_said() -> None:
    """A version that is not (any more) in the ring, and a ring of none."""
    assert RING.translate("04A1B2C3", "k1", "gone") is None
    assert RING.translate("04A1B2C3", "gone", "k1") is None
    assert RING.reveal("04A1B2C3", "gone") is None
    assert NO_KEYS.translate("04A1B2C3", "k1", "k2") is None
    assert RING.reveal("a" * 1025, "k1") is None
    for ask in (lambda: NO_KEYS.current, lambda: NO_KEYS.at(0)):
        with pytest.raises(LookupError):
            ask()


def test_the_key_of_a_time() -> None:
    """The one that was current then; before all of them the oldest."""
    ring = RING.rotated(THIRD)
    times = (0, YEAR_2030, YEAR_2030 + DAY - 1, YEAR_2030 + DAY, YEAR_2030 + 9 * DAY)
    assert [ring.at(one).version for one in times] == ["k1", "k1", "k1", "k2", "k3"]
    assert ring.without("k2").at(YEAR_2030 + DAY).version == "k1"


def test_what_is_no_ring_is_refused() -> None:
    """Doubled versions, times out of order, names that name nothing, too many keys."""
    for keys, reason in (
        ([*RING, RingKey("k1", b"d" * 32, THIRD.since)], "twice"),
        ([THIRD, *RING], "order"),
        ([RingKey("a\nb", b"d" * 32, 1)], "no name"),
        ([RingKey(str(n), b"d" * 32, n) for n in range(MOST_KEYS + 1)], "retire"),
    ):
        with pytest.raises(ValueError, match=reason):
            KeyRing(keys)
    with pytest.raises(ValueError, match="rotate first"):
        RING.without("k2")
    with pytest.raises(LookupError, match="no key of version"):
        RING.without("k9")


def test_no_text_of_it_holds_a_key() -> None:
    """Neither repr nor digest; the same key has the same digest, whatever it is called."""
    assert "k1k1" not in repr(RING) + repr(RING.current)
    first, second = RING
    assert first.digest != second.digest
    assert RingKey("other", first.key, 0).digest == first.digest
    assert KeyRing(RING.keys) == RING != NO_KEYS
    assert hash(KeyRing(RING.keys)) == hash(RING)


@pytest.mark.parametrize(
    ("one", "other", "wanted"), [("a", "a", True), ("a", "b", False), ("", "b", True), ("a", "", True), ("", "", True)]
)
def test_only_two_known_versions_can_differ(one: str, other: str, *, wanted: bool) -> None:
    """Where a version is not known, nothing says that the keys differ."""
    assert comparable(one, other) is wanted
