"""Judging runs over a real store: equal to a live one under their policy, and counted once."""

import itertools
from collections.abc import Iterator
from decimal import Decimal

import pytest
from msgspec.structs import replace

from app.judging import JudgingError, Wanted, compared, drop, judge, planned, use
from demo.stored import fill
from demo.traffic import frames as fleet_frames
from diff.judging import JudgingRun
from diff.policy import DEFAULT, Kind, Numbers, Policy, Words, named
from diff.store import queries
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.queries import Filter
from diff.store.queries.judged import stored_outcome
from diff.store.queries.runs import condition, counting, judging_runs, stretches
from ingest.frame import Frame
from shadow.config import DEFAULT as CONFIG

FRAMES: list[Frame] = list(itertools.islice(fleet_frames(5, 6, 3, faults=True), 3000))
BEGIN, END = FRAMES[0].received_at, max(frame.received_at for frame in FRAMES)
MIDDLE = (BEGIN + END) // 2
NOW = END + 10**9
DAY = 86_400_000_000
_moments = itertools.count(NOW)
"""When something is decided: each time later than before."""
STRICT = named(
    replace(
        DEFAULT,
        energy=Numbers(Kind.EXACT),
        stop_reason=Words(Kind.IGNORE, reason="the backend says Local for everything"),
        zero=Numbers(absolute=Decimal(3600)),
    ),
    "strict",
)


@pytest.fixture(scope="module")
def lived(engine: EmbeddedEngine) -> Iterator[Store]:
    """A store that was filled live, under the built-in policy; each test leaves the live run current."""
    with Store.connect(engine.url("judging_live")) as store:
        store.migrate()
        fill(store, FRAMES, until=END)
        yield store


@pytest.fixture(scope="module")
def strict(lived: Store) -> JudgingRun:
    """The same frames judged anew under a policy that finds other things, over all of the time."""
    return _judge(lived, "strict", STRICT, BEGIN)


def _judge(store: Store, name: str, policy: Policy, since: int | None = None, until: int | None = None) -> JudgingRun:
    return judge(store, planned(store, Wanted(name, since, until), CONFIG, policy), CONFIG, policy, NOW)


def _rows(store: Store, run: str) -> dict[str, tuple[object, ...]]:
    """All rows of a run as they hold, but for when their first evidence came, and how often they changed."""
    found: dict[str, tuple[object, ...]] = {}
    for charger_id in sorted({frame.charger_id for frame in FRAMES}):
        outcome = stored_outcome(store, charger_id, run)
        for row in (*outcome.sessions.values(), *outcome.discrepancies.values()):
            plain = replace(row, judging_run="", version=0, first_received_at=0)
            found[getattr(row, "id", "") or f"session {getattr(row, 'session_id', '')}"] = (plain,)
    return found


def _shown(store: Store) -> tuple[object, ...]:
    """What pages show and count."""
    return (
        queries.overview(store),
        queries.severities(store),
        queries.groups(store, Filter(losses=True), limit=1000),
        queries.chargers(store),
        queries.latest_sessions(store, limit=1000),
        queries.pulse(store),
    )


def test_a_run_beside_the_live_one_changes_nothing_that_is_shown(lived: Store, strict: JudgingRun) -> None:
    """The same pages as with the live run's name asked for; the condition is about that name alone."""
    assert strict.finished
    assert (strict.chargers, strict.frames, strict.faults) == (6, len(FRAMES), 0)
    assert strict.discrepancies > 0
    assert counting(lived) == "judging_run = 'live'"
    assert queries.overview(lived) == queries.overview(lived, "live")
    assert queries.groups(lived, Filter()) == queries.groups(lived, Filter(run="live"))


def test_a_run_equals_a_live_run_under_its_policy(engine: EmbeddedEngine, lived: Store, strict: JudgingRun) -> None:
    """Row by row, as a store that was filled live under that policy."""
    with Store.connect(engine.url("judging_strict")) as other:
        other.migrate()
        fill(other, FRAMES, until=END, policy=STRICT)
        assert _rows(lived, strict.name) == _rows(other, "live")
    assert _rows(lived, strict.name) != _rows(lived, "live")


