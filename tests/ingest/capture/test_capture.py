"""Captures into frames."""

import random
import struct

import pytest

from ingest.capture.assembler import Limits
from ingest.capture.capture import Capture, Report
from ingest.frame import Direction, Frame, FrameKind
from tests.ingest.capture.wire import (
    ACK,
    ANSWER,
    CHARGER,
    CSMS,
    FIN,
    REQUEST,
    RST,
    SYN,
    Talk,
    ethernet,
    pcap,
    pcapng,
    tcp,
    tcp6,
    text,
)  # fmt: skip


def _read(*files: bytes, ports: tuple[int, ...] = (), limits: Limits | None = None) -> tuple[list[Frame], Report]:
    frames: list[Frame] = []

    def write(frame: Frame) -> str:
        if frame.kind is not FrameKind.TICK:
            frames.append(frame)
        return ""

    capture = Capture(write, lambda text: text.replace("secret", "******"), ports=ports, limits=limits)
    for data in files:
        for start in range(0, len(data), 1000):
            capture.feed(data[start : start + 1000])
        assert capture.end_file() is None
    capture.end()
    return frames, capture.report()


def _story(frames: list[Frame]) -> list[str]:
    return [frame.gap.reason if frame.gap else frame.text or frame.kind.value for frame in frames]


WHOLE = Talk().session().close()
STORY = [
    "opened",
    *(text for n in range(4) for text in (f'[2,"{n}","Heartbeat",{{}}]', f'[3,"{n}",{{}}]')),
    "closed",
]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", ["pcap", "nano", "pcapng"])
def test_a_connection_of_every_file_format(order: str, form: str) -> None:
    """Both formats, both byte orders, micro- and nanoseconds: the same frames with the same times."""
    packets = WHOLE.timed()
    data = pcapng(packets, order=order) if form == "pcapng" else pcap(packets, order=order, nano=form == "nano")
    frames, report = _read(data)
    assert _story(frames) == STORY
    assert frames[-1].close_code == 1000
    assert frames[0].handshake is not None
    assert (frames[0].handshake.subprotocol, frames[0].handshake.peer) == ("ocpp1.6", "10.0.0.7:40000")
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert packets[0][0] < frames[1].received_at < packets[-1][0]
    assert report.connections == {"websocket": 1}
    assert report.remarks == ()


def _sll(data: bytes) -> bytes:
    return struct.pack("!HHH8sH", 0, 1, 6, b"", 0x0800) + data


def _sll_tagged(data: bytes) -> bytes:
    return struct.pack("!HHH8sHHH", 0, 1, 6, b"", 0x8100, 7, 0x0800) + data


def _sll2(data: bytes) -> bytes:
    return struct.pack("!HHIHBB8s", 0x0800, 0, 1, 1, 0, 6, b"") + data


@pytest.mark.parametrize(
    ("link", "wrap"),
    [
        (1, ethernet),
        (1, lambda data: ethernet(data, vlans=(5,))),
        (1, lambda data: ethernet(data, vlans=(5, 6))),
        (113, _sll),
        (113, _sll_tagged),
        (276, _sll2),
        (101, bytes),
        (228, bytes),
        (0, lambda data: struct.pack("=I", 2) + data),
        (108, lambda data: struct.pack("!I", 2) + data),
    ],
)  # fmt: skip
def test_every_link_type(link: int, wrap) -> None:
    """Ethernet with tags, both cooked forms, raw IP and loopback are read."""
    packets = [(number * 1000, wrap(packet)) for number, packet in enumerate(WHOLE.packets)]
    assert _story(_read(pcap(packets, link=link))[0]) == STORY


def test_ipv6() -> None:
    """IPv6 is read, and its peer is written as an address."""
    packets = [
        tcp6(40000, 9000, 10, None, SYN), tcp6(9000, 40000, 20, 11, SYN), tcp6(40000, 9000, 11, 21, 0, REQUEST),
        tcp6(9000, 40000, 21, 11 + len(REQUEST), 0, ANSWER),
    ]  # fmt: skip
    frames, _ = _read(pcap([(n, packet) for n, packet in enumerate(packets)], link=101))
    assert frames[0].handshake is not None
    assert frames[0].handshake.peer == "[::1]:40000"


def test_interfaces_of_one_file_have_their_own_clocks() -> None:
    """A capture of two interfaces with different resolutions is one story."""
    assert _story(_read(pcapng(WHOLE.timed(), links=(1, 1)))[0]) == STORY


def test_files_follow_each_other() -> None:
    """A capture that was rotated in the middle of a connection is read as one."""
    packets = WHOLE.timed()
    for cut in (1, 4, 9, 20):
        assert _story(_read(pcap(packets[:cut]), pcapng(packets[cut:]))[0]) == STORY


