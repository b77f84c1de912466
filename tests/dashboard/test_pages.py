"""Each page against a seeded store, an empty one, and one that is away."""

from __future__ import annotations

import socket
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import data
from demo.stored import fill
from demo.traffic import frames
from diff.discrepancy import Class, Discrepancy, Severity, Status
from diff.policy import JUDGING_RUN
from diff.store import queries
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.queries import Filter, SessionLine
from diff.store.writer import Writer
from ingest.frame import Frame, FrameKind
from ingest.recording import Reader

RECORDING = Path(__file__).resolve().parents[2] / "../shared/recordings/huawei-like-two-sessions.jsonl"
PAGES = ("rollout", "discrepancies", "fingerprint", "session", "fleet")

Open = Callable[..., AppTest]
Texts = Callable[[AppTest], str]


@pytest.fixture
def fleet(store: Store) -> Store:
    """A store with six simulated chargers without faults, and one energy difference on the latest session."""
    fill(store, frames(seed=5, chargers=6, sessions_per_charger=2, faults=False))
    line = latest(store)
    evidence = tuple(frame.frame_id for frame in queries.frames_between(store, line.charger_id, 0, 2**62, limit=3))
    writer = Writer(store, judging_run=JUDGING_RUN)
    writer.add_discrepancy(
        Discrepancy(
            id="planted",
            code="session.energy",
            class_=Class.MISMATCH,
            severity=Severity.CRITICAL,
            charger_id=line.charger_id,
            evse_id=line.evse_id,
            connector_id=line.connector_id,
            session_id=line.session_id,
            path="energy",
            primary="1000",
            shadow="2000",
            delta=Decimal(1000),
            unit="Wh",
            frames=evidence,
            occurrences=1,
            occurred_at=None,
            observed_at=line.last_received_at,
            first_received_at=line.first_received_at,
            fingerprint="feedbeef00000001",
            title="session: energy at energy (planted)",
            detail="planted by the test",
            status=Status.OPEN,
            version=line.last_received_at,
            vendor=line.vendor,
            model=line.model,
            firmware=line.firmware,
            mapper_version="1",
            policy_version="1",
            schema_version="1",
            judging_run=JUDGING_RUN,
        )
    )
    writer.flush()
    return store


def latest(store: Store) -> SessionLine:
    """The session that changed last."""
    return queries.latest_sessions(store)[0]


def healthy(page: AppTest) -> AppTest:
    """The page, which shows no exception and no error box."""
    assert not page.exception, page.exception
    assert not page.error, page.error
    return page


def table(page: AppTest, column: str) -> list[dict[str, Any]]:
    """The rows of the table that has this column."""
    for frame in page.dataframe:
        if column in frame.value.columns:
            rows: list[dict[str, Any]] = frame.value.to_dict("records")
            return rows
    raise AssertionError(f"no table with a column {column!r}")


def test_the_overview_says_every_figure_with_its_denominator(fleet: Store, open_page: Open, texts: Texts) -> None:
    """Chargers, bytes, sessions and money of the store stand on the page with what they are counted of."""
    seen = queries.overview(fleet)
    said = texts(healthy(open_page("fleet")))
    assert f"Chargers seen: {seen.chargers}" in said
    assert f"Sessions compared: {seen.compared} of {seen.judged}" in said
    assert "Seen of what was forwarded: 100 %" in said
    assert "Money at stake: 0.39 EUR" in said
    assert f"1 of {seen.compared} compared sessions differ: 1\u202f000 Wh more, 0 Wh less" in said
    assert "0.39 EUR/kWh" in said


def test_the_overview_lists_chargers_with_links_to_their_discrepancies(fleet: Store, open_page: Open) -> None:
    """The charger with the planted difference stands first, and its link opens its discrepancies."""
    rows = table(healthy(open_page("fleet")), "compared")
    assert len(rows) == 6
    assert rows[0]["charger"] == f"discrepancies?charger={latest(fleet).charger_id}"
    assert (rows[0]["critical"], rows[1]["critical"]) == (1, 0)


