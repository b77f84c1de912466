"""The threat model names tests, and they are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_answer_is_shown_by_a_test_that_exists() -> None:
    """A row of docs/threat-model.md without a test, or with one that is gone, fails."""
    page = (ROOT / "docs/threat-model.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| tries to")]
    missing = [row for row in rows if not NAMED.search(row)]
    gone = [
        f"{file}::{name}"
        for file, name in NAMED.findall(page)
        if not (ROOT / file).is_file() or f"def {name}(" not in (ROOT / file).read_text()
    ]

    assert len(rows) > 20
    assert missing == []
    assert gone == []
