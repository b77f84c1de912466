"""The worker of the distributed runtime: frames in, messages, sessions and discrepancies out, on Faust.

The order of writing, which every crash point relies on:

1. Outputs are written and acknowledged.
2. States are written to the changelog and acknowledged, then to the local store.
3. Offsets are committed, by Faust, as far as `app.distributed.offsets` knows them to be in the state.

A crash behind 1 lives the frames again from the old state and writes the same outputs under the same ids. A crash
behind 2 gets frames that the state knows already, and they bring nothing. Nothing is committed that is not in the
state.

State is written past Faust's table on purpose: `table[key] = value` hands the record to a buffer, and committing
flushes that buffer for a tenth of a second at most (faust-streaming 0.15.3, `ProducerBuffer.flush_atmost`), so that an
offset may be committed before its state is safe. Faust still owns the changelog's recovery and standbys.
"""

from __future__ import annotations

import asyncio
import logging
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

from app.distributed.living import Arrival, Batch, Living
from app.distributed.membership import Membership, asks_kafka
from app.distributed.offsets import Places, commit_what_is_kept, committed_offset
from app.distributed.outputs import Outputs
from app.distributed.stillness import LOOK_SECONDS, Stillness
from app.policies import PolicyFile
from app.security import NO_SECURITY, KafkaSecurity
from app.settings import Settings
from diff.policy import DEFAULT as DEFAULT_POLICY
from ingest import cloudevents
from ingest.cloudevents import Record, UndecodableError, header_map
from ingest.collector import look_seldom
from ingest.frame import Micros
from ingest.topics import STATE, Topics
from shadow.config import DEFAULT, ShadowConfig

__all__ = ["Stream", "run", "start"]

_log = logging.getLogger(__name__)
_BATCH: Final = 2000
_WITHIN: Final = 0.1
"""Seconds that a frame waits for others at most."""
_COMMIT_SECONDS: Final = 1.0


