"""The process beside the tap that publishes its spool to Kafka, and says how it is doing.

    python -m app.distributed.publishing

It is a child of `shadow-csms tap`; the settings come through the environment. It also serves the tap's monitor: the
process that forwards has no server, and shows by a beat each second that it lives.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final, Self

import msgspec

from app.distributed.accounts import AccountPublisher
from app.distributed.control import OVERRIDES_FILE, ControlFollower, FollowerStatus
from app.lifeline import WITH_PARENT, end_with_parent
from app.security import SecurityError
from app.setting_files import SettingsError
from app.setting_sources import load
from app.settings import Settings
from app.watch import logs
from app.watch.monitor import MonitorError
from app.watch.watching import watching_tap
from ingest.priority import stand_back
from ingest.publisher import Publisher, PublisherError

__all__ = ["PublisherStatus", "main", "publisher", "read_publisher_status"]

_log = logging.getLogger(__name__)
_STATUS_FILE: Final = "publisher-status.json"
_STATUS_SECONDS: Final = 0.5


class PublisherStatus(msgspec.Struct, frozen=True):
    """How the publisher is doing; written beside the spool twice a second."""

    pid: int
    published: int
    """Records acknowledged by Kafka since this process started."""
    rejected: int
    """Lines of the spool that hold no frame."""
    on_their_way: int
    """Lines handed to Kafka and not acknowledged yet."""
    segment: int
    offset: int
    """Everything before this place of the spool is acknowledged."""
    failure: str
    """Why Kafka takes nothing at the moment; empty while all is well."""
    accounts: int
    """Accounts of connections acknowledged by Kafka since this process started."""
    control: FollowerStatus
    """What the control topic says."""


def read_publisher_status(data_dir: Path) -> PublisherStatus | None:
    """Read the status; None where there is none, or none that can be read."""
    try:
        return msgspec.json.decode((data_dir / _STATUS_FILE).read_bytes(), type=PublisherStatus)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None


def publisher(settings: Settings) -> Publisher:
    """The publisher of a tap's data directory. Raises `PublisherError`."""
    return Publisher(
        settings.data_dir / "spool",
        settings.data_dir / "published.json",
        settings.kafka_bootstrap,
        settings.topics().frames,
        prune=True,
        drain_seconds=settings.stop_seconds / 4,
        connect_ms=round(settings.stop_seconds * 1000 / 4),
        **settings.kafka_options(),
    )


class _Beside:
    """What runs beside the publishing: the control topic is followed, and accounts are published."""

    def __init__(self, settings: Settings, publishing: Publisher) -> None:
        topics, directory = settings.topics(), settings.data_dir
        self._publishing = publishing
        options = settings.kafka_options()
        file = directory / OVERRIDES_FILE
        self.control = ControlFollower(settings.kafka_bootstrap, topics.control, file, **options)
        status = directory / "tap-status.json"
        counts = publishing.acknowledged
        self.accounts = AccountPublisher(
            settings.kafka_bootstrap, topics.connections, status, acknowledged=counts, **options
        )

    def __enter__(self) -> Self:
        self.control.start()
        self.accounts.start()
        return self

    def __exit__(self, *_: object) -> None:
        # The tap has written its last status by now, and what Kafka was to acknowledge is acknowledged.
        self.accounts.stop(reachable=not self._publishing.failure)
        self.control.stop()


def main(arguments: list[str]) -> int:
    """Publish until SIGTERM; then what is there is still published, for as long as Kafka takes it."""
    beats = _Beats()
    if WITH_PARENT in arguments:
        # What is not published yet is safe in the spool; but the kill switch comes this way, and may not wait for long.
        stand_back(when_idle=False)
        end_with_parent(beats)
    try:
        settings = load()
        logs.begin("publisher", settings)
        publishing = publisher(settings)
        beside = _Beside(settings, publishing)
    except (SettingsError, SecurityError, PublisherError) as error:
        print(f"publisher: {error}", file=sys.stderr)
        return 2

    def stop(*_: object) -> None:
        publishing.stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    ended = threading.Event()
    reporting = threading.Thread(target=_report, args=(publishing, beside, settings.data_dir, ended), name="status")
    reporting.start()
    try:
        with beside, ExitStack() as stack:
            try:
                stack.enter_context(_monitor(publishing, beside, settings, beats))
            except MonitorError as error:
                _log.error("%s; publishing goes on without it", error)
            publishing.run()
    finally:
        ended.set()
        reporting.join()
    return 0


class _Beats:
    """When the process that forwards last showed that it lives; from the start on it has a while to do so."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self) -> None:
        self.last = time.monotonic()


def _monitor(publishing: Publisher, beside: _Beside, settings: Settings, beats: _Beats) -> AbstractContextManager[None]:
    def switched_off() -> str:
        return "" if beside.control.status.enabled else "the kill switch is on: nothing is mirrored"

    return watching_tap(publishing, settings, lambda: beats.last, switched_off)


def _report(publishing: Publisher, beside: _Beside, data_dir: Path, ended: threading.Event) -> None:
    told = unfollowed = ""
    while True:
        last = ended.wait(_STATUS_SECONDS)
        if beside.control.status.failure != unfollowed:
            unfollowed = beside.control.status.failure
            if unfollowed:
                _log.warning("the control topic cannot be followed, what it said last holds: %s", unfollowed)
            else:
                _log.info("the control topic is followed again")
        segment, offset = publishing.committed
        failure = publishing.failure
        if failure != told:
            if failure:
                _log.warning("Kafka takes nothing, the spool keeps it: %s", failure)
            else:
                _log.info("Kafka takes frames again")
            told = failure
        status = PublisherStatus(
            os.getpid(),
            publishing.published,
            publishing.rejected,
            publishing.behind,
            segment,
            offset,
            failure,
            beside.accounts.published,
            beside.control.status,
        )
        draft = data_dir / f".{_STATUS_FILE}.{os.getpid()}"
        try:
            draft.write_bytes(msgspec.json.encode(status))
            draft.replace(data_dir / _STATUS_FILE)
        except OSError:
            pass  # a full disk: the status is stale, which shows by its time, and publishing goes on
        if last:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
