"""TLS, PROXY headers, routes and ceilings of the relay, over real sockets and on both event loops."""

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from ingest.frame import Direction
from ingest.tap.certificates import ClientTls, ServerCertificates, ServerTls, TlsFileError, client_context
from ingest.tap.limits import Manner, RelayLimits
from ingest.tap.proxy_protocol import read, write_v2
from ingest.tap.relay import Relay
from ingest.tap.routes import parse_routes
from ingest.tap.upstream import Endpoint
from ingest.tap.wire import Networks, Wire
from tests.ingest.tap.conftest import Certificates, Run

REQUEST = b"GET /ocpp/CP1 HTTP/1.1\r\nHost: csms\r\nSec-WebSocket-Protocol: ocpp2.0.1\r\n\r\n"


class Copies:
    """What was handed over."""

    def __init__(self) -> None:
        self.chunks = dict.fromkeys(Direction, b"")
        self.peers: list[str] = []
        self.wires: list[Wire] = []
        self.ended = 0

    def __call__(self, peer: str) -> "Copies":
        self.peers.append(peer)
        return self

    def wire(self, wire: Wire) -> None:
        self.wires.append(wire)

    def data(self, direction: Direction, chunk: bytes) -> None:
        self.chunks[direction] += chunk

    def closed(self) -> None:
        self.ended += 1


class Backend:
    """Echoes, and keeps what came."""

    def __init__(self) -> None:
        self.got = b""
        self.port = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                self.got += data
                writer.write(data)
                await writer.drain()
        except (OSError, ssl.SSLError):
            pass
        writer.close()


@asynccontextmanager
async def _backend(context: ssl.SSLContext | None = None) -> AsyncIterator[Backend]:
    backend = Backend()
    server = await asyncio.start_server(backend, "127.0.0.1", 0, ssl=context)
    backend.port = server.sockets[0].getsockname()[1]
    try:
        yield backend
    finally:
        server.close()


