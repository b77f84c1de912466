"""The command line in a directory of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.running import Outcome, Running, call

Cli = Callable[..., Outcome]
Start = Callable[..., Running]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run a command to its end: `cli("replay", path, "--json", env={...}, stdin=b"...")`."""

    def run(*arguments: object, env: dict[str, str] | None = None, stdin: bytes = b"") -> Outcome:
        return call(arguments, tmp_path, env, stdin)

    return run


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a command that goes on; it is gone after the test."""
    started: list[Running] = []

    def begin(*arguments: object, env: dict[str, str] | None = None) -> Running:
        started.append(Running.start(arguments, tmp_path, env))
        return started[-1]

    yield begin
    for running in started:
        running.kill()
