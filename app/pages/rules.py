"""The rules that native 2.0.1 is judged by, as a page of the documentation.

`python -m app.pages.rules > docs/rules-2.0.1.md` writes it anew; a test fails when the page is stale.
"""

from __future__ import annotations

import sys

from shadow.native.rule import ANSWER, ANY, Rule
from shadow.native.rules import RULES

__all__ = ["page"]

_HEAD = """\
# Rules of OCPP 2.0.1

Generated from `shadow/native/*_rules.py` by `python -m app.pages.rules`; change the tables, not this page.

What a charging station says that speaks `ocpp2.0.1` itself, and what its CSMS says, is checked by the official schemas
and by these requirements. The id is that of the specification (Part 2, edition 3), or the section where a requirement
has no number of its own; the sentence is ours. A rule that is broken is `rule.v201`, unless another code stands beside
it, and the path of the finding begins with the id. What is not named, and why:
[decision 0011](decisions/0011-native-2-0-1.md).

| requirement | message | fields | what it asks for | code |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page as Markdown, one row for each rule, in the order of the tables."""
    return _HEAD + "".join(map(_row, RULES))


def _row(rule: Rule) -> str:
    message = (
        "every request" if rule.action == ANY else f"{rule.action}{'Response' if rule.part == ANSWER else 'Request'}"
    )
    fields = ", ".join(f"`{field}`" for field in rule.fields)
    code = "" if rule.code == "rule.v201" else f"`{rule.code}`"
    return f"| {rule.id} | {message} | {fields} | {rule.text} | {code} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