@asynccontextmanager
async def _relay(
    port: int, manner: Manner, copies: Copies | None = None, limits: RelayLimits | None = None, *, tls: bool = False
) -> AsyncIterator[Relay]:
    relay = Relay((Endpoint("127.0.0.1", port, tls),), copies, limits, manner)
    await relay.bind("127.0.0.1", 0)
    await relay.serve()
    try:
        yield relay
    finally:
        await relay.stop()


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about within 10 s")


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """What came before the end, which may be a reset."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


def _charger(certificates: Certificates, *, shown: bool = False) -> ssl.SSLContext:
    certificate = (certificates.charger_cert, certificates.charger_key) if shown else (None, None)
    return client_context(ClientTls(certificates.ca, "", *certificate))


def _server(certificates: Certificates, clients: str = "none") -> ServerTls:
    return ServerTls(certificates.cert, certificates.key, clients, certificates.ca)  # type: ignore[arg-type]  # a Literal


async def _connect(relay: Relay, context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", relay.port, ssl=context, server_hostname="localhost")


def test_tls_on_both_sides_passes_what_was_said(run: Run, certificates: Certificates) -> None:
    """Megabytes come back untouched, the copy is the plaintext, and version, cipher and certificate are recorded."""
    doors = ServerCertificates(_server(certificates, "required"))
    manner = Manner(tls=lambda: doors.context, upstream_tls=client_context(ClientTls(certificates.ca, "localhost")))

    async def work() -> None:
        copies = Copies()
        async with (
            _backend(ServerCertificates(_server(certificates)).context) as backend,
            _relay(backend.port, manner, copies, tls=True) as relay,
        ):
            reader, writer = await _connect(relay, _charger(certificates, shown=True))
            sent = bytes(range(256)) * 8_000
            writer.write(sent)
            assert await reader.readexactly(len(sent)) == sent
            writer.close()
            await _until(lambda: copies.ended == 1)
            assert copies.chunks[Direction.CP_TO_CS] == copies.chunks[Direction.CS_TO_CP] == sent
        [wire] = copies.wires
        assert (wire.tls_version, wire.certificate_subject) == ("TLSv1.3", "CN=CP1,O=Acme")
        assert wire.tls_cipher is not None
        assert wire.tls_handshake_us is not None
        assert len(wire.certificate_fingerprint or "") == 64
        assert relay.counters.tls_faults == relay.counters.copy_errors == 0

    run(work())


def test_a_half_closed_side_still_hears_the_other_over_tls(run: Run, certificates: Certificates) -> None:
    """`close_notify` is passed on as the end of a direction, and the answer sent after it arrives."""
    doors = ServerCertificates(_server(certificates))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        everything = await reader.read()
        writer.write(b"got %d" % len(everything))
        writer.close()

    def talk(port: int) -> bytes:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = _charger(certificates).wrap_bio(incoming, outgoing, server_hostname="localhost")
        with socket.create_connection(("127.0.0.1", port), 10) as sock:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(65_536))
            tls.write(b"x" * 50_000)
            with pytest.raises(ssl.SSLWantReadError):
                tls.unwrap()
            sock.sendall(outgoing.read())
            sock.shutdown(socket.SHUT_WR)
            while data := sock.recv(65_536):
                incoming.write(data)
            return tls.read(100)

    async def work() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with _relay(port, Manner(tls=lambda: doors.context)) as relay:
            assert await asyncio.to_thread(talk, relay.port) == b"got 50000"
        server.close()

    run(work())


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_sessions_are_resumed_across_a_new_certificate(
    run: Run, certificates: Certificates, tmp_path: Path, version: str
) -> None:
    """A renewed certificate drops no connection and no session; a broken one keeps the last good one and says so."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(certificates.cert, cert)
    shutil.copy(certificates.key, key)
    doors = ServerCertificates(ServerTls(cert, key))
    context = _charger(certificates)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]

    def connect(port: int, session: ssl.SSLSession | None) -> tuple[ssl.SSLSocket, ssl.SSLSession | None, str]:
        sock = socket.create_connection(("127.0.0.1", port), 10)
        secured = context.wrap_socket(sock, server_hostname="localhost", session=session)
        secured.sendall(b"hello")
        assert secured.recv(5) == b"hello"
        peer = secured.getpeercert() or {}
        return secured, secured.session, str(peer.get("serialNumber"))

    async def work() -> None:
        copies = Copies()
        async with _backend() as backend, _relay(backend.port, Manner(tls=lambda: doors.context), copies) as relay:
            living, session, first = await asyncio.to_thread(connect, relay.port, None)
            cert.write_text("no certificate")
            assert not doors.reload()
            assert "the last good one" in doors.error
            still, _, serial = await asyncio.to_thread(connect, relay.port, None)
            assert serial == first
            shutil.copy(certificates.next_cert, cert)
            shutil.copy(certificates.next_key, key)
            assert doors.reload()
            assert not doors.error
            renewed, _, serial = await asyncio.to_thread(connect, relay.port, None)
            assert serial != first
            resumed, _, _ = await asyncio.to_thread(connect, relay.port, session)
            living.sendall(b"again")
            assert await asyncio.to_thread(living.recv, 5) == b"again"
            for sock in (living, still, renewed, resumed):
                sock.close()
            await _until(lambda: copies.ended == 4)
            assert [wire.tls_resumed for wire in copies.wires] == [False, False, False, True]

    run(work())


def test_without_a_certificate_nobody_enters_who_needs_one(run: Run, certificates: Certificates) -> None:
    """Profile 3 refuses in the handshake and the primary hears nothing; observed lets in with or without."""

    async def work() -> None:
        for clients, count in (("required", 0), ("observed", 1)):
            doors = ServerCertificates(_server(certificates, clients))
            async with _backend() as backend, _relay(backend.port, Manner(tls=lambda d=doors: d.context)) as relay:  # type: ignore[misc]  # a lambda's default
                reader, writer = await _connect(relay, _charger(certificates))
                writer.write(b"hi")
                try:
                    got = await reader.read(2)
                except (ssl.SSLError, ConnectionError):
                    got = b""
                writer.transport.abort()
                assert (got == b"hi") == bool(count)
                assert relay.counters.tls_faults == 1 - count
                assert backend.got == b"hi" * count

    run(work())


