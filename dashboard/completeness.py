"""From bytes forwarded to frames stored: the steps, and the connections whose numbers part at one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.column_config import LinkColumn, TextColumn

from dashboard import data, links, parts, states, words
from diff.store.queries import ConnectionBalance
from diff.store.queries.completeness import Chain, reconciled
from ingest.frame import Micros

__all__ = ["asked", "steps", "told", "unreconciled_connections"]

_STALE: Final[Micros] = 15 * 60_000_000
"""An account of a tap that is older: nothing newer is known of the connections."""
_LESS: Final = "▲ less"
_MOST_NAMED: Final = 100


def steps(one: Chain, span: str) -> None:
    """Every step with what is missing behind it. `span`: of which time these connections are, in a word."""
    st.subheader("Completeness", anchor=False)
    if not one.connections:
        states.blind(
            f"No tap gave an account of a connection opened within the last {span}: after a replay of recordings, or"
            " with a tap that is away, completeness cannot be told."
        )
        return
    age = data.now() - (one.accounts_at or 0)
    if age > _STALE:
        states.stale(f"The newest account is {words.age(one.accounts_at, data.now())} old; nothing newer is known.")
    rows = [
        _step("bytes", one.bytes_forwarded, one.bytes_mirrored, "forwarded", "mirrored", "the hand-off cut the copy"),
        _step("bytes", one.bytes_mirrored, one.bytes_parsed, "mirrored", "parsed", "waiting, gaps, or not enrolled"),
        _told("frames", one.to_publish, one.frames_published, "parsed", "published", "Kafka or the publisher is away"),
        _told("frames", one.to_apply, one.frames_applied, "published", "applied", "worker behind, or dead letters"),
        _step("frames", one.to_store, one.frames_stored, "applied", "stored", "under way, refused, or expired"),
    ]
    lost = [row for row in rows if row["sign"] == _LESS]
    if not lost and not one.gaps:
        states.clean(
            f"Nothing is missing: {words.bytes_(one.bytes_forwarded)} and {words.plural(one.frames_parsed, 'frame')} of"
            f" {words.plural(one.connections, 'connection')} went all the way."
        )
    parts.table(rows, {"step": TextColumn("step", width=210)})
    st.caption(
        f"{words.plural(one.connections, 'followed connection')} opened within the last {span};"
        f" {words.of(one.behind, one.connections, 'connection')} have fewer frames stored than parsed,"
        f" {words.of(one.cut, one.connections, 'connection')} a gap. The tap gives its account some seconds after a"
        " frame is numbered, so a little more may be stored than it has said."
    )
    parts.export("completeness", rows)


def _told(unit: str, before: int, after: int, first: str, second: str, why: str) -> dict[str, object]:
    """A step of which nothing may be known: then it is neither whole nor less."""
    if before:
        return _step(unit, before, after, first, second, why)
    row: dict[str, object] = dict.fromkeys(("before", "after", "difference", "arrived"), words.NEVER)
    told = "nothing is published, or by an older tap" if second == "published" else "no worker told"
    return {"step": f"{unit} {first} → {second}", **row, "sign": "○ not told", "what the difference is": told}


def _step(unit: str, before: int, after: int, first: str, second: str, why: str) -> dict[str, object]:
    said = words.bytes_ if unit == "bytes" else words.count
    missing = max(before - after, 0)
    return {
        "step": f"{unit} {first} → {second}",
        "before": said(before),
        "after": said(after),
        "difference": said(missing),
        "arrived": words.share(min(after, before), before),
        "sign": _LESS if missing else "✔ all",
        "what the difference is": why if missing else "",
    }


def asked(since: Micros) -> data.Question:
    """What `told` will ask."""
    return data.question(reconciled, data.minute(), since, limit=_MOST_NAMED)


def told(since: Micros) -> tuple[Chain, list[ConnectionBalance]]:
    """The steps of the connections that were opened since a time, and those that do not reconcile."""
    return data.load(reconciled, data.minute(), since, limit=_MOST_NAMED)


def unreconciled_connections(found: Sequence[ConnectionBalance]) -> None:
    """A table of those that somebody has to look at; nothing where there is none."""
    if not found:
        return
    st.markdown(f"**Connections that do not reconcile**, those that miss most first, {_MOST_NAMED} at most")
    rows: list[dict[str, object]] = [
        {
            "charger": links.address(links.CHARGER, id=one.charger_id, tz=parts.zone_parameter()),
            "connection": one.connection_id,
            "misses": words.MISSED[one.outcome.value],
            "forwarded": words.bytes_(one.bytes_forwarded),
            "mirrored": words.bytes_(one.bytes_mirrored),
            "parsed": words.bytes_(one.bytes_parsed),
            "frames": words.count(one.frames),
            "published": _number(one.frames_published),
            "applied": _number(one.frames_applied),
            "stored": words.count(one.frames_stored),
            "gaps": one.gaps,
            "opened": words.when(one.opened_at, parts.zone()),
            "newest frame": words.when(one.last_frame_at, parts.zone()),
        }
        for one in found
    ]
    columns: parts.Columns = {"charger": LinkColumn("charger", display_text=r"id=([^&]*)", width=170)}
    parts.table(rows, columns, height=250)
    st.caption("What to do at each step: docs/runbook.md, *Frames are missing*.")
    parts.export("unreconciled", rows)


def _number(count: int | None) -> str:
    return "not told" if count is None else words.count(count)
