"""Replaying recordings through the pure core, and the one document that comes of it."""

from __future__ import annotations

import hashlib
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from diff.discrepancy import Discrepancy, JudgedSession
from diff.fleet import Fault, Fleet
from diff.judge import Judgement
from diff.policy import Policy
from ingest.exchange import Unreadable
from ingest.frame import Frame, FrameKind, Micros
from ingest.recording import MAX_LINE, Reader, Rejected
from ingest.timestamps import format_micros
from shadow.config import ShadowConfig
from shadow.device_model.fact import Fact
from shadow.message import MessageType, ShadowMessage

__all__ = ["Places", "RecordingError", "Replay", "bounded_lines", "encode", "read_recordings"]

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_CHUNK: Final = 1 << 20


class RecordingError(Exception):
    """A recording cannot be read; the message says which, why, and what to do."""


class Places:
    """Which line of which recording a line of the reader was, who counts over all of them."""

    def __init__(self) -> None:
        self._before: list[int] = []
        self._names: list[str] = []

    def begin(self, name: str, lines_before: int) -> None:
        """A recording begins behind so many lines."""
        self._before.append(lines_before)
        self._names.append(name)

    def of(self, line: int) -> str:
        """`NAME, line N`."""
        which = bisect_right(self._before, line - 1) - 1
        return f"{self._names[which]}, line {line - self._before[which]}"


class Replay:
    """Feeds frames to a fleet and keeps what the document needs."""

    def __init__(
        self, config: ShadowConfig, policy: Policy, *, keep_messages: bool = False, keep_facts: bool = False
    ) -> None:
        self._fleet = Fleet(config, policy)
        self._policy, self._config = policy, config
        self._keep_messages, self._keep_facts = keep_messages, keep_facts
        self.latest: Micros = 0
        """`received_at` of the latest frame so far."""
        self.frames = 0
        self.malformed = 0
        self.shadow_messages = 0
        self.unmapped: Counter[str] = Counter()
        self.sessions: dict[str, JudgedSession] = {}
        self.discrepancies: dict[str, Discrepancy] = {}
        self.messages: list[ShadowMessage] = []
        self.facts: dict[tuple[str, str, int, str], Fact] = {}
        """The newest of each charging station, source, connector and name."""
        self.rejected: list[Rejected] = []
        self.faults: list[Fault] = []

    def feed(self, item: Frame | Rejected) -> list[Judgement]:
        """Live one frame, or note a line that holds none."""
        if isinstance(item, Rejected):
            self.malformed += 1
            self.rejected.append(item)
            return []
        self.frames += 1
        self.latest = max(self.latest, item.received_at)
        judgements = [self._take(judgement) for judgement in self._fleet.feed(item)]
        self.faults += self._fleet.take_faults()
        return judgements

    def finish(self, *, settle: bool = False) -> list[Judgement]:
        """Say what waits for the reorder horizon: behind the end of a recording nothing comes that belongs before it.

        `settle`: let every other deadline pass, too; the end of the recording is then taken for silence.
        """
        moments = [self.latest + self._config.reorder_horizon]
        if settle:
            waits = (self._policy.settle_missing, self._policy.settle_reboot, self._policy.settle_silence)
            at = self.latest + max(*waits, self._config.unanswered_after, self._config.end_sample_hold)
            moments += [at, at * 2]  # twice: what the first tick reveals may arm a deadline of its own
        ticks = [Frame("", "end", seq, at, FrameKind.TICK) for seq, at in enumerate(moments)]
        judgements = [self._take(judgement) for tick in ticks for judgement in self._fleet.feed(tick)]
        self.faults += self._fleet.take_faults()
        return judgements

    def _take(self, judgement: Judgement) -> Judgement:
        obs = judgement.observations
        self.malformed += isinstance(obs.event, Unreadable)
        self.unmapped.update(obs.unmapped)
        for message in obs.messages:
            self.shadow_messages += message.type is MessageType.REQUEST
        if self._keep_messages:
            self.messages.extend(obs.messages)
        for fact in obs.facts if self._keep_facts else ():
            number = -1 if fact.connector_id is None else fact.connector_id
            key = (fact.charger_id, fact.source.value, number, fact.name)
            before = self.facts.get(key)
            if before is None or before.at <= fact.at:
                self.facts[key] = fact
        for session in judgement.sessions:
            self.sessions[session.session_id] = session
        for row in judgement.discrepancies:
            self.discrepancies[row.id] = row
        return judgement

    def document(self) -> dict[str, Any]:
        """The document that `replay --json` prints. The same frames give the same one, byte for byte."""
        sessions = sorted(self.sessions.values(), key=lambda row: (row.first_received_at, row.session_id))
        rows = sorted(self.discrepancies.values(), key=lambda row: (row.charger_id, row.first_received_at, row.id))
        document: dict[str, Any] = {
            "frames": self.frames,
            "malformed": self.malformed,
            "shadow_messages": self.shadow_messages,
            "sessions": [_session(row) for row in sessions],
            "discrepancies": [_discrepancy(row) for row in rows if row.status == "open"],
            "withdrawn": [_discrepancy(row) for row in rows if row.status != "open"],
            "unmapped": dict(sorted(self.unmapped.items())),
            "rejected": self.rejected,
        }
        if self._keep_messages:
            kinds = {kind: [_message(one) for one in self.messages if one.type is kind] for kind in MessageType}
            document["messages"] = kinds[MessageType.REQUEST]
            document["responses"] = kinds[MessageType.RESPONSE]
        if self._keep_facts:
            document["facts"] = [_fact(self.facts[key]) for key in sorted(self.facts)]
        return document


