"""The whole tap: relay, parser process, journal, status."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.tap.service import TapConfig, TapError, TapService, parse_upstream
from ingest.tap.status import TapStatus, read_status


async def _csms(connection: ServerConnection) -> None:
    async for message in connection:
        if message == "close":
            await connection.close(4001, "bye")
            return
        await connection.send(f"[3,{message}]")


@asynccontextmanager
async def _tap(directory: Path, enrolment: Path | None = None) -> AsyncIterator[TapService]:
    async with serve(_csms, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:  # type: ignore[list-item]  # a NewType of str
        upstream = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        service = TapService(TapConfig(upstream, directory, enrolment_file=enrolment, tick_seconds=0.2))
        await service.start()
        try:
            yield service
        finally:
            await service.stop()


def _journal(directory: Path) -> list[Frame]:
    found = list(Reader().read(JournalReader(directory / "journal").follow()))
    frames = [frame for frame in found if isinstance(frame, Frame)]
    assert len(found) == len(frames)
    return frames


def _of(directory: Path, charger_id: str) -> list[Frame]:
    return [frame for frame in _journal(directory) if frame.charger_id == charger_id]


async def _status_when(directory: Path, condition: Callable[[TapStatus], bool]) -> TapStatus:
    for _ in range(1000):
        status = read_status(directory / "tap-status.json")
        if status is not None and condition(status):
            return status
        await asyncio.sleep(0.02)
    raise AssertionError("the status did not come about within 20 s")


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_a_session_ends_up_in_the_journal(tmp_path: Path, compression: str | None) -> None:
    """What two real endpoints say to each other stands in the journal, complete and in order; the endpoints see each
    other as without a tap.
    """

    async def work() -> None:
        async with _tap(tmp_path) as service:
            url = f"ws://u:geheim@127.0.0.1:{service.port}/ocpp//CP1"
            async with connect(url, subprotocols=["ocpp1.6"], compression=compression) as charger:  # type: ignore[list-item]  # a NewType of str
                assert charger.subprotocol == "ocpp1.6"
                for number in range(50):
                    await charger.send(f'[2,"{number}","Heartbeat",{{}}]')
                    assert await charger.recv() == f'[3,[2,"{number}","Heartbeat",{{}}]]'
                await charger.send("[" + "1," * 100_000 + "1]")
                await charger.recv()
                await charger.send("close")
                with pytest.raises(ConnectionClosed):
                    await charger.recv()
                assert (charger.close_code, charger.close_reason) == (4001, "bye")
        assert service.counters()["bytes_dropped"] == 0

    uvloop.run(work())
    frames = _of(tmp_path, "CP1")
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    assert [frame.received_at for frame in frames] == sorted(frame.received_at for frame in frames)
    opened, *between, closed = frames
    assert opened.handshake is not None
    assert (opened.handshake.basic_auth, opened.handshake.compression) == (True, compression is not None)
    assert [frame.kind for frame in between] == [FrameKind.MESSAGE] * 103
    assert between[0].text == '[2,"0","Heartbeat",{}]'
    assert closed.close_code == 4001
    assert b"geheim" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    [entry] = json.loads((tmp_path / "tap-status.json").read_text())["connections"]
    assert entry["bytes_forwarded"] == entry["bytes_mirrored"] == entry["bytes_parsed"] > 2_000
    assert (entry["state"], entry["frames"]) == ("closed", len(frames))


def test_a_401_reaches_the_charger(tmp_path: Path) -> None:
    """The CSMS's refusal passes as it is, and the journal tells its status."""

    async def work() -> None:
        async with serve(_csms, "127.0.0.1", 0, process_request=lambda c, _: c.respond(401, "who?")) as server:
            port = server.sockets[0].getsockname()[1]
            service = TapService(TapConfig(f"ws://127.0.0.1:{port}", tmp_path))
            await service.start()
            with pytest.raises(InvalidStatus) as refusal:
                await connect(f"ws://127.0.0.1:{service.port}/CP1")
            assert (refusal.value.response.status_code, refusal.value.response.body) == (401, b"who?")
            await service.stop()

    asyncio.run(work())
    opened, closed = _of(tmp_path, "CP1")
    assert opened.handshake is not None
    assert (opened.handshake.status, closed.kind) == (401, FrameKind.CLOSED)


