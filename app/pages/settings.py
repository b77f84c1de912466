"""The settings as a page of the documentation, so that code and documentation cannot differ.

`python -m app.pages.settings > docs/settings.md` writes it anew; a test fails when the page is stale.
"""

from __future__ import annotations

import sys

from app.setting_files import DEFAULT_FILE
from app.settings import Settings

__all__ = ["page"]

_HEAD = f"""\
# Settings

Generated from `app/settings.py` by `python -m app.pages.settings`; change the settings, not this page.

A setting comes from the first of these that gives it: a flag of the command, an environment variable (the name in
capitals behind `SHADOW_`; an empty one counts as not given), the settings file, the default. The file is TOML, one
`name = value` a line: the one that `shadow-csms --config FILE` or `SHADOW_CONFIG` names, else `{DEFAULT_FILE}` in the
working directory. A name in it that is no setting is an error. `shadow-csms settings` prints every value and where it
comes from, passwords masked.

| setting | default | meaning |
|---|---|---|
"""


def page() -> str:
    """The whole page as Markdown, one row for each setting."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if field.default not in (None, "") else "none"
        rows.append(f"| `{name}` | {default} | {field.description} |\n")
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
