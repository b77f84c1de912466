"""The embedded ClickHouse: chDB behind the native TCP protocol on loopback, in a process of its own.

    python -m diff.store.embedded --path DIR [--port N] [--port-file F] [--with-parent]

One directory belongs to one process (chDB's rule), hence the process, the lock file, and the care to end when the
parent does. Ready is said twice: a line `ready HOST PORT` on stdout, and the port file, which appears whole.
A password may be given in SHADOW_ENGINE_PASSWORD; whoever connects must then know it.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import signal
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path
from typing import Final

from diff.store.serving import Conversation, Session

__all__ = ["HOST", "LOCK_NAME", "PASSWORD_VARIABLE", "READY", "StartError", "main"]

HOST: Final = "127.0.0.1"
"""Loopback only: the engine has no users, no rights and no encryption."""

LOCK_NAME: Final = "engine.lock"
PASSWORD_VARIABLE: Final = "SHADOW_ENGINE_PASSWORD"  # noqa: S105 - the name of a variable, not a password
READY: Final = "ready"
MAX_CONNECTIONS: Final = 64
_STOP_SECONDS: Final = 10.0
_LOCK_SECONDS: Final = 3.0
"""How long the engine of a killed process may take to let go of the directory before the next one gives up."""


class StartError(Exception):
    """The engine cannot start; the text is one line and says what to do."""


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, path: Path, password: str) -> None:
        self._path = path
        self._password = password
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.version = (0, 0, 0)
        try:
            super().__init__((HOST, port), socketserver.BaseRequestHandler)
        except OSError as error:
            raise StartError(
                f"port {port} on {HOST} cannot be had ({error.strerror}): choose another, or 0 for any free one"
            ) from None

    def new_session(self) -> Session:
        """A chDB session on the directory."""
        from chdb import session

        return session.Session(str(self._path))  # type: ignore[no-untyped-call]  # chDB is untyped

    def finish_request(self, request: socket.socket | tuple[bytes, socket.socket], _address: object) -> None:
        """Serve one client; called in a thread of its own."""
        assert isinstance(request, socket.socket)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conversation = Conversation(request, self.new_session, self._path, self.version, self._password)
        if not self._places.acquire(blocking=False):
            conversation.serve(refusal=f"{MAX_CONNECTIONS} clients are connected already, which is the limit")
            return
        try:
            conversation.serve()
        finally:
            self._places.release()


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM, SIGINT or, with `--with-parent`, the end of the parent. Returns the exit status."""
    options = _options(arguments)
    try:
        _serve(options)
    except StartError as error:
        sys.stderr.write(f"store engine: {error}\n")
        return 2
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m diff.store.embedded", description=__doc__.splitlines()[0])
    parser.add_argument("--path", type=Path, required=True, help="directory of the data; made where it is missing")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--port-file", type=Path, help="file that the port is written to when ready")
    parser.add_argument("--with-parent", action="store_true", help="stop when the parent ends or closes our stdin")
    return parser.parse_args(arguments)


def _serve(options: argparse.Namespace) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    path: Path = options.path
    lock = _claim(path)
    server = _Server(options.port, path, os.environ.pop(PASSWORD_VARIABLE, ""))
    # The first session stays open: chDB lets go of the directory when the last one closes.
    keeper = _open(server)
    if options.with_parent:
        threading.Thread(target=_watch_parent, args=(stop, os.getppid()), daemon=True).start()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    port = server.server_address[1]
    if options.port_file is not None:
        _write_whole(options.port_file, f"{port}\n")
    sys.stdout.write(f"{READY} {HOST} {port}\n")
    sys.stdout.flush()
    stop.wait()
    server.shutdown()
    server.server_close()
    # A statement that hangs must not keep the process: MergeTree parts are whole or absent, so a hard end is safe.
    closing = threading.Thread(target=keeper.close, daemon=True)
    closing.start()
    closing.join(_STOP_SECONDS)
    if options.port_file is not None:
        options.port_file.unlink(missing_ok=True)
    sys.stdout.flush()
    os.close(lock)
    # Not sys.exit: threads may still stand inside chDB, and the interpreter must not be torn down around them.
    os._exit(0)


def _claim(path: Path) -> int:
    """Make the directory and lock it for this process; the lock ends with the process, however it ends."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(
            f"{path} cannot be written ({error.strerror}): give a directory that this user may write to"
        ) from None
    until = time.monotonic() + _LOCK_SECONDS
    while not _locked(lock):
        if time.monotonic() > until:
            owner = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StartError(
                f"{path} is in use by process {owner}: stop that one, connect to it, or give another directory"
            )
        time.sleep(0.05)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _open(server: _Server) -> Session:
    try:
        keeper = server.new_session()
        version = keeper.query("SELECT version()", "TSVRaw").bytes().decode()
    except Exception as error:  # noqa: BLE001 - chDB raises what it likes, and all of it means the same here
        # chDB prints its reason to stderr itself and raises without it.
        raise StartError(
            "chDB cannot open the directory, for the reason that it printed above: stop the other program that"
            f" holds it, or move damaged data away, or give another directory ({str(error)[:200]!r})"
        ) from None
    major, minor, patch = (int(part) for part in version.split(".")[:3])
    server.version = (major, minor, patch)
    return keeper


def _watch_parent(stop: threading.Event, parent: int) -> None:
    """Set `stop` when stdin ends or the parent is another.

    Either alone misses a case: a pipe end that a forked sibling inherited and keeps open, and a parent that closes
    the pipe to say goodbye while it lives.
    """
    while not stop.is_set():
        readable, _, _ = select.select([0], [], [], 0.5)
        if (readable and not os.read(0, 4096)) or os.getppid() != parent:
            stop.set()


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text)
        partial.replace(path)
    except OSError as error:
        raise StartError(f"the port file {path} cannot be written ({error.strerror})") from None


if __name__ == "__main__":
    raise SystemExit(main())
