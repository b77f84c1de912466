"""Where the values of a JSON text stand: a scanner that gives each string and number its place and its key.

Nothing is decoded but the keys, and nothing is re-written: whoever changes a value replaces its span and leaves
every other character as it was received. The text must be valid JSON (`is_json`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

__all__ = ["Edit", "Leaf", "Node", "apply", "decoded", "encoded", "is_json", "offsets", "scan"]

Edit = tuple[int, int, str]
"""Start, end and the characters to put there. Ends are exclusive."""


Leaf = tuple[str, int, int, bool]
"""A string or a number: its key, start, end, and whether it is a string.

The key is in lower case; in an array it is the key under which the array stands. Start and end are inside the quotes.
A plain tuple, because a message has a hundred of them and making anything else costs more than finding them.
"""


class Node:
    """An object or an array."""

    __slots__ = ("array", "children", "key", "leaves")

    def __init__(self, key: str, *, array: bool) -> None:
        self.key = key
        self.array = array
        self.leaves: list[Leaf] = []
        self.children: list[Node] = []


_TOKEN: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|([\[\]{}])|(-?[0-9][0-9.eE+\-]*)', re.DOTALL)
_CHARACTER: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\?.", re.DOTALL
)
_NEEDS_ESCAPE: Final = re.compile(r'["\\\x00-\x1f]')
# Fractions are kept as text: none is too long or too large to be read.
_decode: Final = msgspec.json.Decoder(float_hook=str).decode
_decode_string: Final = msgspec.json.Decoder(str).decode
_encode: Final = msgspec.json.Encoder().encode


def is_json(text: str) -> bool:
    """Whether the text is one JSON value, by the decoder that reads messages later (`ingest.ocppj`)."""
    try:
        _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def scan(text: str) -> Node:
    """The values of a valid JSON text, below a node that stands for the text as a whole."""
    root = node = Node("", array=True)
    above: list[Node] = []
    leaves = node.leaves
    key = ""
    for found in _TOKEN.finditer(text):
        group = found.lastindex
        if group == 1:
            start, end = found.span(1)
            leaves.append((key, start, end, True))
        elif group == 2:
            key = found[1].lower() if "\\" not in found[1] else decoded(found[1]).lower()
        elif group == 4:
            start, end = found.span()
            leaves.append((key, start, end, False))
        elif (bracket := found[3]) in "{[":
            child = Node(key, array=bracket == "[")
            node.children.append(child)
            above.append(node)
            node = child
            leaves = node.leaves
        else:
            node = above.pop()
            leaves = node.leaves
            key = node.key
    return root


def decoded(raw: str) -> str:
    """What stands between the quotes of a JSON string, with its escapes read."""
    return _decode_string(f'"{raw}"') if "\\" in raw else raw


def encoded(value: str) -> str:
    """A value as it may stand between the quotes of a JSON string."""
    return _encode(value).decode()[1:-1] if _NEEDS_ESCAPE.search(value) else value


def offsets(raw: str) -> list[int]:
    """For each character of the decoded string, and for its end, where it stands in the raw one."""
    return [found.start() for found in _CHARACTER.finditer(raw)] + [len(raw)]


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Replace spans, which must not overlap, given in any order."""
    parts: list[str] = []
    at = 0
    for start, end, new in sorted(edits):
        parts += (text[at:start], new)
        at = end
    return "".join(parts) + text[at:] if parts else text
