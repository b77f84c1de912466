"""The worker of the embedded runtime: follows the journal, judges every frame, fills the store.

Its state is the journal: after a crash it lives the journal again from the beginning, and since ids are deterministic
and the store keeps the newest version of a row, nothing counts twice. Run as a process of its own, so that nothing in
here can slow down or stop the tap.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from app import refusals
from app.distributed.accounts import accounts_of
from app.lifeline import WITH_PARENT, end_with_parent
from app.policies import PolicyFile
from app.setting_files import SettingsError
from app.setting_sources import load
from app.storing import Keeper, StoreStartError, fault_line, open_store
from diff.fleet import Fleet
from diff.policy import DEFAULT as DEFAULT_POLICY
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.errors import StoreError
from diff.store.summaries import Summariser
from diff.store.writer import BackPressure, Writer
from ingest.collector import look_seldom
from ingest.frame import Frame, Micros
from ingest.journal import JournalReader
from ingest.recording import Reader, Rejected
from ingest.tap.status import read_status

__all__ = ["WorkerStatus", "main", "read_worker_status"]

_IDLE_SECONDS: Final = 0.05
_STATUS_SECONDS: Final = 0.5
_STATUS_FILE: Final = "worker-status.json"


class WorkerStatus(msgspec.Struct, frozen=True):
    """How the worker is doing; written beside the journal twice a second."""

    pid: int
    frames: int
    """Lived since this process started, the journal's beginning included."""
    rejected: int
    faults: int
    """Frames that could not be judged because of an error in this program; zero, or a bug."""
    compared: int
    discrepancies: dict[str, int]
    """Rows written by code, withdrawals included."""
    waiting: int
    """Rows not in the store yet."""
    caught_up: bool
    """The journal had nothing more when this was written, and the store holds it all."""
    store_error: str
    segment: int
    offset: int
    policy: str = ""
    """The version of the policy in force."""
    policy_error: str = ""
    """What is wrong with the policy file; then the last good one stays in force."""


