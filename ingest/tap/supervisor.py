"""Keeps a parser process running. The relay goes on whatever becomes of it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

import ingest
from ingest.tap.handoff import HandOff
from ingest.tap.parser import ParserSettings

__all__ = ["Supervisor"]

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 10.0
_LIVED: Final = 30.0
"""A parser that lived so many seconds did not die of its start: the waiting begins anew."""


class Supervisor:
    """Starts the parser process, and starts it again when it has died."""

    def __init__(self, settings: ParserSettings, hand_off: HandOff) -> None:
        self._settings = settings
        self._hand_off = hand_off
        self._process: subprocess.Popen[bytes] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process that parses now."""
        return None if self._process is None else self._process.pid

    async def start(self, seconds: float) -> int | None:
        """Start the first parser and wait until it reads; gives its exit status where it ended instead."""
        await self._spawn()
        until = time.monotonic() + seconds
        while not self._hand_off.ready.is_set() and time.monotonic() < until:
            if self._hand_off.lost.is_set():
                return await self._reap()
            await asyncio.sleep(0.01)
        self._watching = asyncio.get_running_loop().create_task(self._watch())
        return None

    async def stop(self, seconds: float) -> None:
        """Let the parser write all that was handed over, then end it."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        await self._hand_off.finish(seconds / 2)
        await self._reap(seconds)

    async def _watch(self) -> None:
        wait = _FIRST_WAIT
        started = time.monotonic()
        while True:
            await self._hand_off.lost.wait()
            status = await self._reap()
            if time.monotonic() - started > _LIVED:
                wait = _FIRST_WAIT
            sys.stderr.write(
                f"tap: the parser ended with status {status}; forwarding goes on, restart in {wait:.1f} s\n"
            )
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            started = time.monotonic()
            await self._spawn()

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        try:
            # In a thread: starting a process takes a millisecond or more, and the relay does not wait.
            self._process = await asyncio.to_thread(self._popen, theirs.fileno())
        except OSError as error:
            ours.close()
            _say(f"the parser cannot be started: {error.strerror or error}")
            self._hand_off.lost.set()
            return
        except asyncio.CancelledError:
            # The tap stops while a parser starts: without a channel that parser ends by itself.
            ours.close()
            raise
        finally:
            theirs.close()
        self._hand_off.attach(ours)

    def _popen(self, descriptor: int) -> subprocess.Popen[bytes]:
        root = str(Path(ingest.__file__).resolve().parents[1])
        path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        command = [
            sys.executable,
            "-P",  # a folder `ingest` in the working directory must not be taken for ours
            "-m",
            "ingest.tap.parser",
            str(descriptor),
            msgspec.json.encode(self._settings).decode(),
        ]
        return subprocess.Popen(
            command, pass_fds=(descriptor,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip

    async def _reap(self, seconds: float = 2.0) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        try:
            return await asyncio.to_thread(process.wait, seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return await asyncio.to_thread(process.wait)


def _say(text: str) -> None:
    sys.stderr.write(f"tap: {text}\n")