def test_the_policy_of_the_live_run_finds_what_the_live_run_found(lived: Store) -> None:
    """Compared with it nothing is left over; a run compared with itself neither."""
    run = _judge(lived, "again", DEFAULT, BEGIN)
    found = compared(lived, "live", run.name)
    assert found.equal, found
    assert (found.fingerprints, found.sessions.a, found.sessions.b) == ((), run.sessions, run.sessions)
    assert sum(line.same for line in found.codes) == run.discrepancies
    assert compared(lived, "strict", "strict").equal
    assert compared(lived, "live", "live").equal


def test_judging_twice_writes_no_row(lived: Store, strict: JudgingRun) -> None:
    """All versions of all rows are those of the first time."""
    query = "SELECT count(), sum(version) FROM discrepancies WHERE judging_run = 'strict'"
    before = lived.execute(query)
    assert replace(_judge(lived, "strict", STRICT), at=0) == replace(strict, at=0)
    assert lived.execute(query) == before


def test_the_range_of_a_run_may_grow_at_its_end(lived: Store) -> None:
    """What it holds then is what a run over all of it holds."""
    _judge(lived, "growing", DEFAULT, BEGIN, MIDDLE)
    whole = _judge(lived, "growing", DEFAULT, None, END + DAY)
    assert (whole.since, whole.until) == (BEGIN, END + 1)
    assert compared(lived, "live", "growing").equal
    assert whole.sessions == queries.overview(lived).sessions


def test_two_runs_are_compared_by_code_fingerprint_sessions_and_energy(lived: Store, strict: JudgingRun) -> None:
    """What is ignored is only in the live run, what is stricter only in the other; sessions are the same."""
    found = compared(lived, "live", strict.name)
    by_code = {line.code: line for line in found.codes}
    assert not found.equal
    assert by_code["session.zero"].only_b > 0
    live = {row.id for row in queries.occurrences(lived, Filter(codes=("session.zero",)), limit=10_000)}
    assert by_code["session.zero"].same + by_code["session.zero"].changed == len(live)
    assert (
        sum(line.only_b for line in found.fingerprints if line.code == "session.zero") == by_code["session.zero"].only_b
    )
    assert (found.sessions.a, found.sessions.only_a, found.sessions.only_b, found.sessions.changed) == (
        strict.sessions, 0, 0, 0,
    )  # fmt: skip
    assert found.sessions.shadow_wh_a == found.sessions.shadow_wh_b > 0
    turned = compared(lived, strict.name, "live")
    assert [line.only_a for line in turned.codes] == [line.only_b for line in found.codes]


def test_a_run_that_is_used_counts_in_its_range_and_nothing_counts_twice(lived: Store, strict: JudgingRun) -> None:
    """Pages show its rows there and the live ones elsewhere, each once; and back."""
    before = _shown(lived)
    use(lived, strict.name, None, None, next(_moments), "anna")
    try:
        assert queries.overview(lived) == queries.overview(lived, strict.name)
        assert queries.groups(lived, Filter()) == queries.groups(lived, Filter(run=strict.name))
        assert _shown(lived) != before
        use(lived, strict.name, BEGIN, MIDDLE, next(_moments), "anna")
        use(lived, "live", MIDDLE, None, next(_moments), "anna")
        assert [(one.since, one.until) for one in stretches(lived)] == [(BEGIN, MIDDLE)]
        rows = counting(lived)
        for table, key in (("sessions", "session_id"), ("discrepancies", "id")):
            query = (
                f"SELECT judging_run, {key}, toUnixTimestamp64Micro(first_received_at) FROM {table} FINAL WHERE {rows}"
            )
            found = lived.execute(query)
            assert len({row[1] for row in found}) == len(found)
            assert {(run, at < MIDDLE) for run, _, at in found} == {("strict", True), ("live", False)}
        sessions = queries.overview(lived).sessions
        assert sessions == queries.overview(lived, "live").sessions
        assert len(queries.latest_sessions(lived, limit=1000)) == sessions
    finally:
        use(lived, "live", None, None, next(_moments), "anna")
    assert _shown(lived) == before


