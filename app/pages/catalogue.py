"""The catalogue as a page of the documentation, so that code and documentation cannot differ.

`python -m app.pages.catalogue > docs/discrepancies.md` writes it anew; a test fails when the page is stale.
"""

from __future__ import annotations

import sys
from itertools import groupby

from diff.catalogue import CATALOGUE, Code

__all__ = ["page"]

_HEAD = """\
# Discrepancies

Generated from `diff/catalogue/` by `python -m app.pages.catalogue`; change the catalogue, not this page.

A code is stable and never reused. Its class says what kind of disagreement it is: **mismatch** (shadow and primary
hold different truths), **expected-loss** (2.0.1 asks for something that 1.6 cannot say, or the reverse: known, counted,
not a bug) or **quality** (the charger, the primary or the wire broke a rule that 2.0.1 will not forgive). The severity
is the default; `critical` is money or identity.

The *primary* value is what the 1.6 side says, or the value as it stood on the wire where a rule was broken. The
*shadow* value is what the 2.0.1 side says, or what the rule asks for. The delta is shadow minus primary.
"""


def page() -> str:
    """The whole page as Markdown, one section for each family of codes."""
    families = groupby(CATALOGUE.values(), key=lambda entry: entry.code.partition(".")[0])
    sections = (f"## {family}\n\n" + "\n".join(map(_entry, codes)) for family, codes in families)
    return "\n".join((_HEAD, *sections))


def _entry(entry: Code) -> str:
    values = entry.values
    carried = [f"{name}: {text}" for name, text in (("primary", values.primary), ("shadow", values.shadow)) if text]
    if values.delta:
        carried.append(f"delta: {values.delta}")
    unit = f" (in {entry.unit})" if entry.unit else ""
    lines = [
        f"### `{entry.code}`",
        "",
        f"{entry.class_.value}, {entry.severity.value}. {entry.meaning}",
        "",
        f"- **What to do:** {entry.remedy}",
    ]
    if carried:
        lines.append(f"- **Values**{unit}: {'; '.join(carried)}.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
