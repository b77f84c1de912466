"""The sign-off, and the mark by which a report and its evidence are held together. Pure.

The digest says which evidence a report was made of. It is no signature: whoever can write a report can write another
name and another digest into it. What holds a person to it is how the file is kept and handed over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Final

import msgspec

from ingest.frame import Micros

__all__ = ["Mark", "SignOff", "digest", "mark_in", "marked"]

_LONGEST: Final = 4_000
_NAME: Final = "shadow-csms-report"
_MARK: Final = re.compile(rf"{_NAME}(?:\" content=\"|: )([A-Za-z0-9+/=]+)")


class SignOff(msgspec.Struct, frozen=True):
    """Who stands by a report."""

    who: str
    role: str
    note: str
    at: Micros


class Mark(msgspec.Struct, frozen=True):
    """What a report holds for `report verify`."""

    digest: str
    """SHA-256 of the evidence, in hexadecimal digits."""
    form: str
    """`html` or `md`."""
    tool: str
    """Version of the program that wrote it."""
    signed: SignOff | None


def digest(evidence: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(evidence).hexdigest()


def marked(text: str, mark: Mark) -> str:
    """The text of a report with its mark, which no reader sees."""
    said = base64.b64encode(msgspec.json.encode(mark)).decode()
    if mark.form == "html":
        return text.replace("</head>\n", f'<meta name="{_NAME}" content="{said}">\n</head>\n', 1)
    return f"{text}\n<!-- {_NAME}: {said} -->\n"


def mark_in(text: str) -> Mark | None:
    """The mark of a report; None where there is none that can be read, or more than one."""
    found = _MARK.findall(text)
    if len(found) != 1 or len(found[0]) > _LONGEST * 2:
        return None
    try:
        return msgspec.json.decode(base64.b64decode(found[0], validate=True), type=Mark)
    except (binascii.Error, msgspec.MsgspecError, UnicodeError):
        return None
