"""The dashboard's process: what `dashboard.serve` says starts the pages, run so that it ends with its parent."""

from __future__ import annotations

import sys

from app.lifeline import WITH_PARENT, end_with_parent
from dashboard import serve

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Run as `python -m app.page --with-parent HOST PORT`."""
    if WITH_PARENT in arguments:
        arguments = [argument for argument in arguments if argument != WITH_PARENT]
        end_with_parent()
    host, port = arguments
    from streamlit.web import cli

    words = serve.command(int(port), host)
    # In this very process, so that the lifeline ends the server: the words behind `python -m streamlit`.
    sys.argv = ["streamlit", *words[words.index("streamlit") + 1 :], "--logger.level=error"]
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main(sys.argv[1:])