def test_links_carry_the_chosen_time_zone(fleet: Store, open_page: Open) -> None:
    """A zone in the address is obeyed by every time and handed on by every link."""
    page = healthy(open_page("discrepancies", tz="Asia/Kathmandu"))
    first = queries.groups(fleet, Filter())[0]
    (row,) = table(page, "first seen")
    # Kathmandu is a quarter of an hour off the half hours, so nothing else gives this time.
    seconds = first.first_seen // 1_000_000 + (5 * 60 + 45) * 60
    hours, minutes = seconds % 86_400 // 3_600, seconds % 3_600 // 60
    assert row["first seen"][11:16] == f"{hours:02d}:{minutes:02d}"
    assert "tz=Asia%2FKathmandu" in table(open_page("fleet", tz="Asia/Kathmandu"), "compared")[0]["charger"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fleet", "Nothing has been mirrored yet"),
        ("discrepancies", "the shadow is blind"),
        ("session", "Nothing has been mirrored yet"),
    ],
)
def test_an_empty_store_is_called_blind_not_clean(
    store: Store, open_page: Open, texts: Texts, name: str, says: str
) -> None:
    """Where nothing was mirrored no page shows a zero or a success."""
    page = healthy(open_page(name))
    assert says in texts(page)
    assert not page.success
    assert not page.metric


def test_frames_without_a_comparison_give_no_zero(store: Store, open_page: Open, texts: Texts) -> None:
    """Chargers that are seen but never compared: severities and money are unknown, completeness too without a tap."""
    fill(store, [Frame("CP-1", "c", 0, 1_700_000_000_000_000, FrameKind.OPENED)], accounts=False)
    page = healthy(open_page("fleet"))
    values = {metric.label.split("[")[-1].rstrip("]"): metric.value for metric in page.metric}
    unknown = ("Seen of what was forwarded", "Money at stake", "▲ critical", "○ info")
    assert [values[name] for name in unknown] == ["\N{EN DASH}"] * 4
    assert "blindness, not cleanness" in texts(page)
    assert "No session was compared yet" in texts(open_page("discrepancies"))


@pytest.mark.parametrize("name", PAGES)
def test_a_store_that_is_away_is_a_sentence_with_the_next_step(open_page: Open, texts: Texts, name: str) -> None:
    """No stack trace, no password; what to do instead, and a button to try again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"clickhouse://someone:very-secret@127.0.0.1:{taken.getsockname()[1]}/shadow"
        page = healthy(open_page(name, url=url, fp="feedbeef00000001"))
    said = texts(page)
    assert "The store does not answer" in said
    assert "shadow-csms run" in said
    assert "very-secret" not in said
    assert [button.label for button in page.button] == ["Try again"]


@pytest.mark.parametrize(
    ("make_url", "says"),
    [
        (lambda engine: "", "No store is named"),
        (lambda engine: "http://127.0.0.1:1/x", "cannot be read"),
        (lambda engine: engine.url("never_made"), "no tables yet"),
        (lambda engine: engine.url("default").replace(":", ":wrong", 2).replace(":wrong", ":", 1), "refuses the user"),
    ],
    ids=["none", "no-url", "no-database", "password"],
)
def test_a_store_that_cannot_be_used_says_which_step_is_missing(
    open_page: Open, texts: Texts, engine: EmbeddedEngine, make_url: Callable[[EmbeddedEngine], str], says: str
) -> None:
    """No URL, a wrong one, a database without tables and a wrong password each get their own sentence."""
    assert says in texts(healthy(open_page("fleet", url=make_url(engine))))


def test_the_store_coming_back_needs_only_the_button(
    fleet: Store, open_page: Open, texts: Texts, engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a sentence about a store that is away, trying again shows the page."""
    page = open_page("fleet", url="clickhouse://nobody@127.0.0.1:1/shadow")
    monkeypatch.setenv("SHADOW_STORE_URL", engine.url(fleet.address.database))
    page.button(key="try-again").click().run()
    assert "Chargers seen: 6" in texts(healthy(page))


