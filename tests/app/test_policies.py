"""The policy file beside what runs: followed while it changes, and never in the way of it."""

from pathlib import Path

import pytest

from app.policies import PolicyFile, PolicyFileError, read_policy
from app.setting_files import SettingsError
from app.setting_sources import load
from app.worker import Worker, read_worker_status
from demo.script import Script
from diff.fleet import Fleet
from diff.policy import DEFAULT, Kind
from diff.policy_file import parse_policy
from diff.store.client import Store

GOOD = 'version = "good"\n[stop]\nkind = "exact"\n'
BROKEN = 'version = "new"\n[stop]\nkind = "about"\n'


def _write(path: Path, text: str | bytes) -> None:
    """Another file in its place, as an editor or a config map does it."""
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(text if isinstance(text, bytes) else text.encode())
    fresh.replace(path)


def test_a_file_is_followed_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    """News once each: a good policy, what is wrong and where, and that it is good again."""
    path = tmp_path / "policy.toml"
    path.write_text(GOOD)
    followed = PolicyFile(path, read_policy(path))
    good = followed.current
    assert not followed.reload()

    _write(path, BROKEN)
    assert followed.reload()
    assert followed.current == good
    assert f"policy_file {path}: line 3: stop.kind: " in followed.error
    assert f"version {good.version} stays in force; correct it, see docs/policy.md" in followed.news
    assert not followed.reload()

    path.unlink()
    assert followed.reload()
    assert "No such file" in followed.error
    assert not followed.reload()

    _write(path, GOOD.replace("exact", "ignore").replace("[stop]", '[stop]\nreason = "clock"'))
    assert followed.reload()
    assert (followed.error, followed.current.stop.kind) == ("", Kind.IGNORE)
    assert followed.news == f"policy {followed.current.version} is in force"


def test_without_a_file_the_policy_stays(tmp_path: Path) -> None:
    """There is nothing to look at, and nothing to read that is no text."""
    assert not PolicyFile(None, DEFAULT).reload()
    path = tmp_path / "policy.toml"
    for content, said in ((b"\xff", "not UTF-8 at byte 0"), (b"a" * (4 * 1024 * 1024 + 1), "more than 4194304 bytes")):
        path.write_bytes(content)
        with pytest.raises(PolicyFileError, match=said):
            read_policy(path)


def test_the_settings_name_a_file_or_the_tolerances_and_not_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One truth: a setting that says what the file has to say is refused, with the file's name for it."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "policy.toml"
    path.write_text(GOOD)
    assert load(policy_file=path).policy() == read_policy(path)
    for name, value, instead in (
        ("energy_tolerance_wh", 5, "energy.absolute"),
        ("settle_missing_seconds", 5, "settle.missing_seconds"),
        ("records_expected", True, "record.expected"),
    ):
        with pytest.raises(SettingsError, match=rf"{name} and policy_file .* are both given: .*, as {instead};"):
            load(policy_file=path, **{name: value})
    path.write_text(BROKEN)
    with pytest.raises(SettingsError, match=r"policy_file .*policy\.toml: line 3: stop\.kind: .*docs/policy\.md"):
        load(policy_file=path)


def test_a_worker_goes_on_with_the_last_good_policy_and_says_so(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """In its log and in its status; what it judges names the policy in force."""
    path = tmp_path / "policy.toml"
    path.write_text(GOOD)
    followed = PolicyFile(path, read_policy(path))
    followed.reload()
    worker = Worker(tmp_path, store, Fleet(policy=followed.current), followed)
    _write(path, BROKEN)
    worker.stopping = True
    worker.run()
    status = read_worker_status(tmp_path)
    assert status is not None
    assert (status.policy, status.policy_error) == (followed.current.version, followed.error)
    assert "line 3: stop.kind" in status.policy_error
    assert "stays in force" in capsys.readouterr().err


def test_a_fleet_judges_by_the_policy_that_it_follows() -> None:
    """From the next frame on; a row names the policy that judged it last."""
    script = Script().open().boot().start(1, "TAG", 100, transaction=7).wait(2).stop(7, 100).wait(9).tick()
    fleet = Fleet()
    fleet.follow(parse_policy(GOOD))
    rows = [row for frame in script.frames for one in fleet.feed(frame) for row in one.discrepancies]
    assert rows
    assert {row.policy_version.split("+")[0] for row in rows} == {"good"}