def test_an_upstream_that_is_not_who_it_says_gets_nothing(run: Run, certificates: Certificates) -> None:
    """Certificate and name of the backend are verified; the charging station's socket is closed."""

    async def work() -> None:
        for ca, name in ((certificates.other_ca, "localhost"), (certificates.ca, "csms.example")):
            manner = Manner(upstream_tls=client_context(ClientTls(ca)), upstream_name=name)
            async with (
                _backend(ServerCertificates(_server(certificates)).context) as backend,
                _relay(backend.port, manner, tls=True) as relay,
            ):
                reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
                writer.write(REQUEST)
                assert await reader.read() == b""
                writer.close()
                assert relay.counters.upstream_tls_faults == 1
                assert backend.got == b""

    run(work())


def test_a_handshake_of_tls_has_a_deadline(run: Run, certificates: Certificates) -> None:
    """It is the tap's own affair, not the primary's: garbage and silence end, and cost no backend connection."""
    doors = ServerCertificates(_server(certificates))

    async def work() -> None:
        limits = RelayLimits(handshake_seconds=0.2)
        async with (
            _backend() as backend,
            _relay(backend.port, Manner(tls=lambda: doors.context), None, limits) as relay,
        ):
            silent, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            garbage, to_garbage = await asyncio.open_connection("127.0.0.1", relay.port)
            to_garbage.write(b"GET / HTTP/1.1\r\n\r\n")
            await garbage.read()
            assert relay.counters.tls_faults == 1
            assert await _rest(silent) == b""
            assert relay.counters.handshakes_expired == 1
            writer.close()
            to_garbage.close()
            assert backend.got == b""

    run(work())


def test_the_primary_still_sees_the_chargers_address(run: Run) -> None:
    """A PROXY header of a trusted balancer is taken off and passed on, X-Forwarded-For is added, the rest is as sent;
    the copy is what the charging station said.
    """
    manner = Manner(trusted=Networks("127.0.0.0/8"), proxy_in=True, proxy_out="v2", forwarded_for=True)

    async def work() -> None:
        copies = Copies()
        async with _backend() as backend, _relay(backend.port, manner, copies) as relay:
            _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            data = write_v2(("192.0.2.9", 999), ("192.0.2.1", 443)) + REQUEST + b"\x81\x01x"
            for byte in data:
                writer.write(bytes([byte]))
                await asyncio.sleep(0)
            await _until(lambda: backend.got.endswith(b"\x81\x01x"))
            header = read(backend.got)
            assert header is not None
            assert (header.source, header.destination) == (("192.0.2.9", 999), ("192.0.2.1", 443))
            assert backend.got[header.size :] == REQUEST[:-2] + b"X-Forwarded-For: 192.0.2.9\r\n\r\n\x81\x01x"
            writer.close()
            await _until(lambda: copies.ended == 1)
            assert copies.peers == ["192.0.2.9:999"]
            assert copies.chunks[Direction.CP_TO_CS] == REQUEST + b"\x81\x01x"

    run(work())


def test_a_proxy_header_is_believed_from_trusted_sources_only(run: Run) -> None:
    """From anybody else it is mere bytes; a trusted source without one is refused."""

    async def work() -> None:
        line = b"PROXY TCP4 6.6.6.6 1.1.1.1 1 2\r\n"
        copies = Copies()
        manner = Manner(trusted=Networks("10.0.0.0/8"), proxy_in=True)
        async with _backend() as backend, _relay(backend.port, manner, copies) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(line)
            assert await reader.readexactly(len(line)) == line
            assert copies.peers[0].startswith("127.0.0.1:")
            writer.close()
        manner = Manner(trusted=Networks("127.0.0.1"), proxy_in=True)
        async with _backend() as backend, _relay(backend.port, manner) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(REQUEST)
            assert await _rest(reader) == b""
            writer.close()
            assert (relay.counters.refused_proxy, backend.got) == (1, b"")

    run(work())


