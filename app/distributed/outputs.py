"""Writing records of known partitions through aiokafka, a batch at a time, until Kafka has them.

A whole Kafka record batch is built and handed over at once: one future a batch instead of one a record, which is what
makes writing outputs and state cheaper than living the frames.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ingest.cloudevents import Record
from ingest.topics import MAX_BATCH

__all__ = ["Outputs"]

_log = logging.getLogger(__name__)
_BATCH_BYTES: Final = 512 * 1024
_REQUEST_MS: Final = 20_000
_FIRST_RETRY: Final = 0.5
_LAST_RETRY: Final = 10.0


class Outputs:
    """An idempotent producer for batches."""

    def __init__(self, bootstrap: str, client_id: str, **security: Any) -> None:
        self._settings = {"bootstrap_servers": bootstrap, "client_id": client_id, **security}
        self._producer: Any = None
        self.records = 0
        """Acknowledged."""
        self.retries = 0

    async def start(self) -> None:
        """Connect. Raises aiokafka's `KafkaError` where that fails."""
        from aiokafka import AIOKafkaProducer

        self._producer = AIOKafkaProducer(
            **self._settings,
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",
            max_batch_size=_BATCH_BYTES,
            max_request_size=MAX_BATCH,
            request_timeout_ms=_REQUEST_MS,
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Let go; what was not acknowledged is not waited for."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()

    async def write(
        self, records: Mapping[tuple[str, int], Iterable[Record]], give_up: Callable[[], bool] = lambda: False
    ) -> dict[tuple[str, int], int]:
        """Write records by topic and partition; returns the last offset of each when all are acknowledged.

        Where Kafka is away it tries again, from the first record that is not acknowledged; records may then stand in
        the topic twice, under the same ids.

        Raises:
            asyncio.CancelledError: `give_up` said so. What was written is not undone.

        """
        last: dict[tuple[str, int], int] = {}
        left = {place: list(items) for place, items in records.items() if items}
        wait = _FIRST_RETRY
        while left:
            done = await asyncio.gather(*(self._send(*place, items) for place, items in left.items()))
            for place, (offset, remaining) in zip(tuple(left), done, strict=True):
                if offset is not None:
                    last[place] = offset
                if remaining:
                    left[place] = remaining
                else:
                    del left[place]
            if not left:
                break
            if give_up():
                raise asyncio.CancelledError
            self.retries += 1
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LAST_RETRY)
            await self._restart()
        return last

    async def _send(self, topic: str, partition: int, records: list[Record]) -> tuple[int | None, list[Record]]:
        """Send in order; gives the last acknowledged offset and what is left."""
        from aiokafka.errors import KafkaError

        offset, begin = None, 0
        while begin < len(records):
            try:
                builder = self._producer.create_batch()
                end = begin
                while end < len(records):
                    key, value, headers = records[end]
                    if builder.append(timestamp=None, key=key, value=value, headers=headers) is None:
                        break
                    end += 1
                future = await self._producer.send_batch(builder, topic, partition=partition)
                written = await future
            except KafkaError as error:
                _log.warning("%s/%d: %s: %s; trying again", topic, partition, type(error).__name__, error)
                return offset, records[begin:]
            offset = written.offset + end - begin - 1
            self.records += end - begin
            begin = end
        return offset, []

    async def _restart(self) -> None:
        """A new producer: what the old one holds must not arrive behind what is now sent again."""
        from aiokafka.errors import KafkaError

        try:
            old, self._producer = self._producer, None
            await asyncio.wait_for(old.stop(), _LAST_RETRY)
        except (KafkaError, TimeoutError) as error:
            _log.warning("the old producer did not stop: %s", error)
        while self._producer is None:
            try:
                await self.start()
            except KafkaError as error:
                _log.warning("Kafka cannot be reached: %s; trying again", error)
                self._producer = None
                await asyncio.sleep(_LAST_RETRY)
