"""The dashboard's process: Streamlit on `dashboard/app.py`, ending with its parent."""

from __future__ import annotations

import sys
from pathlib import Path

from app.lifeline import WITH_PARENT, end_with_parent

__all__ = ["flags", "script"]


def script() -> Path:
    """The file that Streamlit runs."""
    import dashboard

    return Path(str(dashboard.__file__)).with_name("app.py")


def flags(host: str, port: int) -> list[str]:
    """Streamlit's flags: on that address, without a browser of its own choosing, without telemetry."""
    return [
        f"--server.address={host}",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        "--server.fileWatcherType=none",
        "--logger.level=error",
    ]


def main(arguments: list[str]) -> None:
    """Run as `python -m app.page --with-parent HOST PORT`."""
    if WITH_PARENT in arguments:
        arguments = [argument for argument in arguments if argument != WITH_PARENT]
        end_with_parent()
    host, port = arguments
    from streamlit.web import cli

    sys.argv = ["streamlit", "run", str(script()), *flags(host, int(port))]
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main(sys.argv[1:])
