"""`privacy explain`: what redaction does to the texts of a file, and by which rule; names only, no values."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from app.privacy.asking import PrivacyError
from app.settings import Settings
from ingest.field_policy import FieldPolicy
from ingest.field_policy_file import read_fields
from ingest.field_redaction import FieldRedactor, Told
from ingest.frame import Frame
from ingest.ocppj import MAX_TEXT
from ingest.recording import Reader

__all__ = ["explain"]

_NOBODYS: bytes = bytes(32)
"""Nothing that is written under it leaves here."""


def explain(settings: Settings, path: Path, *, as_json: bool) -> int:
    """Explain each kind of value that is touched, the most frequent first.

    Raises `PrivacyError`, `FieldPolicyError`.
    """
    given = settings.field_policy_file
    policy = FieldPolicy(()) if given is None else read_fields(given).current
    redactor = FieldRedactor(_NOBODYS, "explain", policy)
    counts: Counter[Told] = Counter()
    texts = 0
    for text in _texts(path):
        texts += 1
        counts.update(redactor.explain(text))
    if as_json:
        rows = [{**one._asdict(), "values": count} for one, count in counts.most_common()]
        print(msgspec.json.encode({"texts": texts, "found": rows}).decode())
        return 0
    reasons = {rule.number: rule.reason for rule in policy.rules}
    for told, count in counts.most_common():
        place = ".".join(told.path) or "(the text as a whole)"
        name = f" of {told.name}" if told.name else ""
        why = f"rule {told.rule}: {reasons[told.rule]}" if told.rule else "built in"
        print(f"{count:6}  {place}{name}  {told.becomes}  ({why})")
    unused = [rule.number for rule in policy.rules if not any(one.rule == rule.number for one in counts)]
    print(f"{texts} texts, {sum(counts.values())} values are touched or kept by a rule", file=sys.stderr)
    if unused:
        print(f"no value met rule {', '.join(map(str, unused))}", file=sys.stderr)
    return 0


def _texts(path: Path) -> Iterator[str]:
    """The texts of a recording, or of a file with a message on each line."""
    reader = Reader()
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            while line := file.readline(2 * MAX_TEXT):
                if not line.strip():
                    continue
                item = next(reader.read([line]))
                if not isinstance(item, Frame):
                    yield line.decode(errors="replace").strip()
                elif item.text:
                    yield item.text
    except OSError as error:
        raise PrivacyError(f"{path}: cannot be read: {error.strerror or error}") from None
