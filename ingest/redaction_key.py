"""The key file of redaction: reading it, making it, adding and removing keys; refusing one that others may read.

Two forms are read: one key, as a new installation has it, and a ring.

    {"version": "20300101T000000Z", "key": "64 hexadecimal digits"}
    {"keys": [{"version": …, "key": …, "since": "2030-01-01T00:00:00Z"}, …]}      the current one last
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from ingest.frame import Micros
from ingest.key_ring import MOST_KEYS, KeyRing, RingKey
from ingest.timestamps import format_micros, parse_stamp

__all__ = ["KeyFileError", "change_ring", "decode_ring", "encode_ring", "new_key", "read_key", "read_ring"]

_KEY_BYTES: Final = 32
_MAX_FILE: Final = 512 * MOST_KEYS
_VERSION: Final = "%Y%m%dT%H%M%SZ"
_EXPECTED: Final = '{"version": "…", "key": "64 hexadecimal digits"}, or a ring that `privacy rotate` wrote'


class KeyFileError(Exception):
    """A key file that cannot be used; the message says why and what to do."""


class _Key(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    version: str
    key: str
    """Hexadecimal."""
    since: str = ""


class _Ring(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[_Key]


def read_key(path: Path, *, create: bool) -> tuple[bytes, str]:
    """The current key and its version. Otherwise as `read_ring`."""
    current = read_ring(path, create=create).current
    return current.key, current.version


def read_ring(path: Path, *, create: bool = False) -> KeyRing:
    """All keys of a file of mode 0600; there is at least one.

    Where there is no file and `create` is set, one is made with a new random key.

    Raises:
        KeyFileError: it cannot be read, others may read it, or it holds no keys.

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
        content = os.read(descriptor, _MAX_FILE + 1)
    finally:
        os.close(descriptor)
    try:
        return decode_ring(content)
    except ValueError as error:
        raise KeyFileError(f"{path}: {error}") from None


def decode_ring(content: bytes) -> KeyRing:
    """The keys of a file's content. Raises `ValueError`; its message repeats nothing that may be a key."""
    if len(content) > _MAX_FILE:
        raise ValueError(f"no redaction key: more than {_MAX_FILE} bytes")
    try:
        try:
            entries = [msgspec.json.decode(content, type=_Key)]
        except msgspec.ValidationError:
            entries = msgspec.json.decode(content, type=_Ring).keys
        keys = [(one, bytes.fromhex(one.key)) for one in entries]
    except ValueError:
        # What the decoder says is left out: it may quote the key.
        raise ValueError(f"no redaction key; expected {_EXPECTED}") from None
    if not keys:
        raise ValueError("a ring without a key; put a copy of it back")
    wrong = next((one for one in keys if len(one[1]) != _KEY_BYTES or not one[0].version), None)
    if wrong is not None:
        raise ValueError(
            f"the redaction key has {len(wrong[1])} bytes and version {wrong[0].version[:64]!r};"
            f" it needs {_KEY_BYTES} bytes and a version that is not empty"
        )
    return KeyRing([RingKey(one.version, key, _since(one)) for one, key in keys])


def encode_ring(ring: KeyRing) -> bytes:
    """The content of a file that `decode_ring` reads. It holds the keys: not for logs."""
    keys = [_Key(one.version, one.key.hex(), format_micros(one.since) if one.since else "") for one in ring]
    return msgspec.json.encode(_Ring(keys)) + b"\n"


def new_key(before: KeyRing | None = None) -> RingKey:
    """A random key that is current from now on, named by the time."""
    now = time.time_ns() // 1000
    if before is not None and before.keys:
        now = max(now, before.current.since + 1)  # a clock that went back must not reorder the ring
    name = version = datetime.fromtimestamp(now // 1_000_000, UTC).strftime(_VERSION)
    number = 1
    while before is not None and before.find(version) is not None:
        number += 1
        version = f"{name}-{number}"
    return RingKey(version, os.urandom(_KEY_BYTES), now)


def change_ring(path: Path, change: Callable[[KeyRing], KeyRing]) -> KeyRing:
    """Replace the ring by what `change` makes of it: as a whole or not at all, and one process at a time.

    The file keeps its owner and has mode 0600. What `change` raises comes out, and nothing is changed then.

    Raises:
        KeyFileError: the file cannot be used or written, or another process is changing it.

    """
    path = path.resolve()  # a link goes on naming its file
    with _alone(path):
        ring = change(read_ring(path))
        try:
            owner = path.stat()
            descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # of mode 0600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                        os.fchown(descriptor, owner.st_uid, owner.st_gid)  # whom the tap runs as must read it
                    _write(file.fileno(), encode_ring(ring))
                Path(draft).replace(path)
            except BaseException:
                Path(draft).unlink(missing_ok=True)
                raise
            _sync_directory(path.parent)
        except OSError as error:
            raise KeyFileError(f"{path}: the ring cannot be written: {error.strerror}; nothing is changed") from None
    return ring


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the directory's entry for the ring; the lock ends with the process, whatever ends it."""
    try:
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KeyFileError(f"{path.parent}: cannot be read: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise KeyFileError(f"{path}: another process is changing the ring; wait for it and look again") from None
        yield
    finally:
        os.close(descriptor)


def _since(entry: _Key) -> Micros:
    """When a key became current: as it says, else by a version that is a time, else 0."""
    if entry.since:
        stamp = parse_stamp(entry.since[:64])
        if stamp.at is None or stamp.flaw is not None:
            raise ValueError(f"the key {entry.version[:64]!r} is current since no time that can be read")
        return stamp.at
    with suppress(ValueError):
        made = datetime.strptime(entry.version, _VERSION).replace(tzinfo=UTC)
        return int(made.timestamp()) * 1_000_000
    return 0


def _create(path: Path) -> None:
    """Make the file if there is none. It appears whole or not at all, so that two processes may try at once."""
    if path.exists():
        return
    if not path.parent.is_dir():
        raise KeyFileError(f"{path}: there is no directory {path.parent} for the redaction key; make it first")
    key = new_key()
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # of mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write(file.fileno(), msgspec.json.encode(_Key(key.version, key.key.hex())) + b"\n")
            # Unlike a rename this fails where another process was first: then its key counts.
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            Path(draft).unlink()
    except OSError as error:
        raise KeyFileError(f"{path}: the redaction key cannot be written: {error.strerror}") from None


def _write(descriptor: int, content: bytes) -> None:
    os.write(descriptor, content)
    os.fsync(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
