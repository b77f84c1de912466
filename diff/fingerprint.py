"""The fingerprint: which discrepancies have one cause and are looked at, acknowledged and counted together.

A cause is a code, the place or rule it breaks, the kind of charger (vendor, model, firmware) and the *shape* of what
was found. Whatever varies from message to message is taken out of the shape: times, ids, numbers. Firmware stays in,
since an update that cures a cause, or brings it, must show as another group.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

__all__ = ["fingerprint", "generalise", "place_of"]

_MAX_READ: Final = 1024
"""Characters of a value that are looked at: evidence may be as long as a frame."""
_MAX_PATH: Final = 120
_MAX_FOUND: Final = 60
_MAX_NAME: Final = 50

_UNPRINTABLE: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_VARYING: Final = re.compile(
    r"(?P<date>(?<!\d)\d{4}-\d{2}-\d{2}"
    r"(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?(?:[Zz]|[+-]\d{2}(?::?\d{2})?))?)?)"
    r"|(?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    r"|(?P<hex>\b0[xX][0-9a-fA-F]+\b|\b(?:[0-9a-fA-F]{2}:){3,}[0-9a-fA-F]{2}\b)"
    # A word of letters and digits like a token, a serial number or a message id: long, or shorter with digits between
    # letters. L1, Type2 and SHA256 are none.
    r"|(?P<word>\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z\d]{8,}\b"
    r"|\b(?=[A-Za-z\d]*[A-Za-z]\d+[A-Za-z])[A-Za-z\d]{5,7}\b)"
    r"|(?P<number>[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?)",
    re.ASCII,
)
_NAMES: Final = {"date": "date", "uuid": "id", "hex": "id", "word": "id", "number": "#"}


def fingerprint(
    code: str, path: str, vendor: str, model: str, firmware: str, *, found: str | None = None
) -> tuple[str, str]:
    """The id of the group (16 hex digits) and its title in words.

    `found` is the value that stood there, None where the discrepancy is not about one. Any text is taken.

    >>> fingerprint("meter.unit-unknown", "MeterValues.unit", "ACME", "One", "1.2", found="Hz")[1]
    "meter: unit unknown at MeterValues.unit, found 'Hz' (ACME One, firmware 1.2)"
    """
    place = place_of(path)
    shape = None if found is None else generalise(found, _MAX_FOUND)
    charger = tuple(_printable(name, _MAX_NAME) for name in (vendor, model, firmware))
    parts = (code, place, *charger, "absent" if shape is None else f"={shape}")
    identity = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return identity, _title(code, place, charger, shape)


def place_of(path: str) -> str:
    """What all paths of one fingerprint have in common."""
    return generalise(path, _MAX_PATH)


def generalise(text: str, limit: int) -> str:
    """The shape of a text: dates become `date`, ids `id`, numbers `#`; at most `limit` characters."""
    shape = _VARYING.sub(lambda found: _NAMES[found.lastgroup or "number"], _printable(text, _MAX_READ))
    return shape if len(shape) <= limit else shape[: limit - 1] + "…"


def _title(code: str, place: str, charger: tuple[str, ...], shape: str | None) -> str:
    vendor, model, firmware = charger
    words = code.replace(".", ": ", 1).replace("-", " ")
    where = f" at {place}" if place and place not in words else ""
    what = "" if shape is None else f", found '{shape}'"
    kind = f"{vendor} {model}".strip() or "unknown charger"
    return f"{words}{where}{what} ({kind}, firmware {firmware or 'unknown'})"


def _printable(text: str, limit: int) -> str:
    """Without control characters, which also keeps the separator of the identity out of its parts."""
    return _UNPRINTABLE.sub(" ", text[:limit]).strip()
