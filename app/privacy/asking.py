"""Asking people for secrets: hidden at a terminal, or from files that only their owner reads."""

from __future__ import annotations

import getpass
import os
import stat
import sys
from pathlib import Path
from typing import Final

__all__ = ["PrivacyError", "hidden", "passphrase_from", "typed"]

_LONGEST: Final = 1024


class PrivacyError(Exception):
    """It cannot be done as asked; the message is one line with the next step, and repeats no secret."""


def hidden(prompt: str) -> str:
    """Ask at the terminal without showing what is typed. Raises `PrivacyError` where there is none."""
    if not sys.stdin.isatty():
        raise PrivacyError(f"nobody can be asked for the {prompt.rstrip(': ')} without a terminal; give it from a file")
    return getpass.getpass(prompt, sys.stderr)


def typed(prompt: str) -> str:
    """Ask at the terminal. Raises `PrivacyError` where there is none."""
    if not sys.stdin.isatty():
        raise PrivacyError(
            f"nobody can be asked for the {prompt.rstrip(': ')} without a terminal; give it as an option"
        )
    print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def passphrase_from(path: Path) -> str:
    """The first line of a regular file of mode 0600. Raises `PrivacyError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise PrivacyError(f"{path}: the passphrase cannot be read: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise PrivacyError(f"{path}: a passphrase stands in a regular file")
        if stat.S_IMODE(status.st_mode) & 0o077:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            raise PrivacyError(f"{path}: mode {mode} lets others at the passphrase; run `chmod 600 {path}`")
        content = os.read(descriptor, _LONGEST + 1)
    finally:
        os.close(descriptor)
    try:
        text = content.decode().partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        raise PrivacyError(f"{path}: a passphrase is UTF-8") from None
    if not text or len(content) > _LONGEST:
        raise PrivacyError(f"{path}: holds no passphrase: its first line is it, of at most {_LONGEST} bytes")
    return text
