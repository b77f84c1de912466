"""The raw frames of a session: a table to choose from, and one of them whole beside what the shadow made of it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.column_config import TextColumn

from dashboard import data, evidence, parts, words
from diff.store import queries
from diff.store.queries import FrameLine, MessageLine, Occurrence, SessionLine

__all__ = ["draw"]


def draw(
    line: SessionLine,
    frames: Sequence[FrameLine],
    messages: Sequence[MessageLine],
    found: Sequence[Occurrence],
) -> None:
    """The frames around the session as a table, and the chosen one whole beside what the shadow made of it."""
    if not frames:
        return
    st.subheader("Raw frames", anchor=False)
    codes: dict[str, list[str]] = {}
    for one in found:
        for frame in one.frames:
            codes.setdefault(frame, []).append(one.code)
    total = words.plural(frames[0].total, "frame")
    st.caption(
        f"{words.count(len(frames))} of {total} of {words.escaped(line.charger_id)} from a minute before the session to"
        " a minute after it, both directions, as received less redactions. Select one to see it whole."
    )
    ids = [frame.frame_id for frame in frames]
    rows = [_frame_row(frame, codes.get(frame.frame_id, [])) for frame in frames]
    picked = parts.pick("frame", ids, rows, _FRAME_COLUMNS, height=330)
    parts.export("frames", rows)
    if picked:
        st.query_params["frame"] = picked
    shown = st.query_params.get("frame") or next((frame for frame in ids if frame in codes), ids[0])
    _frame(line, shown, messages, codes.get(shown, []))


def _frame_row(frame: FrameLine, codes: Sequence[str]) -> dict[str, object]:
    return {
        "at": words.when(frame.received_at, parts.zone(), fraction=True),
        "from": evidence.direction(frame),
        "action": frame.action or frame.kind,
        "type": frame.message_type,
        "proves": f"▲ {', '.join(sorted(set(codes)))}" if codes else "",
        "text": frame.text or frame.detail,
        "frame": frame.frame_id,
    }


_FRAME_COLUMNS: parts.Columns = {
    "at": TextColumn("at", width=170),
    "from": TextColumn("from", width=120),
    "action": TextColumn("action", width=150),
    "type": TextColumn("type", width=60),
    "proves": TextColumn("proves", width=140, help="Discrepancies of this session that the frame is evidence of"),
    "text": TextColumn("text", width=380),
}


def _frame(line: SessionLine, frame_id: str, messages: Sequence[MessageLine], codes: Sequence[str]) -> None:
    """One frame whole, beside what the shadow made of it."""
    found = data.load(queries.frames_named, line.charger_id, (frame_id,))
    if not found:
        st.caption(f"The frame {words.escaped(frame_id[:80])} is not kept.")
        return
    left, right = st.columns(2)
    with left:
        st.markdown(f"**1.6 as received** {evidence.frame_title(found[0])}")
        if codes:
            st.caption(f"▲ proves {', '.join(sorted(set(codes)))}")
        evidence.whole(found[0].text or found[0].detail, key=frame_id)
    made = [message for message in messages if frame_id in message.caused_by]
    with right:
        st.markdown("**2.0.1 that the shadow made of it**" if made else "**The shadow made no 2.0.1 message of it**")
        for number, message in enumerate(made):
            sender = "station → CSMS" if message.direction == "cp>cs" else "CSMS → station"
            st.caption(f"{message.action} {message.type}, {sender}, of {len(message.caused_by)} frame(s)")
            evidence.whole(message.payload, key=f"made-{number}")
            if message.provenance:
                st.caption("not simply observed: " + _provenance(message.provenance))


def _provenance(provenance: dict[str, str]) -> str:
    return ", ".join(f"`{path}` {source}" for path, source in sorted(provenance.items()))