@pytest.mark.parametrize("isn", [(2**32 - 150, 2**32 - 90), (2**32 - 1, 2**32 - 2)])
def test_sequence_numbers_wrap(isn: tuple[int, int]) -> None:
    """A connection whose sequence numbers pass 2^32 is whole."""
    assert _story(_read(pcap(Talk(isn=isn).session().close().timed()))[0]) == STORY


def test_what_a_bad_network_does_changes_nothing() -> None:
    """Retransmissions, duplicates and segments out of order, also over both directions: the same messages in order."""
    for seed in range(20):
        chance = random.Random(seed)
        packets = list(WHOLE.packets)
        for place in range(3, len(packets) - 6):
            if chance.random() < 0.3:
                packets[place], packets[place + 1] = packets[place + 1], packets[place]
        packets = [packet for one in packets for packet in [one] * chance.choice((1, 1, 2))]
        frames, report = _read(pcap([(n * 1000, ethernet(packet)) for n, packet in enumerate(packets)]))
        for direction in Direction:
            wanted = [one for one in STORY if one.startswith("[2" if direction is Direction.CP_TO_CS else "[3")]
            assert [frame.text for frame in frames if frame.direction is direction] == wanted
        assert report.gaps == 0


def test_a_lost_packet_is_a_gap_and_nothing_is_guessed() -> None:
    """What the receiver acknowledged and the capture lacks is a gap with its size; later bytes make no message."""
    packets = WHOLE.timed(step=300_000)
    lost = 8  # the last bytes of the first call
    del packets[lost]
    frames, report = _read(pcap(packets))
    assert _story(frames)[:2] == ["opened", "packets-missing"]
    assert _story(frames)[-1] == "closed"
    assert not [frame for frame in frames if frame.text]
    gap = frames[1].gap
    assert gap is not None
    assert gap.bytes_missing >= 7
    assert gap.until_reconnect
    assert report.with_holes == 1
    assert "lack packets" in report.remarks[0]


def test_a_hole_is_filled_in_time() -> None:
    """A segment that comes late, but within the grace, closes the hole although it was acknowledged before."""
    packets = [packet for _, packet in WHOLE.timed()]
    packets.insert(16, packets.pop(8))
    frames, _ = _read(pcap([(n * 1000, packet) for n, packet in enumerate(packets)]))
    assert sorted(_story(frames)) == sorted(STORY)


def test_missing_bytes_at_the_end_are_a_gap() -> None:
    """Bytes that were never seen before the connection ended are told before its end."""
    packets = Talk().session().packets
    del packets[-2]
    packets += [tcp(CHARGER, CSMS, 3000, 9000, RST)]
    frames, _ = _read(pcap([(n * 1000, ethernet(packet)) for n, packet in enumerate(packets)]))
    assert _story(frames)[-2:] == ["packets-missing", "closed"]


def test_too_much_behind_a_hole_is_given_up() -> None:
    """What waits behind a hole is bounded, also where the receiver never acknowledges it."""
    talk = Talk().open().says(REQUEST).hears(ANSWER)
    packets = [(n, ethernet(packet)) for n, packet in enumerate(talk.packets)]
    at = talk.seq[CHARGER] + 10
    for number in range(80):
        data = ethernet(tcp(CHARGER, CSMS, at + number * 60_000, talk.seq[CSMS], 0, b"x" * 60_000))
        packets.append((100 + number, data))
    frames, _ = _read(pcap(packets))
    assert _story(frames) == ["opened", "packets-missing"]


def test_a_capture_that_begins_in_the_middle() -> None:
    """A connection whose upgrade was not seen is named; one that asks for it later is read from there on."""
    talk = Talk().session().close()
    frames, report = _read(pcap(talk.timed()[5:]))
    assert frames == []
    assert report.connections == {"midway": 1}
    assert "began before the capture" in report.remarks[0]
    assert _story(_read(pcap(talk.timed()[3:]))[0]) == STORY


def test_a_connection_that_lives_at_the_end_is_not_closed() -> None:
    """The end of the capture is a gap, and no end of the connection."""
    frames, report = _read(pcap(Talk().session().timed()))
    assert _story(frames) == [*STORY[:-1], "capture-ended"]
    assert report.living == 0


def test_tls_is_named() -> None:
    """An encrypted connection makes no frame; its server and the remedy are named."""
    hello = b"\x16\x03\x01\x02\x00" + b"\x01" * 200
    frames, report = _read(pcap(Talk().open().says(hello).hears(hello).close().timed()))
    assert frames == []
    assert report.connections == {"encrypted": 1}
    assert report.remarks == ("1 connections with 10.0.0.1:9000 are encrypted (TLS): tap after the terminator",)
    midway = Talk().open().says(hello).says(b"\x17\x03\x03" + b"x" * 90)
    assert _read(pcap(midway.timed()[4:]))[1].connections == {"encrypted": 1}


