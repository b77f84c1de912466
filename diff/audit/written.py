"""Audits in the form that was asked for: one station by itself, several as a cohort. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from diff.audit import cohort_content, content, html, markdown
from diff.audit.audit import Audit
from diff.audit.cohort import cohort
from diff.audit.document import Document

__all__ = ["Form", "told", "written"]


class Form(StrEnum):
    """How a document is written."""

    MARKDOWN = "md"
    HTML = "html"
    JSON = "json"


def told(found: Sequence[Audit], title: str) -> Document:
    """The document of one or more audits; `title` names the cohort."""
    return content.document(found[0]) if len(found) == 1 else cohort_content.document(cohort(title, found))


def written(found: Sequence[Audit], title: str, form: Form) -> str:
    """The text of the document. JSON holds the audits themselves: `audit` of one, `cohort` and `audits` of several."""
    match form:
        case Form.HTML:
            return html.render(told(found, title))
        case Form.MARKDOWN:
            return markdown.render(told(found, title))
        case Form.JSON:
            whole = {"audit": found[0]} if len(found) == 1 else {"cohort": cohort(title, found), "audits": found}
            return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
