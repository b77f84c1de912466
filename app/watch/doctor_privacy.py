"""What `doctor` says of people's data: how old the key of the pseudonyms is, and whether the field policy is one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from app.keys import key_file
from app.settings import Settings
from app.watch.finding import Finding, Verdict
from ingest.field_policy import FieldPolicyError
from ingest.field_policy_file import read_fields
from ingest.redaction_key import KeyFileError, read_ring

__all__ = ["privacy_findings"]

_DAY: Final = 86_400_000_000


def privacy_findings(settings: Settings) -> Iterator[Finding]:
    """Age of the current key, and the rules for vendors' data."""
    path = key_file(settings).absolute()
    try:
        ring = read_ring(path)
    except KeyFileError:
        yield Finding("privacy", Verdict.SKIP, "there is no key to look at", "see above: redaction key")
        return
    count = f"{len(ring)} {'key' if len(ring) == 1 else 'keys'}"
    most, since = settings.redaction_key_max_days, ring.current.since
    days = max(0, time.time_ns() // 1000 - since) // _DAY
    rotate = "`shadow-csms privacy rotate`, see docs/privacy.md"
    if not since:
        seen = f"{count}; since when {ring.current.version} is current is not known"
        yield Finding("privacy", Verdict.WARN if most else Verdict.OK, seen, rotate if most else "")
    elif most and days > most:
        seen = f"{count}; {ring.current.version} is current for {days} days, at most {most} are wanted"
        yield Finding("privacy", Verdict.WARN, seen, f"{rotate}; or set redaction_key_max_days")
    else:
        yield Finding("privacy", Verdict.OK, f"{count}; {ring.current.version} is current for {days} days")
    if settings.field_policy_file is None:
        return
    try:
        rules = len(read_fields(settings.field_policy_file).current.rules)
    except FieldPolicyError as error:
        yield Finding("field policy", Verdict.FAIL, str(error), "correct the file; a tap does not start with it")
        return
    yield Finding("field policy", Verdict.OK, f"{settings.field_policy_file}: {rules} rules can be followed")
