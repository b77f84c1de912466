"""The token cipher: which tokens it keeps, which classes it knows, and the cipher beneath it."""

from string import ascii_lowercase, digits

import pytest
from ffx import FF1

from ingest import pseudonym
from ingest.pseudonym import TokenCipher

EXPECTED = ["9D91B5686B9C16", "89569999", "0091", "0", "PV5F7IWOA62MOZIJ9X3P", "mhizqm", "\U000bd4e09"]
CIPHER = TokenCipher(b"a key of the tests, 32 bytes lon")

NIST_KEY_128 = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
NIST_KEY_256 = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")


@pytest.mark.parametrize(
    ("key", "radix", "tweak", "plain", "expected"),
    [
        (NIST_KEY_128, 10, "", "0123456789", "2433477484"),
        (NIST_KEY_128, 10, "39383736353433323130", "0123456789", "6124200773"),
        (NIST_KEY_128, 36, "3737373770717273373737", "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
        (NIST_KEY_256, 10, "", "0123456789", "6657667009"),
        (NIST_KEY_256, 10, "39383736353433323130", "0123456789", "1001623463"),
        (NIST_KEY_256, 36, "3737373770717273373737", "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
    ],
)
def test_the_library_gives_the_samples_of_nist(key, radix, tweak, plain, expected):
    """The FF1 that is relied on gives NIST's own FF1 samples (SP 800-38G examples 1-3 and 7-9)."""
    assert FF1(key, radix=radix).encrypt(plain, tweak=bytes.fromhex(tweak)) == expected


def test_a_pseudonym_never_changes_under_its_key():
    """Stored pseudonyms stay comparable: these values may change only together with the name of the scheme."""
    tokens = ["04A1B2C3D4E5F6", "12345678", "0123", "7", "TAGA0000000000000001", "master", "é1"]
    assert [CIPHER.token(token) for token in tokens] == EXPECTED


@pytest.mark.parametrize("token", ["", "NoAuthorization", "HardReset", "softreset", "REBOOT", "none", "---", " "])
def test_a_token_that_names_nobody_stays(token):
    """Reserved words in any case, the empty token and bare punctuation stand as they are."""
    assert CIPHER.token(token) == token


def test_no_token_becomes_a_reserved_word(monkeypatch):
    """With half of all two-character words reserved, the others are permuted among themselves, one-to-one."""
    characters = digits + ascii_lowercase
    words = [first + last for first in characters for last in characters if not (first + last).isdigit()]
    reserved = frozenset(words[::2])
    monkeypatch.setattr(pseudonym, "RESERVED", reserved)
    new = {word: CIPHER.token(word) for word in words}
    assert all(new[word] == word for word in reserved)
    assert {new[word] for word in words[1::2]} == set(words[1::2])


def test_no_pseudonym_differs_from_another_by_case_alone():
    """A character whose cipher text is a capital letter beyond ASCII is walked on, as capitals fold to another's."""
    met = 0
    for capital in "ÀÉÎÕÜΑΒΓΔБДЖЯԱԲ":
        index = CIPHER._ff1.decrypt_int(pseudonym._rest_index(capital), domain=pseudonym._REST_SIZE, tweak=b"rest")
        char = pseudonym._rest_char(index)
        if pseudonym._fold(char) == char:
            met += 1
            assert CIPHER.token(char) == CIPHER.token(char).casefold() != capital
    assert met > 5


@pytest.mark.parametrize("token", ["04:A1:B2:C3", "DE-ABC-C12345678-X", " 04A1 ", "*9", "a_b=c|d@e.f+g"])
def test_punctuation_stays_in_place(token):
    """Every character that is neither letter nor digit stands where it stood, and every other one does not drop out."""
    new = CIPHER.token(token)
    assert [char if not char.isalnum() else "x" for char in new] == [
        char if not char.isalnum() else "x" for char in token
    ]
    assert new != token


def test_variants_in_punctuation_stay_variants():
    """The same identifier with and without colons is recognised as such after redaction too."""
    assert CIPHER.token("04:A1:B2:C3").replace(":", "") == CIPHER.token("04A1B2C3")


def test_a_number_gets_the_pseudonym_of_its_digits():
    """A token sent as a JSON number by one message and as a string by another still joins."""
    for text in ("7", "12345678", "90071992547409931"):
        assert CIPHER.number(text) == CIPHER.token(text)


def test_a_number_keeps_its_form():
    """Sign, point and a leading zero stay, so that the result is a JSON number."""
    new = CIPHER.number("-0.125")
    assert new[:3] == "-0."
    assert len(new) == 6
    assert new != "-0.125"


def test_other_letters_are_permuted_too():
    """Characters beyond ASCII change, keep their number, and fold as their case variant does."""
    new = CIPHER.token("Zoë-Straße")
    assert len(new) == 10
    assert new[3] == "-"
    assert "ë" not in new
    assert "ß" not in new
    assert CIPHER.token("ZOË-STRAßE").casefold() == new.casefold()


def test_over_long_tokens_keep_class_and_length():
    """A core of more than 1024 characters is hashed and stretched in its own alphabet, and differs by any character."""
    for token in ("9" * 1500, "0" * 1500, "f" * 1500, "x" * 1500, "x1" * 750, "é" * 1500):
        new = CIPHER.token(token)
        assert len(new) == 1500
        assert new != token
        assert new != CIPHER.token(token[:-1] + ("8" if token[-1] != "8" else "7"))
    assert CIPHER.token("9" * 1500).isdigit()
    assert CIPHER.token("0" * 1500).startswith("0")
    assert set(CIPHER.token("f" * 1500)) <= set("0123456789abcdef")


def test_another_key_gives_another_pseudonym():
    """Two operators' pseudonyms say nothing about each other."""
    other = TokenCipher(b"another key of the tests, 32 byt")
    tokens = [f"04A1B2C3{number:02d}" for number in range(50)]
    assert all(CIPHER.token(token) != other.token(token) for token in tokens)
