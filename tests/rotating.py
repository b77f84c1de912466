"""Transcripts as a tap writes them that has several keys: each connection under the key of its opening."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ingest.frame import Frame, FrameKind
from ingest.key_ring import KeyRing, RingKey
from ingest.redaction import Redactor

YEAR_2030 = 1_893_456_000_000_000
DAY = 86_400_000_000
RING = KeyRing([RingKey(name, name.encode() * 16, YEAR_2030 + day * DAY) for day, name in enumerate(("k1", "k2"))])


def redactor(version: str) -> Redactor:
    """The redactor of a key of `RING`."""
    key = RING.find(version)
    assert key is not None
    return Redactor(key.key, version)


def mirrored(frames: Iterable[Frame], versions: Sequence[str]) -> list[Frame]:
    """The frames, the first connection under the first key and so on; `""` tells nothing of the first one of `RING`."""
    told: list[Frame] = []
    opened = -1
    for frame in frames:
        opened += frame.kind is FrameKind.OPENED
        version = versions[opened]
        handshake = frame.handshake and replace(frame.handshake, key_version=version)
        text = frame.text and redactor(version or "k1").redact(frame.text)
        told.append(replace(frame, text=text, handshake=handshake))
    return told
