"""Properties of redaction: the map is one-to-one and keeps form; texts change in the named spans and nowhere else."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.ocppj import parse
from ingest.pseudonym import RESERVED, TokenCipher
from ingest.redaction import Redactor
from ingest.sensitive import may_hold
from ingest.spans import apply, is_json, offsets

KEY = b"a key of the properties, 32 byte"
CIPHER = TokenCipher(KEY)
REDACTOR = Redactor(KEY, "test")

MANY = settings(deadline=None, max_examples=200)
SOME = settings(deadline=None, max_examples=100)

HEX = "0123456789abcdef"
BASE36 = string.digits + string.ascii_lowercase

mixed_tokens = st.one_of(
    st.text(string.digits, min_size=1, max_size=20),
    st.text("0123456789abcdefABCDEF", min_size=1, max_size=20),
    st.text(string.ascii_letters, min_size=1, max_size=20),
    st.text(string.ascii_letters + string.digits, min_size=1, max_size=40),
    st.text(string.ascii_letters + string.digits + ":-_.*=+|@ ", max_size=40),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)


def folded(token):
    """A token as case-insensitive comparison sees it: one character for one."""
    return "".join(char.casefold() if len(char.casefold()) == 1 else char for char in token)


def alphabet(token):
    """The narrowest class of the letters and digits of a token."""
    core = {char for char in token.lower() if char in BASE36}
    return "digits" if core <= set(string.digits) else "hex" if core <= set(HEX) else "alphanumeric"


@pytest.mark.parametrize(
    "domain",
    [
        [*BASE36],
        [a + b for a in BASE36 for b in BASE36],
        [f"{number:03d}" for number in range(1000)],
        [f"{number:03x}" for number in range(4096)],
    ],
    ids=["one character", "two characters", "three digits", "three hexadecimal digits"],
)
def test_short_tokens_are_permuted_exactly(domain):
    """Over a whole small domain the pseudonyms are the domain again: no collision, no hole."""
    new = [CIPHER.token(token) for token in domain]
    assert sorted(new) == sorted(domain)
    assert sum(map(str.__eq__, new, domain)) < len(domain) / 2


@SOME
@given(st.sets(mixed_tokens.map(folded), max_size=40))
def test_no_two_tokens_share_a_pseudonym(tokens):
    """Tokens of any classes, lengths and punctuation that differ beyond case get pseudonyms that do."""
    assert len({folded(CIPHER.token(token)) for token in tokens}) == len(tokens)


@MANY
@given(mixed_tokens)
def test_length_alphabet_and_punctuation_are_kept(token):
    """Digits stay digits, hexadecimal stays hexadecimal, everything that is no letter or digit stays in place."""
    new = CIPHER.token(token)
    assert len(new) == len(token)
    assert alphabet(new) == alphabet(token)
    for old, char in zip(token, new, strict=True):
        assert (old.lower() in BASE36 and old < "\x80") == (char.lower() in BASE36 and char < "\x80")
        assert old == char or old.isascii() == char.isascii()
        if old.isascii() and not old.isalnum():
            assert old == char


@MANY
@given(st.text(string.ascii_letters + string.digits, min_size=1, max_size=24), st.data())
def test_case_variants_are_alike(token, data):
    """However a token is cased, its pseudonym is the same but for case; all upper stays upper, all lower lower."""
    variant = "".join(data.draw(st.sampled_from([char.lower(), char.upper()])) for char in token)
    assert CIPHER.token(variant).casefold() == CIPHER.token(token.casefold())
    assert CIPHER.token(token.upper()) == CIPHER.token(token).upper() or token.lower() in RESERVED
    assert CIPHER.token(token.lower()) == CIPHER.token(token).lower() or token.lower() in RESERVED


@MANY
@given(mixed_tokens)
def test_pseudonyms_are_deterministic(token):
    """Another process with the same key makes the same pseudonym."""
    assert TokenCipher(KEY).token(token) == CIPHER.token(token) == REDACTOR.pseudonym(token)


@MANY
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,6})?", fullmatch=True))
def test_a_number_stays_a_number(text):
    """A token that came as a JSON number leaves as one, of the same length."""
    new = CIPHER.number(text)
    json.loads(new)
    assert len(new) == len(text)
    assert new.count(".") == text.count(".")


# Texts around a value that is known to be found, with `@` for its place. Written by a serialiser of every taste.
TOKEN_PLACES = [
    (2, "Authorize", {"idTag": "@"}),
    (2, "SendLocalList", {"localAuthorizationList": [{"idTag": "@", "idTagInfo": {"status": "Accepted"}}]}),
    (3, None, {"idTagInfo": {"parentIdTag": "@", "status": "Accepted"}}),
    (2, "TransactionEvent", {"meterValue": [{"x": 1.50}], "idToken": {"type": "ISO14443", "idToken": "@"}}),
    (2, "SendLocalList", {"localAuthorizationList": [{"idTokenInfo": {"groupIdToken": {"idToken": "@"}}}]}),
]
SECRET_PLACES = [
    (2, "ChangeConfiguration", {"key": "AuthorizationKey", "value": "@"}),
    (2, "ChangeConfiguration", {"value": "@", "key": "GsmApnPassword"}),
    (3, None, {"configurationKey": [{"key": "a", "value": "b"}, {"value": "@", "key": "AUTHORIZATIONKEY"}]}),
    (2, "SetVariables", {"setVariableData": [{"attributeValue": "@", "variable": {"name": "BasicAuthPassword"}}]}),
    (2, "NotifyReport", {"d": [{"variable": {"name": "basicAuthPassword"}, "variableAttribute": [{"value": "@"}]}]}),
    (2, "SetNetworkProfile", {"connectionData": {"vpn": {"key": "@", "server": "host"}, "apn": {"apn": "net"}}}),
    (2, "DataTransfer", {"vendorId": "v", "data": {"wifi": [{"psk": "@"}]}}),
]
secrets = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=6, max_size=40)


def written(place, value, style):
    """The message around its value, and the value as it stands in it, as a serialiser of this style writes them."""
    kind, action, payload = place
    message = [kind, "id-0", *([action] if action else []), payload]
    ascii_only, spaces = style
    text = json.dumps(message, ensure_ascii=ascii_only, separators=(", ", " : ") if spaces else (",", ":"))
    raw = json.dumps(value, ensure_ascii=ascii_only)
    before, after = text.split('"@"')
    return before + '"', raw[1:-1], '"' + after


styles = st.tuples(st.booleans(), st.booleans())


@MANY
@given(st.sampled_from(TOKEN_PLACES), mixed_tokens, styles)
def test_around_a_token_every_character_stays(place, token, style):
    """Before and after the span the text is as it was received; the span holds the pseudonym."""
    before, raw, after = written(place, token, style)
    out = REDACTOR.redact(before + raw + after)
    assert out.startswith(before)
    assert out.endswith(after)
    assert json.loads('"' + out[len(before) : len(out) - len(after)] + '"') == CIPHER.token(token)


@MANY
@given(st.sampled_from(SECRET_PLACES), secrets, styles)
def test_no_secret_survives(place, secret, style):
    """The secret is gone in every spelling, and as many asterisks stand where it stood."""
    before, raw, after = written(place, secret, style)
    assert REDACTOR.redact(before + raw + after) == before + "*" * len(secret) + after


users = st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,;=%", min_size=1, max_size=20)
passwords = st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,;=%/?#", min_size=1, max_size=20)
signatures = st.text(string.ascii_letters + string.digits, min_size=1, max_size=40)


@MANY
@given(users, passwords, signatures, st.booleans())
def test_no_credential_survives_in_an_address(user, password, signature, slashes):
    """User information, with valid passwords or not, and query values leave every string that is an address."""
    url = f"ftp://{user}:{password}@host.example:21/firmware.bin?sig={signature}"
    text = json.dumps([2, "1", "UpdateFirmware", {"anywhere": [url]}])
    out = REDACTOR.redact(text.replace("/", "\\/") if slashes else text)
    stars = f"{'*' * len(user)}:{'*' * len(password)}"
    expected = f"ftp://{stars}@host.example:21/firmware.bin?sig={'*' * len(signature)}"
    assert json.loads(out)[3]["anywhere"] == [expected]


NAMES = (
    *("idTag", "parentIdTag", "idTagInfo", "idToken", "type", "key", "value", "variable", "name", "attributeValue"),
    *("password", "vpn", "data", "uid", "status", "variableAttribute", "location", "format", "certificate"),
    *("connectorId", "Id_Tag", "additionalInfo", "i.d.t.a.g", "P.S.K", "e-maid", "con-tract-id"),
)
WORDS = (
    *("AuthorizationKey", "BasicAuthPassword", "SignedData", "ftp://u:p@h/?a=b", '{"idTag":"AB12"}', "idTag: AB12"),
    *('OCMF|{"ID":"AB12"}|{}', "OCMF|", "Accepted", "HeartbeatInterval", "[", "password=x y", "://", "@", "a:b@"),
)
names = st.sampled_from(NAMES)
words = st.one_of(mixed_tokens, st.sampled_from(WORDS))
values = st.recursive(
    st.one_of(words, st.integers(-(10**12), 10**12), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=5)),
    max_leaves=25,
)


def form(value):
    """A JSON value less its strings and numbers: what redaction may never change."""
    match value:
        case dict():
            return {key: form(inner) for key, inner in value.items()}
        case list():
            return [form(inner) for inner in value]
        case str():
            return len(value)
        case bool() | None:
            return value
        case _:
            return "number"


@MANY
@given(values, styles)
def test_json_keeps_its_form(value, style):
    """Names, order, lengths and types come out as they went in, whatever stands where."""
    text = json.dumps([2, "1", "Action", value], ensure_ascii=style[0])
    out = REDACTOR.redact(text)
    assert form(json.loads(out)) == form(json.loads(text))
    assert type(parse(out)) is type(parse(text))


@MANY
@given(values)
def test_the_quick_look_misses_nothing(value):
    """A text that the quick look lets pass has nothing that the full search would change."""
    text = json.dumps(value)
    if not may_hold(text):
        assert apply(text, REDACTOR._edits(text, 0)) == text


@MANY
@given(st.one_of(st.text(), st.text('[]{}":,\\u0 idTag/129.eE-+\n', max_size=60)))
def test_any_text_is_redacted_without_an_exception(text):
    """Redaction is total, and what was no JSON is none afterwards and shows none of its letters but `a`."""
    out = REDACTOR.redact(text)
    assert is_json(out) == is_json(text)
    if not is_json(text):
        shape = out.partition(" shape=")[2]
        assert not any(char.isalpha() and char != "a" for char in shape)
        assert not any(char.isdigit() and char != "9" for char in shape if char.isdecimal())


@MANY
@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans())
def test_offsets_lead_from_decoded_to_raw(value, ascii_only):
    """Each decoded character is found again in the raw text of a string."""
    raw = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
    places = offsets(raw)
    assert len(places) == len(value) + 1
    for index, char in enumerate(value):
        assert json.loads('"' + raw[places[index] : places[index + 1]] + '"') == char


@SOME
@given(st.text(string.printable), st.data())
def test_edits_replace_their_spans_only(text, data):
    """Edits that do not overlap are applied in any order, and what lies between stays."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8).filter(lambda cuts: len(cuts) % 2 == 0)))
    edits = [(start, end, "<>") for start, end in zip(cuts[::2], cuts[1::2], strict=True) if start < end]
    expected, at = "", 0
    for start, end, new in edits:
        expected, at = expected + text[at:start] + new, end
    assert apply(text, data.draw(st.permutations(edits))) == expected + text[at:]


@MANY
@given(mixed_tokens)
def test_a_pseudonym_leads_back_to_its_token(token):
    """With the key the map can be undone, up to case."""
    assert folded(CIPHER.reveal(CIPHER.token(token))) == folded(token)


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_reserved_word_beside_other_characters_is_one_to_one_too(word):
    """Alone it stands as it is; with a character beyond ASCII beside it, it is a token like any other."""
    assert CIPHER.reveal(CIPHER.token(word)) == word
    new = CIPHER.token(f"{word}é")
    assert new != f"{word}é"
    assert folded(CIPHER.reveal(new)) == f"{word}é"


def test_what_was_hashed_does_not_lead_back():
    """A core, or a rest, of more than 1024 characters was replaced by a hash."""
    assert [CIPHER.reveal(CIPHER.token(text)) for text in ("a1" * 513, "é" * 1025)] == [None, None]
    assert CIPHER.reveal(CIPHER.token("a1" * 512)) == "a1" * 512
