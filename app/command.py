"""What every command shares: reading the settings, and turning errors into one line and an exit code.

Exit codes: 0 done, 1 something failed while it ran, 2 it could not begin as asked, 130 Ctrl-C.
"""

from __future__ import annotations

import getpass
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

import typer

from app.setting_files import SettingsError
from app.setting_sources import load
from app.settings import Settings
from ingest.frame import Micros
from ingest.timestamps import parse_stamp

__all__ = ["give_up", "moment", "run", "said_by", "settings", "span"]


def settings(**flags: Any) -> Settings:
    """The settings of a command; flags that are None do not count. Ends the command where they cannot be used."""
    try:
        return load(**flags)
    except SettingsError as error:
        give_up(error)


def moment(text: str, option: str) -> Micros:
    """An ISO time with its zone, given to an option. Ends the command where it is none."""
    stamp = parse_stamp(text)
    if stamp.at is None or stamp.flaw is not None:
        give_up(typer.BadParameter(f"{option} {text[:40]!r} is no time: give it as 2026-05-01T12:00:00Z"))
    return stamp.at


def said_by(by: str | None) -> str:
    """Who gives the command; a process without a user has its host's name."""
    if by:
        return by[:200]
    user = ""
    with suppress(OSError, KeyError):
        user = getpass.getuser()
    return f"{user or 'unknown'}@{socket.gethostname()}"[:200]


def span(
    since: str | None, until: str | None, chargers: list[str] | None, *, store: bool
) -> tuple[Micros | None, Micros | None, list[str]]:
    """Which frames of the store a command that counts was asked for. Ends the command where that makes no sense."""
    if not store and (since or until or chargers):
        give_up(typer.BadParameter("--since, --until and --charger need --store"))
    begin = moment(since, "--since") if since else None
    end = moment(until, "--until") if until else None
    if begin is not None and end is not None and begin >= end:
        give_up(typer.BadParameter(f"the range ends before it begins: {since} is not before {until}"))
    return begin, end, chargers or []


def run(action: Callable[[], int]) -> NoReturn:
    """Run a command: what went wrong is one line with the next step, Ctrl-C is a clean end."""
    from app.embedded import RuntimeStartError
    from app.replay import RecordingError
    from app.security import SecurityError
    from app.storing import StoreStartError
    from app.watch.monitor import MonitorError
    from diff.store.engine import EngineStartError
    from diff.store.errors import StoreError
    from ingest.field_policy import FieldPolicyError
    from ingest.publisher import PublisherError
    from ingest.redaction_key import KeyFileError
    from ingest.tap.service import TapError
    from ingest.topic_admin import TopicError

    # While coming up and going down SIGTERM is what Ctrl-C is; in between the commands wait for both.
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        code = action()
    except (
        EngineStartError,
        FieldPolicyError,
        KeyFileError,
        MonitorError,
        PublisherError,
        RecordingError,
        RuntimeStartError,
        SecurityError,
        StoreStartError,
        TapError,
        TopicError,
    ) as error:
        give_up(error)
    except StoreError as error:
        give_up(error, 1)
    except KeyboardInterrupt:
        code = 130
    sys.stdout.flush()
    raise typer.Exit(code)


def _as_ctrl_c(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a script's background job is deaf to Ctrl-C, not to this
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


def give_up(error: Exception, code: int = 2) -> NoReturn:
    """End with one line about what is wrong."""
    typer.echo(f"shadow-csms: {error}", err=True)
    raise typer.Exit(code)
