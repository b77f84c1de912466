"""The policy file: read once, or followed by what runs for long."""

from __future__ import annotations

from pathlib import Path

from diff.document import LONGEST_DOCUMENT, DocumentError
from diff.policy import Policy
from diff.policy_file import PolicyInForce, parse_policy
from diff.tariff.book import EMPTY, TariffBook

__all__ = ["PolicyFile", "PolicyFileError", "read_policy"]


class PolicyFileError(ValueError):
    """A policy file cannot be followed; the message names file, line, rule and next step."""


def read_policy(path: Path, tariffs: TariffBook = EMPTY) -> Policy:
    """The policy of a file.

    Raises:
        PolicyFileError: it cannot be read, or holds what no policy can be.

    """
    try:
        return parse_policy(_text(path), tariffs)
    except DocumentError as error:
        raise PolicyFileError(f"{path}: {error}; correct it, see docs/policy.md") from None


class PolicyFile:
    """Follows a file. A broken or vanished one changes nothing: the last good policy stays, and `error` says why."""

    def __init__(self, path: Path | None, good: Policy) -> None:
        """Prepare. `good`: what stood in the file when it was read first; without a `path` it stays for ever."""
        self._path, self._held = path, PolicyInForce(good)
        self._seen: tuple[int, int, int] | None = None
        self.error = ""
        """What is wrong with the file as it stands now; empty while it is the one in force."""

    @property
    def current(self) -> Policy:
        """The policy in force."""
        return self._held.current

    def reload(self) -> bool:
        """Read the file if it changed since the last time. True where there is news: another policy, or another error.

        Cheap enough to be asked before every batch.
        """
        if self._path is None:
            return False
        before = self.error
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen == self._seen:
                return False
            text = _text(self._path)
        except (OSError, DocumentError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self._seen, fresh = None, False
        else:
            self._seen, fresh = seen, self._held.take(text)
            reason = self._held.problem
        stays = f"version {self.current.version} stays in force; correct it, see docs/policy.md"
        self.error = f"policy_file {self._path}: {reason}; {stays}" if reason else ""
        return fresh or self.error != before

    @property
    def news(self) -> str:
        """What to tell after a `reload` that brought news, in one line."""
        return self.error or f"policy {self.current.version} is in force"


def _text(path: Path) -> str:
    """The text of a file. Raises `DocumentError`."""
    try:
        with path.open("rb") as file:
            found = file.read(LONGEST_DOCUMENT + 1)
        if len(found) > LONGEST_DOCUMENT:
            raise DocumentError(f"more than {LONGEST_DOCUMENT} bytes")
        return found.decode()
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"not UTF-8 at byte {error.start}") from None
