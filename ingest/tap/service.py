"""The tap as the app uses it: one relay, one hand-off, one parser process.

    service = TapService(TapConfig(upstream="ws://csms.example:9000", data_dir=Path("data")))
    await service.start()      # chargers may connect to service.port
    …
    await service.stop()       # what was handed over stands in the journal

It runs on the event loop it is started on; uvloop (`uvloop.run`) makes the forwarding about twice as fast, and whatever
else runs on that loop delays chargers.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from ingest.enrolment_file import EnrolmentFile
from ingest.field_policy import FieldPolicyError
from ingest.field_policy_file import read_fields
from ingest.redaction_key import KeyFileError, read_key
from ingest.tap.bypass import Bypass
from ingest.tap.config import TapConfig, TapError
from ingest.tap.doorway import Doorway
from ingest.tap.handoff import HandOff
from ingest.tap.parser import ParserSettings
from ingest.tap.relay import Relay, RelayLimits
from ingest.tap.supervisor import Supervisor

__all__ = ["TapConfig", "TapError", "TapService"]

_REPORT_SECONDS: Final = 1.0
_START_SECONDS: Final = 20.0
_OTHER_FILES: Final = 200
"""Open files that the rest of the process may need."""
_MIN_HAND_OFF: Final = 1024 * 1024
_SELDOM: Final = 1000
"""Collections of the young before everything is looked through, which takes tens of milliseconds with thousands of
connections, and nothing is forwarded meanwhile. What a connection leaves behind does not need it."""


class TapService:
    """One running tap."""

    def __init__(self, config: TapConfig) -> None:
        """Check the settings that can be checked without touching anything.

        Raises:
            TapError: the upstream, a certificate or the routes cannot be used.
        """
        self.config = config
        self.port = 0
        """The port taken, once started."""
        self._doorway = Doorway(config)
        self._bypass = Bypass(config.overrides_file)
        self.drained = asyncio.Event()
        """The last connection has ended after `drain`."""
        self._draining = False
        self._relay: Relay | None = None
        self._hand_off: HandOff | None = None
        self._supervisor: Supervisor | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._thresholds: tuple[int, int, int] | None = None

    async def start(self) -> None:
        """Listen, with a parser that is ready.

        Raises:
            TapError: the port is taken, a file or directory cannot be used, or the parser did not start.
        """
        key = self._prepare()
        hand_off = self._hand_off = HandOff(max(self.config.hand_off_bytes, _MIN_HAND_OFF))
        limits = _within_open_files(self.config.limits)
        relay = self._relay = Relay(self._doorway.upstream, hand_off.opened, limits, self._doorway.manner)
        host, port = self.config.listen_host, self.config.listen_port
        try:
            self.port = await relay.bind(host, port, shared=self.config.share_port)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise TapError(
                f"cannot listen on {host}:{port}: {reason}; name another one, or 0 for any free port"
            ) from None
        supervisor = self._supervisor = Supervisor(self._parser_settings(key), hand_off)
        failed = await supervisor.start(_START_SECONDS)
        if failed is not None:
            await relay.stop(0)
            raise TapError(f"the parser process ended with status {failed} when it started; its message stands above")
        self._look_at_bypass()
        self._thresholds = gc.get_threshold()
        gc.set_threshold(self._thresholds[0], self._thresholds[1], _SELDOM)
        await relay.serve()
        loop = asyncio.get_running_loop()
        self._every(loop, self.config.tick_seconds, hand_off.tick)
        self._every(loop, _REPORT_SECONDS, self._report)

    async def stop(self) -> None:
        """Close all connections and wait until the journal holds what was handed over."""
        for timer in self._timers:
            timer.cancel()
        if self._thresholds is not None:
            gc.set_threshold(*self._thresholds)
        if self._relay is not None:
            await self._relay.stop()
        if self._supervisor is not None:
            self._report()
            await self._supervisor.stop(self.config.stop_seconds)

    def reload(self) -> None:
        """Read certificates and routes again, whether they changed or not; what is broken keeps its last good one."""
        self._doorway.reload(force=True)

    def toggle_bypass(self) -> bool:
        """Forward without copying, or copy again; gives whether nothing is copied now."""
        self._bypass.toggle()
        self._look_at_bypass()
        return self._bypass.on

    def drain(self) -> None:
        """Accept no more, and set `drained` when the last connection has ended by itself."""
        if self._relay is not None and not self._draining:
            self._draining = True
            self._relay.leave_door()
            self._look_at_drain()

    @property
    def parser_pid(self) -> int | None:
        """The process that parses now."""
        return None if self._supervisor is None else self._supervisor.pid

    def counters(self) -> dict[str, Any]:
        """Give the counters of relay and hand-off, by name."""
        if self._relay is None or self._hand_off is None:
            return {}
        return {
            **msgspec.structs.asdict(self._relay.counters),
            **msgspec.structs.asdict(self._hand_off.counters),
            "failovers": self._relay.dialer.failovers,
            "resolutions_failed": self._relay.dialer.resolutions_failed,
            "bypassed": self._hand_off.bypassed,
            "draining": self._draining,
            "doorway_error": self._doorway.error,
            "bytes_waiting": self._hand_off.queued,
            "acknowledged_at": self._hand_off.acknowledged_at,
        }

    def _prepare(self) -> Path:
        """Make what must be there, and find now what would go wrong later. Gives the redaction key's file."""
        directory = self.config.data_dir
        try:
            self.config.journal_dir.mkdir(parents=True, exist_ok=True)
            probe = directory / f".probe.{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise TapError(
                f"{directory}: cannot be written: {error.strerror}; make it writable, or name another data directory"
            ) from None
        if self.config.enrolment_file is not None:
            file = EnrolmentFile(self.config.enrolment_file)
            file.reload()
            if file.error:
                raise TapError(f"enrolment: {file.error.removesuffix('; the last good rules hold')}; correct the file")
        key = self.config.redaction_key_file or directory / "redaction-key.json"
        try:
            read_key(key, create=True)
            if self.config.field_policy_file is not None:
                read_fields(self.config.field_policy_file)
        except (FieldPolicyError, KeyFileError) as error:
            raise TapError(str(error)) from None
        return key.absolute()

    def _parser_settings(self, key: Path) -> ParserSettings:
        config = self.config
        return ParserSettings(
            run=f"{time.time_ns() // 1000:x}",
            journal=str(config.journal_dir.absolute()),
            status=str(config.status_file.absolute()),
            redaction_key=str(key),
            enrolment=None if config.enrolment_file is None else str(config.enrolment_file.absolute()),
            overrides=None if config.overrides_file is None else str(config.overrides_file.absolute()),
            segment_bytes=config.segment_bytes,
            max_bytes=config.journal_bytes,
            certificate_header=config.certificate_header,
            field_policy=None if config.field_policy_file is None else str(config.field_policy_file.absolute()),
            when_idle=config.parser_when_idle,
        )

    def _look_at_bypass(self) -> None:
        self._bypass.look()
        if self._hand_off is not None and self._hand_off.bypassed != self._bypass.on:
            self._hand_off.bypass(on=self._bypass.on)

    def _look_at_drain(self) -> None:
        if self._draining and self._relay is not None and not self._relay.pairs:
            self.drained.set()

    def _report(self) -> None:
        self._doorway.reload()
        self._look_at_bypass()
        self._look_at_drain()
        if self._relay is not None:
            self._relay.look_after_memory()
        if self._hand_off is not None:
            self._hand_off.report(msgspec.json.encode(self.counters()))

    def _every(self, loop: asyncio.AbstractEventLoop, seconds: float, action: Any) -> None:
        index = len(self._timers)

        def fire() -> None:
            action()
            self._timers[index] = loop.call_later(seconds, fire)

        self._timers.append(loop.call_later(seconds, fire))


def _within_open_files(limits: RelayLimits) -> RelayLimits:
    """Take all open files that may be had, and lower the ceiling to what they allow: running out hits everybody."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    if soft == resource.RLIM_INFINITY:
        return limits
    return msgspec.structs.replace(limits, connections=max(1, min(limits.connections, (soft - _OTHER_FILES) // 2)))
