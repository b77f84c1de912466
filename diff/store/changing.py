"""Where what people say ends, whether on a page or on the command line: the store, and before it the control topic.

Where Kafka is named the topic is told first, since taps and sinks follow it; the store gets the same rows at once, so
that whoever looks next sees them. The sink will write them again, and a row written twice is one row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from diff.change import change_of
from diff.policy import JUDGING_RUN
from diff.store.client import Store
from diff.store.queries.acknowledgements import acknowledgements
from diff.store.writer import Writer
from ingest.control import Acknowledgement, Control, Message, encode

__all__ = ["Speaker", "say"]

Speaker = Callable[[Sequence[Message]], None]
"""Writes to the control topic, and comes back when Kafka has it."""


def say(store: Store, items: Sequence[Control], *, role: str, way: str, speaker: Speaker | None = None) -> None:
    """Have what was said hold, and the audit trail know who said it.

    `role`, `way`: see `diff.change.Change`. `speaker`: None where there is no control topic.

    Raises:
        ValueError: something that nobody could follow; nothing has been said then.
        Exception: what `speaker` raises; nothing is stored then.
        StoreError: the store is away. What the topic was told stands, and the sink stores it.

    """
    messages = [encode(one) for one in items]
    if speaker is not None:
        speaker(messages)
    known = acknowledgements(store) if any(isinstance(one, Acknowledgement) for one in items) else []
    writer = Writer(store, judging_run=JUDGING_RUN)
    for one in items:
        writer.add_change(change_of(one, role, way, known))
        if isinstance(one, Acknowledgement):
            writer.add_acknowledgement(one)
    writer.flush()
