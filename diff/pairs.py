"""The two sides of each session of one charging station, side by side until both have settled."""

from __future__ import annotations

from typing import Final

import msgspec

from diff.discrepancy import JudgedSession, session_id
from diff.policy import JUDGING_RUN
from diff.primary import PrimaryTransaction, State
from diff.records import Charger
from ingest.frame import Micros
from shadow.message import ShadowSession

__all__ = ["Pair", "Pairs", "row_of"]

_MAX_OPEN: Final = 64
_MAX_ENDED: Final = 8
"""Sessions that run no longer and are remembered, for what is told again and for what comes late."""
_MAX_PRIMARIES: Final = 8
_STANDING: Final = {State.ENDED: 0, State.OPEN: 1, State.PROPOSED: 2}


class Pair(msgspec.Struct, omit_defaults=True):
    """One session, as either side has it."""

    session_id: str
    opened_by: str
    """The frame that opened it on both sides."""
    first_at: Micros
    last_at: Micros
    shadow: ShadowSession | None = None
    primaries: dict[str, PrimaryTransaction] = msgspec.field(default_factory=dict)
    """The primary's transactions for it by key; more than one where it answered a retried start with another id."""
    repeats: tuple[str, ...] = ()
    """Frames that told its start again, the latest few."""
    frames: list[str] = msgspec.field(default_factory=list)
    heard_at: Micros = 0
    """Latest event of the session itself, tap clock."""
    rebooted_at: Micros | None = None
    """A reboot came while it was open, and nothing of it since."""
    superseded: bool = False
    """Another session began on its EVSE before it was stopped."""
    silent: bool = False
    """No deadline waits for its silence: it was judged, or nothing was heard of it yet."""
    blind: bool = False
    """The copy was cut while it was open: nothing that is lacking is judged."""
    judged: bool = True
    compared: bool = False
    version: int = 0
    by_receipt: bool = False
    """A token began it, without a cable: 1.6 gives that no time, and its start is a time of receipt."""
    charging: list[tuple[Micros, bool]] = msgspec.field(default_factory=list)
    """Where its bill matters: from when on it charged, or did not, by the charging station's clock."""

    @property
    def primary(self) -> PrimaryTransaction | None:
        """The transaction that stands for the primary's side: the first that ended, else the first that it opened."""
        return min(self.primaries.values(), key=lambda one: _STANDING[one.state], default=None)

    @property
    def connector_id(self) -> int | None:
        """The 1.6 connector."""
        primary = self.primary
        if primary is not None and primary.connector_id is not None:
            return primary.connector_id
        return None if self.shadow is None else self.shadow.evse_id

    @property
    def open(self) -> bool:
        """Whether the shadow's side runs."""
        return self.shadow is not None and not self.shadow.ended


class Pairs(msgspec.Struct, omit_defaults=True):
    """All sessions of one charging station that are not settled, and some that are. Plain data, bounded."""

    by_id: dict[str, Pair] = msgspec.field(default_factory=dict)
    of_shadow: dict[str, str] = msgspec.field(default_factory=dict)
    """The shadow's transactionId → session id."""
    of_primary: dict[str, str] = msgspec.field(default_factory=dict)
    """Key of the primary's transaction → session id."""

    def opened(self, charger_id: str, frame_id: str, at: Micros, native_id: str | None = None) -> Pair:
        """The session that this frame opened, made now if it is new.

        `native_id`: the transactionId of a charging station that speaks 2.0.1 itself, which is its session's identity.
        """
        key = session_id(charger_id, frame_id if native_id is None else native_id)
        pair = self.by_id.get(key)
        if pair is None:
            pair = self.by_id[key] = Pair(key, frame_id, at, at)
            ended = [known for known in self.by_id.values() if known is not pair and not known.open]
            if len(ended) > _MAX_ENDED:
                said = [known for known in ended if known.shadow is not None]  # the others may wait to be numbered
                self._forget(next((known for known in ended if known.compared), (said or ended)[0]))
            elif len(self.by_id) > _MAX_OPEN + _MAX_ENDED:
                self._forget(next(iter(self.by_id.values())))
        return pair

    def shadow_changed(self, pair: Pair, session: ShadowSession) -> None:
        """Take the shadow's newest state of a session."""
        pair.shadow = session
        self.of_shadow[session.transaction_id] = pair.session_id

    def primary_changed(self, pair: Pair, transaction: PrimaryTransaction) -> None:
        """Take the primary's newest state of a transaction."""
        if transaction.key in pair.primaries or len(pair.primaries) < _MAX_PRIMARIES:
            pair.primaries[transaction.key] = transaction
            self.of_primary[transaction.key] = pair.session_id

    def repeated(self, pair: Pair, frame_id: str) -> None:
        """Note that this frame tells the start of the session again: what the primary opens for it belongs to it."""
        self.of_primary[frame_id] = pair.session_id
        pair.repeats = (*pair.repeats, frame_id)[-_MAX_PRIMARIES:]

    def by_transaction(self, transaction_id: str) -> Pair | None:
        """The session that the shadow calls by this transactionId."""
        key = self.of_shadow.get(transaction_id)
        return None if key is None else self.by_id.get(key)

    def by_primary(self, transaction: PrimaryTransaction) -> Pair | None:
        """The session that a transaction of the primary belongs to."""
        key = self.of_primary.get(transaction.key)
        return None if key is None else self.by_id.get(key)

    def _forget(self, gone: Pair) -> None:
        del self.by_id[gone.session_id]
        if gone.shadow is not None:
            self.of_shadow.pop(gone.shadow.transaction_id, None)
        for key in (*gone.primaries, *gone.repeats):
            self.of_primary.pop(key, None)


def _has_ended(primary: PrimaryTransaction | None) -> bool:
    return primary is not None and primary.state is State.ENDED


def row_of(pair: Pair, charger: Charger, at: Micros) -> JudgedSession:
    """The session as a row; its version rises with every row made."""
    shadow, primary = pair.shadow, pair.primary
    pair.version = max(pair.version + 1, at)
    started = None if shadow is None else shadow.started_at
    stopped = None if shadow is None else shadow.stopped_at
    token, key_version = (None, "") if shadow is None else (shadow.id_token, shadow.key_version)
    if primary is not None:
        started = primary.started_at if started is None else started
        stopped = primary.stopped_at if stopped is None else stopped
        token, key_version = (primary.id_token, primary.key_version) if token is None else (token, key_version)
    return JudgedSession(
        pair.session_id,
        charger.charger_id,
        pair.connector_id,
        None if shadow is None else shadow.evse_id,
        None if primary is None else primary.transaction_id,
        None if shadow is None else shadow.transaction_id,
        token,
        started,
        stopped,
        None if shadow is None else shadow.stopped_reason,
        None if primary is None else primary.billed_wh,
        None if shadow is None else shadow.energy_wh,
        shadow is not None and shadow.complete and (shadow.native or _has_ended(primary)),
        pair.compared,
        pair.judged,
        pair.first_at,
        pair.last_at,
        charger.vendor,
        charger.model,
        charger.firmware,
        pair.version,
        JUDGING_RUN,
        key_version=key_version,
    )