class Worker:
    """Journal in, store out."""

    def __init__(
        self,
        data_dir: Path,
        store: Store,
        fleet: Fleet,
        policy: PolicyFile | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._data_dir = data_dir
        self._fleet = fleet
        self._policy = PolicyFile(None, DEFAULT_POLICY) if policy is None else policy
        self._journal = JournalReader(data_dir / "journal")
        self._reader = Reader()
        self._writer = Writer(store, judging_run=JUDGING_RUN, clock=clock)
        self._keeper = Keeper(self._writer)
        self._clock = clock
        self._codes: Counter[str] = Counter()
        self._frames = self._rejected = self._faults = 0
        self._latest: Micros = 0
        self._accounted_at: Micros = 0
        self._refusals_read = 0
        self._next_status = 0.0
        self._caught_up = False
        self.stopping = False

    def run(self) -> None:
        """Follow the journal until told to stop; then what is there is still lived and written."""
        try:
            last = False
            while self._round() or not last:
                # Seen before the round: what came while an empty round slept is still taken after the signal.
                last = self.stopping
            self._account()
            self._take_refusals()
            self._writer.flush()
        except StoreError as error:
            print(
                f"worker: {self._writer.waiting} rows are not in the store: {error}; the journal holds what they were"
                " made of, and the next start makes them again",
                file=sys.stderr,
            )
        self._caught_up = self._writer.waiting == 0
        self._report()

    def _round(self) -> bool:
        """Take what the journal has now; False where it had nothing."""
        moved = False
        for item in self._reader.read(self._journal.follow()):
            moved = True
            self._live(item)
            if self._clock() >= self._next_status:
                self._writer.flush_due()
                self._report()
        self._writer.flush_due()
        self._caught_up = not moved and self._writer.waiting == 0
        if self._clock() >= self._next_status:
            self._report()
            self._account()
            self._take_refusals()
        if not moved:
            time.sleep(_IDLE_SECONDS)
        return moved

    def _live(self, item: Frame | Rejected) -> None:
        if isinstance(item, Rejected):
            self._rejected += 1
            position = f"line {item.line}"
            self._insist(lambda: self._keeper.reject(item, "journal", position, self._latest))
            return
        self._frames += 1
        self._latest = item.received_at
        judgements = list(self._fleet.feed(item))
        for judgement in judgements:
            self._codes.update(row.code for row in judgement.discrepancies)
        self._insist(lambda: self._keeper.keep(item, judgements))
        for fault in self._fleet.take_faults():
            self._faults += 1
            print(f"worker: {fault_line(fault)}", file=sys.stderr)
            self._insist(partial(self._keeper.fault, fault))

    def _insist(self, keep: Callable[[], None]) -> None:
        """Wait while the store takes nothing: the journal holds what comes meanwhile.

        Raises:
            BackPressure: it still takes nothing, and this process is to end.

        """
        while True:
            try:
                keep()
            except BackPressure as pressure:
                if self.stopping:
                    raise
                self._report()
                time.sleep(min(pressure.retry_after, 1.0))
            else:
                return

    def _account(self) -> None:
        """Hand the tap's newest accounts to the writer; while that is full they wait, for the next ones tell more."""
        tap = read_status(self._data_dir / "tap-status.json")
        if tap is None or tap.at == self._accounted_at:
            return
        with suppress(BackPressure):
            self._writer.add_connections(accounts_of(tap))
            self._accounted_at = tap.at

    def _take_refusals(self) -> None:
        """Billing records that were refused at their way in are kept as dead letters."""
        letters, behind = refusals.read(self._data_dir, self._refusals_read)
        with suppress(BackPressure):
            for letter in letters:
                self._writer.add_dead_letter(letter)
            self._refusals_read = behind

    def _follow_policy(self) -> None:
        if self._policy.reload():
            self._fleet.follow(self._policy.current)
            print(f"worker: {self._policy.news}", file=sys.stderr)

    def _report(self) -> None:
        self._next_status = self._clock() + _STATUS_SECONDS
        self._follow_policy()
        failure = self._writer.failure
        status = WorkerStatus(
            os.getpid(),
            self._frames,
            self._rejected,
            self._faults,
            self._keeper.compared,
            dict(self._codes),
            self._writer.waiting,
            self._caught_up,
            "" if failure is None else str(failure),
            *self._journal.position,
            self._policy.current.version,
            self._policy.error,
        )
        path = self._data_dir / _STATUS_FILE
        fresh = path.with_suffix(".new")
        try:
            fresh.write_bytes(msgspec.json.encode(status))
            fresh.replace(path)
        except OSError as error:
            # A full disk stops neither judging nor storing: the status is stale then, and the tap's says why.
            print(f"worker: {path} cannot be written: {error.strerror}", file=sys.stderr)


def read_worker_status(data_dir: Path) -> WorkerStatus | None:
    """The worker's latest word, None before its first."""
    try:
        return msgspec.json.decode((data_dir / _STATUS_FILE).read_bytes(), type=WorkerStatus)
    except (OSError, msgspec.MsgspecError):
        return None


def main(arguments: list[str]) -> int:
    """Run as `python -m app.worker`; the settings come through the environment."""
    parser = argparse.ArgumentParser(prog="app.worker", description=__doc__)
    parser.add_argument(WITH_PARENT, action="store_true", help="end when standard input closes")
    options = parser.parse_args(arguments)
    if options.with_parent:
        end_with_parent()
    try:
        settings = load()
        policy = settings.followed_policy()
        store = open_store(settings.store_url, settings.retention())
    except (SettingsError, StoreStartError) as error:
        print(f"worker: {error}", file=sys.stderr)
        return 1
    worker = Worker(settings.data_dir, store, Fleet(settings.shadow_config(), policy.current), policy)

    def stop(_signal: int, _frame: object) -> None:
        worker.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    look_seldom()
    with Summariser(store):
        worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
