"""What somebody changes on a page: said where `shadow-csms ack` and `enrol` say it, and kept in the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
import streamlit as st
from streamlit.column_config import TextColumn

from dashboard import access, data, parts, words
from dashboard.roles import Role
from diff.change import Change
from diff.store.changing import Speaker, say
from diff.store.errors import StoreError
from diff.store.queries.changes import changes
from ingest.control import Acknowledgement, Control

__all__ = ["NO_CONTROL", "reaches_taps", "tell", "trail", "use"]

NO_CONTROL: Final = (
    "Taps are told over Kafka's control topic, and these pages know of none: they run beside the embedded runtime, or"
    " without `kafka_bootstrap`. Its tap follows the enrolment file."
)

_SHOWN: Final = 200


class _Control:
    """The way to the control topic. The process that starts the pages may give one."""

    speaker: Speaker | None = None
    failures: tuple[type[Exception], ...] = ()


def use(speaker: Speaker | None, failures: tuple[type[Exception], ...] = ()) -> None:
    """Have what is said go to the control topic too. `failures`: what it raises where that cannot be done."""
    _Control.speaker, _Control.failures = speaker, failures


def reaches_taps() -> bool:
    """Whether there is a control topic: enrolment and the kill switch are nothing without."""
    return _Control.speaker is not None


def tell(item: Control, done: str) -> bool:
    """Say something, if who looks may, and draw what came of it. `done`: a sentence for success."""
    who = access.visitor()
    if who.role is not Role.APPROVER:
        access.approves("This")
        return False
    if not reaches_taps() and not isinstance(item, Acknowledgement):
        st.warning(NO_CONTROL, icon=":material/link_off:")
        return False
    if not who.typed:  # a field that is shown as not to be changed is still sent by the browser
        item = msgspec.structs.replace(item, by=who.name)
    try:
        data.act(say, [item], role=who.role.value, way="page", speaker=_Control.speaker)
    except ValueError as error:
        st.error(f"**Not said:** {words.escaped(str(error))}.", icon=":material/error:")
        return False
    except StoreError as error:
        st.error(f"**Not stored:** {words.escaped(str(error))}. Try again.", icon=":material/cloud_off:")
        return False
    except _Control.failures as error:
        st.error(f"**Not said:** {words.escaped(str(error))}", icon=":material/cloud_off:")
        return False
    st.toast(done, icon=":material/check_circle:")
    return True


def trail(subject: str = "", *, expanded: bool = False) -> None:
    """What was changed, by whom: of one subject, or all of it."""
    found = data.load(changes, subject, limit=_SHOWN)
    label = f"What was changed, by whom ({words.plural(len(found), 'change')})"
    parts.fold(label, partial(_trail, subject, found), key="trail", icon=":material/history:", expanded=expanded)


def _trail(subject: str, found: Sequence[Change]) -> None:
    if not found:
        st.caption("Nothing was acknowledged, enrolled or switched" + (" here yet." if subject else " yet."))
        return
    parts.table([_row(one) for one in found], _COLUMNS, height=240)
    parts.export("changes", [_exported(one) for one in found])


def _row(one: Change) -> dict[str, object]:
    return {
        "at": words.when(one.at, parts.zone()),
        "who": one.said_by,
        "role": one.role,
        "did": one.action,
        "of": one.subject,
        "reason": one.reason,
        "before": _told(one.before),
        "after": _told(one.after),
        "way": one.way,
    }


def _told(text: str) -> str:
    """What was said in one line, without what stands in other columns."""
    if not text:
        return words.NEVER
    fields: dict[str, object] = msgspec.json.decode(text, type=dict[str, object])
    left = {name: value for name, value in fields.items() if name not in _ELSEWHERE and value not in ("", [])}
    if isinstance(expires := left.get("expires"), int):
        left["expires"] = words.when(expires, parts.zone())
    return ", ".join(f"{name} {value}" for name, value in left.items())


def _exported(one: Change) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(one).items() if name != "id"}


_ELSEWHERE: Final[Sequence[str]] = ("kind", "by", "at", "reason", "fingerprint")
_COLUMNS: parts.Columns = {
    "at": TextColumn("at", width=150),
    "who": TextColumn("who", width=170),
    "role": TextColumn("role", width=80),
    "did": TextColumn("did", width=100),
    "of": TextColumn("of", width=150),
    "reason": TextColumn("reason", width=260),
    "before": TextColumn("before", width=220),
    "after": TextColumn("after", width=260),
}