def test_filters_in_the_address_are_read(fleet: Store, open_page: Open) -> None:
    """A link selects the widgets and narrows the list exactly; values that the store lacks stay in force."""
    page = healthy(open_page("discrepancies", severity=["critical"], code="session.energy", status="open"))
    assert [row["code"] for row in table(page, "first seen")] == ["session.energy"]
    assert list(page.button_group(key="severity").value) == ["critical"]
    none = healthy(open_page("discrepancies", vendor="Nobody & Sons"))
    assert list(none.multiselect(key="vendor").value) == ["Nobody & Sons"]
    assert "Nothing meets these filters" in none.info[0].value
    charger = latest(fleet).charger_id
    assert len(table(open_page("discrepancies", charger=charger, status="all"), "first seen")) >= 1
    assert open_page("discrepancies", charger=f"{charger}0").info


def test_lists_are_drawn_when_somebody_wants_them(fleet: Store, open_page: Open) -> None:
    """Seven lists behind a closed lid are not there; opening it draws them, and one in use stays when it closes."""
    page = healthy(open_page("discrepancies"))
    assert not page.multiselect
    page.session_state["lists"] = True
    healthy(page.run())
    assert len(page.multiselect) == 7
    page.multiselect(key="code").select("session.energy")
    page.session_state["lists"] = False
    assert list(healthy(page.run()).multiselect(key="code").value) == ["session.energy"]
    assert {row["code"] for row in table(page, "first seen")} == {"session.energy"}


def test_a_time_range_in_the_address_narrows_the_list(fleet: Store, open_page: Open) -> None:
    """The simulated sessions are long past, so the last hour holds none of them, and their own day does."""
    assert open_page("discrepancies", range="hour").info
    bounds = {"from": "2026-06-01T00:00", "to": "2026-06-02T00:00"}
    assert table(healthy(open_page("discrepancies", range="dates", **bounds)), "first seen")
    assert open_page("discrepancies", range="dates", **{"from": "2026-06-03T00:00"}).info


def test_a_clean_fleet_is_called_clean_with_its_denominator(store: Store, open_page: Open, texts: Texts) -> None:
    """Only where sessions were compared does an empty list say that there is no discrepancy."""
    fill(store, frames(seed=5, chargers=3, sessions_per_charger=1, faults=False))
    compared = queries.overview(store).compared
    assert compared > 0
    found = queries.groups(store, Filter(status="open"))
    assert not found, "the simulated fleet without faults gave discrepancies"
    page = healthy(open_page("discrepancies"))
    assert f"No open discrepancy** in {compared} compared sessions" in page.success[0].value


def test_a_fingerprint_in_the_address_shows_meaning_remedy_and_evidence(
    fleet: Store, open_page: Open, texts: Texts
) -> None:
    """The catalogue's sentences, both values, the delta and the frames of the occurrence stand on its page."""
    page = healthy(open_page("fingerprint", fp="feedbeef00000001"))
    said = texts(page)
    assert "What it means.** The energy that the primary bills" in said
    assert "What to do.** Compare meterStart and meterStop" in said
    assert "planted by the test" in said
    shown = [text.value for text in page.text]
    at = shown.index("1000")
    assert shown[at : at + 3] == ["1000", "2000", "+1\u202f000 Wh"]
    assert len(page.expander) == 2 + 3  # to acknowledge it, the trail, and a box for each frame
    short = texts(healthy(open_page("discrepancies", fp="feedbeef00000001")))
    assert "What to do.** Compare meterStart and meterStop" in short
    (row,) = table(page, "charger's time")
    assert row["session"] == f"session?id={latest(fleet).session_id}"


def test_a_fingerprint_outside_the_filters_is_shown_and_said_so(fleet: Store, open_page: Open, texts: Texts) -> None:
    """A link to a fingerprint shows it whatever the filters say; one that the store lacks gets a sentence."""
    page = healthy(open_page("discrepancies", fp="feedbeef00000001", severity="info"))
    assert "It does not meet the filters above" in texts(page)
    unknown = healthy(open_page("discrepancies", fp="0000000000000000"))
    assert "The store holds nothing of the fingerprint" in unknown.warning[0].value


