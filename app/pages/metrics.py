"""The metrics as a page of the documentation, so that code and documentation cannot differ.

`python -m app.pages.metrics > docs/metrics.md` writes it anew; a test fails when the page is stale.
"""

from __future__ import annotations

import sys

from app.watch.metrics import METRICS

__all__ = ["page"]

_HEAD = """\
# Metrics

Generated from `app/watch/metrics.py` by `python -m app.pages.metrics`; change the metrics, not this page.

`shadow-csms tap`, `worker` and `sink` serve `/metrics`, `/healthz` and `/readyz` at `monitor_host:monitor_port` (off
unless a port is set). The tap's are served by its publisher, so that nothing a scrape does can reach the process that
forwards. Counters begin at zero with the process that keeps them. No label holds a charging station's id: what concerns
one of them lies in the store. Beside these there are `process_*` (CPU, memory, open files) of the process that serves.

| metric | kind | labels | unit | shown by | meaning |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The whole page as Markdown, one row for each metric."""
    rows = []
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
        by = ", ".join(metric.by)
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.unit} | {by} | {metric.meaning} |\n")
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
