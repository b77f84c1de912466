"""The pages: `streamlit run dashboard/app.py`, or `shadow-csms dashboard`.

They lie in `views/`: Streamlit takes a folder named `pages/` for pages of the old kind, and the first address that is
opened after a start would then run its page alone, without what is shared here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from dashboard import links
from dashboard.parts import choose_zone, tighten

__all__ = ["main"]

# A file of ours: Streamlit fetches its own signs from outside when they stand in the browser's tab.
_ICON: Final = str(Path(__file__).with_name("icon.svg"))


def main() -> None:
    """Draw what all pages share, then the page that the address names."""
    st.set_page_config(page_title="shadow-csms", page_icon=_ICON, layout="wide")
    page = st.navigation(
        [
            st.Page("views/overview.py", title="Fleet", icon=":material/ev_station:", default=True),
            st.Page(
                "views/discrepancies.py",
                title="Discrepancies",
                icon=":material/difference:",
                url_path=links.DISCREPANCIES,
            ),
            st.Page("views/session.py", title="Session", icon=":material/timeline:", url_path=links.SESSION),
            st.Page("views/audit.py", title="Gap audit", icon=":material/fact_check:", url_path=links.AUDIT),
        ]
    )
    tighten()
    choose_zone()
    page.run()


if __name__ == "__main__":
    main()
