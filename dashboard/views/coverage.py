"""What was seen of OCPP and what becomes of it: by action, by field, by variable of 2.0.1, by weight on the wire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final, TypeVar

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from dashboard import data, parts, states, weighed, words
from diff.seen import Sampled, SeenVariable, Weighed, all_fields, sampled, variables_of, weigh
from diff.store import queries
from diff.store.client import Store
from diff.store.queries.seen import (
    ActionCount,
    Kind,
    action_counts,
    frames_of_sample,
    known_chargers,
    latest_chargers,
)
from ingest.frame import Micros
from shadow.device_model.fact import Fact
from shadow.mapping.coverage import OCPP16, OCPP201, Row
from shadow.weight import DAY

__all__ = ["asked", "show"]

S = TypeVar("S", Sampled, Weighed)

_PARTS: Final = ("actions", "fields", "variables", "weight")
_SPANS: Final = {"day": 1, "week": 7, "month": 30}
_SAMPLES: Final = {"2000": 2_000, "10000": 10_000}
# Charging stations of a sample of frames.
_STATIONS: Final = 10
# Charging stations whose device models are looked at.
_MODELS: Final = 100
_MOST_ROWS: Final = 3_000
_KIND: Final = ("charger", "vendor", "model", "firmware")
# A sign and the word for what becomes of a field; of 2.0.1 it is `rules: …` or `schema`.
_HANDLINGS: Final = {
    "mapped": "✔ mapped",
    "lossy": "◆ lossy",
    "no-equivalent": "✖ no equivalent",
    "synthesised": "✚ synthesised",
    "unclassified": "? unclassified",
    "schema": "○ schema only",
}


def asked(given: Mapping[str, str]) -> list[data.Question]:
    """What the page will ask, by the parameters of its address."""
    kind = Kind(*(given.get(name, "").strip() for name in _KIND))
    return [data.question(queries.pulse), data.question(known_chargers, kind)]


def show() -> None:
    """Draw the part that the address names, for the stations that it names."""
    st.title("Coverage", anchor=False)
    with data.or_a_sentence():
        data.ahead(*asked(st.query_params))
        pulse = data.load(queries.pulse)
        parts.strip(pulse)
        kind, span = _choose()
        known = data.load(known_chargers, kind)
        if not known:
            _nothing(kind)
            return
        part = st.segmented_control(
            "Part", _PARTS, default=_PARTS[0], required=True, key="part", bind="query-params", width="content"
        )
        # Up to the newest frame: recordings of last year are covered or not by what they hold.
        until = min(((pulse.last_frame_at or data.now()) // 60_000_000 + 1) * 60_000_000, data.minute_end())
        since = until - _SPANS[span] * DAY
        if part == "fields":
            _fields(_sample(kind, _held))
        elif part == "variables":
            _variables(kind, known)
        elif part == "weight":
            found = _sample(kind, _weighed)
            if found is not None:
                weighed.draw(found)
        else:
            _actions(kind, known, since, until, span)


def _choose() -> tuple[Kind, str]:
    places = st.columns([2, 2, 2, 2, 2], vertical_alignment="bottom")
    given = [
        places[number].text_input(name.capitalize(), key=name, bind="query-params", placeholder="any; * for any text")
        for number, name in enumerate(_KIND)
    ]
    with places[4]:
        span = st.segmented_control(
            "Up to the newest frame", list(_SPANS), default="week", required=True, key="span", bind="query-params"
        )
    return Kind(*((one or "").strip() for one in given)), span or "week"


def _nothing(kind: Kind) -> None:
    if kind.everything:
        states.first_run()
    else:
        states.filtered("**No charging station is of this kind.** Vendor, model and firmware are those of its boot.")


def _actions(kind: Kind, known: int, since: Micros, until: Micros, span: str) -> None:
    counts = data.load(action_counts, kind, since, until)
    if not counts:
        states.blind(
            f"**Nothing was seen in the last {span}** of {words.plural(known, 'charging station')}: coverage of a"
            " stretch in which nobody talked, or nothing was mirrored, says nothing. Choose a longer one."
        )
        return
    rows = _action_rows(counts, known)
    seen = sum(bool(row["calls"]) for row in rows)
    never = len(rows) - seen
    st.markdown(
        f":green[✔] **{words.of(seen, len(rows), 'action')} of OCPP 1.6 seen**, :orange[○] {never} never:"
        " never seen is not a pass."
    )
    parts.table(rows, _ACTION_COLUMNS, height=520)
    st.caption(
        f"Calls of the {span} up to the newest frame, of {words.plural(known, 'charging station')}. A frame that was"
        " written twice counts twice; none at all is exact. Fields: those of request and answer in the schemas."
    )
    parts.export("coverage-actions", rows)


def _action_rows(counts: Sequence[ActionCount], known: int) -> list[dict[str, object]]:
    by_key = {(one.action, one.direction): one for one in counts}
    rows: list[dict[str, object]] = []
    own = [row for row in all_fields() if row.protocol == OCPP16]
    for (action, direction), group in groupby(own, key=lambda row: (row.action, row.direction)):
        fates = Counter(row.handling for row in group if row.field)
        found = by_key.get((action, direction))
        calls = found.calls - found.native if found else 0
        before = next((row for row in rows if (row["action"], row["_direction"]) == (action, direction)), None)
        if before is not None:  # DataTransfer stands in several groups
            for name in _FATES:
                before[name] = int(str(before[name])) + fates[name]
            continue
        rows.append(
            {
                "action": action,
                "_direction": direction,
                "called by": "charger" if direction == "cp>cs" else "CSMS" if direction else "either",
                "seen": "✔ seen" if calls else "○ never",
                "calls": calls,
                "errors": found.errors if found else 0,
                "stations": words.of(found.chargers if found else 0, known, "station"),
                **{name: fates[name] for name in _FATES},
            }
        )
    rows.sort(key=lambda row: (-int(str(row["calls"])), str(row["action"])))
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in rows]


_FATES: Final = ("mapped", "lossy", "no-equivalent", "synthesised", "unclassified")
_ACTION_COLUMNS: parts.Columns = {
    "action": TextColumn("action", width=210),
    "calls": NumberColumn("calls", width=90),
    "errors": NumberColumn("errors", width=70, help="CALLERRORs that answered them"),
    "mapped": NumberColumn("✔ mapped", width=90, help="Fields that say the same in 2.0.1"),
    "lossy": NumberColumn("◆ lossy", width=80, help="Fields of which 2.0.1 keeps a part"),
    "no-equivalent": NumberColumn("✖ none", width=75, help="Fields for which 2.0.1 has no place"),
    "synthesised": NumberColumn("✚ made", width=80, help="Fields of 2.0.1 that 1.6 does not have"),
    "unclassified": NumberColumn("? open", width=75, help="Fields that no table names: there should be none"),
}


def _sample(kind: Kind, look: Callable[[Store, tuple[str, ...], int], S]) -> S | None:
    """Frames are lived for this, so it is a sample: how large, and of whom, is said above what it shows."""
    size = st.segmented_control(
        "Frames of the sample",
        list(_SAMPLES),
        default="2000",
        required=True,
        key="sample",
        bind="query-params",
        help="The newest frames of the ten stations that were heard of last are lived anew; ten thousand take seconds.",
    )
    chosen = data.load(latest_chargers, kind, _STATIONS)
    with st.spinner("Living the sample …"):
        found = data.load(look, tuple(chosen), _SAMPLES[size or "2000"])
    if not found.frames:
        states.blind("**There are no frames of these stations any more**, so nothing can be counted in them.")
        return None
    st.caption(
        f"A sample: {words.plural(found.frames, 'frame')}, the newest of"
        f" {words.plural(found.chargers, 'charging station')} heard of last. `shadow-csms coverage --store` counts all."
    )
    return found


def _held(store: Store, chargers: tuple[str, ...], limit: int) -> Sampled:
    return sampled(frames_of_sample(store, chargers, limit))


def _weighed(store: Store, chargers: tuple[str, ...], limit: int) -> Weighed:
    return weigh(frames_of_sample(store, chargers, limit))


def _fields(found: Sampled | None) -> None:
    if found is None:
        return
    left, middle, right = st.columns([2, 2, 3], vertical_alignment="bottom")
    with left:
        protocol = st.segmented_control(
            "Version", [OCPP16, OCPP201], default=OCPP16, required=True, key="protocol", bind="query-params"
        )
    actions = sorted({row.action for row in found.rows if row.protocol == protocol})
    action = middle.selectbox("Action", ["any", *actions], key="action", bind="query-params")
    with right:
        only = st.segmented_control(
            "Show", ["all", "seen", "never"], default="all", required=True, key="only", bind="query-params"
        )
    rows = [row for row in found.rows if row.protocol == protocol and action in ("any", row.action, None)]
    seen = [row for row in rows if row.seen]
    fates = Counter(row.handling.partition(":")[0] for row in seen)
    told = ", ".join(f"{count} {_HANDLINGS.get(fate, fate)}" for fate, count in fates.most_common())
    st.markdown(
        f":green[✔] **{words.of(len(seen), len(rows), 'field')} seen** in {words.plural(found.messages, 'message')}"
        f"{': ' + told if told else ''}."
    )
    chosen = [row for row in rows if only == "all" or bool(row.seen) == (only == "seen")][:_MOST_ROWS]
    if not chosen:
        states.filtered("No field is left by what was chosen.")
        return
    shown = [_field(row) for row in chosen]
    parts.table(
        shown, {"field": TextColumn("field", width=330), "seen": NumberColumn("messages", width=95)}, height=430
    )
    if found.unnamed and protocol == OCPP16:
        named = ", ".join(f"{action} {part} {field}" for action, part, field in found.unnamed[:20])
        st.caption(f"▲ Seen, and in no official schema: {words.escaped(named)}")
    parts.export("coverage-fields", shown)


def _field(row: Row) -> dict[str, object]:
    handling = _HANDLINGS.get(row.handling, "✔ " + row.handling)
    return {
        "action": row.action,
        "called by": "charger" if row.direction == "cp>cs" else "CSMS" if row.direction else "either",
        "part": row.part,
        "field": row.field or "(no fields)",
        "becomes": handling,
        "sight": "✔ seen" if row.seen else "○ never",
        "seen": row.seen,
    }


def _variables(kind: Kind, known: int) -> None:
    chosen = data.load(latest_chargers, kind, _MODELS)
    found = data.load(_modelled, tuple(chosen))
    has = [one for one in found if one.stations]
    of_all = f"of {words.count(known)}" if known > len(chosen) else "all"
    st.caption(
        f"Device models of {words.plural(len(chosen), 'charging station')} heard of last ({of_all} known)."
        " Certainty: of several EVSEs the surest value tells."
    )
    required = [one for one in found if one.required]
    met = [one for one in required if one.stations]
    st.markdown(
        f":green[✔] **{words.of(len(has), len(found), 'variable')} of 2.0.1 seen or predicted**;"
        f" of those that some document requires {words.of(len(met), len(required), 'variable')}."
    )
    only = st.segmented_control(
        "Show", ["all", "seen", "never", "required"], default="all", required=True, key="show", bind="query-params"
    )
    listed = [one for one in found if _wanted(one, only or "all")]
    if not listed:
        states.filtered("No variable is left by what was chosen.")
        return
    rows = [_variable(one, len(chosen)) for one in listed]
    parts.table(rows, {"variable": TextColumn("variable", width=330)}, height=460)
    parts.export("coverage-variables", rows)


def _modelled(store: Store, chargers: tuple[str, ...]) -> list[SeenVariable]:
    facts: Mapping[str, Sequence[Fact]] = {one: queries.device_facts(store, one) for one in chargers}
    return variables_of(facts)


def _wanted(one: SeenVariable, only: str) -> bool:
    match only:
        case "seen":
            return bool(one.stations)
        case "never":
            return not one.stations
        case "required":
            return one.required
        case _:
            return True


def _variable(one: SeenVariable, stations: int) -> dict[str, object]:
    return {
        "variable": f"{one.component}/{one.variable}",
        "sight": "✔ seen"
        if one.observed
        else "◆ derived"
        if one.derived
        else "? assumed"
        if one.assumed
        else "○ never",
        "stations": words.of(one.stations, stations, "station"),
        "observed": one.observed,
        "derived": one.derived,
        "assumed": one.assumed,
        "flawed": one.flawed,
        "standard": "✔ standard" if one.standard else "vendor",
        "required": "✔ required" if one.required else "",
    }


if __name__ == "__main__":
    show()
