"""Redaction under a field policy: the built-in names, and beside them the rules of the operator. Pure.

Where there is no policy nothing of this is used, and it costs nothing (`redactor_of`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

from ingest.field_policy import Do, FieldPolicy, Rule, within
from ingest.key_ring import RingKey
from ingest.ocppj import MAX_TEXT
from ingest.pseudonym import subkey
from ingest.redaction import MAX_DEPTH, Redactor, kind_of, may_hold_value, special_of, tells_of_customer
from ingest.sensitive import NAMING_KEYS, VALUE_KEYS, Kind, classify, may_hold
from ingest.spans import Edit, Leaf, Node, apply, decoded, encoded, is_json, offsets, scan

__all__ = ["FieldRedactor", "Told", "redactor_of"]

_TOKEN: Final = re.compile(r"\S{1,64}")
"""What a hash leaves as a pseudonym: one word, as tokens and numbers of customers are."""
_NOT_OVERRULED: Final = frozenset({Kind.SECRET, Kind.SIGNED})
_DATA: Final = "data"


class Told(NamedTuple):
    """What becomes of one value, without the value."""

    path: tuple[str, ...]
    """The members that lead to it, in lower case."""
    name: str
    """Of the configuration key or variable whose value it is; else empty."""
    becomes: str
    """`pseudonym`, `asterisks`, `hash`, `parts` (something in the text), `kept`."""
    rule: int
    """Of the policy; 0: a built-in name or form."""


class _Place(NamedTuple):
    """Where a node stands, as far as rules ask for it."""

    all_below: Kind
    named: Kind
    path: tuple[str, ...] = ()
    key: str = ""
    """The configuration key or variable that its value members belong to."""
    data: tuple[str, ...] | None = None
    """Within the data of a DataTransfer, the members that lead to it; None outside."""


class FieldRedactor(Redactor):
    """Redacts texts under one key and one policy."""

    def __init__(self, key: bytes, key_version: str, policy: FieldPolicy) -> None:
        super().__init__(key, key_version)
        self._policy = policy
        self._field_key = subkey(key, "field.hash")

    def redact(self, text: str) -> str:
        """The text as it may be kept; as `Redactor.redact`."""
        if len(text) > MAX_TEXT or not is_json(text):
            return self._describe(text)
        if self._policy.may_hold(text):
            return apply(text, self._walk(text, 0))
        return apply(text, super()._edits(text, 0)) if may_hold(text) else text

    def explain(self, text: str) -> list[Told]:
        """What `redact` would do to each value that is touched, or kept because of a rule."""
        if len(text) > MAX_TEXT or not is_json(text):
            return [Told((), "", "described", 0)]
        found: list[Told] = []
        self._walk(text, 0, found=found)
        return found

    def _edits(self, text: str, depth: int, *, ocmf: bool = False) -> list[Edit]:
        return self._walk(text, depth, ocmf=ocmf)

    def _walk(
        self,
        text: str,
        depth: int,
        *,
        ocmf: bool = False,
        within_data: tuple[Rule, ...] = (),
        begin: _Place | None = None,
        found: list[Told] | None = None,
    ) -> list[Edit]:
        root = scan(text)
        edits: list[Edit] = []
        customer = tells_of_customer(text, root)
        transfer = None if depth else _transfer(text, root)
        rules = within_data
        if transfer is not None:
            rules = self._policy.of_vendor(*transfer[1:])
        stack = [(root, begin or _Place(Kind.PLAIN, Kind.PLAIN))]
        while stack:
            node, place = stack.pop()
            special = special_of(text, node, place.named)
            if customer:
                special["data"] = Kind.SECRET
            if ocmf:
                special["id"] = Kind.TOKEN
            key = _name_of(text, node) or place.key
            carries = transfer is not None and node is transfer[0]
            for leaf in node.leaves:
                builtin = kind_of(leaf[0], place.all_below, special)
                path = place.path if node.array else (*place.path, leaf[0])
                data = _below(place.data, leaf[0], node, carries=carries)
                rule = None
                if builtin not in _NOT_OVERRULED:
                    rule = self._rule(path, key if leaf[0] in VALUE_KEYS else "", data, rules)
                if rule is not None and rule.do is Do.KEEP and _hides_secret(path, leaf[0], special):
                    builtin, rule = Kind.SECRET, None
                inner = _Place(Kind.PLAIN, Kind.PLAIN, path, "", data)
                edits += self._value(text, leaf, builtin, rule, depth, rules, inner, key, found)
            named = special.get("attributevalue", Kind.PLAIN) if not node.array else place.named
            for child in node.children:
                path = place.path if node.array else (*place.path, child.key)
                data = _below(place.data, child.key, node, carries=carries)
                if node.array or child.key == "variableattribute":
                    stack.append((child, _Place(place.all_below, named, path, key, data)))
                else:
                    below = kind_of(child.key, place.all_below, special)
                    stack.append((child, _Place(below, Kind.PLAIN, path, "", data)))
        return edits

    def _rule(
        self, path: tuple[str, ...], key: str, data: tuple[str, ...] | None, rules: tuple[Rule, ...]
    ) -> Rule | None:
        """The first rule that fits."""
        found = [rule for rule in map(self._policy.of_member, path) if rule is not None]
        of_key = self._policy.of_key(key) if key else None
        if of_key is not None:
            found.append(of_key)
        if data is not None:
            found += [rule for rule in rules if within(rule, data)][:1]
        return min(found, key=lambda rule: rule.number, default=None)

    def _value(
        self,
        text: str,
        leaf: Leaf,
        builtin: Kind,
        rule: Rule | None,
        depth: int,
        rules: tuple[Rule, ...],
        place: _Place,
        key: str,
        found: list[Told] | None,
    ) -> list[Edit]:
        kind, inner = builtin, list[Told]()
        raw = text[leaf[1] : leaf[2]]
        if rule is not None and rule.do is Do.HASH:
            edits = self._hashed(raw, leaf)
        else:
            if rule is not None:
                kind = Kind.SECRET if rule.do is Do.DROP else Kind.PLAIN
            if kind is Kind.PLAIN and leaf[3] and depth < MAX_DEPTH and _is_document(decoded(raw)):
                edits = self._document(raw, leaf[1], depth, rules, place, inner if found is not None else None)
            elif kind is not Kind.PLAIN or (leaf[3] and may_hold_value(raw)):
                edits = self._leaf(text, leaf, kind, depth)
            else:
                edits = []
        if found is not None:
            found += inner or _told(place, leaf, key, builtin, rule, kind, changed=bool(edits))
        return edits

    def _document(
        self,
        raw: str,
        start: int,
        depth: int,
        rules: tuple[Rule, ...],
        place: _Place,
        found: list[Told] | None,
    ) -> list[Edit]:
        """JSON in a string."""
        value = decoded(raw)
        inner = self._walk(value, depth + 1, within_data=rules, begin=place, found=found)
        places = offsets(raw) if inner and "\\" in raw else range(len(raw) + 1)
        return [(start + places[first], start + places[last], encoded(new)) for first, last, new in inner]

    def _hashed(self, raw: str, leaf: Leaf) -> list[Edit]:
        _, start, end, quoted = leaf
        if not quoted:
            return self._number(raw, start, Kind.TOKEN)
        value = decoded(raw)
        if not value:
            return []
        if _TOKEN.fullmatch(value):
            return [(start, end, encoded(self.pseudonym(value)))]
        digest = blake2b(value.encode("utf-8", "surrogatepass"), key=self._field_key, digest_size=16).hexdigest()
        return [(start, end, f"#{digest}")]


def redactor_of(key: RingKey, policy: FieldPolicy | None = None) -> Redactor:
    """The redactor for a key, under the policy where there are rules."""
    if policy is None or not policy.rules:
        return Redactor(key.key, key.version)
    return FieldRedactor(key.key, key.version, policy)


def _hides_secret(path: tuple[str, ...], name: str, special: dict[str, Kind]) -> bool:
    """Whether something in a token is a secret by its own name, or by that of what it stands in."""
    own = kind_of(name, Kind.PLAIN, special)
    return own in _NOT_OVERRULED or any(classify(one) in _NOT_OVERRULED for one in path)


def _told(
    place: _Place, leaf: Leaf, key: str, builtin: Kind, rule: Rule | None, kind: Kind, *, changed: bool
) -> Iterator[Told]:
    name = key if leaf[0] in VALUE_KEYS else ""
    if rule is not None:
        kept = rule.do is Do.KEEP and builtin is Kind.TOKEN
        if changed or kept:
            yield Told(place.path, name, "kept" if not changed else _WORDS[rule.do], rule.number)
    elif changed:
        becomes = {Kind.TOKEN: "pseudonym", Kind.SECRET: "asterisks"}.get(kind, "parts")
        yield Told(place.path, name, becomes, 0)


_WORDS: Final = {Do.DROP: "asterisks", Do.HASH: "hash", Do.KEEP: "parts"}


def _below(data: tuple[str, ...] | None, key: str, node: Node, *, carries: bool) -> tuple[str, ...] | None:
    """The members within a DataTransfer's data that lead to a member of this node."""
    if carries:
        return () if key == _DATA else None
    if data is None or node.array:
        return data
    return (*data, key)


