"""Whether a charging station is mirrored and judged, and the form that changes it."""

from __future__ import annotations

import streamlit as st

from dashboard import access, acting, data, words
from diff.store.queries import ChargerLine
from ingest.control import EnrolmentRule

__all__ = ["draw"]

_SAID = {
    "mirrored": (":green[✔]", "Enrolled: its frames are mirrored."),
    "pending": (":orange[◌]", "Enrolled, and not mirrored before its next handshake: it joined in mid-connection."),
    "not-enrolled": (":gray[○]", "Not enrolled: what it says is forwarded only."),
    "unparsable": (":red[✖]", "Enrolled, and blind until it reconnects."),
    "closed": (":gray[○]", "Its latest connection has ended."),
}


def draw(line: ChargerLine) -> None:
    """What the tap last said of it; below it the form, for approvers, where taps can be told."""
    sign, sentence = _SAID.get(line.state, (":orange[?]", "No tap gave an account of it: its enrolment is not known."))
    st.markdown(f"{sign} **{sentence}**")
    st.caption(
        f"{words.bytes_(line.bytes_parsed)} of {words.bytes_(line.bytes_forwarded)} that were forwarded were made into"
        f" frames ({words.share(line.bytes_parsed, line.bytes_forwarded)}), over all connections that are kept."
    )
    if not access.approves("Enrolment"):
        return
    reached = acting.reaches_taps()
    if not reached:
        st.info(acting.NO_CONTROL, icon=":material/link_off:")
        return
    with st.form("enrol", border=True):
        enrolled = st.radio(
            "From now on", ["mirror it", "do not mirror it"], horizontal=True, index=line.state == "not-enrolled"
        )
        connectors = st.text_input("Judge only these connectors", placeholder="1, 2; none is all")
        reason = st.text_input("Reason", max_chars=500)
        who = access.visitor()
        by = st.text_input("Who says it", value=who.name, disabled=not who.typed, max_chars=200)
        sent = st.form_submit_button("Tell the taps", icon=":material/send:", type="primary")
    if sent:
        _send(line.charger_id, enrolled == "mirror it", connectors, reason.strip(), by.strip() or who.name)


def _send(charger_id: str, enrolled: bool, connectors: str, reason: str, by: str) -> None:  # noqa: FBT001 - named where it is called
    if not reason:
        st.error("**Not said:** give a reason: whoever reads the trail asks for it.", icon=":material/error:")
        return
    try:
        named = tuple(int(part) for part in connectors.replace(" ", "").split(",") if part)
    except ValueError:
        st.error("**Not said:** connectors are numbers, as 1, 2.", icon=":material/error:")
        return
    rule = EnrolmentRule(charger_id, enrolled, named, reason, by, data.now())
    acting.tell(rule, "Told: taps follow within seconds, at the station's next handshake at the latest.")