def test_a_session_shows_both_sides_its_ids_and_its_discrepancies(fleet: Store, open_page: Open, texts: Texts) -> None:
    """Energies, both transaction ids, the chart, the discrepancy and the frames of the session are there."""
    line = latest(fleet)
    page = healthy(open_page("session", id=line.session_id))
    said = texts(page)
    assert f"Session on {line.charger_id}" in said
    assert f"{line.primary_transaction_id}\n{line.shadow_transaction_id}" in said
    assert line.id_token is not None
    assert line.id_token in said
    (found,) = [row for row in table(page, "severity") if "session.energy" in row["code"]]
    assert (found["primary"], found["shadow"], found["delta"]) == ("1000", "2000", "+1\u202f000 Wh")
    assert "fp=feedbeef00000001" in found["code"]
    assert page.get("vega_lite_chart")
    marked = [row for row in table(page, "proves") if row["proves"]]
    assert {row["proves"] for row in marked} == {"▲ session.energy"}
    assert len(marked) == 3


def test_a_frame_in_the_address_is_shown_beside_what_the_shadow_made_of_it(
    fleet: Store, open_page: Open, texts: Texts
) -> None:
    """The StartTransaction stands whole beside the TransactionEvent that came of it."""
    line = latest(fleet)
    started = next(
        message for message in queries.messages_of(fleet, line) if message.own and message.event_type == "Started"
    )
    page = healthy(open_page("session", id=line.session_id, frame=started.caused_by[-1]))
    said = texts(page)
    assert '"StartTransaction"' in said
    assert '"eventType": "Started"' in said
    assert "2.0.1 that the shadow made of it" in said


def test_the_picker_lists_sessions_with_links(fleet: Store, open_page: Open) -> None:
    """Without an id the page lists the latest sessions; `only=differing` leaves the one that differs."""
    rows = table(healthy(open_page("session")), "connector")
    assert len(rows) == queries.overview(fleet).sessions
    assert rows[0]["session"] == f"session?id={latest(fleet).session_id}"
    (row,) = table(healthy(open_page("session", only="differing")), "connector")
    assert row["open"] == 1
    assert "No session meets these filters" in open_page("session", charger="nobody").info[0].value


def test_an_unknown_session_is_a_sentence(fleet: Store, open_page: Open) -> None:
    """An id that the store lacks leads back to the list."""
    page = healthy(open_page("session", id="nobody` <b>"))
    assert "The store holds no session" in page.warning[0].value


def test_the_real_recording_shows_248_wh(store: Store, open_page: Open, texts: Texts) -> None:
    """The session of the recording has 248 Wh on both sides and no difference."""
    if not RECORDING.exists():
        pytest.skip(f"the recording {RECORDING.name} is not beside the checkout")
    found = Reader().read(RECORDING.read_bytes().splitlines())
    fill(store, [frame for frame in found if isinstance(frame, Frame)], accounts=False)
    line = next(line for line in queries.latest_sessions(store) if line.primary_energy_wh)
    said = texts(healthy(open_page("session", id=line.session_id)))
    assert "**248 Wh** / **248 Wh** / **0 Wh**" in said
    overview = texts(healthy(open_page("fleet")))
    assert "the tap gives no account. 126 frames stored" in overview


def test_hostile_texts_of_a_charger_are_shown_as_text(store: Store, open_page: Open, texts: Texts) -> None:
    """Markdown, HTML and broken JSON of a charger neither break the page nor become part of it."""
    nasty = '<script>alert(1)</script> **bold** ![x](http://evil.example/x.png) `"'
    line = [
        Frame("CP<b>*", "c`1", 0, 1_700_000_000_000_000, text=nasty),
        Frame("CP<b>*", "c`1", 1, 1_700_000_000_000_001, text=nasty),
    ]
    fill(store, line)
    writer = Writer(store, judging_run=JUDGING_RUN)
    writer.add_discrepancy(
        Discrepancy(
            "n", "a.new-code", Class.QUALITY, Severity.MAJOR, "CP<b>*", None, None, None, nasty, nasty, nasty, None,
            None, ("c`1/0",), 1, None, 1_700_000_000_000_000, 1_700_000_000_000_000, "f0", nasty, nasty, Status.OPEN, 1,
            nasty, nasty, nasty, "1", "1", "1", JUDGING_RUN,
        )
    )  # fmt: skip
    writer.flush()
    healthy(open_page("fleet"))
    listed = healthy(open_page("discrepancies", fp="f0", status="all"))
    page = healthy(open_page("fingerprint", fp="f0"))
    shown = [text.value for text in page.text]
    assert shown.count(nasty) == 5, "its title, both values, the detail and the frame"
    marked = [
        element.value for one in (page, listed) for element in (*one.title, *one.markdown, *one.caption, *one.subheader)
    ]
    assert not [text for text in marked if "](http" in text or "<script" in text.replace("\\<", "")]