def test_other_protocols_are_left_alone() -> None:
    """Pages, databases and servers that speak first make no charging station."""
    page = Talk().open().says(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n").hears(b"HTTP/1.1 200 OK\r\n\r\n").close()
    query = Talk(("10.0.0.8", 40001)).open().says(b"\x00\x00\x00\x08\x04\xd2\x16\x2f").close()
    greeting = Talk(("10.0.0.9", 40002)).open().hears(b"220 mail\r\n").says(b"GET / HTTP/1.1\r\n\r\n").close()
    frames, report = _read(pcap(page.timed() + query.timed() + greeting.timed()))
    assert frames == []
    assert report.connections == {"http": 1, "other": 2}


def test_a_refused_upgrade_and_the_next_try_on_the_same_socket() -> None:
    """The status of a refusal is told, and the second request of the same connection is followed."""
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    talk = Talk().open().says(REQUEST).hears(refusal).says(REQUEST).hears(ANSWER)
    frames, _ = _read(pcap(talk.says(text(b"[2]", masked=True)).timed()))
    assert [frame.handshake.status for frame in frames if frame.handshake is not None] == [401, 101]
    assert "[2]" in _story(frames)


def test_ports_choose() -> None:
    """With a port only connections to it count, so that both sides of a proxy in one capture are not told twice."""
    other = Talk(("10.0.0.1", 50000), ("10.0.0.3", 8180)).session().close()
    packets = sorted(WHOLE.timed() + other.timed())
    assert _story(_read(pcap(packets), ports=(9000,))[0]) == STORY
    assert len(_read(pcap(packets))[0]) == 2 * len(STORY)


def test_a_port_that_is_used_again() -> None:
    """A new connection from the same address and port ends the one before, whose end was not captured."""
    again = Talk(isn=(9_000_000, 9_500_000)).session(1).close()
    first = Talk().session().timed()
    frames, _ = _read(pcap(first + [(first[-1][0] + at - first[0][0] + 1, one) for at, one in again.timed()]))
    assert _story(frames) == [*STORY, *STORY[:3], "closed"]
    assert len({frame.connection_id for frame in frames}) == 2


def test_fragments_and_cut_packets_are_counted() -> None:
    """IP fragments and packets that the snapshot length cut are named with the remedy; what they held is missing."""
    packets = WHOLE.timed(step=300_000)
    at, whole = packets[6]
    fragment = bytearray(whole)
    fragment[14 + 6] |= 0x20
    head = pcap([])
    body = b"".join(
        struct.pack("<IIII", t // 10**6, t % 10**6, min(len(d), 60), len(d)) + d[:60] for t, d in packets[4:5]
    )
    data = pcap(packets[:4]) + body + pcap([(at, bytes(fragment)), *packets[5:]])[len(head) :]
    frames, report = _read(data)
    assert report.unread == {"an IP fragment": 1}
    assert report.cut_packets == 1
    assert any("tcpdump -s 0" in remark for remark in report.remarks)
    assert any("fragments" in remark for remark in report.remarks)
    assert "packets-missing" in _story(frames)


def test_more_connections_than_are_kept() -> None:
    """The connection that was silent longest is cut, and told."""
    talks = [Talk(("10.0.1.1", 40000 + n)).session(1) for n in range(3)]
    packets = [(10**12 * (1 + n), packet) for n, talk in enumerate(talks) for _, packet in talk.timed()]
    frames, report = _read(pcap(packets, nano=False), limits=Limits(conversations=2, idle=10**15))
    assert report.retired == 1
    assert [frame.gap.reason for frame in frames if frame.gap] == [
        "too-many-connections", "capture-ended", "capture-ended",
    ]  # fmt: skip


def test_the_same_capture_gives_the_same_frames() -> None:
    """Frame ids follow from the capture alone, so that it can be given twice."""
    data = pcap(WHOLE.timed())
    assert _read(data)[0] == _read(data)[0]


def test_a_half_closed_connection_goes_on() -> None:
    """After the FIN of one side the other may go on speaking."""
    talk = Talk().session(1)
    talk._send(CHARGER, FIN)
    seq = talk.seq[CSMS]
    talk.packets += [
        tcp(CSMS, CHARGER, seq, talk.seq[CHARGER], ACK, b""),
        tcp(CSMS, CHARGER, seq, talk.seq[CHARGER], FIN),
    ]
    assert _story(_read(pcap(talk.timed()))[0])[-1] == "closed"