def _transfer(text: str, root: Node) -> tuple[Node, str | None, str] | None:
    """The payload of a DataTransfer, its vendorId and messageId; of an answer, which names no vendor, None and ""."""
    message = root.children[0] if root.children else None
    if message is None or not message.array or not message.children or not message.leaves:
        return None
    payload = message.children[0]
    texts = {leaf[0]: decoded(text[leaf[1] : leaf[2]]) for leaf in payload.leaves if leaf[3] and leaf[0] != _DATA}
    heads = [text[leaf[1] : leaf[2]] for leaf in message.leaves[:3]]
    if heads[0] == "3":
        return (payload, None, "") if "status" in texts else None
    if heads[0] == "2" and len(heads) > 2 and decoded(heads[2]) == "DataTransfer":
        return payload, texts.get("vendorid", ""), texts.get("messageid", "")
    return None


def _name_of(text: str, node: Node) -> str:
    """The configuration key (1.6) or variable (2.0.1) that the value members of an object belong to."""
    if node.array:
        return ""
    for child in node.children:
        if child.key == "variable":
            for leaf in child.leaves:
                if leaf[0] == "name":
                    return decoded(text[leaf[1] : leaf[2]])
    return next((decoded(text[leaf[1] : leaf[2]]) for leaf in node.leaves if leaf[0] in NAMING_KEYS and leaf[3]), "")


def _is_document(value: str) -> bool:
    return value.lstrip()[:1] in ("{", "[") and is_json(value)
