"""The pages: `streamlit run dashboard/app.py`, or `shadow-csms dashboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from dashboard import links
from dashboard.parts import choose_zone

__all__ = ["main"]

# A file of ours: Streamlit fetches its own signs from outside when they stand in the browser's tab.
_ICON: Final = str(Path(__file__).with_name("icon.svg"))


def main() -> None:
    """Draw what all pages share, then the page that the address names."""
    st.set_page_config(page_title="shadow-csms", page_icon=_ICON, layout="wide")
    page = st.navigation(
        [
            st.Page("pages/overview.py", title="Fleet", icon=":material/ev_station:", default=True),
            st.Page(
                "pages/discrepancies.py",
                title="Discrepancies",
                icon=":material/difference:",
                url_path=links.DISCREPANCIES,
            ),
            st.Page("pages/session.py", title="Session", icon=":material/timeline:", url_path=links.SESSION),
        ]
    )
    choose_zone()
    page.run()


if __name__ == "__main__":
    main()
