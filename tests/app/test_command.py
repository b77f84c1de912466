"""What all commands share."""

import signal
import subprocess
import sys

CODE = """
import signal, sys, time
from app.command import run
signal.signal(signal.SIGINT, signal.SIG_IGN)
def action():
    print("up", flush=True)
    time.sleep(60)
    return 0
import typer
try:
    run(action)
except typer.Exit as done:
    sys.exit(done.exit_code)
"""


def test_sigterm_ends_a_background_job_of_a_script() -> None:
    """Such a job ignores SIGINT from its beginning; SIGTERM is a clean end with 130 all the same."""
    with subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 130
