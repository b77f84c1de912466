"""The pages, drawn: `shadow-csms dashboard`, or `streamlit run dashboard/front.py`.

They lie in `views/`: Streamlit takes a folder named `pages/` for pages of the old kind, and the first address that is
opened after a start would then run its page alone, without what is shared here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from dashboard import access, links
from dashboard.parts import choose_zone, tighten

__all__ = ["main"]

# A file of ours: Streamlit fetches its own signs from outside when they stand in the browser's tab.
_ICON: Final = str(Path(__file__).with_name("icon.svg"))

# Pixels: the names of the pages, and as much as can be for the tables beside them.
_SIDEBAR: Final = 220

_PAGES: Final = (
    ("views/rollout.py", "Rollout", ":material/rocket_launch:", links.ROLLOUT),
    ("views/discrepancies.py", "Discrepancies", ":material/difference:", links.DISCREPANCIES),
    ("views/session.py", "Session", ":material/timeline:", links.SESSION),
    ("views/charger.py", "Charger", ":material/ev_charger:", links.CHARGER),
    ("views/coverage.py", "Coverage", ":material/grid_on:", links.COVERAGE),
    ("views/health.py", "Health", ":material/monitor_heart:", links.HEALTH),
    ("views/fleet.py", "Fleet", ":material/ev_station:", links.FLEET),
    ("views/audit.py", "Gap audit", ":material/fact_check:", links.AUDIT),
)
# Reached by links that name what it is about.
_HIDDEN: Final = (("views/fingerprint.py", "Fingerprint", ":material/fingerprint:", links.FINGERPRINT),)


def main() -> None:
    """Draw what all pages share, then the page that the address names."""
    st.set_page_config(page_title="shadow-csms", page_icon=_ICON, layout="wide", initial_sidebar_state=_SIDEBAR)
    page = st.navigation(
        [
            st.Page(_home, title="shadow-csms", default=True, visibility="hidden"),
            *(st.Page(file, title=title, icon=icon, url_path=path) for file, title, icon, path in _PAGES),
            *(
                st.Page(file, title=title, icon=icon, url_path=path, visibility="hidden")
                for file, title, icon, path in _HIDDEN
            ),
        ]
    )
    if page.url_path:  # the bare address sends on, and may do so only before a widget has taken up its parameters
        tighten()
        choose_zone()
        access.draw()
    page.run()


def _home() -> None:
    """The bare address is the rollout's: one view, one address. What stands in the address goes along."""
    # A copy: changing the page empties the address before what goes along is read.
    given = {name: st.query_params.get_all(name) for name in st.query_params}
    st.switch_page("views/rollout.py", query_params=given)


if __name__ == "__main__":
    main()
