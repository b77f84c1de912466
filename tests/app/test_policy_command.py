"""`policy show`, `check` and `diff`: what counts, whether a file can be followed, what another one would change."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import app

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "policy.toml"


def _call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["policy", *map(str, arguments)])


def test_the_policy_in_force_is_shown_with_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in one, the settings', and a file's."""
    assert _call("show").stdout.startswith("policy 1\n  energy.kind = tolerance\n  energy.absolute = 1\n")
    monkeypatch.setenv("SHADOW_ENERGY_TOLERANCE_WH", "2.5")
    told = json.loads(_call("show", "--json").stdout)
    assert told["version"].startswith("1+")
    assert told["policy"]["energy.absolute"] == told["policy"]["record.energy.absolute"] == "2.5"
    assert "energy.absolute = 5" in _call("show", EXAMPLE).stdout


def test_a_file_is_checked_and_what_it_leaves_out_is_said(tmp_path: Path) -> None:
    """A broken one: file, line, rule and next step, exit code 2."""
    told = json.loads(_call("check", EXAMPLE, "--json").stdout)
    assert told["version"].startswith("2026-11+")
    assert list(told["ignored"]) == ["record.token"]
    assert "record.token is not compared: the roaming hub" in _call("check", EXAMPLE).stdout
    path = tmp_path / "policy.toml"
    path.write_text('version = "a"\n[stop]\nkind = "ignore"\n')
    broken = _call("check", path)
    assert broken.exit_code == 2
    assert f'{path}: line 2: stop: kind = "ignore" needs a reason' in broken.stderr
    assert "docs/policy.md" in broken.stderr
    assert _call("show", tmp_path / "none").exit_code == 2


def test_what_another_policy_changes_is_said_line_by_line() -> None:
    """And that two say the same."""
    told = json.loads(_call("diff", "built-in", EXAMPLE, "--json").stdout)
    assert {"name": "stop.kind", "before": "tolerance", "after": "exact"} in told["changes"]
    assert (
        "  stop.kind: tolerance -> exact\n  stop.absolute: 1 -> nothing\n" in _call("diff", "built-in", EXAMPLE).stdout
    )
    assert "they say the same" in _call("diff", EXAMPLE, EXAMPLE).stdout