def test_news_are_counted_on_the_button_that_shows_them(fleet: Store, open_page: Open) -> None:
    """What was judged since the page was drawn is announced, not pushed under the reader's hands."""
    page = healthy(open_page("discrepancies"))
    assert page.button(key="refresh").label == "Refresh"
    assert len(table(page, "first seen")) == 1
    old = queries.occurrences(fleet, Filter())[0]
    again = msgspec.convert(msgspec.to_builtins(old), dict) | {
        "id": "later",
        "fingerprint": "later",
        "class": old.class_,
    }
    columns = ("id", "code", "class", "severity", "charger_id", "fingerprint", "title", "path", "status")
    now = old.observed_at
    fleet.insert(
        "discrepancies",
        (*columns, "judging_run", "observed_at", "first_received_at", "version"),
        [(*(again[name] for name in columns), JUDGING_RUN, now, now, now)],
    )
    data._cached_briefly.clear()
    page.run()
    assert page.button(key="refresh").label == "1 new: refresh"
    assert len(table(page, "first seen")) == 1
    page.button(key="refresh").click().run()
    assert page.button(key="refresh").label == "Refresh"
    assert len(table(healthy(page), "first seen")) == 2


def test_the_first_frame_brings_the_page_to_life(store: Store, open_page: Open, texts: Texts) -> None:
    """A page that was opened on an empty store shows the fleet when it has come."""
    page = healthy(open_page("fleet"))
    assert "Nothing has been mirrored yet" in texts(page)
    fill(store, frames(seed=5, chargers=3, sessions_per_charger=1, faults=False))
    data.forget()
    assert "Chargers seen: 3" in texts(healthy(page.run()))


def test_no_price_leaves_the_energy_and_says_how_to_set_one(
    fleet: Store, open_page: Open, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a price the difference is shown in Wh."""
    page = open_page("fleet")
    monkeypatch.setenv("SHADOW_PRICE_PER_KWH", "cheap")
    said = texts(healthy(page.run()))
    assert "Energy at stake: 1\u202f000 Wh" in said
    assert "SHADOW_PRICE_PER_KWH is 'cheap', which is no number" in said


def test_the_address_of_a_filter_covers_every_field_of_it() -> None:
    """Every field by which discrepancies can be narrowed is bound to the address or is the page's own."""
    own = {"run", "fingerprint", "session_id"}
    bound = {
        "severities",
        "status",
        "losses",
        "codes",
        "classes",
        "actions",
        "charger",
        "chargers",  # as sites
        "vendors",
        "models",
        "firmwares",
        "since",
        "until",
    }
    assert {field.name for field in msgspec.structs.fields(Filter)} == own | bound


def test_expected_losses_are_shown_when_asked_for(store: Store, open_page: Open) -> None:
    """They stand on the best charging station, so the list leaves them out until the address or the toggle asks."""
    fill(store, frames(seed=5, chargers=3, sessions_per_charger=1, faults=False))
    data.forget()
    page = healthy(open_page("discrepancies", losses="true"))
    shown = {row["code"] for row in table(page, "first seen")}
    assert shown == {group.code for group in queries.groups(store, Filter(status="open", losses=True))}
    assert "status.detail-lost" in shown


def test_a_list_grows_by_the_button_below_it(store: Store, open_page: Open) -> None:
    """How many rows it has stands in the address; where all of them are listed there is no button."""
    fill(store, frames(seed=5, chargers=3, sessions_per_charger=1, faults=False))
    every = len(queries.groups(store, Filter(status="open", losses=True)))
    assert every > 1
    page = healthy(open_page("discrepancies", losses="true", rows="1"))
    assert len(table(page, "first seen")) == 1
    assert page.button(key="more").label == f"List {every - 1} more"
    page = healthy(page.button(key="more").click().run())
    assert len(table(page, "first seen")) == every
    assert page.query_params["rows"] == str(every)
    assert "more" not in {button.key for button in page.button}
