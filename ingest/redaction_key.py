"""The key file of redaction: reading it, making it, and refusing one that others may read."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["KeyFileError", "read_key"]

_KEY_BYTES: Final = 32
_MAX_FILE: Final = 4096


class KeyFileError(Exception):
    """A key file that cannot be used; the message says why and what to do."""


class _KeyFile(msgspec.Struct, forbid_unknown_fields=True):
    version: str
    key: str
    """Hexadecimal."""


def read_key(path: Path, *, create: bool) -> tuple[bytes, str]:
    """Key and version from a file `{"version": "…", "key": "hexadecimal digits"}` of mode 0600.

    Where there is none and `create` is set, one is made with a new random key. Raises KeyFileError.
    """
    if create:
        _create(path)
    try:
        # Non-blocking, so that a pipe in the place of the key is refused instead of waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyFileError(f"{path}: no redaction key; let one be made, or copy the key of the other tap") from None
    except OSError as error:
        raise KeyFileError(f"{path}: the redaction key cannot be read: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(f"{path}: the redaction key must be a regular file")
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            raise KeyFileError(
                f"{path}: mode {mode:04o} lets others at the redaction key, who could undo every pseudonym;"
                f" run `chmod 600 {path}`, or take a new key if they may have read it"
            )
        content = os.read(descriptor, _MAX_FILE)
    finally:
        os.close(descriptor)
    return _parse(path, content)


def _parse(path: Path, content: bytes) -> tuple[bytes, str]:
    try:
        entry = msgspec.json.decode(content, type=_KeyFile)
        key = bytes.fromhex(entry.key)
    except (msgspec.MsgspecError, ValueError):
        # What the decoder says is left out: it may quote the key.
        raise KeyFileError(
            f'{path}: no redaction key; expected {{"version": "…", "key": "64 hexadecimal digits"}}'
        ) from None
    if len(key) != _KEY_BYTES or not entry.version:
        raise KeyFileError(
            f"{path}: the redaction key has {len(key)} bytes and version {entry.version!r};"
            f" it needs {_KEY_BYTES} bytes and a version that is not empty"
        )
    return key, entry.version


def _create(path: Path) -> None:
    """Make the file if there is none. It appears whole or not at all, so that two processes may try at once."""
    if path.exists():
        return
    if not path.parent.is_dir():
        raise KeyFileError(f"{path}: there is no directory {path.parent} for the redaction key; make it first")
    version = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    content = msgspec.json.encode(_KeyFile(version, os.urandom(_KEY_BYTES).hex())) + b"\n"
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # of mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # Unlike a rename this fails where another process was first: then its key counts.
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            Path(draft).unlink()
    except OSError as error:
        raise KeyFileError(f"{path}: the redaction key cannot be written: {error.strerror}") from None
