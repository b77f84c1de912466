"""Which frames are late, and when their range is asked for."""

from app.distributed.lateness import DOUBT, Order, due, ranged, seen, spoken, ticked
from ingest.frame import UNKNOWN_TIME, Frame, FrameKind

MINUTE = 60_000_000


def _frame(at: int, connection: str = "a", seq: int = 0) -> Frame:
    return Frame("CP1", connection, seq, at)


def _seen(*frames: Frame) -> Order:
    order = Order()
    for frame in frames:
        order = seen(order, frame)
    return order


def test_the_order_is_that_of_time_then_connection_then_number() -> None:
    """Whoever comes behind a greater key is late, also at the same moment."""
    assert _seen(_frame(10), _frame(10, "a", 1), _frame(10, "b"), _frame(11)).late == 0
    assert _seen(_frame(10, "b"), _frame(10, "a")).late == 1
    late = _seen(_frame(10), _frame(20), _frame(12), _frame(11), _frame(30))
    assert (late.since, late.late, late.last.received_at) == (11, 2, 30)


def test_a_deadline_that_has_fired_makes_late_what_comes_from_before_it() -> None:
    """A tick decided that nothing would come any more."""
    order = ticked(_seen(_frame(10)), 100)

    assert seen(order, _frame(99)).late == 1
    assert seen(order, _frame(100)).late == 0


def test_frames_without_time_and_ticks_are_never_late() -> None:
    """Nothing can be said about the former, and the latter are no frames of the charging station."""
    assert _seen(_frame(10), _frame(UNKNOWN_TIME), Frame("", "tick", 0, 5, FrameKind.TICK)) == _seen(_frame(10))


def test_a_range_is_asked_for_at_once_and_when_no_session_is_open() -> None:
    """In between every five minutes in which something came; nothing is asked where nothing was late."""
    assert ranged(_seen(_frame(10)), "CP1", "a/0", idle=True)[1] is None

    order, first = ranged(_seen(_frame(10), _frame(9)), "CP1", "a/0", idle=False)
    assert first is not None
    assert (first.since, first.until, first.late) == (9, 10, 1)
    assert ranged(order, "CP1", "a/0", idle=False)[1] is None
    assert due(order) is None

    order = seen(order, _frame(20))
    assert due(order) == 10 + 5 * MINUTE
    assert ranged(order, "CP1", "a/1", idle=False)[1] is None
    order, second = ranged(ticked(order, 10 + 5 * MINUTE), "CP1", "a/1", idle=False)
    assert second is not None
    assert (second.since, second.until) == (9, 10 + 5 * MINUTE)

    order, last = ranged(seen(order, _frame(6 * MINUTE)), "CP1", "a/2", idle=True)
    assert last is not None
    assert last.since == 9
    assert ranged(order, "CP1", "a/2", idle=True) == (order, None)


def _settled() -> Order:
    """Late, and judged again when no session was open."""
    order, request = ranged(_seen(_frame(10), _frame(9)), "CP1", "a/0", idle=True)
    assert request is not None
    return order


def test_what_a_state_in_doubt_says_is_asked_for_though_all_was_settled() -> None:
    """Five minutes after the last request, also where only a tick comes; frames that bring nothing ask for nothing."""
    order = seen(_settled(), _frame(MINUTE))
    assert due(order) is None
    assert ranged(order, "CP1", "a/1", idle=True, now=MINUTE) == (order, None)

    order = spoken(order)
    assert due(order) == 10 + 5 * MINUTE
    assert ranged(order, "CP1", "a/1", idle=True, now=5 * MINUTE) == (order, None)
    order, request = ranged(order, "CP1", "a/1", idle=True, now=10 + 5 * MINUTE)
    assert request is not None
    assert (request.since, request.until) == (9, MINUTE)
    assert due(order) is None


def test_the_older_a_doubt_is_the_seldomer_is_asked_and_after_a_month_no_more() -> None:
    """A station that says something every minute has its history read 200 times, and a last time at the end."""
    order, asked = _settled(), []
    for at in range(MINUTE, DOUBT + 2 * MINUTE, MINUTE):
        order, request = ranged(spoken(seen(order, _frame(at))), "CP1", "a/1", idle=True, now=at)
        if request is not None:
            asked.append(at)

    assert asked[:2] == [6 * MINUTE, 11 * MINUTE]
    assert 100 < len(asked) <= 220
    assert DOUBT - MINUTE <= asked[-1] <= DOUBT + MINUTE
    assert order == Order(order.last)
    assert spoken(order) == order


def test_a_late_frame_in_doubt_begins_it_anew() -> None:
    """It is asked for at once, back to the earliest one, unless that is older than a month."""
    order = seen(seen(_settled(), _frame(20)), _frame(15))
    order, request = ranged(order, "CP1", "a/1", idle=True)
    assert request is not None
    assert (request.since, request.until, request.late) == (9, 20, 2)

    order = seen(seen(order, _frame(DOUBT + MINUTE)), _frame(DOUBT))
    assert order.since == DOUBT


def test_a_range_that_the_release_before_left_open_is_asked_for_when_it_ends() -> None:
    """It did not note when the doubt began."""
    order = Order(_seen(_frame(10)).last, since=9, late=1, told=1, until=10)
    order = seen(order, _frame(MINUTE))
    assert ranged(order, "CP1", "a/1", idle=False) == (order, None)
    assert due(order) == 10 + 5 * MINUTE
    assert ranged(order, "CP1", "a/1", idle=True)[1] is not None