def test_what_is_current_cannot_be_dropped_and_what_is_dropped_is_gone(lived: Store) -> None:
    """Its rows too; the live ones stay."""
    run = _judge(lived, "passing", STRICT, MIDDLE)
    before = _shown(lived)
    use(lived, run.name, None, None, next(_moments), "anna")
    with pytest.raises(JudgingError, match=r"'passing' is current for .*`judging use live` first"):
        drop(lived, run.name, next(_moments))
    use(lived, "live", None, None, next(_moments), "anna")
    drop(lived, run.name, next(_moments))
    assert lived.execute("SELECT count() FROM discrepancies WHERE judging_run = 'passing'") == [(0,)]
    assert run.name not in [one.name for one in judging_runs(lived)]
    assert _shown(lived) == before


def test_a_run_holds_only_what_began_in_its_range(lived: Store) -> None:
    """Sessions and discrepancies of before and after are the live run's."""
    run = _judge(lived, "half", DEFAULT, MIDDLE, END)
    within = "judging_run = 'live' AND status = 'open' AND toUnixTimestamp64Micro(first_received_at)"
    within += f" BETWEEN {MIDDLE} AND {END - 1}"
    for table, count in (("sessions", run.sessions), ("discrepancies", run.discrepancies)):
        assert lived.execute(f"SELECT count() FROM {table} FINAL WHERE {within}") == [(count,)]
    assert 0 < run.sessions < queries.overview(lived).sessions
    assert compared(lived, "live", "half").equal


@pytest.mark.parametrize(
    ("wanted", "policy", "said"),
    [
        (Wanted("new"), STRICT, r"there is no run 'new' yet: give --from"),
        (Wanted("new", END + 1), STRICT, r"the range holds no frames"),
        (Wanted("strict"), DEFAULT, r"was judged for .* under policy strict\+[0-9a-f]{8} .* choose another --name"),
        (Wanted("strict", MIDDLE), STRICT, r"was judged for .* choose another --name"),
        (Wanted("strict", BEGIN, MIDDLE), STRICT, r"was judged for .* choose another --name"),
    ],
)
def test_what_cannot_be_judged_is_said_with_the_next_step(
    lived: Store, strict: JudgingRun, wanted: Wanted, policy: Policy, said: str
) -> None:
    """A range of nothing, a name that stands for another run."""
    assert strict.name == "strict"
    with pytest.raises(JudgingError, match=said):
        planned(lived, wanted, CONFIG, policy)


def test_what_cannot_be_used_is_said_with_the_next_step(lived: Store) -> None:
    """A run that is not there, one of some charging stations only, and what lies outside its range."""
    half = _judge(lived, "part", DEFAULT, MIDDLE, END)
    some = planned(lived, Wanted("some", MIDDLE, None, ("DEMO-0001",)), CONFIG, DEFAULT)
    assert judge(lived, some, CONFIG, DEFAULT, NOW).chargers == 1
    for name, since, said in (
        ("nobody", None, "there is no run 'nobody': the runs are "),
        ("some", None, "was judged for 1 charging stations only"),
        (half.name, BEGIN, "nothing is known of what lies outside"),
    ):
        with pytest.raises(JudgingError, match=said):
            use(lived, name, since, None, NOW, "anna")
    assert stretches(lived) == ()


def test_frames_that_are_gone_are_not_judged_again(store: Store) -> None:
    """The range has to begin a day behind the last session whose frames are missing."""
    fill(store, FRAMES)
    store.execute(
        "ALTER TABLE frames DELETE WHERE toUnixTimestamp64Micro(received_at) < %(at)s",
        {"at": MIDDLE},
        {"mutations_sync": 1},
    )
    with pytest.raises(JudgingError, match=r"the frames of \d charging stations are not stored any more .*--from"):
        planned(store, Wanted("late", BEGIN), CONFIG, DEFAULT)


def test_the_condition_names_every_run_and_both_ends() -> None:
    """Where nothing was decided it is as short as it can be."""
    assert condition(()) == "judging_run = 'live'"
