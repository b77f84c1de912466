"""From the journal to Kafka: the journal is the spool, and the place in it moves on behind what was acknowledged.

The tap writes its journal and knows nothing of Kafka; this runs beside it, in a process of its own. While Kafka is away
the journal grows, up to the tap's limit (beyond it the tap records gaps), and is drained in order afterwards. Delivery
is at least once: after a crash everything behind the last place that was written down is published again, with the same
ids. Order per charging station is kept by the idempotent producer, which Kafka lets retry without reordering.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from ingest.acknowledged import Acknowledged
from ingest.cloudevents import encode
from ingest.frame import Frame, FrameKind, Micros
from ingest.journal import JournalReader, Position, segments
from ingest.publishing_place import Place, PublisherError, read_place, read_position, write_place
from ingest.recording import Reader, Rejected
from ingest.topics import MAX_BATCH

__all__ = ["Publisher", "PublisherError", "let_go", "read_position"]

_IN_FLIGHT: Final = 5_000
"""Records that wait for their acknowledgement; no more lines are read meanwhile."""
_IN_FLIGHT_BYTES: Final = 32 * 1024 * 1024
_IDLE_SECONDS: Final = 0.05
_STEP_SECONDS: Final = 0.5
_DELIVERY_MS: Final = 30_000
_RETRY_SECONDS: Final = 1.0
_SAVE_SECONDS: Final = 1.0
"""Between two times that the place is written down, where `_FEW` connections or more are written with it."""
_FEW: Final = 500
_FOR_EVER_MS: Final = 2**31 - 1


class _Line(msgspec.Struct):
    """A line whose records are on their way, and the place behind it."""

    behind: Position
    size: int
    futures: list[Any]
    frame: Frame | None = None


class Publisher:
    """Follows a journal and publishes its frames. Belongs to one thread."""

    def __init__(
        self,
        journal: Path,
        position_file: Path,
        bootstrap: str,
        topic: str,
        *,
        reject: Callable[[Rejected, Position], None] | None = None,
        drain_seconds: float = 10.0,
        connect_ms: int = 10_000,
        prune: bool = False,
        **client: Any,
    ) -> None:
        """Prepare; nothing is connected before the first frame.

        `drain_seconds`: how long `run` goes on after it was told to stop. `connect_ms`: how long one attempt to
        reach Kafka may take. `prune`: segments that are wholly acknowledged are deleted, which makes a spool of the
        journal. `reject` is told of lines that hold no frame, with the place behind them. `client`:
        further settings of kafka-python's producer (SASL, TLS, client_id).

        Raises:
            PublisherError: the position file cannot be read.

        """
        saved = read_place(position_file)
        since = time.time_ns() // 1000 if saved.since is None else saved.since
        self.acknowledged = Acknowledged(since, saved.connections)
        """Frames that Kafka has acknowledged, by connection, up to `committed`."""
        self._position_file = position_file
        self._journal = JournalReader(journal, saved.position)
        self._reader = Reader()
        self._bootstrap, self._topic, self._client = bootstrap, topic, client
        self._reject = reject
        self._prune = prune
        self._drain_seconds, self._connect_ms = drain_seconds, connect_ms
        self._producer: Any = None
        self._partitions: list[int] = []
        self._waiting: deque[_Line] = deque()
        self._waiting_bytes = 0
        self._committed = self._saved = self._journal.position
        self._save_again = 0.0
        self.published = 0
        """Records acknowledged since the start; a tick is one for each partition."""
        self.rejected = 0
        self.newest: Micros = 0
        """When the tap saw the newest frame that was read from the journal, ticks left out."""
        self.failure = ""
        """Why Kafka takes nothing at the moment; empty while all is well."""
        self.stopping = False

    @property
    def committed(self) -> Position:
        """Everything before this place is acknowledged."""
        return self._committed

    @property
    def behind(self) -> int:
        """Lines that are on their way."""
        return len(self._waiting)

    def run(self) -> None:
        """Publish until told to stop; what is there then is still published, for as long as that may take."""
        until: float | None = None
        while True:
            # Seen before the step: what was written while an empty step ended is still taken after the signal.
            stopping = self.stopping
            moved = self.step()
            if stopping:
                until = until or time.monotonic() + self._drain_seconds
                if self.failure or time.monotonic() >= until or not (moved or self._waiting):
                    break
            if self.failure:
                time.sleep(_RETRY_SECONDS)
            elif not moved:
                time.sleep(_IDLE_SECONDS)
        self.close()

    def step(self) -> bool:
        """Publish what the journal holds now, for half a second at most. Whether anything moved."""
        before = self._journal.position, self._committed
        until = time.monotonic() + _STEP_SECONDS
        try:
            self._connect()
            for item in self._reader.read(self._journal.follow()):
                self._publish(item)
                if len(self._waiting) >= _IN_FLIGHT or self._waiting_bytes >= _IN_FLIGHT_BYTES:
                    self._settle(len(self._waiting) // 2)
                if time.monotonic() >= until:
                    break
            self._settle(0)
        except _errors() as error:
            self._start_again(error)
        self._save()
        return (self._journal.position, self._committed) != before

    def close(self) -> None:
        """Write the place down and let go of Kafka. What is not acknowledged is published by the next start."""
        self._save_again = 0.0
        self._save()
        if self._producer is not None:
            let_go(self._producer, 5)
            self._producer = None

    def _connect(self) -> None:
        if self._producer is not None:
            return
        from kafka import KafkaProducer
        from kafka.errors import KafkaTimeoutError

        self._producer = KafkaProducer(
            bootstrap_servers=self._bootstrap,
            **{"client_id": "shadow-publisher", "compression_type": "zstd", **self._client},
            enable_idempotence=True,
            acks="all",
            retries=_FOR_EVER_MS,
            delivery_timeout_ms=_DELIVERY_MS,
            request_timeout_ms=_DELIVERY_MS // 2,
            max_block_ms=self._connect_ms,
            bootstrap_timeout_ms=self._connect_ms,
            allow_auto_create_topics=False,
            reconnect_backoff_max_ms=1_000,
            linger_ms=20,
            batch_size=256 * 1024,
            max_request_size=MAX_BATCH,
        )
        try:
            self._partitions = sorted(self._producer.partitions_for(self._topic))
        except KafkaTimeoutError:
            raise OSError(f"the topic {self._topic} cannot be had: is Kafka there, and are the topics made?") from None

    def _publish(self, item: Frame | Rejected) -> None:
        if isinstance(item, Rejected):
            self.rejected += 1
            if self._reject is not None:
                self._reject(item, self._journal.position)
            self._waiting.append(_Line(self._journal.position, 0, []))
            return
        key, value, headers = encode(item)
        # A tick belongs to no charging station: every partition gets it, and each worker looks at its own.
        partitions = self._partitions if item.kind is FrameKind.TICK else [None]
        if item.kind is not FrameKind.TICK:
            self.newest = max(self.newest, item.received_at)
        futures = [
            self._producer.send(self._topic, value, key, headers=headers, partition=partition)
            for partition in partitions
        ]
        self._waiting.append(_Line(self._journal.position, len(value), futures, item))
        self._waiting_bytes += len(value)

    def _settle(self, left: int) -> None:
        """Wait until no more than `left` lines are on their way, and move the place behind the others, in order."""
        while len(self._waiting) > left:
            line = self._waiting[0]
            for future in line.futures:
                future.get(timeout=_DELIVERY_MS / 1000 * 2)
            self._waiting.popleft()
            self._waiting_bytes -= line.size
            self._committed = line.behind
            if line.frame is not None:
                self.acknowledged.take(line.frame)
            self.published += len(line.futures)
        self.failure = ""

    def _start_again(self, error: Exception) -> None:
        """Forget what is on its way and go back to the last place that is acknowledged.

        A new producer: what the old one still holds in its buffer must not arrive behind what is now sent again.
        """
        self.failure = f"{type(error).__name__}: {error}"
        if self._producer is not None:
            let_go(self._producer, 0)
            self._producer = None
        self._waiting.clear()
        self._waiting_bytes = 0
        self._journal = JournalReader(self._journal.directory, self._committed)
        self._reader = Reader()

    def _save(self) -> None:
        counts = self.acknowledged.counts
        if self._committed == self._saved or (len(counts) >= _FEW and time.monotonic() < self._save_again):
            return
        self._save_again = time.monotonic() + _SAVE_SECONDS
        self.acknowledged.tidy()
        try:
            write_place(self._position_file, Place(*self._committed, self.acknowledged.since, counts))
        except OSError as error:
            # A full disk stops no publishing: an older place only means that more is published again.
            self.failure = f"{self._position_file} cannot be written: {error.strerror}"
            if self._prune:
                # It may be the spool that has filled the disk. What is published can go before its place is written
                # down: a start from the older place goes on with the first segment that is there.
                self._remove_published()
            return
        if self._prune and self._saved.segment != self._committed.segment:
            self._remove_published()
        self._saved = self._committed

    def _remove_published(self) -> None:
        """Behind the place that is written down: a crash between the two finds them again and publishes nothing."""
        for number, path in segments(self._journal.directory):
            if number < self._committed.segment:
                path.unlink(missing_ok=True)


def let_go(producer: Any, seconds: float) -> None:
    """Close a producer of kafka-python; what it has not delivered after so many seconds it never delivers.

    Its own `close` flushes first, and where that does not come to its end it raises before it has closed anything
    (kafka-python 3.0.12): the old producer would go on sending beside the new one.
    """
    try:
        producer.close(timeout=seconds)
    except _errors():
        producer._sender.force_close()  # noqa: SLF001 - what `close` would have done next


def _errors() -> tuple[type[Exception], ...]:
    from kafka.errors import KafkaError

    return (KafkaError, OSError)
