"""Draws what proves a discrepancy: both values and the frames, whole and to be copied."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import streamlit as st

from dashboard import data, parts, words
from diff.catalogue import CATALOGUE, Values
from diff.store import queries
from diff.store.queries import FrameLine, Occurrence

__all__ = ["direction", "draw", "frame_title", "pretty", "whole"]

_LINES = 16
_TALL = 400


def draw(one: Occurrence) -> None:
    """Both values side by side, then the frames in order."""
    entry = CATALOGUE.get(one.code)
    values = Values() if entry is None else entry.values
    with st.container(border=True):
        primary, shadow, delta = st.columns([3, 3, 2])
        _value(primary, "Primary", values.primary, one.primary)
        _value(shadow, "Shadow", values.shadow, one.shadow)
        signed = words.energy(one.delta, one.unit, signed=True) if one.delta is not None else None
        _value(delta, "Delta", values.delta, signed)
        if one.detail:
            st.text(one.detail)
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.caption(
            f"at {words.escaped(one.path)} · charger {words.escaped(one.charger_id)} · mapper {one.mapper_version},"
            f" policy {one.policy_version} · discrepancy {one.id}"
        )
        if one.session_id:
            right.page_link(
                "views/session.py",
                label="Open the session",
                icon=":material/timeline:",
                query_params={"id": one.session_id},
            )
        _frames(one)


def _value(place: Any, name: str, meaning: str, value: str | None) -> None:
    place.caption(f"{name}: {meaning}" if meaning else name)
    with place:
        parts.verbatim(value if value is not None else words.NEVER, key=f"value-{name.lower()}")


def _frames(one: Occurrence) -> None:
    if not one.frames:
        st.caption("No single frame proves it: it is something that did not come.")
        return
    found = data.load(queries.frames_named, one.charger_id, one.frames)
    if len(found) < len(one.frames):
        st.caption(f"{len(one.frames) - len(found)} of {len(one.frames)} frames are no longer kept.")
    for line in found:
        parts.fold(
            frame_title(line),
            partial(whole, line.text or line.detail, key=line.frame_id),
            key=f"frame-{line.frame_id}",
            expanded=len(found) == 1,
        )


def whole(text: str, *, key: str) -> None:
    """JSON to be read and copied, in a box that does not push the page away."""
    shown = pretty(text)
    height = _TALL if shown.count("\n") > _LINES else None
    parts.verbatim(shown, key=key, height=height)
    parts.copied(shown, key=key, height=height)


def frame_title(line: FrameLine) -> str:
    """A frame in one line, as Markdown that no text of a frame gets into."""
    what = " ".join(part for part in (line.action, line.message_type) if part) or line.kind
    at = words.when(line.received_at, parts.zone(), fraction=True)
    return f"{at} {direction(line)} {_plain(what)} `{line.frame_id.replace('`', '')}`"


def direction(line: FrameLine) -> str:
    """Who sent it."""
    return {"cp>cs": "charger → CSMS", "cs>cp": "CSMS → charger"}.get(line.direction, "connection")


def pretty(text: str) -> str:
    """JSON with line breaks, every character of its values kept; a text that is none as it stands."""
    try:
        return msgspec.json.format(text, indent=2)
    except (msgspec.MsgspecError, UnicodeError):
        return text


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isalnum() or char in " .-_")[:80]
