"""The dashboard's process: what `dashboard.serve` says starts the pages, run so that it ends with its parent."""

from __future__ import annotations

import sys
from typing import Final

from app.lifeline import WITH_PARENT, end_with_parent
from dashboard import serve

__all__ = ["CONTROL", "main"]

CONTROL: Final = "--control"


def main(arguments: list[str]) -> None:
    """Run as `python -m app.page [--with-parent] [--control] HOST PORT`. `--control`: taps follow a control topic."""
    if WITH_PARENT in arguments:
        arguments = [argument for argument in arguments if argument != WITH_PARENT]
        end_with_parent()
    if CONTROL in arguments:
        arguments = [argument for argument in arguments if argument != CONTROL]
        _use_control_topic()
    host, port = arguments
    from streamlit.web import cli

    words = serve.command(int(port), host)
    # In this very process, so that the lifeline ends the server: the words behind `python -m streamlit`.
    sys.argv = ["streamlit", *words[words.index("streamlit") + 1 :], "--logger.level=error"]
    cli.main(prog_name="streamlit")


def _use_control_topic() -> None:
    """Have what is said on the pages reach taps and sinks. The pages run in this very process."""
    from app.distributed.control import tell
    from app.setting_sources import load
    from dashboard import acting
    from ingest.topic_admin import TopicError

    given = load()
    topic, options = given.topics().control, given.kafka_options()
    acting.use(lambda messages: tell(given.kafka_bootstrap, topic, messages, **options), (TopicError,))


if __name__ == "__main__":
    main(sys.argv[1:])
