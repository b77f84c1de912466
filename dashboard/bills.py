"""Both bills of a session side by side: what the primary bills, what the 2.0.1 session would cost, and the tariff."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import streamlit as st

from dashboard import data, parts, words
from dashboard.settings import CURRENCY, PRICE, TARIFF_FILE, read_settings
from diff.store.queries import SessionLine
from diff.store.queries.bills import Billed, billed
from diff.tariff.book import Assigned, TariffBook, parse_book
from diff.tariff.pricing import Cost, price
from diff.tariff.profile import of_session
from diff.tariff.tariff import Tariff, TariffError
from diff.tariff.told import flat, told

__all__ = ["draw"]

_SAME: Final = Decimal(0)


def draw(line: SessionLine) -> None:
    """The two bills; where nothing prices a session, the sentence how to have it priced."""
    st.subheader("Both bills", anchor=False)
    record = data.load(billed, line.charger_id, line.session_id)
    tariff, zone, whence = _tariff(line)
    if tariff is None and record is None:
        st.info(whence, icon=":material/receipt_long:")
        return
    old, new, why = _costs(line, tariff, zone)
    left, middle, right = st.columns([3, 3, 4])
    with left.container(border=True, height="stretch"):
        _primary(line, record, old)
    with middle.container(border=True, height="stretch"):
        _shadow(line, record, old, new)
    with right.container(border=True, height="stretch"):
        st.caption("Tariff")
        st.markdown(f"**{words.escaped(whence)}**")
        for each in () if tariff is None else told(tariff):
            st.markdown(f"- {words.escaped(each)}")
        if why:
            st.caption(f"▲ {words.escaped(why)}")


def _primary(line: SessionLine, record: Billed | None, old: Cost | None) -> None:
    st.caption("Primary, 1.6")
    if record is not None and record.amount is not None:
        st.markdown(f"**{words.amount(record.amount, record.currency or '')}** for {words.energy(record.energy_wh)}")
        st.caption(f"billing record {words.escaped(record.record_id)}")
    elif old is not None:
        st.markdown(f"**{words.amount(old.incl, old.currency)}** for {words.energy(line.primary_energy_wh)}")
        st.caption("no billing record was delivered: priced here by StartTransaction and StopTransaction")
    else:
        st.markdown(f"**{words.NEVER}**")
        st.caption("the energy or an end of the session is not known")


def _shadow(line: SessionLine, record: Billed | None, old: Cost | None, new: Cost | None) -> None:
    st.caption("Shadow, 2.0.1")
    amount, currency, delta = None, "", None
    if record is not None and record.shadow_amount is not None:
        amount, currency, delta = record.shadow_amount, record.currency or "", record.amount_delta
    elif new is not None:
        amount, currency = new.incl, new.currency
        delta = None if old is None else new.incl - old.incl
    if amount is None:
        st.markdown(f"**{words.NEVER}**")
        st.caption("the energy or an end of the session is not known")
        return
    st.markdown(f"**{words.amount(amount, currency)}** for {words.energy(line.shadow_energy_wh)}")
    if delta is None:
        st.caption("no difference can be told")
    elif delta == _SAME:
        st.markdown(":green[✔ the same amount]")
    else:
        st.markdown(f":red[▲ {words.amount(abs(delta), currency)} {'more' if delta > 0 else 'less'}]")


def _costs(line: SessionLine, tariff: Tariff | None, zone: Any) -> tuple[Cost | None, Cost | None, str]:
    if tariff is None or line.started_at is None or line.stopped_at is None:
        return None, None, ""
    found: list[Cost | None] = []
    for energy in (line.primary_energy_wh, line.shadow_energy_wh):
        if energy is None or energy < 0:
            found.append(None)
            continue
        try:
            found.append(price(tariff, of_session(line.started_at, line.stopped_at, energy), zone))
        except TariffError as error:
            return None, None, str(error)
    return found[0], found[1], ""


def _tariff(line: SessionLine) -> tuple[Tariff | None, Any, str]:
    """The tariff of the connector, its time zone, and where it is from or why there is none."""
    assigned, problem = _assigned(line)
    if assigned is not None and assigned.tariff is not None:
        return assigned.tariff, assigned.zone, f"{assigned.tariff.id} of the tariff file"
    settings = read_settings()
    if problem:
        return None, None, problem
    if settings.price_per_kwh is None:
        return None, None, f"No tariff: name a file in {TARIFF_FILE} (docs/billing-records.md), or a price in {PRICE}."
    one = flat(settings.price_per_kwh, settings.currency)
    return one, parts.zone(), f"no tariff is assigned to it: the one price of {PRICE} and {CURRENCY}"


def _assigned(line: SessionLine) -> tuple[Assigned | None, str]:
    path = read_settings().tariff_file
    if path is None:
        return None, ""
    try:
        return _book(path, path.stat().st_mtime_ns).of(line.charger_id, line.connector_id), ""
    except (OSError, UnicodeDecodeError) as error:
        return None, f"The tariff file {path} cannot be read: {error}."
    except (TariffError, tomllib.TOMLDecodeError, msgspec.MsgspecError) as error:
        return None, f"The tariff file {path} cannot be applied: {error}."


@st.cache_resource(max_entries=4, show_spinner=False)
def _book(path: Path, _changed: int) -> TariffBook:
    text = path.read_text(encoding="utf-8")
    if path.suffix.lower() == ".json":
        return parse_book(_json(text))
    return parse_book(tomllib.loads(text, parse_float=Decimal))


_json: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
