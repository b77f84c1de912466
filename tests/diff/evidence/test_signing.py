"""The mark of a report: there once, whatever a note holds, and not to be mistaken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diff.evidence.pack import EvidenceError, decode
from diff.evidence.signing import Mark, SignOff, digest, mark_in, marked
from diff.evidence.written import flaw_of

HTML = "<!doctype html>\n<head>\n</head>\n<body>x</body>\n"


@given(st.text(max_size=300), st.sampled_from(("html", "md")))
def test_a_mark_is_read_as_it_was_written(note: str, form: str) -> None:
    """Quotes, arrows and whatever else stands in a note change nothing."""
    mark = Mark(digest(b"x"), form, "0.1.0", SignOff("Ann", "board", note.encode("utf-8", "replace").decode(), 1))
    text = marked(HTML if form == "html" else "# A report\n", mark)
    assert mark_in(text) == mark
    assert "-->" not in text or form == "md"


def test_two_marks_are_none() -> None:
    """A report with another one's mark in it cannot choose between them."""
    mark = Mark(digest(b"x"), "md", "0.1.0", None)
    assert mark_in(marked(marked("a", mark), mark)) is None
    assert mark_in("nothing") is None
    assert mark_in("shadow-csms-report: AAAA") is None
    assert flaw_of("nothing", b"{}", "0.1.0") == ("it holds no mark of a report, or more than one", False)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1", b"\xff"])
def test_what_is_no_evidence_is_refused(data: bytes) -> None:
    """Named as such, with the reason."""
    with pytest.raises(EvidenceError, match="no evidence of this version"):
        decode(data)
