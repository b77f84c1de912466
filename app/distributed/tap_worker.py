"""One of several taps on a port: `python -m app.distributed.tap_worker`. `tap` starts it; nobody else needs to."""

from __future__ import annotations

import sys

from app.distributed import tapping
from app.embedded import RuntimeStartError
from app.lifeline import end_with_parent
from app.security import SecurityError
from app.setting_files import SettingsError
from app.setting_sources import load
from ingest.tap.config import TapError

__all__ = ["main"]


def main() -> int:
    """Tap until told to stop."""
    end_with_parent()
    try:
        return tapping.run(load())
    except (TapError, SettingsError, SecurityError, RuntimeStartError) as error:
        print(f"tap worker: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
