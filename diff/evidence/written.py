"""A report out of evidence, as Markdown or HTML, and whether a report says what its evidence says. Pure."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from diff.audit import html, markdown
from diff.audit.document import Document
from diff.evidence.content import document
from diff.evidence.pack import decode
from diff.evidence.signing import Mark, SignOff, digest, mark_in, marked

__all__ = ["ReportForm", "flaw_of", "written"]


class ReportForm(StrEnum):
    """How a report is written."""

    MARKDOWN = "md"
    HTML = "html"


_RENDER: Final[dict[ReportForm, Callable[[Document], str]]] = {
    ReportForm.MARKDOWN: markdown.render,
    ReportForm.HTML: html.render,
}


def written(evidence: bytes, signed: SignOff | None, form: ReportForm, tool: str) -> str:
    """The report, made of the evidence as its file holds it. Raises `EvidenceError`."""
    found = digest(evidence)
    text = _RENDER[form](document(decode(evidence), found, signed))
    return marked(text, Mark(found, form.value, tool, signed))


def flaw_of(report: str, evidence: bytes, tool: str) -> tuple[str, bool]:
    """Why a report is not the one of its evidence (empty where it is), and whether its text was compared.

    The text is made anew and compared letter by letter where this version of the program wrote it; of another version
    only the digest is held against the evidence. Raises `EvidenceError`.
    """
    mark = mark_in(report)
    if mark is None:
        return "it holds no mark of a report, or more than one", False
    found = digest(evidence)
    if mark.digest != found:
        return f"it was made of the evidence {mark.digest[:64]}, and this is {found}", False
    if mark.form not in tuple(ReportForm) or mark.tool != tool:
        return "", False
    anew = written(evidence, mark.signed, ReportForm(mark.form), tool)
    if anew != report:
        return "its text is not what the evidence and the sign-off in it give: somebody changed it", True
    return "", True
