"""The exports as a page of the documentation: how to ask for them, and what every column means.

`python -m app.pages.exports > docs/exports.md` writes it anew; a test fails when the page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from diff.exports.columns import DATASETS, Dataset, Kind

__all__ = ["page"]

_HEAD = """\
# Exports

Generated from `diff/exports/columns.py` by `python -m app.pages.exports`; change the table there, not this page.

```
shadow-csms export discrepancies --output found.csv                     every discrepancy, open and withdrawn
shadow-csms export discrepancies --faults --status open --severity critical --format json
shadow-csms export sessions --since 2026-05-01T00:00:00Z --until 2026-06-01T00:00:00Z --output may.parquet
shadow-csms export sessions --charger 'DN-*' | gzip > north.csv.gz
shadow-csms export fingerprints --vendor ACME --output causes.csv
```

Rows are streamed: neither the store nor the command holds a table in memory, whatever its size. A file appears whole or
not at all. An option that does not narrow a table is refused, because passing over it would export more than was asked
for. Beside a running `shadow-csms run` the command asks the store of that process.

What all forms have in common:

* **No frames.** The text of a message is never exported; discrepancies name the frames that prove them by their ids.
  Tokens are the pseudonyms that the store holds ([decisions/0005-redaction.md](decisions/0005-redaction.md)).
* **Exact.** Energies and amounts are decimals with six places: text in CSV, strings in JSON (a JSON number becomes a
  float in most readers), DECIMAL(38, 6) in Parquet. No float is on the way.
* **Times** are UTC: ISO 8601 with `Z` in CSV and JSON, TIMESTAMP with microseconds in Parquet.
* **Versions.** Of a row that changed, the newest version is exported. `version` tells two exports apart.

And what they do not:

| form | not known | list of texts | remarks |
|---|---|---|---|
| csv | empty, as an empty text is | JSON array | UTF-8, RFC 4180, with a header; formulas are guarded |
| json | `null` | array | one array, an object a line |
| parquet | NULL | LIST | zstd, groups of 20,000 rows |

A text in CSV that a spreadsheet would take for a formula (one that begins with `=`, `+`, `-`, `@`, a tab or a return,
but no signed number) has an apostrophe before it.
"""


def page() -> str:
    """The whole page as Markdown."""
    return _HEAD + "".join(line for dataset in DATASETS.values() for line in _table(dataset))


def _table(dataset: Dataset) -> Iterator[str]:
    yield f"\n## {dataset.name}\n\nA row is {dataset.row}.\n\n| column | kind | meaning |\n|---|---|---|\n"
    for column in dataset.columns:
        yield f"| `{column.name}` | {_KINDS[column.kind]} | {column.meaning} |\n"


_KINDS = {
    Kind.TEXT: "text",
    Kind.TEXTS: "list of texts",
    Kind.WHOLE: "whole number",
    Kind.DECIMAL: "exact decimal",
    Kind.TIME: "time",
    Kind.FLAG: "true or false",
}


if __name__ == "__main__":
    sys.stdout.write(page())
