"""Who answers for a fingerprint, and the form in which somebody says that they do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from dashboard import access, acting, data, parts, words
from dashboard.roles import Role
from diff.acknowledgement import Acknowledged, Standing
from diff.store.queries import Occurrence
from diff.store.queries.causes import chargers_of
from ingest.control import Acknowledgement, flaw_of

__all__ = ["form", "standing"]

_YEAR = timedelta(days=365)
_MONTH = timedelta(days=30)
_EVERYWHERE = "every charging station that has it"


def standing(told: Sequence[Acknowledged]) -> None:
    """Who answers for it already. What was taken back stands in the trail below."""
    for one in told:
        if one.standing is Standing.REVOKED:
            continue
        said = one.acknowledgement
        with st.container(border=True):
            left, right = st.columns([5, 1], vertical_alignment="center")
            sign = "✔" if one.standing is Standing.HOLDS else "▲"
            ink = "green" if one.standing is Standing.HOLDS else "orange"
            left.markdown(
                f":{ink}[{sign} **acknowledged, {words.escaped(one.standing.value)}**] by {words.escaped(said.owner)}"
                f" until {words.when(said.expires, parts.zone())}: {words.escaped(said.reason)}"
            )
            left.caption(
                f"{words.escaped(_scope(said))} · {words.escaped(one.because)} · said by {words.escaped(said.by)}"
            )
            if access.visitor().role is Role.APPROVER and right.button(
                "Revoke", key=f"revoke-{said.id}", icon=":material/undo:", width="stretch"
            ):
                _revoke(said)


def _scope(said: Acknowledgement) -> str:
    parts_ = [said.vendor, said.model, said.firmware, said.charger]
    return "only " + " ".join(part for part in parts_ if part) if any(parts_) else _EVERYWHERE


def _revoke(said: Acknowledgement) -> None:
    now = data.now()
    taken = Acknowledgement(
        said.fingerprint, said.reason, said.owner, max(said.expires, now + 1), said.vendor, said.model, said.firmware,
        said.charger, access.visitor().name, now, revoked=True,
    )  # fmt: skip
    if acting.tell(taken, "Revoked. The next verdict counts it again."):
        st.rerun()


def form(wanted: str, latest: Occurrence | None) -> None:
    """The form: reason, owner, scope and expiry, all of them asked for."""
    if not access.approves("Acknowledging"):
        return
    who = access.visitor()
    st.caption(
        "It stays stored and counted. The critical gate is not held up by it while it holds; the money gate is: a"
        " known wrong amount is a wrong amount. Said again for the same scope, the newer word counts."
    )
    today = datetime.now(UTC).date()
    with st.form("ack", border=False):
        reason = st.text_area("Reason: why may it be so", key="ack-reason", height=80, max_chars=2000)
        owner_at, scope_at, expiry_at = st.columns(3)
        owner = owner_at.text_input(
            "Owner: who answers for it",
            value="" if who.typed else who.name,
            key="ack-owner",
            disabled=not who.typed,
            help="Your sign-in" if not who.typed else "A person or a team that can be asked",
        )
        scope = scope_at.selectbox(
            "Scope", [_EVERYWHERE, *data.load(chargers_of, wanted)], key="ack-scope", help=_kind(latest)
        )
        expires = expiry_at.date_input(
            "Expires (UTC)",
            value=today + _MONTH,
            min_value=today + timedelta(days=1),
            max_value=today + _YEAR,
            key="ack-expires",
        )
        if st.form_submit_button("Acknowledge", type="primary", icon=":material/how_to_reg:", key="ack-submit"):
            _said(wanted, reason or "", (owner or "") if who.typed else who.name, scope or "", expires)


def _said(wanted: str, reason: str, owner: str, scope: str, expires: date | None) -> None:
    now = data.now()
    until = 0 if expires is None else int(datetime(expires.year, expires.month, expires.day, tzinfo=UTC).timestamp())
    said = Acknowledgement(
        wanted,
        reason.strip(),
        owner.strip(),
        until * 1_000_000,
        charger="" if scope == _EVERYWHERE else scope,
        by=access.visitor().name,
        at=now,
    )
    if flaw := flaw_of(said):
        st.error(f"**Not said:** {words.escaped(flaw)}.", icon=":material/error:")
        return
    if acting.tell(said, "Acknowledged. The rollout's verdicts are given anew."):
        st.rerun()


def _kind(latest: Occurrence | None) -> str:
    if latest is None:
        return ""
    kind = " ".join(part for part in (latest.vendor, latest.model, latest.firmware) if part)
    return f"A fingerprint is of one vendor, model and firmware: {kind or 'not known'}"
