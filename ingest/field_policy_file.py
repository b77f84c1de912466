"""The field policy as a file that is read anew whenever it changes."""

from __future__ import annotations

from pathlib import Path

from ingest.field_policy import FieldPolicy, FieldPolicyError, parse_field_policy
from ingest.followed import Followed

__all__ = ["read_fields"]


def read_fields(path: Path) -> Followed[FieldPolicy]:
    """Follow a file that can be read. Later a broken or vanished one changes nothing: the last good rules hold.

    Raises:
        FieldPolicyError: it cannot be read or followed; what it is to keep out must not be let in meanwhile.

    """
    file = Followed(path, parse_field_policy, FieldPolicy(()), refusals=FieldPolicyError)
    file.reload()
    if file.error:
        reason = file.error.removesuffix("; the last good rules hold")
        raise FieldPolicyError(f"field_policy_file {reason}; see docs/privacy.md")
    return file