class Stream:
    """One worker. `app` is the Faust application, `agent` its only agent."""

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        data_dir: Path,
        *,
        store: str = "rocksdb://",
        standbys: int = 0,
        session_seconds: float = 20.0,
        config: ShadowConfig = DEFAULT,
        policy: PolicyFile | None = None,
        security: KafkaSecurity = NO_SECURITY,
    ) -> None:
        """Prepare; nothing is connected before the application starts.

        `policy`: what is judged by; its file is looked at before each batch. `session_seconds`: after how long without
        a sign of life others take over. `store`: where states lie between batches, `rocksdb://` in `data_dir` or
        `memory://`.
        """
        import faust

        data_dir.mkdir(parents=True, exist_ok=True)  # Faust makes the last folder only
        self.topics = topics
        self.frames = self.batches = self.letters = 0
        """Since the start."""
        self.failed: Exception | None = None
        """What ended the agent. Faust would leave the worker hanging in its group: whoever watches ends the process."""
        self.places = Places()
        self._kept: dict[Any, int] = {}
        """By topic and partition: behind the last frame that is in the state."""
        self.app = faust.App(
            topics.worker,
            broker=f"kafka://{bootstrap}",
            store=store,
            datadir=str(data_dir),
            topic_partitions=topics.partitions,
            topic_replication_factor=topics.replication,
            topic_disable_leader=True,
            consumer_auto_offset_reset="earliest",
            broker_commit_interval=_COMMIT_SECONDS,
            # How long the partitions of a killed worker stay with it.
            broker_session_timeout=session_seconds,
            broker_heartbeat_interval=session_seconds / 5,
            # A batch that is being lived when its partition is taken away is finished first.
            stream_wait_empty=True,
            stream_buffer_maxsize=4 * _BATCH,
            # A record that lies in the queue is taken without asking the loop for it.
            cython_optimizations=True,
            table_standby_replicas=standbys,
            web_enabled=False,
            **security.faust(),
        )
        commit_what_is_kept(self.app, self._kept)
        self._source = self.app.topic(
            topics.frames, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        self.table = self.app.Table(STATE, key_type=bytes, value_type=bytes, partitions=topics.partitions)
        self._outputs = Outputs(bootstrap, f"{topics.worker}-outputs", **security.aiokafka())
        self.policy = PolicyFile(None, DEFAULT_POLICY) if policy is None else policy
        self._living = Living(topics, self._load, config, self.policy.current)
        self._membership = Membership(session_seconds, asks_kafka(self.app))
        self.stillness = Stillness()
        self._turn = asyncio.Lock()
        """Whoever lives a batch, or sends the consumer back."""
        self._events: dict[int, Any] = {}
        self._stale = True
        self.agent = self.app.agent(self._source, name="judge")(self._judge)
        self.app.on_partitions_revoked.connect(self._rebalanced)
        self.app.on_partitions_assigned.connect(self._rebalanced)
        self.crash: Callable[[str], None] = lambda _point: None
        """For tests of crash points: called with the name of each point that is reached."""
        self.seen: Callable[[Batch, float, float], None] = lambda _batch, _living, _writing: None
        """For metrics: called with each batch that is done, and the seconds that living and writing it took."""

    async def _rebalanced(self, *_: object, **__: object) -> None:
        self._stale = True
        self.stillness.forget()
        self._membership.renewed()

    async def _judge(self, stream: Any) -> None:
        beside = [asyncio.create_task(self._membership.pulse()), asyncio.create_task(self._watch())]
        try:
            await self._outputs.start()
            async for events in stream.take_events(_BATCH, within=_WITHIN):
                async with self._turn:
                    await self._take(events)
        except Exception as error:
            self.failed = error
            raise
        finally:
            for task in beside:
                task.cancel()
            await self._outputs.stop()

    async def _take(self, events: Sequence[Any]) -> None:
        if self._stale:
            self._stale = False
            self._kept.clear()
            self.places.clear()
            self._living.forget(self._stored())
        self._events = {event.message.partition: event for event in events}
        await self._begin([partition for partition in self._events if partition not in self.places.next])
        if self.policy.reload():
            self._living.follow(self.policy.current)
            _log.log(logging.ERROR if self.policy.error else logging.INFO, "%s", self.policy.news)
        began = time.monotonic()
        batch = self._living.live(
            _arrival(event) for event in events if self.places.admit(event.message.partition, event.message.offset)
        )
        lived = time.monotonic()
        self.crash("lived")
        if not await self._membership.holds():
            _log.warning("put out of the group while it stood still: %d frames are left to others", batch.frames)
            self._stale = True
            return
        await self._outputs.write(batch.outputs, self._stopping)
        if batch.requests:
            await self._outputs.write(batch.requests, self._stopping)
        self.crash("outputs acknowledged")
        if not await self._membership.holds():
            self._stale = True
            return
        await self._keep(batch)
        for partition in self._events:
            if partition not in batch.rebuild:
                self._kept[self._place(partition)] = self.places.next[partition]
        self.crash("state acknowledged")
        for partition in batch.rebuild:
            await self._read_again(partition)
        self.frames += batch.frames
        self.letters += batch.letters
        self.batches += 1
        self.seen(batch, lived - began, time.monotonic() - lived)
        if self.places.missing:
            await self._fill_holes()

    async def _begin(self, partitions: Sequence[int]) -> None:
        """The first frame that is wanted of a partition: the one behind the committed ones, if it still exists.

        An earlier one where a state is being lived anew.
        """
        if not partitions:
            return
        earliest, ends = await self._earliest(partitions), await self._ends(partitions)
        for partition in partitions:
            place = self._place(partition)
            if not self._living.begin(partition, ends[partition]):
                _log.error("%s/%d was made anew: states are older than its records", self.topics.frames, partition)
            committed = committed_offset(self.app, place) or 0
            wanted = max(min(committed, self._living.again.get(partition, committed)), earliest[partition])
            self.places.begin(partition, wanted, time.monotonic() if wanted < committed else 0.0)
            if wanted < committed:
                await self.app.consumer.seek(place, wanted)

    async def _read_again(self, partition: int) -> None:
        """Go back to the beginning: a state could not be read, and is lived anew."""
        (first,) = (await self._earliest([partition])).values()
        _log.warning("%s/%d: a state cannot be read; from %d on again", self.topics.frames, partition, first)
        self.places.begin(partition, first, time.monotonic())
        await self.app.consumer.seek(self._place(partition), first)

    async def _fill_holes(self) -> None:
        back, given_up = self.places.holes_to_fill(await self._earliest(list(self.places.missing)), time.monotonic())
        for partition, (first, end) in given_up.items():
            _log.error("%s/%d: offsets %d to %d never came", self.topics.frames, partition, first, end - 1)
        for partition, offset in back.items():
            _log.warning("%s/%d: the consumer left a hole, back to %d", self.topics.frames, partition, offset)
            await self.app.consumer.seek(self._place(partition), offset)

    async def _watch(self) -> None:
        """Look every few seconds for partitions that hold frames and bring none."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - Kafka is away, or partitions go: the next look sees more
                _log.info("could not look for partitions that stand still: %s", error)
                self.stillness.forget()

    async def _look(self) -> None:
        app: Any = self.app
        if app.rebalancing or app.tables.recovery.in_recovery or not app.consumer.flow_active:
            self.stillness.forget()
            return
        now = time.monotonic()
        before = self._next()
        waiting = {partition: before[partition] for partition in self.stillness.waiting(before, now)}
        if not waiting:
            return
        back = self.stillness.lost(waiting, await self._ends(list(waiting)), now)
        async with self._turn:
            still = self._next()
            for partition, offset in back.items():
                if still.get(partition) == offset:
                    _log.warning("%s/%d: stands still, back to %d", self.topics.frames, partition, offset)
                    await self.app.consumer.seek(self._place(partition), offset)

    def _next(self) -> dict[int, int]:
        """The offset that is wanted next of each partition that it was given."""
        return self.wanted() | ({} if self._stale else self.places.next)

    async def _earliest(self, partitions: Sequence[int]) -> dict[int, int]:
        if not partitions:
            return {}
        found = await self.app.consumer.earliest_offsets(*map(self._place, partitions))
        return {place.partition: offset for place, offset in found.items()}

    async def _ends(self, partitions: Sequence[int]) -> dict[int, int]:
        found = await self.app.consumer.highwaters(*map(self._place, partitions))
        return {place.partition: offset for place, offset in found.items()}

    def wanted(self) -> dict[int, int]:
        """Partitions of the frames' topic that it was given, and the first offset of each that is not in the state.

        For any thread.
        """
        found = {}
        for place in self.app.consumer.assignment():
            if place.topic == self.topics.frames:
                kept = self._kept.get(place)
                found[place.partition] = committed_offset(self.app, place) or 0 if kept is None else kept
        return found

    def newest(self) -> Micros | None:
        """When the tap saw the newest frame of the latest batch. For any thread; read anew from its records."""
        arrivals = [_arrival(event) for event in tuple(self._events.values())]
        return max((one.frame.received_at for one in arrivals if one.frame is not None), default=None)

    def recovered(self) -> dict[Any, int]:
        """How far the changelog's partitions were read by a recovery. For any thread."""
        tables: Any = self.app.tables
        return dict(tables.recovery.active_offsets)

    @property
    def output_retries(self) -> int:
        """Times that Kafka did not take outputs or states at once."""
        return self._outputs.retries

    def _place(self, partition: int) -> Any:
        from faust.types import TP

        return TP(self.topics.frames, partition)

    async def _keep(self, batch: Batch) -> None:
        """Changelog first, then the local store, then how far the store is."""
        from faust.types import TP

        changelog, store = self.topics.state, cast("Any", self.table.data)
        records: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for (partition, charger_id), data in batch.states.items():
            records[changelog, partition].append(Record(charger_id.encode(), data, []))
        last = await self._outputs.write(records, self._stopping)
        self.crash("changelog acknowledged")
        for (partition, charger_id), data in batch.states.items():
            self._enter(partition)
            self.table.data[charger_id.encode()] = data
        for (topic, partition), offset in last.items():
            store.set_persisted_offset(TP(topic, partition), offset)

    def _load(self, partition: int, charger_id: str) -> bytes | None:
        self._enter(partition)
        found: bytes | None = self.table.data.get(charger_id.encode())
        return found

    def _enter(self, partition: int) -> None:
        """The store finds a partition's database by the event that is being processed."""
        from faust.streams import _current_event

        _current_event.set(weakref.ref(self._events[partition]))

    def _stored(self) -> Iterator[tuple[str, bytes]]:
        for key, data in self.table.data.items():
            yield key.decode(), data

    def _stopping(self) -> bool:
        return bool(self.app.should_stop)


def _arrival(event: Any) -> Arrival:
    message = event.message
    key, value = message.key or b"", message.value
    try:
        frame = cloudevents.decode(key, value, header_map(message.headers))
    except UndecodableError as error:
        name = key.decode("utf-8", "backslashreplace")[:200]
        return Arrival(message.partition, message.offset, None, str(error), name, len(value or b""))
    return Arrival(message.partition, message.offset, frame, size=len(value or b""))


def run(stream: Stream, *, own_logs: bool = True) -> None:
    """Run a worker until SIGTERM or SIGINT, or until it fails; then the process ends with a status of its own.

    `own_logs`: Faust sets up logging; else it was done before.
    """
    import uvloop
    from mode import Worker

    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    Worker(stream.app, loglevel="INFO", loop=loop, override_logging=own_logs).execute_from_commandline()


def start(settings: Settings) -> int:
    """Run a worker with these settings until SIGTERM or SIGINT."""
    from app.watch import logs
    from app.watch.watching import await_kafka, watching_worker

    logs.begin("worker", settings)
    await_kafka("worker", settings)
    stream = Stream(
        settings.kafka_bootstrap,
        settings.topics(),
        settings.data_dir / "worker",
        store=settings.worker_store,
        standbys=settings.worker_standbys,
        session_seconds=settings.worker_session_seconds,
        config=settings.shadow_config(),
        policy=settings.followed_policy(),
        security=settings.kafka_security(),
    )
    look_seldom()
    with watching_worker(stream, settings):
        run(stream, own_logs=False)
    return 0
