"""OCPP over SOAP passes the tap untouched, is recognised, and is named once per connection."""

import asyncio

import pytest

from ingest.enrolment import MIRROR_ALL, Enrolment, EnrolmentRules
from ingest.frame import Direction, Frame, FrameKind
from ingest.tap.channel import TOTALS, Op, Record
from ingest.tap.connection import State
from ingest.tap.handshake import read_request
from ingest.tap.mirror import Mirror
from ingest.tap.relay import Relay
from ingest.tap.soap import MAX_ENVELOPE, identity
from ingest.tap.upstream import Endpoint

ENVELOPE = (
    b'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" '
    b'xmlns:cs="urn://Ocpp/Cs/2015/10/" xmlns:wsa="http://www.w3.org/2005/08/addressing"><soap:Header>'
    b'<cs:chargeBoxIdentity soap:mustUnderstand="true">CP%s</cs:chargeBoxIdentity><wsa:Action>/Heartbeat</wsa:Action>'
    b"</soap:Header><soap:Body><cs:heartbeatRequest/></soap:Body></soap:Envelope>"
)
ANSWER = b"<soap:Envelope><soap:Body><currentTime>2030-01-01T12:00:00Z</currentTime></soap:Body></soap:Envelope>"


def _post(body: bytes, *fields: bytes) -> bytes:
    typed = fields or (b'Content-Type: application/soap+xml; charset=utf-8; action="/Heartbeat"',)
    head = [b"POST /ocpp/CentralSystemService HTTP/1.1", b"Host: h", *typed, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def _ok(body: bytes = ANSWER) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Tap:
    """A mirror, and what it wrote."""

    def __init__(self, enrolment: Enrolment = MIRROR_ALL) -> None:
        self.frames: list[Frame] = []
        self.mirror = Mirror("run", write=self._write, redact=str, enrolment=enrolment)
        self._at = 1_000_000

    def _write(self, frame: Frame) -> str:
        self.frames.append(frame)
        return ""

    def say(self, op: Op, payload: bytes = b"") -> None:
        self._at += 1000
        self.mirror.handle(Record(op, 1, self._at, payload))

    @property
    def story(self) -> list[tuple[str, str, str | None]]:
        return [
            (frame.kind.value, frame.charger_id, None if frame.handshake is None else frame.handshake.subprotocol)
            for frame in self.frames
        ]


@pytest.mark.parametrize(
    ("lines", "soap"),
    [
        (("POST /s HTTP/1.1", 'SOAPAction: "/Heartbeat"'), True),
        (("POST /s HTTP/1.1", "soapaction:"), True),
        (("POST /s HTTP/1.1", "Content-Type: text/xml; charset=utf-8"), True),
        (("POST /s HTTP/1.1", "content-type: Application/SOAP+XML"), True),
        (("POST /s HTTP/1.1", "Content-Type: application/json"), False),
        (("GET /s HTTP/1.1", "Content-Type: text/xml"), False),
    ],
)
def test_soap_is_told_by_its_head(lines: tuple[str, ...], *, soap: bool) -> None:
    """A POST with a SOAPAction, or with XML."""
    request = read_request("\r\n".join(lines).encode())
    assert not isinstance(request, str)
    assert request.soap is soap


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (ENVELOPE % b"1", "CP1"),
        (b"<chargeBoxIdentity>A&amp;B </chargeBoxIdentity>", "A&B"),
        (b"<ns:chargeBoxIdentityX>no</ns:chargeBoxIdentityX>", ""),
        (b"<a:chargeBoxIdentity></a:chargeBoxIdentity>", ""),
        (b"<a:chargeBoxIdentity>" + b"x" * 256 + b"</a:chargeBoxIdentity>", ""),
        (b" " * MAX_ENVELOPE + ENVELOPE % b"1", ""),
        (b"\x1f\x8b compressed", ""),
    ],
)
def test_the_envelope_says_whose_it_is(body: bytes, found: str) -> None:
    """The path of SOAP is the service; the identity stands in the header."""
    assert identity(body) == found


