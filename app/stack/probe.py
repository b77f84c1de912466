"""Asks a process of ours on this host how it is: the health checks of docker-compose.yml.

    python -m app.stack.probe monitor       its monitor says that it is ready, or degraded with the primary unaffected
    python -m app.stack.probe dashboard     its pages are served

The port comes from the settings' environment variables. Exit code 0 where all is well, else 1 with one line. It
imports nothing of ours and no package: it runs every few seconds.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Final

__all__ = ["main", "probe"]

_WHAT: Final = {
    "monitor": ("SHADOW_MONITOR_PORT", "readyz"),
    "dashboard": ("SHADOW_DASHBOARD_PORT", "_stcore/health"),
}
_SECONDS: Final = 3.0
_LONGEST: Final = 4_000
"""Bytes of an answer that are read."""


def probe(what: str, environment: Mapping[str, str]) -> tuple[bool, str]:
    """Whether it is well, and in a line what it said."""
    variable, path = _WHAT[what]
    port = environment.get(variable, "")
    if not port.isdigit():
        return False, f"{variable} names no port, so there is nothing to ask"
    url = f"http://127.0.0.1:{port}/{path}"
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
            return True, _line(answer.read(_LONGEST))
    except urllib.error.HTTPError as error:
        with error:
            return False, f"{error.code}: {_line(error.read(_LONGEST))}"
    except OSError as error:  # refused, reset, timed out: URLError is one of them
        return False, f"{url} does not answer: {error}"


def _line(text: bytes) -> str:
    """What was answered, in a line; of a monitor's answer the state and its reasons."""
    try:
        answer = json.loads(text)
        return ": ".join(filter(None, (answer["state"], "; ".join(answer["reasons"]))))
    except (ValueError, KeyError, TypeError):
        return " ".join(text.decode("utf-8", "replace").split())


def main(arguments: list[str]) -> int:
    """Ask and tell."""
    if len(arguments) != 1 or arguments[0] not in _WHAT:
        print(f"usage: python -m app.stack.probe {'|'.join(_WHAT)}", file=sys.stderr)
        return 2
    well, line = probe(arguments[0], os.environ)
    print(line)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
