"""Backends with several addresses."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from ingest.tap.upstream import Dialer, Endpoint, in_turns


def test_families_take_turns() -> None:
    """RFC 8305 §4: the first family begins, each address stands once."""
    v6, v4 = socket.AF_INET6, socket.AF_INET
    found = [(v6, ("a",)), (v6, ("b",)), (v6, ("b",)), (v4, ("c",)), (v6, ("d",))]
    assert [one[1][0] for one in in_turns(found)] == ["a", "c", "b", "d"]


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(work: Callable[[int], object]) -> None:
    async def serve() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            await work(server.sockets[0].getsockname()[1])  # type: ignore[misc]  # a coroutine

    asyncio.run(serve())


def test_another_address_takes_over() -> None:
    """One that refuses is passed over, counted, and tried last for a while."""

    async def work(port: int) -> None:
        dialer = Dialer(5)
        backends = (Endpoint("127.0.0.1", _free()), Endpoint("127.0.0.1", port))
        await dialer.dial(backends, asyncio.Protocol)
        assert dialer.failovers == 1
        await dialer.dial(backends, asyncio.Protocol)
        assert dialer.failovers == 1

    _run(work)


def test_what_dns_last_said_holds_while_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be resolved any more leads to where it led before; one that never could is an error."""

    async def work(port: int) -> None:
        dialer, loop = Dialer(5), asyncio.get_running_loop()
        await dialer.dial((Endpoint("localhost", port),), asyncio.Protocol)

        async def fails(*_: object, **__: object) -> None:
            raise socket.gaierror("no DNS")

        monkeypatch.setattr(loop, "getaddrinfo", fails)
        monkeypatch.setattr("ingest.tap.upstream._RESOLVE_SECONDS", 0)
        dialer._known = {key: (0.0, found) for key, (_, found) in dialer._known.items()}
        await dialer.dial((Endpoint("localhost", port),), asyncio.Protocol)
        assert dialer.resolutions_failed == 1
        with pytest.raises(OSError, match="cannot be resolved"):
            await dialer.dial((Endpoint("nowhere.invalid", port),), asyncio.Protocol)

    _run(work)


def test_none_in_time_is_an_error() -> None:
    """A backend that does not answer is given up after the time there is."""

    async def work(_: int) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            held = []
            for _ in range(3):
                held.append(socket.socket())
                held[-1].setblocking(False)  # noqa: FBT003
                held[-1].connect_ex(("127.0.0.1", port))
            with pytest.raises(OSError):  # noqa: PT011 - TimeoutError is one
                await Dialer(0.2).dial((Endpoint("127.0.0.1", port),), asyncio.Protocol)
            for sock in held:
                sock.close()

    _run(work)