def encode(document: dict[str, Any]) -> bytes:
    """One document as JSON: numbers of 2.0.1 payloads keep their digits, energies stand as strings."""
    return _ENCODER.encode(document) + b"\n"


def _text(value: object) -> str | None:
    return None if value is None else f"{value:f}"


def _time(at: Micros | None) -> str | None:
    return None if at is None else format_micros(at)


def _session(row: JudgedSession) -> dict[str, Any]:
    """A session; its bill only where it has one."""
    bill = {
        "record_id": row.record_id,
        "record_energy_wh": _text(row.record_energy_wh),
        "record_amount": _text(row.record_amount),
        "record_currency": row.record_currency,
        "shadow_amount": _text(row.shadow_amount),
        "amount_delta": _text(row.amount_delta),
    }
    return {
        "session_id": row.session_id,
        "charger_id": row.charger_id,
        "connector_id": row.connector_id,
        "evse_id": row.evse_id,
        "primary_transaction_id": row.primary_transaction_id,
        "shadow_transaction_id": row.shadow_transaction_id,
        "id_token": row.id_token,
        "started_at": _time(row.started_at),
        "stopped_at": _time(row.stopped_at),
        "stop_reason": row.stop_reason,
        "primary_energy_wh": _text(row.primary_energy_wh),
        "shadow_energy_wh": _text(row.shadow_energy_wh),
        "complete": row.complete,
        **({} if row.record_id is None else bill),
    }


def _discrepancy(row: Discrepancy) -> dict[str, Any]:
    return {
        "id": row.id,
        "code": row.code,
        "class": row.class_.value,
        "severity": row.severity.value,
        "charger_id": row.charger_id,
        "session_id": row.session_id,
        "path": row.path,
        "primary": row.primary,
        "shadow": row.shadow,
        "delta": _text(row.delta),
        "unit": row.unit,
        "fingerprint": row.fingerprint,
        "title": row.title,
        "detail": row.detail,
        "occurrences": row.occurrences,
        "frames": row.frames,
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "charger_id": fact.charger_id,
        "source": fact.source.value,
        "connector_id": fact.connector_id,
        "name": fact.name,
        "value": fact.value,
        "at": _time(fact.at),
        "frame_id": fact.frame_id,
        "detail": fact.detail,
    }


def _message(message: ShadowMessage) -> dict[str, Any]:
    return {
        "charger_id": message.charger_id,
        "action": message.action,
        "payload": message.payload,
        "direction": message.direction.value,
        "caused_by": message.caused_by,
    }


def read_recordings(
    paths: Iterable[Path], reader: Reader, places: Places, *, progress: Callable[[int], None] | None = None
) -> Iterator[Frame | Rejected]:
    """The frames of several files in order; `-` is standard input. The same file twice is read once.

    `places` learns where each begins. A pipe can be read only once, so it is not compared with the others.

    Raises:
        RecordingError: a file that cannot be read.

    """
    digests: set[bytes] = set()
    for path in paths:
        if str(path) == "-":
            places.begin("standard input", reader.lines)
            yield from reader.read(bounded_lines(sys.stdin.buffer, progress))
            continue
        try:
            with path.open("rb") as file:
                if file.seekable():
                    digest = hashlib.file_digest(file, "blake2b").digest()
                    if digest in digests:
                        print(f"{path}: the same recording again, passed over", file=sys.stderr)
                        continue
                    digests.add(digest)
                    file.seek(0)
                places.begin(str(path), reader.lines)
                yield from reader.read(bounded_lines(file, progress))
        except OSError as error:
            raise RecordingError(
                f"{path}: cannot be read: {error.strerror or error}; name a recording (JSON Lines)"
            ) from None


def bounded_lines(file: IO[bytes], progress: Callable[[int], None] | None) -> Iterator[bytes]:
    """Lines with bounded memory: of a line that is too long only so much is read as proves it."""
    done = 0
    while line := file.readline(MAX_LINE + 2):
        done += len(line)
        if len(line) > MAX_LINE and not line.endswith(b"\n"):
            while (rest := file.readline(_CHUNK)) and not rest.endswith(b"\n"):
                done += len(rest)
        if progress is not None:
            progress(done)
        yield line
