"""The watch as a process beside the embedded runtime: `shadow-csms run` starts it where a webhook is set."""

from __future__ import annotations

import signal
import sys
from threading import Event

from app.alerting.watching import follow, watch_of
from app.alerting.webhook import AddressError
from app.lifeline import WITH_PARENT, end_with_parent
from app.security import SecurityError
from app.setting_files import SettingsError
from app.setting_sources import load
from app.watch import logs
from diff.store.client import Store

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Watch until SIGTERM; the store is the one that `SHADOW_STORE_URL` names."""
    if WITH_PARENT in arguments:
        end_with_parent()
    try:
        settings = load()
        logs.begin("alerts", settings)
        stopped = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        with Store.connect(settings.store_location()) as store:
            follow(watch_of(store, settings), settings.alert_seconds, stopped)
    except (SettingsError, SecurityError, AddressError) as error:
        print(f"alerts: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
