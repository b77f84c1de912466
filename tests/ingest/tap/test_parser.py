"""The parser by itself, on a channel whose other end this test holds."""

import socket
from pathlib import Path

import pytest

from bench.tap_load import ANSWER_FRAME, CALL_FRAME, REQUEST, RESPONSE
from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.redaction_key import read_key
from ingest.tap.channel import TOTALS, Op, block
from ingest.tap.parser import ParserSettings, _Parser

AT = 1_767_225_600_000_000


def _settings(directory: Path) -> ParserSettings:
    read_key(directory / "key.json", create=True)
    return ParserSettings(
        run="run",
        journal=str(directory / "journal"),
        status=str(directory / "status.json"),
        redaction_key=str(directory / "key.json"),
        enrolment=None,
        overrides=None,
        segment_bytes=64 << 20,
        max_bytes=1 << 30,
    )


@pytest.mark.parametrize("unread", [False, True])
def test_what_the_relay_sent_before_it_went_is_read_to_its_end(tmp_path: Path, *, unread: bool) -> None:
    """Although it takes no acknowledgement any more, and whether or not it had read those before."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    parser = _Parser(_settings(tmp_path), theirs)
    records: list[tuple[Op, int, int, bytes]] = [
        (Op.OPENED, 1, AT, b"127.0.0.1:1"),
        (Op.FROM_CHARGER, 1, AT, REQUEST.format(1).encode()),
        (Op.FROM_CSMS, 1, AT, RESPONSE),
    ]
    for _ in range(1500):
        records += [(Op.FROM_CHARGER, 1, AT, CALL_FRAME), (Op.FROM_CSMS, 1, AT, ANSWER_FRAME)]
    records += [(Op.CLOSED, 1, AT, TOTALS.pack(0, 0)), (Op.STOP, 0, AT, b"")]
    if unread:
        theirs.sendall(b"an acknowledgement")
    with ours:
        for begin in range(0, len(records), 100):
            ours.sendall(block(records[begin : begin + 100]))
    parser._next_sync = 0.0
    with theirs:
        parser.run()
    found = [one for one in Reader().read(JournalReader(tmp_path / "journal").follow()) if isinstance(one, Frame)]
    kinds = [one.kind for one in found]
    assert kinds.count(FrameKind.MESSAGE) == 3000
    assert FrameKind.GAP not in kinds
    assert kinds[-1] is FrameKind.CLOSED
