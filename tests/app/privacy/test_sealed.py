"""Sealed copies: any two open them, nobody alone, and nothing that was changed opens."""

from itertools import combinations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.privacy import sealed as sealing
from app.privacy.sealed import Sealed, SealedError
from ingest.key_ring import KeyRing, RingKey
from tests.rotating import RING

WEAK = 1 << 14
WORDS = {"anna": "correct horse battery", "ben": "staple of the stable", "cleo": "a third one entirely"}


@pytest.fixture(scope="module")
def sealed() -> Sealed:
    """A copy of a ring of two, for three custodians."""
    return sealing.seal(RING, WORDS, 7, strength=WEAK)


def _open(sealed: Sealed, *names: str, words: dict[str, str] = WORDS) -> KeyRing:
    return sealing.unseal(sealed, [(name, words[name]) for name in names])


def test_any_two_open_it_in_either_order(sealed: Sealed) -> None:
    """Every pair, from the file as it is written; no key and no passphrase stands in it."""
    content = sealing.encode(sealed)
    for first, second in combinations(WORDS, 2):
        assert _open(sealing.decode(content), first, second) == _open(sealed, second, first) == RING
    secrets = [one.key for one in RING] + [one.encode() for one in WORDS.values()]
    assert not any(secret in content or secret.hex().encode() in content for secret in secrets)


@pytest.mark.parametrize(
    ("names", "words", "reason"),
    [
        (("anna", "anna"), {}, "two different custodians"),
        (("anna",), {}, "two different custodians"),
        (("anna", "ben", "cleo"), {}, "two different custodians"),
        (("anna", "dora"), {"dora": "x"}, "dora is no custodian of this copy: they are anna, ben, cleo"),
        (("anna", "ben"), {"anna": "wrong"}, "one of them, or both, are wrong"),
        (("anna", "ben"), {"ben": "wrong"}, "one of them, or both, are wrong"),
        (("anna", "ben"), {"anna": WORDS["ben"], "ben": WORDS["anna"]}, "one of them, or both, are wrong"),
    ],
)
def test_nobody_else_opens_it(sealed: Sealed, names: tuple[str, ...], words: dict[str, str], reason: str) -> None:
    """One alone, one twice, a stranger, a wrong passphrase: refused, and no message says which secret was wrong."""
    with pytest.raises(SealedError, match=reason) as caught:
        _open(sealed, *names, words=WORDS | words)
    assert not any(word in str(caught.value) for word in {*WORDS.values(), "wrong-"})


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_what_was_changed_does_not_open(sealed: Sealed, data: st.DataObject) -> None:
    """Any byte of what is encrypted, any text beside it."""
    key = data.draw(st.sampled_from(sealed.keys))
    number = data.draw(st.integers(0, len(key.sealed) - 1))
    flipped = bytes([*key.sealed[:number], key.sealed[number] ^ 1, *key.sealed[number + 1 :]])
    changed = data.draw(
        st.sampled_from([replace(key, sealed=flipped), replace(key, since=9), replace(key, version="other")])
    )
    keys = tuple(changed if one is key else one for one in sealed.keys)
    with pytest.raises(SealedError, match="changed"):
        _open(replace(sealed, keys=keys), "anna", "ben")
    assert not sealing.is_held(replace(sealed, keys=(changed,)), RING.keys[sealed.keys.index(key)])


def test_the_head_belongs_to_it(sealed: Sealed) -> None:
    """Another name for a custodian, another time, the pairs of another copy."""
    other = sealing.seal(RING, WORDS, 7, strength=WEAK)
    renamed = (replace(sealed.custodians[0], name="eve"), *sealed.custodians[1:])
    for changed, names in (
        (replace(sealed, sealed_at=8), ("anna", "ben")),
        (replace(sealed, pairs=other.pairs), ("anna", "ben")),
        (replace(sealed, custodians=renamed), ("eve", "ben")),
    ):
        with pytest.raises(SealedError):
            _open(changed, *names, words=WORDS | {"eve": WORDS["anna"]})
        assert not sealing.is_held(changed, RING.current)


def test_it_proves_what_it_holds(sealed: Sealed) -> None:
    """Who has a key can tell that the copy holds this very key, without opening it."""
    assert all(sealing.is_held(sealed, one) for one in RING)
    assert not sealing.is_held(sealed, RingKey("k1", b"x" * 32, RING.keys[0].since))
    assert not sealing.is_held(sealed, RingKey("k9", RING.current.key, 0))


def test_one_key_can_go_without_opening_the_others(sealed: Sealed) -> None:
    """What is left opens, and still proves what it holds."""
    left = replace(sealed, keys=sealed.keys[1:])
    assert _open(sealing.decode(sealing.encode(left)), "ben", "cleo") == KeyRing(RING.keys[1:])
    assert [sealing.is_held(left, one) for one in RING] == [False, True]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"anna": "a"}, "1 custodians"),
        ({str(number): str(number) for number in range(9)}, "9 custodians"),
        ({"anna": "same", "ben": "same"}, "the same passphrase"),
    ],
)
def test_who_may_be_custodian(words: dict[str, str], reason: str) -> None:
    """Two to eight, each with a passphrase of his own."""
    with pytest.raises(SealedError, match=reason):
        sealing.seal(RING, words, 7, strength=WEAK)


def test_what_is_no_sealed_copy(sealed: Sealed) -> None:
    """Too long, no JSON, of another form, and numbers that would take all memory."""
    for changed in (
        b"{}",
        b"x" * (sealing.LARGEST + 1),
        sealing.encode(replace(sealed, format="other/9")),
        sealing.encode(replace(sealed, scrypt_n=1 << 30)),
        sealing.encode(replace(sealed, pairs=sealed.pairs[:1])),
        sealing.encode(replace(sealed, custodians=sealed.custodians[:1] * 3)),
        sealing.encode(replace(sealed, keys=(replace(sealed.keys[0], nonce=b""),))),
        msgspec.json.encode({"format": 7}),
    ):
        with pytest.raises(SealedError):
            sealing.decode(changed)