def test_a_route_leads_to_its_backend(run: Run) -> None:
    """2.0.1 goes to the new one, 1.6 to the upstream, and so does what is no request or has no end, as it is."""

    async def work() -> None:
        async with _backend() as old, _backend() as new:
            table = parse_routes(f'[[routes]]\nsubprotocols = ["ocpp2.0.1"]\nupstream = "ws://127.0.0.1:{new.port}"')
            limits = RelayLimits(handshake_seconds=0.2)
            async with _relay(old.port, Manner(routes=lambda: table), None, limits) as relay:
                for data, backend in (
                    (REQUEST, new),
                    (REQUEST.replace(b"2.0.1", b"1.6"), old),
                    (b"no request\r\n\r\n", old),
                    (b"GET /slow HTTP/1.1\r\nHost", old),
                    (b"GET /long HTTP/1.1\r\nX: " + b"x" * 20_000, old),
                ):
                    old.got = new.got = b""
                    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
                    writer.write(data)
                    assert await reader.readexactly(len(data)) == data
                    assert backend.got == data
                    assert old.got + new.got == data
                    writer.close()
                assert (relay.counters.routed, relay.counters.heads_unread) == (1, 3)

    run(work())


def test_a_flood_of_one_source_is_bounded(run: Run) -> None:
    """Connections that the primary has not answered are counted per address; those it has answered stay untouched."""

    async def work() -> None:
        limits = RelayLimits(unanswered_per_source=3)
        async with _backend() as backend, _relay(backend.port, Manner(), None, limits) as relay:
            kept = await asyncio.open_connection("127.0.0.1", relay.port)
            kept[1].write(b"x")
            assert await kept[0].readexactly(1) == b"x"
            flood = [await asyncio.open_connection("127.0.0.1", relay.port) for _ in range(10)]
            await _until(lambda: relay.counters.refused_per_source == 7)
            kept[1].write(b"y")
            assert await kept[0].readexactly(1) == b"y"
            for _, writer in [kept, *flood]:
                writer.close()
            await _until(lambda: relay.counters.open == 0)
            assert relay.admission.total == 0

    run(work())


def test_too_much_memory_accepts_nothing_more(run: Run) -> None:
    """Those that live go on, the next one waits until there is room again."""

    async def work() -> None:
        async with _backend() as backend, _relay(backend.port, Manner()) as relay:
            kept = await asyncio.open_connection("127.0.0.1", relay.port)
            kept[1].write(b"x")
            assert await kept[0].readexactly(1) == b"x"
            whole = relay.limits
            relay.limits = msgspec.structs.replace(whole, memory_bytes=1)
            relay.look_after_memory()
            waiting = await asyncio.open_connection("127.0.0.1", relay.port)
            waiting[1].write(b"w")
            kept[1].write(b"y")
            assert await kept[0].readexactly(1) == b"y"
            assert relay.counters.connections == 1
            relay.limits = whole
            relay.look_after_memory()
            assert await waiting[0].readexactly(1) == b"w"
            for _, writer in (kept, waiting):
                writer.close()

    run(work())


def test_a_file_that_cannot_be_used_is_named(certificates: Certificates, tmp_path: Path) -> None:
    """A missing file, a key of another certificate, no authority: one line each that names the file."""
    cases = [
        (ServerTls(tmp_path / "none", certificates.key), "none: cannot be read"),
        (ServerTls(certificates.cert, certificates.next_key), "no certificate chain and its unencrypted key"),
        (ServerTls(certificates.cert, certificates.key, "required"), "no authority is named"),
        (
            ServerTls(certificates.cert, certificates.key, "required", certificates.key),
            "no certificates of authorities",
        ),
        (ServerTls(certificates.cert, certificates.key, ciphers="NOTHING"), "OpenSSL knows none"),
    ]
    for settings, reason in cases:
        with pytest.raises(TlsFileError, match=reason) as error:
            ServerCertificates(settings)
        assert "\n" not in str(error.value)