def test_a_connection_is_named_once_and_nothing_of_it_is_mirrored() -> None:
    """Two messages on one connection, in pieces: one opened frame, one closed frame, every byte accounted for."""
    tap = Tap()
    sent = _post(ENVELOPE % b"1")
    tap.say(Op.OPENED, b"10.0.0.1:1")
    for half in (sent[:40], sent[40:200], sent[200:]):
        tap.say(Op.FROM_CHARGER, half)
    assert tap.frames == []
    tap.say(Op.FROM_CSMS, _ok())
    connection = tap.mirror.living[1]
    assert connection.state is State.SOAP
    tap.say(Op.FROM_CHARGER, sent)
    tap.say(Op.FROM_CSMS, _ok())
    assert connection.unparsed == 0
    tap.say(Op.CLOSED, TOTALS.pack(0, 0))
    assert tap.story == [("opened", "CP1", "SOAP"), ("closed", "CP1", None)]
    assert tap.frames[0].handshake is not None
    assert tap.frames[0].handshake.status == 200


def test_an_envelope_that_names_nobody_is_named_by_its_path() -> None:
    """Better the service than nobody: that SOAP arrives there is said."""
    tap = Tap()
    tap.say(Op.OPENED, b"10.0.0.1:1")
    tap.say(Op.FROM_CHARGER, _post(b"<x/>", b"SOAPAction: y"))
    tap.say(Op.FROM_CSMS, b"HTTP/1.1 500 No\r\n\r\n")
    assert tap.story == [("opened", "CentralSystemService", "SOAP")]


def test_soap_without_an_answer_is_named_when_it_ends() -> None:
    """The CSMS never answered."""
    tap = Tap()
    tap.say(Op.OPENED, b"10.0.0.1:1")
    tap.say(Op.FROM_CHARGER, _post(ENVELOPE % b"1"))
    tap.say(Op.CLOSED, TOTALS.pack(0, 0))
    assert tap.story == [("opened", "CP1", "SOAP"), ("closed", "CP1", None)]


def test_soap_of_those_who_are_not_enrolled_is_not_named() -> None:
    """Enrolment goes by the identity of the envelope."""
    tap = Tap(Enrolment(EnrolmentRules(chargers=("CentralSystemService",))))
    tap.say(Op.OPENED, b"10.0.0.1:1")
    tap.say(Op.FROM_CHARGER, _post(ENVELOPE % b"1"))
    tap.say(Op.FROM_CSMS, _ok())
    tap.say(Op.CLOSED, TOTALS.pack(0, 0))
    assert tap.frames == []


def test_an_endless_envelope_is_not_kept() -> None:
    """A body of megabytes: what is searched is bounded, what is passed over is counted."""
    tap = Tap()
    tap.say(Op.OPENED, b"10.0.0.1:1")
    tap.say(Op.FROM_CHARGER, _post(ENVELOPE % b"1"))
    for _ in range(40):
        tap.say(Op.FROM_CHARGER, b"x" * 50_000)
    connection = tap.mirror.living[1]
    assert len(connection.early[Direction.CP_TO_CS]) <= MAX_ENVELOPE
    tap.say(Op.FROM_CSMS, _ok())
    assert connection.unparsed == 0
    assert tap.story == [("opened", "CP1", "SOAP")]


def test_bytes_of_soap_pass_the_relay_untouched_both_ways() -> None:
    """Through the relay itself: what arrives is what was sent, both ways, and the mirror names it."""
    tap = Tap()
    arrived = bytearray()

    class Copies:
        def __call__(self, peer: str) -> "Copies":
            tap.say(Op.OPENED, peer.encode())
            return self

        def data(self, direction: Direction, chunk: bytes) -> None:
            tap.say(Op.FROM_CHARGER if direction is Direction.CP_TO_CS else Op.FROM_CSMS, bytes(chunk))

        def closed(self) -> None:
            tap.say(Op.CLOSED, TOTALS.pack(0, 0))

    sent = _post(ENVELOPE % b"7", b"SOAPAction: /Heartbeat", b"X-Odd:  kept \xff as it is")
    answer = _ok()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            arrived.extend(await reader.readexactly(len(sent)))
            writer.write(answer)
        await writer.drain()
        writer.close()

    async def work() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        relay = Relay((Endpoint(*server.sockets[0].getsockname()[:2]),), Copies())
        await relay.bind("127.0.0.1", 0)
        await relay.serve()
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        got = b""
        for _ in range(2):
            for start in range(0, len(sent), 100):
                writer.write(sent[start : start + 100])
                await writer.drain()
            got += await reader.readexactly(len(answer))
        got += await reader.read()
        writer.close()
        assert got == answer * 2
        await relay.stop()
        server.close()
        await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(work(), 30))
    assert bytes(arrived) == sent * 2
    assert [kind for kind, _, _ in tap.story] == ["opened", "closed"]
    assert {frame.charger_id for frame in tap.frames} == {"CP7"}
    assert not any(frame.kind is FrameKind.MESSAGE or frame.text for frame in tap.frames)
