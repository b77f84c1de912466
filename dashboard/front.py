"""What is served: the pages, behind the door. `streamlit run dashboard/front.py` finds `app` by reading this file."""

from __future__ import annotations

from pathlib import Path

from starlette.middleware import Middleware
from streamlit.starlette import App

from dashboard.door import Door
from dashboard.early import Early

__all__ = ["app"]

app = App(Path(__file__).with_name("app.py"), middleware=[Middleware(Door), Middleware(Early)])
