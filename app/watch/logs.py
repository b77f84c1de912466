"""The logs of tap, worker and sink: lines for a person at a terminal, or JSON for a machine, on stderr.

Each JSON line has `time`, `level`, `role`, `logger` and `message`, and `exception` where there is one. Passwords of the
settings and credentials in URLs are masked in whatever is logged, by us or by a library. Frames are never logged.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from app.settings import Settings

__all__ = ["Sparing", "begin", "formatter", "say"]

_SAYING: Final = "app.say"

_CREDENTIALS: Final = re.compile(r"(?<=://)([^:/@\s]*):[^@\s/]*@")
_QUIETER: Final = {
    # They say at INFO what they do with every connection.
    "kafka": logging.WARNING,
    "aiokafka": logging.WARNING,
    # Every attempt to connect, and whatever follows from it: what it means for us we say ourselves.
    "kafka.net": logging.CRITICAL,
    # That the group reads several topics.
    "kafka.coordinator.assignors.range": logging.ERROR,
}
_LIBRARIES: Final = ("kafka", "aiokafka", "faust", "mode")
_AGAIN_SECONDS: Final = 10.0
_MOST_REMEMBERED: Final = 1_000


def begin(role: str, settings: Settings) -> None:
    """Set up the logging of this process, in place of whatever there was."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(role, settings.secrets(), as_json=as_json))
    handler.addFilter(Sparing())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)
    for name, level in _QUIETER.items():
        logging.getLogger(name).setLevel(level)


def say(text: str) -> None:
    """One line for the person at the terminal, as it is; a line of the log where a machine reads it."""
    if logging.getLogger(_SAYING).isEnabledFor(logging.INFO):
        logging.getLogger(_SAYING).info(text)
    else:
        print(text, file=sys.stderr, flush=True)


def formatter(role: str, secrets: Iterable[str] = (), *, as_json: bool) -> logging.Formatter:
    """What turns records into lines, with these secrets masked."""
    return _json(role, _Mask(secrets)) if as_json else _Text(role, _Mask(secrets))


class Sparing(logging.Filter):
    """Passes a complaint of a library once in ten seconds: while Kafka is away some complain ten times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write this one."""
        if record.levelno < logging.WARNING or record.name.partition(".")[0] not in _LIBRARIES:
            return True
        # By its pattern: the values in it change.
        key = record.name, str(record.msg)
        if record.created - self._last.get(key, -_AGAIN_SECONDS) < _AGAIN_SECONDS:
            return False
        if len(self._last) >= _MOST_REMEMBERED:
            self._last.clear()
        self._last[key] = record.created
        return True


class _Mask:
    """Hides secrets in a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be part of another.
        known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        text = _CREDENTIALS.sub(r"\1:***@", text)
        return text if self._secrets is None else self._secrets.sub("***", text)


class _Text(logging.Formatter):
    def __init__(self, role: str, mask: _Mask) -> None:
        super().__init__(f"%(asctime)s %(levelname)-7s {role}: %(message)s", "%Y-%m-%d %H:%M:%S")
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return self._mask(record.getMessage() if record.name == _SAYING else super().format(record))


def _json(role: str, mask: _Mask) -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    class Json(JsonFormatter):
        def format(self, record: logging.LogRecord) -> str:
            at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            fields = {"time": at.replace("+00:00", "Z"), "level": record.levelname, "role": role}
            fields |= {"logger": record.name, "message": mask(record.getMessage())}
            if record.exc_info:
                fields["exception"] = mask(logging.Formatter.formatException(self, record.exc_info))
            return self.serialize_log_record(fields)

    return Json(json_ensure_ascii=False)
