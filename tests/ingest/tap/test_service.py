"""The whole tap: relay, parser process, journal, status."""

import asyncio
import gc
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ingest.frame import Frame, FrameKind
from ingest.journal import JournalReader
from ingest.recording import Reader
from ingest.redaction_key import change_ring, new_key, read_ring
from ingest.tap.bypass import Bypass
from ingest.tap.certificates import ClientTls, ServerTls, client_context
from ingest.tap.service import TapConfig, TapError, TapService
from ingest.tap.status import TapStatus, read_status
from ingest.tap.upstream import UpstreamError, parse_upstream
from tests.ingest.tap.conftest import Certificates


async def _csms(connection: ServerConnection) -> None:
    async for message in connection:
        if message == "close":
            await connection.close(4001, "bye")
            return
        await connection.send(f"[3,{message}]")


@asynccontextmanager
async def _tap(directory: Path, enrolment: Path | None = None, **more: Any) -> AsyncIterator[TapService]:
    async with serve(_csms, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:  # type: ignore[list-item]  # a NewType of str
        upstream = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        service = TapService(TapConfig(upstream, directory, enrolment_file=enrolment, tick_seconds=0.2, **more))
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


@pytest.mark.parametrize("when_idle", [False, True])
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_a_session_ends_up_in_the_journal(tmp_path: Path, compression: str | None, *, when_idle: bool) -> None:
    """What two real endpoints say to each other stands in the journal, complete and in order; the endpoints see each
    other as without a tap.
    """

    async def work() -> None:
        # On a machine that four processes of tests keep busy, what works when idle needs its time to come to the end.
        async with _tap(tmp_path, parser_when_idle=when_idle, stop_seconds=100.0) as service:
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
    assert [frame.gap for frame in frames if frame.gap is not None] == []
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


def test_all_garbage_is_seldom_collected_while_it_forwards(tmp_path: Path) -> None:
    """A full collection would hold up every connection; who holds the tap gets its own setting back."""
    before = gc.get_threshold()

    async def work() -> None:
        async with _tap(tmp_path):
            assert gc.get_threshold() == (*before[:2], 1000)

    uvloop.run(work())
    assert gc.get_threshold() == before


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


def test_a_new_key_and_other_rules_count_for_who_connects_next(tmp_path: Path) -> None:
    """The running tap follows key file and field policy; a living connection stays as it began; flaws are named."""
    key, fields = tmp_path / "key.json", tmp_path / "fields.toml"
    first = read_ring(key, create=True).current.version
    fields.write_text("")
    text = '[2,"1","Authorize",{"idTag":"04A1B2C3","phone":"12"}]'

    async def work() -> str:
        async with _tap(tmp_path, redaction_key_file=key, field_policy_file=fields) as service:
            url = f"ws://127.0.0.1:{service.port}/ocpp/"
            async with connect(url + "A", subprotocols=["ocpp1.6"]) as a:  # type: ignore[list-item]  # a NewType of str
                await a.send(text)
                await a.recv()
                fields.write_text('[[rule]]\nmember = "phone"\ndo = "drop"\nreason = "r"\n')
                # The parser looks at both in one go, at the rules first.
                second = change_ring(key, lambda ring: ring.rotated(new_key(ring))).current.version
                await _status_when(tmp_path, lambda s: s.key_version == second and not s.key_error)
                async with connect(url + "B", subprotocols=["ocpp1.6"]) as b:  # type: ignore[list-item]  # a NewType of str
                    for charger in (a, b):
                        await charger.send(text)
                        await charger.recv()
                key.chmod(0o644)
                fields.write_text("[[rule")
                await _status_when(tmp_path, lambda s: "chmod 600" in s.key_error and "no TOML" in s.key_error)
                return second

    second = uvloop.run(work())
    for charger_id, version, phones in (("A", first, ["12", "12"]), ("B", second, ["**"])):
        opened, *messages = [
            one for one in _of(tmp_path, charger_id) if one.kind in (FrameKind.OPENED, FrameKind.MESSAGE)
        ]
        assert opened.handshake is not None
        assert opened.handshake.key_version == version
        calls = [json.loads(one.text)[3] for one in messages if one.text.startswith("[2")]
        assert [call["phone"] for call in calls] == phones
        assert len({call["idTag"] for call in calls}) == 1


def test_a_bypass_copies_nothing(tmp_path: Path) -> None:
    """Bytes pass and nothing of them is written; the gap says why, and who reconnects afterwards is mirrored."""

    async def work() -> None:
        async with _tap(tmp_path) as service:
            url = f"ws://127.0.0.1:{service.port}/ocpp/"
            async with connect(url + "A", subprotocols=["ocpp1.6"]) as a:  # type: ignore[list-item]  # a NewType of str
                await a.send("[1]")
                await a.recv()
                assert service.toggle_bypass()
                async with connect(url + "B", subprotocols=["ocpp1.6"]) as b:  # type: ignore[list-item]  # a NewType of str
                    for charger in (a, b):
                        await charger.send("[2]")
                        assert await charger.recv() == "[3,[2]]"
                handed_over = service.counters()["bytes_handed_over"]
                assert not service.toggle_bypass()
                await a.send("[4]")
                await a.recv()
                assert service.counters()["bytes_handed_over"] == handed_over
            async with connect(url + "A", subprotocols=["ocpp1.6"]) as a:  # type: ignore[list-item]  # a NewType of str
                await a.send("[5]")
                await a.recv()

    uvloop.run(work())
    said = [frame.gap.reason if frame.gap else frame.text or frame.kind.value for frame in _of(tmp_path, "A")]
    assert said == ["opened", "[1]", "[3,[1]]", "bypass", "closed", "opened", "[5]", "[3,[5]]", "closed"]
    [entry] = [entry for entry in json.loads((tmp_path / "tap-status.json").read_text())["connections"]
               if entry["bytes_forwarded"] > entry["bytes_mirrored"] > 0]  # fmt: skip
    assert (entry["charger_id"], entry["gaps"]) == ("A", 1)


def test_the_control_topic_can_say_bypass(tmp_path: Path) -> None:
    """The kill switch alone leaves the copying; with `bypass` it ends too, and both end together."""
    overrides = tmp_path / "overrides.json"
    bypass = Bypass(overrides)
    bypass.look()
    assert not bypass.on
    for text, on in (
        ('{"enabled":false}', False),
        ('{"enabled":false,"bypass":true}', True),
        ("no JSON", True),
        ('{"rules":[]}', False),
    ):
        overrides.write_text(text)
        bypass.look()
        assert bypass.on is on


def test_one_tap_takes_over_from_another(tmp_path: Path) -> None:
    """Two share the port; the one that drains keeps its connections to their end, new ones are the other's."""

    async def work() -> None:
        async with _tap(tmp_path / "old", share_port=True) as old:
            config = replace(old.config, data_dir=tmp_path / "new", listen_port=old.port)
            new = TapService(config)
            url = f"ws://127.0.0.1:{old.port}/ocpp/"
            ocpp = {"subprotocols": ["ocpp1.6"]}
            living = await connect(url + "A", **ocpp)
            await new.start()
            old.drain()
            assert not old.drained.is_set()
            for number in range(20):
                async with connect(f"{url}N{number}", **ocpp) as charger:
                    await charger.send("[1]")
                    await charger.recv()
            await living.send("[2]")
            assert await living.recv() == "[3,[2]]"
            await living.close()
            await asyncio.wait_for(old.drained.wait(), 5)
            assert (old.counters()["connections"], new.counters()["connections"]) == (1, 20)
            await new.stop()

    uvloop.run(work())
    assert [frame.text for frame in _of(tmp_path / "old", "A") if frame.text] == ["[2]", "[3,[2]]"]
    assert len(_of(tmp_path / "new", "N7")) == 4


def test_tls_is_recorded_with_the_handshake(tmp_path: Path, certificates: Certificates) -> None:
    """What the `opened` frame says of TLS and certificate comes through the journal as it went in."""
    tls = ServerTls(certificates.cert, certificates.key, "required", certificates.ca)

    async def work() -> None:
        context = client_context(ClientTls(certificates.ca, "", certificates.charger_cert, certificates.charger_key))
        async with _tap(tmp_path, tls=tls) as service:
            url = f"wss://localhost:{service.port}/ocpp/CP1"
            async with connect(url, subprotocols=["ocpp1.6"], ssl=context, host="127.0.0.1") as charger:  # type: ignore[list-item]  # a NewType of str
                await charger.send("[2]")
                assert await charger.recv() == "[3,[2]]"

    uvloop.run(work())
    shake = _of(tmp_path, "CP1")[0].handshake
    assert shake is not None
    assert (shake.tls_version, shake.client_certificate_subject) == ("TLSv1.3", "CN=CP1,O=Acme")
    assert None not in (shake.tls_cipher, shake.client_certificate_serial, shake.client_certificate_fingerprint)
    assert (shake.tls_handshake_us or 0) > 0


@pytest.mark.parametrize(
    ("upstream", "reason"),
    [
        ("ws://csms,wss://csms", "all ws:// or all wss://"),
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
    with pytest.raises(UpstreamError, match=reason) as error:
        parse_upstream(upstream)
    assert "\n" not in str(error.value)
    assert "pw" not in str(error.value)


def test_upstreams_that_can_be_used() -> None:
    """Host and port are taken, port 80 is the default."""
    assert parse_upstream("ws://csms:9000/ocpp") == (("csms", 9000, False),)
    assert parse_upstream("ws://[::1]") == (("::1", 80, False),)
    assert parse_upstream("wss://a, wss://b:1") == (("a", 443, True), ("b", 1, True))


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
