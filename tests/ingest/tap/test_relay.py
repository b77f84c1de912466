"""The splice over real sockets."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from ingest.frame import Direction
from ingest.tap.pair import Pair
from ingest.tap.relay import Relay, RelayLimits
from ingest.tap.upstream import Endpoint
from ingest.tap.wire import Wire
from tests.ingest.tap.conftest import Run

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Copies:
    """What was handed over."""

    def __init__(self) -> None:
        self.chunks = dict.fromkeys(Direction, b"")
        self.ended = 0

    def __call__(self, peer: str) -> "Copies":
        return self

    def wire(self, wire: Wire) -> None:
        self.known = wire

    def data(self, direction: Direction, chunk: bytes) -> None:
        self.chunks[direction] += chunk

    def closed(self) -> None:
        self.ended += 1


@asynccontextmanager
async def _tap(
    handler: Handler, copies: Copies | None = None, limits: RelayLimits | None = None
) -> AsyncIterator[Relay]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    relay = Relay((Endpoint(*server.sockets[0].getsockname()[:2]),), copies, limits)
    await relay.bind("127.0.0.1", 0)
    await relay.serve()
    try:
        yield relay
    finally:
        await relay.stop()
        server.close()
        await asyncio.sleep(0.05)


async def _connect(relay: Relay) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", relay.port)


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about within 20 s")


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


def test_bytes_and_copies_are_the_same(run: Run) -> None:
    """Megabytes pass both ways untouched, and the copy holds the same bytes."""

    async def work() -> None:
        copies = Copies()
        async with _tap(_echo, copies) as relay:
            reader, writer = await _connect(relay)
            sent = bytes(range(256)) * 20_000
            writer.write(sent)
            assert await reader.readexactly(len(sent)) == sent
            writer.close()
            await _until(lambda: copies.ended == 1)
            assert copies.chunks[Direction.CP_TO_CS] == copies.chunks[Direction.CS_TO_CP] == sent
            assert relay.counters.bytes_from_charger == relay.counters.bytes_from_csms == len(sent)
            assert relay.counters.open == 0

    run(work())


def test_a_copier_that_fails_changes_nothing(run: Run) -> None:
    """A fault of the shadow is counted and kept away from the forwarding."""

    class Broken(Copies):
        def data(self, direction: Direction, chunk: bytes) -> None:
            raise RuntimeError("shadow")

    async def work() -> None:
        async with _tap(_echo, Broken()) as relay:
            reader, writer = await _connect(relay)
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            assert relay.counters.copy_errors == 2
            writer.close()

    run(work())


def test_a_half_closed_side_still_hears_the_other(run: Run) -> None:
    """The end of one direction is passed on, and the answer sent after it arrives."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        everything = await reader.read()
        writer.write(b"got %d" % len(everything))

    async def work() -> None:
        copies = Copies()
        async with _tap(answer, copies) as relay:
            reader, writer = await _connect(relay)
            writer.write(b"x" * 300_000)
            writer.write_eof()
            assert await reader.read() == b"got 300000"
            writer.close()
            await _until(lambda: copies.ended == 1)

    run(work())


def test_an_upstream_that_hangs_up_is_passed_on(run: Run) -> None:
    """All that the CSMS sent before it closed arrives, then the end."""

    async def bye(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"b" * 1_000_000)
        await writer.drain()

    async def work() -> None:
        copies = Copies()
        async with _tap(bye, copies) as relay:
            reader, writer = await _connect(relay)
            assert len(await reader.read()) == 1_000_000
            writer.close()
            await _until(lambda: copies.ended == 1)

    run(work())


def test_an_upstream_that_refuses_closes_the_charger(run: Run) -> None:
    """The charger's socket is closed, not one byte is invented, and it is counted."""

    async def work() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            copies = Copies()
            relay = Relay((Endpoint(*taken.getsockname()),), copies)
            await relay.bind("127.0.0.1", 0)
            await relay.serve()
            reader, writer = await _connect(relay)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            # The kernel may report that nobody read the request.
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
            await _until(lambda: copies.ended == 1)
            assert relay.counters.upstream_refused == 1
            await relay.stop()

    run(work())


