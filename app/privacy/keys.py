"""`privacy rotate`, `keys` and `pseudonym`: a new key, which there are, and what a token is called under each."""

from __future__ import annotations

import sys
from typing import Final

import msgspec

from app.keys import key_file
from app.privacy.asking import PrivacyError, hidden
from app.settings import Settings
from ingest.key_ring import KeyRing, RingKey
from ingest.redaction_key import change_ring, new_key, read_ring
from ingest.timestamps import format_micros

__all__ = ["asked_token", "listed", "pseudonyms", "rotate"]

_LONGEST: Final = 1024
"""Of a token, in characters: beyond it the map is no longer one-to-one (docs/decisions/0005-redaction.md)."""


def rotate(settings: Settings) -> int:
    """Add a new key. Raises `KeyFileError`, `PrivacyError`."""
    path = key_file(settings)

    def renewed(ring: KeyRing) -> KeyRing:
        try:
            return ring.rotated(new_key(ring))
        except ValueError as error:
            raise PrivacyError(f"{path}: {error}; nothing is changed") from None

    ring = change_ring(path, renewed)
    print(f"{ring.current.version} is the current key of {path}, beside {len(ring) - 1} older ones")
    print(
        "a running tap takes it up for connections that open from now on; start workers and importers anew, so that"
        " they know it too; other machines need a copy of the file",
        file=sys.stderr,
    )
    return 0


def listed(settings: Settings, *, as_json: bool) -> int:
    """Show the versions, never a key. Raises `KeyFileError`."""
    ring = read_ring(key_file(settings))
    rows = [
        {"version": one.version, "since": _since(one), "current": one is ring.current, "digest": one.digest}
        for one in ring
    ]
    if as_json:
        print(msgspec.json.encode(rows).decode())
        return 0
    for one in ring:
        state = "current" if one is ring.current else "older"
        print(f"{one.version}  {state:7}  since {_since(one) or 'a time that is not known'}  digest {one.digest}")
    return 0


def pseudonyms(settings: Settings, *, as_json: bool) -> int:
    """Say what the token on standard input is called under each key. Raises `KeyFileError`, `PrivacyError`."""
    ring = read_ring(key_file(settings))
    token = asked_token()
    found = list(ring.pseudonyms(token))
    if as_json:
        rows = [{"key_version": version, "pseudonym": pseudonym} for version, pseudonym in found]
        print(msgspec.json.encode(rows).decode())
        return 0
    for version, pseudonym in found:
        print(f"{version}  {pseudonym}")
    return 0


def asked_token() -> str:
    """A token from standard input or the terminal. Raises `PrivacyError`."""
    token = hidden("token: ") if sys.stdin.isatty() else sys.stdin.readline(_LONGEST + 2).rstrip("\r\n")
    if not token.strip():
        raise PrivacyError("no token: give it on standard input, on one line, or at the prompt; never as an argument")
    if len(token) > _LONGEST:
        raise PrivacyError(f"a token of more than {_LONGEST} characters: no pseudonym can be told for sure")
    return token


def _since(key: RingKey) -> str | None:
    return format_micros(key.since) if key.since else None
