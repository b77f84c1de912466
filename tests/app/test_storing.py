"""Opening the store: schema and retention; and which frames are told as lived."""

from collections.abc import Callable
from typing import cast

from app.settings import Settings
from app.storing import Keeper, open_store
from demo.script import Script
from diff.applied import AppliedFrames, FrameRange
from diff.fleet import Fleet
from diff.judgement import Judgement
from diff.store.client import Store
from diff.store.writer import BackPressure, Writer
from ingest.frame import Frame, FrameKind
from shadow.message import Observations


def test_rows_are_kept_for_as_long_as_the_settings_say(bare_store: Store, engine) -> None:
    """The table of frames carries the days of `evidence_days` after the store was opened."""
    settings = Settings(evidence_days=7)
    url = engine.url(bare_store.address.database)
    with open_store(url, settings.retention()) as store:
        (row,) = store.rows(
            "SELECT create_table_query AS text FROM system.tables"
            " WHERE database = currentDatabase() AND name = 'frames'"
        )

    assert "toIntervalDay(7)" in row["text"]


class _Full:
    """A writer that takes what was lived every other time."""

    def __init__(self) -> None:
        self.told: list[AppliedFrames] = []
        self.full = True

    def add_applied(self, applied: AppliedFrames) -> None:
        self.full = not self.full
        if not self.full:
            raise BackPressure(1, 0.1)
        self.told.append(applied)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def test_what_was_lived_is_told_as_growing_ranges() -> None:
    """A frame that could not be judged leaves a hole, ticks are none, and a full writer gets the same again."""
    frames = Script("CP1").boot().call("Heartbeat", {}).call("Heartbeat", {}).frames
    writer = _Full()
    keeper, fleet = Keeper(cast("Writer", writer)), Fleet()
    fault = Judgement(Observations())
    for number, frame in enumerate(frames):
        judgements = [fault] if number == 2 else list(fleet.feed(frame))
        while True:
            try:
                keeper.keep(frame, judgements)
            except BackPressure:
                continue
            break
    keeper.keep(Frame("", "tick", 0, frames[-1].received_at, FrameKind.TICK), [fault])
    name = frames[0].connection_id
    assert len(frames) > 4
    assert [one.ranges for one in writer.told] == [
        (FrameRange(name, 0 if number < 2 else 3, number),) for number in range(len(frames)) if number != 2
    ]