def test_a_handshake_that_never_finishes_is_left_alone(run: Run) -> None:
    """The tap does not hurry anybody: what the primary tolerates goes on, and may end well."""
    got = bytearray()

    async def patient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            got.extend(data)
            if got.endswith(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")

    async def work() -> None:
        async with _tap(patient) as relay:
            reader, writer = await _connect(relay)
            for byte in b"GET /ocpp/CP1 HT":
                writer.write(bytes([byte]))
                await asyncio.sleep(0.02)
            await _until(lambda: bytes(got) == b"GET /ocpp/CP1 HT")
            assert not writer.is_closing()
            writer.write(b"TP/1.1\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 101")
            writer.close()

    run(work())


def test_back_pressure_reaches_the_sender(run: Run) -> None:
    """A CSMS that does not read stops the charger's sending; when it reads, every byte arrives."""
    go = asyncio.Event()
    got = 0

    async def slow(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        nonlocal got
        await go.wait()
        while data := await reader.read(1 << 20):
            got += len(data)

    async def work() -> None:
        async with _tap(slow) as relay:
            _, writer = await _connect(relay)
            total = 64 << 20
            writer.write(bytes(total))
            await asyncio.sleep(0.5)
            held = relay.counters.bytes_from_charger
            await asyncio.sleep(0.3)
            assert held == relay.counters.bytes_from_charger < total
            go.set()
            await _until(lambda: got == total)
            writer.close()

    run(work())


def test_bytes_sent_before_the_upstream_is_there_keep_their_order(run: Run) -> None:
    """What a charger sends at once, and more than the bound, waits for the upstream and arrives in order."""

    async def work() -> None:
        copies = Copies()
        async with _tap(_echo, copies, RelayLimits(early_bytes=1000)) as relay:
            for _ in range(20):
                reader, writer = await _connect(relay)
                sent = b"".join(b"%07d\n" % n for n in range(40_000))
                writer.write(sent)
                assert await reader.readexactly(len(sent)) == sent
                writer.close()
            await _until(lambda: copies.ended == 20)

    run(work())


def test_the_ceiling_lets_one_more_wait(run: Run) -> None:
    """Over the ceiling a connection waits in the kernel, and is served once another one has left."""

    async def work() -> None:
        async with _tap(_echo, None, RelayLimits(connections=2)) as relay:
            kept = [await _connect(relay) for _ in range(2)]
            await _until(lambda: relay.counters.open == 2)
            reader, writer = await _connect(relay)
            writer.write(b"y")
            for living, to_living in kept:
                to_living.write(b"x")
                assert await living.readexactly(1) == b"x"
            assert relay.counters.refused_at_ceiling == 1
            assert relay.counters.connections == 2
            kept[0][1].close()
            assert await reader.readexactly(1) == b"y"
            writer.close()
            kept[1][1].close()

    run(work())


def test_a_charger_that_leaves_while_connecting(run: Run) -> None:
    """A charger that resets its connection at once leaves nothing behind."""

    async def work() -> None:
        copies = Copies()
        async with _tap(_echo, copies) as relay:
            for _ in range(50):
                with socket.socket() as sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    sock.connect(("127.0.0.1", relay.port))
            await _until(lambda: relay.counters.connections == copies.ended == 50)
            assert relay.counters.open == 0

    run(work())


def test_an_ended_connection_leaves_nothing_to_the_garbage_collector(run: Run) -> None:
    """Whoever ends it first, and also where there was no upstream: a full collection would hold up all the others."""

    def pairs() -> int:
        return sum(isinstance(one, Pair) for one in gc.get_objects())

    async def work() -> None:
        async with _tap(_echo, Copies()) as relay:
            gc.collect()
            before = pairs()
            gc.disable()
            reader, writer = await _connect(relay)
            writer.write(b"one")
            assert await reader.readexactly(3) == b"one"
            writer.close()
            relay.upstream = (Endpoint("127.0.0.1", 1),)
            reader, refused = await _connect(relay)
            assert await reader.read() == b""
            refused.close()
            await _until(lambda: relay.counters.connections == 2 and not relay.pairs)
            await _until(lambda: pairs() == before)

    try:
        run(work())
    finally:
        gc.enable()