def test_enrolment_is_followed_while_running(tmp_path: Path) -> None:
    """Others are forwarded and not written; a change of the file counts within seconds; a broken one is named."""
    rules = tmp_path / "enrolment.toml"
    rules.write_text('chargers = ["A"]')
    data = tmp_path / "data"

    async def work() -> None:
        async with _tap(data, rules) as service:
            base = f"ws://127.0.0.1:{service.port}/ocpp/"
            ocpp = {"subprotocols": ["ocpp1.6"]}
            async with (
                connect(base + "A", **ocpp) as a,
                connect(base + "B", **ocpp) as b,
                connect(base + "C", compression=None, **ocpp) as c,
            ):
                for charger in (a, b, c):
                    await charger.send("[2]")
                    await charger.recv()
                rules.write_text('chargers = ["*"]\nexclude = ["A"]')
                status = await _status_when(
                    data, lambda s: {entry.charger_id: entry.state for entry in s.connections}
                    == {"A": "not-enrolled", "B": "pending", "C": "mirrored"},
                )  # fmt: skip
                assert not status.enrolment_error
                for charger in (a, b, c):
                    await charger.send("[2,2]")
                    await charger.recv()
                rules.write_text("chargers = 1")
                await _status_when(data, lambda s: "line 1: chargers" in s.enrolment_error)

    uvloop.run(work())
    assert [frame.gap.reason if frame.gap else frame.text or frame.kind.value for frame in _of(data, "A")] == [
        "opened", "[2]", "[3,[2]]", "unenrolled",
    ]  # fmt: skip
    assert _of(data, "B") == []
    assert [frame.gap.reason if frame.gap else frame.text or frame.kind.value for frame in _of(data, "C")] == [
        "opened", "joined-late", "[2,2]", "[3,[2,2]]", "closed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("upstream", "reason"),
    [
        ("wss://csms", "does not speak TLS"),
        ("http://csms", "ws://HOST:PORT"),
        ("csms:9000", "ws://HOST:PORT"),
        ("ws://", "ws://HOST:PORT"),
        ("ws://csms:99999", "ws://HOST:PORT"),
        ("ws://user:pw@csms", "credentials"),
        ("ws://[::1", "ws://HOST:PORT"),
    ],
)
def test_an_upstream_that_cannot_be_used_is_refused(upstream: str, reason: str) -> None:
    """The message is one line, says what to write instead, and repeats no password."""
    with pytest.raises(TapError, match=reason) as error:
        parse_upstream(upstream)
    assert "\n" not in str(error.value)
    assert "pw" not in str(error.value)


def test_upstreams_that_can_be_used() -> None:
    """Host and port are taken, port 80 is the default."""
    assert parse_upstream("ws://csms:9000/ocpp") == ("csms", 9000)
    assert parse_upstream("ws://[::1]") == ("::1", 80)


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    """A taken port, a directory that cannot be, a broken enrolment file, an open key file: one line each."""

    async def failure(config: TapConfig) -> str:
        service = TapService(config)
        with pytest.raises(TapError) as error:
            await service.start()
        await service.stop()
        assert "\n" not in str(error.value)
        return str(error.value)

    async def work() -> None:
        good = TapConfig("ws://127.0.0.1:1", tmp_path / "data")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            message = await failure(replace(good, listen_port=port))
            assert message.startswith(f"cannot listen on 127.0.0.1:{port}: Address already in use")
        (tmp_path / "file").write_text("chargers = 1")
        assert "name another data directory" in await failure(replace(good, data_dir=tmp_path / "file" / "x"))
        assert "line 1: chargers" in await failure(replace(good, enrolment_file=tmp_path / "file"))
        assert "No such file" in await failure(replace(good, enrolment_file=tmp_path / "none"))
        (tmp_path / "file").chmod(0o644)
        assert "chmod 600" in await failure(replace(good, redaction_key_file=tmp_path / "file"))

    asyncio.run(work())
