"""Redaction of the mirrored copy (law 8 of the design): tokens become pseudonyms, secrets become asterisks.

Spans of the received text are replaced and nothing is re-serialised: what is no token and no secret stays
byte for byte. What is looked for, and by which name, stands in `ingest.sensitive`; the rules that need more than
a name are here. Strings that hold JSON (DataTransfer, OCMF) are searched like messages; in other strings, and in the
texts of errors, addresses and `name: value` pairs are found.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from ingest.key_ring import KeyRing
from ingest.ocppj import MAX_TEXT
from ingest.pseudonym import TokenCipher, subkey
from ingest.sensitive import KEPT_IN_TOKEN, MEMBERS, NAMING_KEYS, VALUE_KEYS, Kind, classify, may_hold
from ingest.spans import Edit, Leaf, Node, apply, decoded, encoded, is_json, offsets, scan
from ingest.urls import Span, addresses, mask_url

__all__ = ["MAX_DEPTH", "Redactor", "kind_of", "mask_url", "may_hold_value", "special_of", "tells_of_customer"]

_MAX_SHAPE: Final = 200
MAX_DEPTH: Final = 3
"""JSON in strings in strings … : what is nested deeper and may hold anything is masked as a whole."""

_CACHED_TOKENS: Final = 65_536
_MAX_CACHED: Final = 64
"""Longest token that is remembered, in characters, so that the cache is bounded in bytes too."""

_NAME: Final = re.compile(r"""(?<![\w.\-])([A-Za-z][\w.\-]*)["']?\s*[:=]\s*["']?""")
_WORD: Final = re.compile(r"""[^\s"',;&{}\[\]]+""")
_PHRASE: Final = re.compile(r"""[^"',;&\n{}\[\]]+""")
"""`name: value` in free text: a token is one word, a secret runs to the end of its phrase."""

_NONE: Final[dict[str, Kind]] = {}
_DIGIT: Final = re.compile(r"[0-9]")
_EXPONENT: Final = re.compile(r"[eE]")
_SHAPE_LETTER: Final = re.compile(r"[^\W\d_]")
_SHAPE_DIGIT: Final = re.compile(r"\d")
_ADDRESS_ENDS: Final = ("location", "url", "uri")
"""Members whose value is an address even where it has no scheme: location, remoteLocation, ocppCsmsUrl …"""


class Redactor:
    """Redacts texts under one key.

    Pure: the same key and text give the same result, in every process. `key_version` names the key, so that
    whoever keeps a pseudonym can say under which key it was made.
    """

    def __init__(self, key: bytes, key_version: str) -> None:
        if not 16 <= len(key) <= 64:
            raise ValueError(f"a redaction key has 16 to 64 bytes, this one has {len(key)}")
        if not key_version:
            raise ValueError("a redaction key needs a version: pseudonyms are compared only under the same one")
        self.key_version = key_version
        self._cipher = TokenCipher(key)
        self._text_key = subkey(key, "text.hash")
        self._pseudonym = lru_cache(maxsize=_CACHED_TOKENS)(self._cipher.token)

    @classmethod
    def from_key_file(cls, path: Path | str, *, create: bool = True) -> Redactor:
        """Read the key file, or make one with a new key where there is none and `create` is set.

        Raises `ingest.redaction_key.KeyFileError`, which says what to do.
        """
        # Here and not above: everything else in this module is free of I/O.
        from ingest.redaction_key import read_ring

        return cls.of_ring(read_ring(Path(path), create=create))

    @classmethod
    def of_ring(cls, ring: KeyRing) -> Redactor:
        """Redact under the current key of a ring."""
        return cls(ring.current.key, ring.current.version)

    def pseudonym(self, token: str) -> str:
        """The pseudonym of a token: one-to-one up to case, same length, alphabet, case and punctuation."""
        return self._pseudonym(token) if len(token) <= _MAX_CACHED else self._cipher.token(token)

    def redact(self, text: str) -> str:
        """The text as it may be kept. Total.

        A text that is no JSON becomes `<<unparsable N characters hash=H shape=S>>`: its length, a keyed hash (32
        hexadecimal digits) and its first 200 characters with letters as `a` and digits as `9`. That is
        no JSON either.
        """
        if len(text) > MAX_TEXT or not is_json(text):
            return self._describe(text)
        if not may_hold(text):
            return text
        return apply(text, self._edits(text, 0))

    def _describe(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        digest = blake2b(raw, key=self._text_key, digest_size=16).hexdigest()
        shape = _SHAPE_DIGIT.sub("9", _SHAPE_LETTER.sub("a", text[:_MAX_SHAPE]))
        return f"<<unparsable {len(text)} characters hash={digest} shape={shape}>>"

    def _edits(self, text: str, depth: int, *, ocmf: bool = False) -> list[Edit]:
        root = scan(text)
        edits: list[Edit] = []
        customer = tells_of_customer(text, root)
        # Node, what all below it is, and what its named values are.
        stack: list[tuple[Node, Kind, Kind]] = [(root, Kind.PLAIN, Kind.PLAIN)]
        while stack:
            node, all_below, named = stack.pop()
            special = special_of(text, node, named)
            if customer:
                special["data"] = Kind.SECRET
            if ocmf:
                special["id"] = Kind.TOKEN
            for leaf in node.leaves:
                kind = kind_of(leaf[0], all_below, special)
                if kind is not Kind.PLAIN or (leaf[3] and may_hold_value(text[leaf[1] : leaf[2]])):
                    edits += self._leaf(text, leaf, kind, depth)
            if not node.array:
                named = special.get("attributevalue", Kind.PLAIN)
            for child in node.children:
                if node.array or child.key == "variableattribute":
                    stack.append((child, all_below, named))
                else:
                    stack.append((child, kind_of(child.key, all_below, special), Kind.PLAIN))
        return edits

    def _leaf(self, text: str, leaf: Leaf, kind: Kind, depth: int) -> list[Edit]:
        key, start, end, quoted = leaf
        if not quoted:
            return self._number(text[start:end], start, kind)
        if start == end:
            return []
        raw = text[start:end]
        value = decoded(raw)
        if kind is Kind.SECRET:
            return [(start, end, "*" * len(value))]
        if kind is Kind.TOKEN:
            new = self.pseudonym(value)
            return [] if new == value else [(start, end, encoded(new))]
        inner = (
            self._signed(value)
            if kind is Kind.SIGNED
            else self._free(value, depth, address=key.endswith(_ADDRESS_ENDS))
        )
        if not inner:
            return []
        places = offsets(raw) if "\\" in raw else range(len(raw) + 1)
        return [(start + places[first], start + places[last], encoded(new)) for first, last, new in inner]

    def _number(self, raw: str, start: int, kind: Kind) -> list[Edit]:
        if kind is Kind.PLAIN:
            return []
        # An exponent says nothing of a token, and a larger one might be more than a reader of numbers takes.
        mantissa = _EXPONENT.split(raw, maxsplit=1)[0]
        new = self._cipher.number(mantissa) if kind is Kind.TOKEN else _DIGIT.sub("9", mantissa)
        return [(start, start + len(mantissa), new)]

    def _signed(self, value: str) -> list[Edit]:
        """OCMF (`OCMF|payload|signature`) names the token as `ID` in its payload; what is encoded is masked."""
        first, last = value.find("|"), value.rfind("|")
        if _is_ocmf(value) and first < last and is_json(value[first + 1 : last]):
            inner = self._edits(value[first + 1 : last], MAX_DEPTH, ocmf=True)
            return [(first + 1 + start, first + 1 + end, new) for start, end, new in inner]
        return [(0, len(value), "*" * len(value))]

    def _free(self, value: str, depth: int, *, address: bool) -> list[Edit]:
        """What a string of no special name holds: an address, JSON, signed meter data, `name: value`."""
        if _is_ocmf(value):
            return self._signed(value)
        if value.lstrip()[:1] in ("{", "[") and is_json(value):
            if depth >= MAX_DEPTH:
                return [(0, len(value), "*" * len(value))]
            return self._edits(value, depth + 1)
        return self._phrases(value, addresses(value, whole=address))

    def _phrases(self, value: str, found: list[tuple[Span, list[Span]]]) -> list[Edit]:
        """Addresses, and `name: value` outside of them. Character by character, for the two may overlap."""
        out = list(value)
        starts = [start for (start, _), _ in found]
        at = 0
        while (name := _NAME.search(value, at)) is not None:
            # The value of a plain name is searched too: `Error: password=…`.
            at = name.end(1)
            kind = classify(name[1])
            before = bisect_right(starts, name.start()) - 1
            if kind is Kind.PLAIN or (before >= 0 and name.start() < found[before][0][1]):
                continue
            held = (_WORD if kind is Kind.TOKEN else _PHRASE).match(value, name.end())
            if held is not None:
                at = held.end()
                out[held.start() : at] = self.pseudonym(held[0]) if kind is Kind.TOKEN else "*" * len(held[0])
        for _, credentials in found:
            for start, end in credentials:
                out[start:end] = "*" * (end - start)
        return [(i, i + 1, new) for i, (old, new) in enumerate(zip(value, out, strict=True)) if old != new]


@lru_cache(maxsize=8192)
def _short_may_hold(value: str) -> bool:
    return may_hold(value)


def may_hold_value(value: str) -> bool:
    """`may_hold`, remembered for short strings: the values of everyday messages repeat."""
    return _short_may_hold(value) if len(value) <= _MAX_CACHED else may_hold(value)


def kind_of(key: str, all_below: Kind, special: dict[str, Kind]) -> Kind:
    """What a member is: by what stands beside it, by what it stands in, by its name."""
    kind = special.get(key, Kind.PLAIN)
    if kind is not Kind.PLAIN:
        return kind
    if all_below is not Kind.PLAIN:
        return Kind.PLAIN if all_below is Kind.TOKEN and key in KEPT_IN_TOKEN else all_below
    return classify(key)


def special_of(text: str, node: Node, named: Kind) -> dict[str, Kind]:
    """What single members of this object are because of what stands beside them, by lower-case key."""
    special = dict(MEMBERS.get(node.key, _NONE))
    if node.array:
        return special
    for key, start, end, _ in node.leaves:
        if key in NAMING_KEYS:
            named = max(named, classify(decoded(text[start:end])))
        elif key == "format" and text[start:end].lower() == "signeddata":
            special["value"] = Kind.SIGNED
        elif key == "certificate" and any(child.key == "idtoken" for child in node.children):
            # 2.0.1 AuthorizeRequest: the contract certificate names the contract (eMAID) as its subject.
            special[key] = Kind.SECRET
    for child in node.children:
        if child.key == "variable":
            # 2.0.1: the variable that this object gives a value to.
            names = (text[start:end] for key, start, end, _ in child.leaves if key == "name")
            named = max(named, *(classify(decoded(name)) for name in names), Kind.PLAIN)
    return special | dict.fromkeys(VALUE_KEYS, named) if named is not Kind.PLAIN else special


def tells_of_customer(text: str, root: Node) -> bool:
    """2.0.1 NotifyCustomerInformation (N09): its `data` is text about a person."""
    if "NotifyCustomerInformation" not in text or not root.children:
        return False
    leaves = root.children[0].leaves
    return len(leaves) > 2 and text[leaves[2][1] : leaves[2][2]] == "NotifyCustomerInformation"


def _is_ocmf(value: str) -> bool:
    return value[:5].upper() == "OCMF|"
