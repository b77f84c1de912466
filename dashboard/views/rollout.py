"""Rollout: may this part of the fleet move? A row per cohort, and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.column_config import MultiselectColumn, NumberColumn, TextColumn

from dashboard import acting, data, judging, parts, states, words
from dashboard.vega import field, layers, mark, tips
from diff.cohort import Cohorts
from diff.gates.gate import Result
from diff.gates.verdict import GATES, Verdict
from diff.gates.written import trend_in_words, written
from diff.store import queries
from diff.store.gating import GatingError
from diff.store.queries import Denominators, Pulse
from diff.store.queries.rollout import QuietHours, Standing, quiet_hours

__all__ = ["asked", "show"]

_DAY = 86_400_000_000
_HOUR = 3_600_000_000
_SIGNS = {"GO": "✔ go", "HOLD": "✖ hold", "INCONCLUSIVE": "? open"}


def asked(given: Mapping[str, str]) -> list[data.Question]:  # noqa: ARG001 - every page's are asked for alike
    """What the page will ask, by the parameters of its address."""
    return [data.question(queries.denominators), data.question(queries.pulse), *judging.questions()]


def show() -> None:
    """Draw the page."""
    st.title("Rollout", anchor=False)
    with data.or_a_sentence():
        data.ahead(*asked(st.query_params))
        seen = data.load(queries.denominators)
        pulse = data.load(queries.pulse)
        if not seen.mirrored and not seen.sessions:
            states.first_run()
            return
        parts.strip(pulse)
        try:
            _verdicts(judging.cohorts(), pulse, seen)
        except GatingError as error:
            st.warning(f"**No verdict can be given.** {words.escaped(str(error))}", icon=":material/edit_document:")
    acting.trail()


def _verdicts(known: Cohorts, pulse: Pulse, seen: Denominators) -> None:
    at = _about(pulse)
    found = judging.standing(known, at)
    old = judging.too_old(found, known, at) or st.session_state.pop("judge-now", False)
    if found:
        _drawn(known, found, pulse, at, old=old)
    else:
        states.stale("No verdict was ever given about this time; the cohorts are judged now.")
    # Below what is drawn: it takes seconds where the fleet is large, and nobody has to wait to read the last verdict.
    if old and judging.refresh(known, at):
        st.rerun()
    if not found:
        states.blind(f"**Too many cohorts to be judged unasked.** Press *Judge now* ({words.count(seen.compared)}"
                     " compared sessions).")  # fmt: skip


def _about(pulse: Pulse) -> int | None:
    """Which time the verdicts are about: now, or for recordings when they end."""
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    chosen = left.segmented_control(
        "Verdict about",
        ["now", "newest-frame"],
        default="now",
        required=True,
        key="about",
        bind="query-params",
        help="A recording that was replayed is judged as of its end; of a live fleet now is what counts",
    )
    right.button(
        "Judge now",
        key="judge",
        icon=":material/gavel:",
        on_click=judging.judge_again,
        width="stretch",
        help="Give the verdicts anew; they are kept. Else this happens every quarter of an hour while somebody looks.",
    )
    last = pulse.last_frame_at
    if chosen == "newest-frame":
        return last
    if last is not None and data.now() - last > _DAY:
        st.caption(
            f":orange[:material/schedule: The newest frame is {words.age(last, data.now())} old:] about *now* charging"
            " stations count as silent after a day. For recordings choose *newest-frame*."
        )
    return None


def _drawn(known: Cohorts, found: Sequence[Standing], pulse: Pulse, at: int | None, *, old: bool) -> None:
    ids = [one.cohort for one in found]
    picked = parts.pick("cohort", ids, [_row(one) for one in found], _COLUMNS, height=38 + 35 * 6)
    if picked:
        st.query_params["cohort"] = picked
    wanted = st.query_params.get("cohort")
    if wanted and wanted not in ids:
        st.caption(f"The cohort file names no cohort {words.escaped(wanted[:80])}; the first is shown.")
    shown = next((one for one in found if one.cohort == wanted), found[0])
    _cohort(shown, found, old=old)
    zone = parts.zone_name()
    moment = at or pulse.last_frame_at or data.minute()
    _quiet(data.load(quiet_hours, known, zone, moment // _HOUR * _HOUR), zone, sited=bool(known.sites))


def _row(one: Standing) -> dict[str, object]:
    verdict = one.verdict
    says = {} if verdict is None else {result.gate: _SIGNS[result.outcome.value] for result in verdict.results}
    return {
        "verdict": [words.OUTCOMES.get(one.stored.outcome, one.stored.outcome)],
        "cohort": one.cohort,
        "why": one.stored.because,
        "clean days": None if verdict is None else verdict.clean_days,
        "trend": words.NEVER if verdict is None else verdict.trend.word,
        **{gate: says.get(gate, words.NEVER) for gate in GATES},
        "chargers": one.stored.chargers,
        "sessions": one.stored.sessions,
        "judged": words.ago(one.stored.decided_at, data.now()),
    }


_COLUMNS: parts.Columns = {
    "verdict": MultiselectColumn(
        "verdict",
        width=145,
        options=list(words.OUTCOMES.values()),
        color=[words.OUTCOME_COLOURS[name] for name in words.OUTCOMES],
    ),
    "cohort": TextColumn("cohort", width=110),
    "why": TextColumn("why", width=175, help="The first gate that says so; all of it stands below"),
    "clean days": NumberColumn("clean", width=55, help="Days running with comparisons and nothing critical open"),
    "trend": TextColumn("trend", width=80),
    **{gate: TextColumn(gate, width=26 + 6 * max(len(gate), 6)) for gate in GATES},
    "chargers": NumberColumn("chargers", width=70),
    "sessions": NumberColumn("sessions", width=70, help="Compared within the days of evidence"),
    "judged": TextColumn("judged", width=110),
}


def _cohort(one: Standing, found: Sequence[Standing], *, old: bool) -> None:
    stored, verdict = one.stored, one.verdict
    ink = words.OUTCOME_INKS.get(stored.outcome, "gray")
    outcome = words.OUTCOMES.get(stored.outcome, stored.outcome)
    with st.container(border=True):
        st.subheader(f":{ink}[{outcome}] {words.escaped(one.cohort)}", anchor=False)
        lead = "What speaks for it" if stored.outcome == "GO" else f"Why not: {stored.first}"
        st.markdown(f"**{words.escaped(lead)}.** {words.escaped(stored.because)}")
        if stored.change:
            st.markdown(f"**What would change it.** {words.escaped(stored.change)}")
        st.caption(_facts(one))
        if old:
            states.stale(f"Judged {words.ago(stored.decided_at, data.now())}; it is judged anew now.")
    if verdict is None:
        st.caption("Another version of this program gave this verdict: its numbers cannot be read. Judge now.")
        return
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.subheader("Gates", anchor=False)
    with right:
        _export(found)
    st.table([_gate(result) for result in verdict.results], border="horizontal", hide_index=True)
    _trend(verdict)


def _facts(one: Standing) -> str:
    zone, stored, verdict = parts.zone(), one.stored, one.verdict
    about = f"about {words.when(stored.at, zone)} {parts.zone_name()}"
    flip = ""
    if one.previous and one.previous != stored.outcome:
        before = words.OUTCOMES.get(one.previous, one.previous)
        flip = f" · :material/sync_alt: was {before} about {words.when(one.previous_at, zone)}"
    versions = f"mapper {words.escaped(stored.mapper_version)}, thresholds {words.escaped(stored.thresholds_version)}"
    if verdict is None:
        return f"{about} · {versions}{flip}"
    return (
        f"{words.plural(verdict.chargers, 'charging station')} of {words.plural(verdict.vendors, 'vendor')} and"
        f" {words.plural(verdict.models, 'model')} · {words.plural(verdict.sessions, 'session')} compared since"
        f" {words.when(verdict.since, zone)[:10]}, {words.count(verdict.weekly_sessions)} in the last week · clean for"
        f" {words.plural(verdict.clean_days, 'day')} · {about} · {versions}{flip}"
    )


def _gate(result: Result) -> dict[str, str]:
    ink = words.OUTCOME_INKS[result.outcome.value]
    change = f" **To change it:** {words.escaped(result.change)}" if result.change else ""
    return {
        "gate": f"**{result.gate}**",
        "says": f":{ink}[**{words.OUTCOMES[result.outcome.value]}**]",
        "found": words.escaped(result.value),
        "asked for": words.escaped(result.threshold),
        "n": f"{words.count(result.n)} {words.escaped(result.of)}",
        "why": words.escaped(result.because) + change,
    }


def _trend(verdict: Verdict) -> None:
    """Faults per 1,000 sessions of each day. A day without a compared session has no bar: nobody looked."""
    st.subheader("Trend", anchor=False)
    st.caption(
        f"{trend_in_words(verdict.trend)}. A bar is a day; ✔ is a zero that was looked at,"
        f" {words.NEVER} a day without a compared session."
    )
    rows: list[dict[str, Any]] = []
    for day in verdict.trend.days:
        at = words.when(verdict.at - (day.age + 1) * _DAY, parts.zone())[:16]
        faults = day.critical + day.major
        height = None if not day.sessions else faults * 1000 / day.sessions  # a place on the screen
        rows.append(
            {
                "from": at,
                "per 1,000 sessions": height,
                "critical": day.critical,
                "major": day.major,
                "compared sessions": day.sessions,
                "zero": 0,
                "sign": words.NEVER if height is None else "" if faults else "✔",
            }
        )
    days = field("from:O", title=None, sort=None, axis={"labelExpr": "substring(datum.label, 5, 10)", "labelAngle": 0})
    tip = tips("from:N", "compared sessions:Q", "critical:Q", "major:Q", "per 1,000 sessions:Q")
    rate = field("per 1,000 sessions:Q", title="per 1,000")
    bars = mark("bar", {"x": days, "y": rate, "tooltip": tip}, color="#b35c00", aria=False)
    zero = {"x": days, "y": field("zero:Q"), "text": field("sign:N"), "tooltip": tip}
    signs = mark("text", zero, dy=-9, color=parts.ink(), aria=False)
    # In a layer of its own: its data would stand at the top else.
    spec = {"layer": [layers(rows[::-1], bars, signs, height=140)], "height": 140}
    st.vega_lite_chart(spec=spec, width="stretch", key="trend")


def _quiet(found: Sequence[QuietHours], zone: str, *, sited: bool) -> None:
    st.subheader("Quietest hours for a cutover", anchor=False)
    if not found:
        states.blind("**No charging station of a site was seen,** so nobody can say when a site sleeps.")
        return
    note = "" if sited else " Sites are named in the cohort file (`[sites]`); without them this is the whole fleet."
    st.caption(
        f"Sessions running on average within an hour of the day, from mirrored sessions of up to 28 days;"
        f" hours in {zone}.{note}"
    )
    parts.table([_hours(one) for one in found], _QUIET_COLUMNS, height=250)
    parts.export("quiet-hours", [_hours_exported(one) for one in found])


def _hours(one: QuietHours) -> dict[str, object]:
    best = [f"{hour:02d}:00 to {(hour + 1) % 24:02d}:00, {mean:.2f}" for hour, mean in one.quietest()]
    told = [*best, "", "", ""][:3] if one.enough else [f"too little: {words.plural(one.days, 'whole day')}", "", ""]
    return {
        "site": one.site,
        "quietest": told[0],
        "then": told[1],
        "and": told[2],
        "days": one.days,
        "sessions": one.sessions,
        "chargers": one.chargers,
        "by hour": list(one.hours),
    }


def _hours_exported(one: QuietHours) -> dict[str, object]:
    hours = {f"{hour:02d} h ({parts.zone_name()})": count for hour, count in enumerate(one.hours)}
    return {"site": one.site, "chargers": one.chargers, "days": one.days, "sessions": one.sessions, **hours}


_QUIET_COLUMNS: parts.Columns = {
    "site": TextColumn("site", width=150),
    "quietest": TextColumn("quietest", width=150),
    "then": TextColumn("then", width=120),
    "and": TextColumn("and", width=120),
    "days": NumberColumn("days watched", width=95, help="The denominator: whole days between first and last frame"),
    "sessions": NumberColumn("sessions", width=75),
    "chargers": NumberColumn("chargers", width=75),
    "by hour": st.column_config.BarChartColumn("0 h … 23 h", width=220, y_min=0),
}


def _export(found: Sequence[Standing]) -> None:
    """Every gate of every cohort that is on the screen."""
    readable = [one.verdict for one in found if one.verdict is not None]
    rows = [row for one in readable for row in _exported(one)]
    parts.export("rollout", rows, document=written(readable))


def _exported(verdict: Verdict) -> list[dict[str, object]]:
    """A row for each gate of a cohort, whole."""
    return [
        {
            "cohort": verdict.cohort,
            "verdict": verdict.outcome.value,
            "first": verdict.first,
            "about": words.when(verdict.at),
            "gate": result.gate,
            "says": result.outcome.value,
            "found": result.value,
            "asked for": result.threshold,
            "n": result.n,
            "of": result.of,
            "why": result.because,
            "what would change it": result.change,
            "clean days": verdict.clean_days,
            "trend": verdict.trend.word,
            "mapper version": verdict.mapper_version,
            "thresholds version": verdict.thresholds_version,
        }
        for result in verdict.results
    ]


if __name__ == "__main__":
    show()
