"""The tap's accounts of its connections: as records, and published while the tap runs.

They come from the tap's status file, which the parser replaces every second; one that has not changed since Kafka took
it is not published again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from app.distributed.reading import kafka_errors
from diff.published import encode
from diff.store.tables import ConnectionAccount
from ingest.acknowledged import Acknowledged
from ingest.frame import Micros
from ingest.publisher import let_go
from ingest.tap.status import TapStatus, read_status

__all__ = ["AccountPublisher", "accounts_of"]

_EVERY_SECONDS: Final = 5.0
_ACKNOWLEDGE_SECONDS: Final = 5.0
_CONNECT_MS: Final = 5_000


def accounts_of(
    tap: TapStatus, published: Callable[[str, Micros], int | None] = lambda _name, _opened_at: None
) -> list[ConnectionAccount]:
    """The accounts of all connections that named a charging station.

    `published` tells by connection and the time of its opening how many frames Kafka has; None where that is unknown,
    or where nothing is published.
    """
    return [
        ConnectionAccount(
            one.charger_id,
            one.connection_id,
            one.state,
            one.subprotocol or "",
            one.compression,
            one.opened_at,
            one.closed_at,
            one.last_frame_at,
            one.bytes_forwarded,
            one.bytes_mirrored,
            one.bytes_parsed,
            one.frames,
            one.gaps,
            tap.at,
            published(one.connection_id, one.opened_at),
        )
        for one in tap.connections
        if one.charger_id
    ]


class AccountPublisher:
    """Publishes accounts that changed, every few seconds, in a thread of its own."""

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        status_file: Path,
        *,
        acknowledged: Acknowledged | None = None,
        every: float = _EVERY_SECONDS,
        **options: Any,
    ) -> None:
        """Prepare. `acknowledged`: what the publisher beside it has counted. `every`: seconds between two looks.

        `options`: further settings of kafka-python's producer.
        """
        self._acknowledged = acknowledged
        self._topic, self._status_file, self._every = topic, status_file, every
        self._options = {
            "bootstrap_servers": bootstrap,
            "client_id": "shadow-accounts",
            "bootstrap_timeout_ms": _CONNECT_MS,
            **options,
        }
        self._producer: Any = None
        self._known: dict[str, ConnectionAccount] = {}
        """By connection: what Kafka has, with a time of 0."""
        self.published = 0
        """Accounts that Kafka has acknowledged since the start."""
        self.failure = ""
        """Why Kafka takes none at the moment; empty while all is well."""
        self._reachable = True
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="accounts", daemon=True)

    def start(self) -> None:
        """Begin; never fails and never waits for Kafka."""
        self._thread.start()

    def stop(self, *, reachable: bool = True) -> None:
        """Publish what changed last, unless Kafka is away, and end the thread.

        `reachable=False`: somebody else knows that it is away.
        """
        self._reachable = reachable
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            last = self._ended.wait(self._every)
            if last and (self.failure or not self._reachable):
                break  # Kafka was away just now: the end does not wait for it
            try:
                if self.failure:
                    # First: without Kafka it is idle to look what has changed in twenty thousand accounts.
                    self._connect()
                self._publish(self._changed())
                self.failure = ""
            except kafka_errors() as error:
                # The next round tries again with newer accounts; a new producer, for the old one may still hold some.
                self.failure = f"{type(error).__name__}: {error}"
                self._let_go()
        self._let_go()

    def _changed(self) -> list[ConnectionAccount]:
        tap = read_status(self._status_file)
        if tap is None:
            return []
        counts = self._acknowledged
        if counts is None:
            accounts = accounts_of(tap)
        else:
            accounts = [self._never_back(one) for one in accounts_of(tap, counts.of)]
            counts.listed((one.connection_id for one in tap.connections), tap.at)
        # What left the tap's list is forgotten here too.
        self._known = {one.connection_id: held for one in accounts if (held := self._known.get(one.connection_id))}
        return [one for one in accounts if self._known.get(one.connection_id) != replace(one, at=0)]

    def _never_back(self, account: ConnectionAccount) -> ConnectionAccount:
        """What Kafka has it keeps: a number that was told does not become smaller, nor unknown."""
        known = self._known.get(account.connection_id)
        before, now = None if known is None else known.frames_published, account.frames_published
        return account if before is None or (now or 0) >= before else replace(account, frames_published=before)

    def _publish(self, accounts: list[ConnectionAccount]) -> None:
        if not accounts:
            return
        if self._producer is None:
            self._connect()
        sent = []
        for one in accounts:
            key, value, headers = encode(one)
            sent.append((one, self._producer.send(self._topic, value, key, headers=headers)))
        for one, future in sent:
            future.get(timeout=_ACKNOWLEDGE_SECONDS)
            self._known[one.connection_id] = replace(one, at=0)
            self.published += 1

    def _connect(self) -> None:
        from kafka import KafkaProducer

        self._producer = KafkaProducer(
            **self._options,
            reconnect_backoff_max_ms=1_000,  # the default of 30 s is long beside an outage of a minute
            acks="all",
            linger_ms=20,
            allow_auto_create_topics=False,
            max_block_ms=_CONNECT_MS,
        )

    def _let_go(self) -> None:
        if self._producer is not None:
            let_go(self._producer, 1)
            self._producer = None
