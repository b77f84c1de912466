"""`judge` and `judging`: a recording kept, judged anew, compared, put in the live run's place, and taken back."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from demo.stored import fill
from demo.traffic import frames as fleet_frames
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from ingest.timestamps import format_micros

FRAMES = list(itertools.islice(fleet_frames(5, 2, 2, faults=True), 400))
BEGIN = format_micros(FRAMES[0].received_at)
POLICY = 'version = "strict"\n[zero]\nkind = "tolerance"\nabsolute = 36000\n'

Call = Callable[..., Result]


@pytest.fixture(scope="module")
def call(engine: EmbeddedEngine) -> Call:
    """Runs a command on a store with a small fleet in it."""
    url = engine.url("judging_command")
    with Store.connect(url) as store:
        store.migrate()
        fill(store, FRAMES)
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments), "--store-url", url])


def test_a_run_is_judged_listed_compared_used_and_taken_back(call: Call, tmp_path: Path) -> None:
    """Each step says the next one; what is current cannot be dropped."""
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    assert "no runs: everything counts as it was judged live" in call("judging", "list").stdout

    judged = call("judge", "--from", BEGIN, "--policy", policy, "--name", "try")
    assert judged.exit_code == 0, judged.stderr
    assert f"run try: {len(FRAMES)} frames of 2 charging stations lived" in judged.stdout
    assert "`judging compare live try` says what differs" in judged.stdout
    assert "2 of 2 charging stations judged" in judged.stderr

    listed = json.loads(call("judging", "list", "--json").stdout)
    (run,) = listed["runs"]
    assert (run["name"], run["finished"], listed["current"]) == ("try", True, [])
    assert run["policy_version"].startswith("strict+")

    compared = json.loads(call("judging", "compare", "live", "try", "--json").stdout)
    zero = next(line for line in compared["codes"] if line["code"] == "session.zero")
    assert zero["only_b"] > 0
    told = call("judging", "compare", "live", "try").stdout
    assert f"session.zero ({zero['severity']}): 0 only in A, {zero['only_b']} only in B" in told
    assert "they find the same" in call("judging", "compare", "try", "try").stdout

    assert "try is current from " in call("judging", "use", "try", "--by", "anna").stdout
    assert "  current from " in call("judging", "list").stdout
    refused = call("judging", "drop", "try")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "'try' is current for" in refused.stderr
    assert call("judging", "use", "live").stdout == "live is current from the beginning on\n"
    assert "try is gone, with" in call("judging", "drop", "try").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("judge",), "there is no run '1' yet: give --from"),
        (("judge", "--from", "yesterday"), "--from 'yesterday' is no time"),
        (("judge", "--from", BEGIN, "--to", BEGIN), "the range ends before it begins"),
        (("judge", "--from", "2126-01-01T00:00:00Z"), "the range holds no frames"),
        (("judge", "--from", BEGIN, "--name", "live"), "'live' is no name for a run"),
        (("judge", "--from", BEGIN, "--policy", "nowhere.toml"), "nowhere.toml: cannot be read"),
        (("judging", "use", "nobody"), "there is no run 'nobody': the runs are none (`judging list`)"),
        (("judging", "compare", "live", "nobody"), "there is no run 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(call: Call, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, nothing on standard output."""
    refused = call(*arguments)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert said in refused.stderr
    assert refused.stderr.count("\n") == 1
