"""`check` and `certification`: what comes of recordings in a pipeline, and the examples of the documentation."""

import json
import re
import shlex
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
import yaml

from app.commands.check import read_expected
from demo.native import NativeScript
from demo.script import Script
from ingest.recording import encode_line
from tests.app.conftest import Cli
from tests.running import call

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/check.md"
TAG = "04A1B2C3"


def _written(path: Path, script: Script) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(encode_line, script.frames)))
    return path


def _foreign(path: Path, script: Script) -> Path:
    """As another's logger writes it: nothing in it is redacted."""
    lines = [
        {"t": None, "cp": frame.charger_id, "dir": frame.direction, "raw": frame.text}
        for frame in script.frames
        if frame.direction is not None
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return path


def _wrong() -> Script:
    return Script().boot().status(1, "Occupied")


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A recording of a station that nobody could complain about."""
    return _written(tmp_path / "clean.jsonl", Script().boot().status(1, "Available"))


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A station that says Occupied, which 1.6 does not have."""
    return _written(tmp_path / "wrong.jsonl", _wrong())


class TestCheck:
    """Exit codes, reports, bad input."""

    def test_exit_codes(self, cli: Cli, clean: Path, wrong: Path) -> None:
        """0 clean, 1 findings, 0 where they are declared, 3 where a declared one does not occur."""
        expect = ROOT / "examples/expect.toml"
        assert cli("check", clean).code == 0
        assert cli("check", clean, wrong).code == 1
        assert cli("check", clean, wrong, "--fail-on", "critical").code == 0
        assert cli("check", wrong, "--expect", expect).code == 0
        stale = cli("check", clean, "--expect", expect)
        assert stale.code == 3
        assert b"UNEXPECTED PASS: schema.v16 at StatusNotification.status:* on CP*" in stale.out

    def test_a_native_recording_is_checked(self, cli: Cli, tmp_path: Path) -> None:
        """2.0.1 on the wire: a rule by its requirement id."""
        recording = _written(tmp_path / "n.jsonl", NativeScript().boot().started("t", evse=None))
        outcome = cli("check", recording, "--json")
        assert outcome.code == 1
        cases = {case["name"]: case for case in json.loads(outcome.out)["suites"][0]["cases"]}
        assert cases["rule.v201"]["outcome"] == "failed"

    def test_the_documents_agree_and_are_the_same_each_time(self, cli: Cli, wrong: Path, tmp_path: Path) -> None:
        """JSON and JUnit tell the same cases; a second run gives the same bytes, whatever the key was."""
        first = cli("check", wrong, "--json", "--junit", tmp_path / "1.xml")
        second = cli("check", wrong, "--json", "--junit", tmp_path / "2.xml")
        assert first.out == second.out
        assert (tmp_path / "1.xml").read_bytes() == (tmp_path / "2.xml").read_bytes()
        document, root = json.loads(first.out), fromstring((tmp_path / "1.xml").read_text())
        assert document["exit_code"] == first.code == 1
        failed = {
            case["name"] for suite in document["suites"] for case in suite["cases"] if case["outcome"] == "failed"
        }
        assert failed == {case.attrib["name"] for case in root.iter("testcase") if case.find("failure") is not None}
        assert [suite["recording"] for suite in document["suites"]] == [str(wrong), str(wrong)]

    def test_no_token_leaves_the_house(self, cli: Cli, tmp_path: Path) -> None:
        """A recording of another's logger with raw tokens and a password: nothing of them in any report."""
        script = Script().boot().authorize("SECRETTAGSECRETTAGSECRETTAG").start(1, "SECRETTAG" * 5, 0, transaction=7)
        script.remote("ChangeConfiguration", {"key": "AuthorizationKey", "value": "SECRET" * 100})
        script.call("SECRETTAG", {}).status(1, "Occupied")
        recording = _foreign(tmp_path / "raw.jsonl", script)
        outcome = cli("check", recording, "--json", "--junit", tmp_path / "r.xml", "--fail-on", "minor")
        report = outcome.out + (tmp_path / "r.xml").read_bytes() + outcome.err.encode()
        assert b"SECRETTAGSECRET" not in report
        assert b"SECRETSECRET" not in report
        assert b"a text of 27 characters" in report

    def test_a_token_file_is_used_under_the_key_of_the_run(self, cli: Cli, tmp_path: Path) -> None:
        """What is redacted under a key that nobody keeps is still recognised."""
        (tmp_path / "tokens.toml").write_text(f'[[token]]\nid = "{TAG}"\nstatus = "Blocked"\n')
        (tmp_path / "shadow-csms.toml").write_text("token_file = 'tokens.toml'\n")
        _foreign(tmp_path / "raw.jsonl", Script().boot().authorize(TAG))
        outcome = call(["check", "raw.jsonl", "--json"], tmp_path)
        assert outcome.code == 1
        suite = json.loads(outcome.out)["suites"][0]
        assert suite["properties"]["authorizations.judged-by-tokens"] == "1"
        assert "session.authorization" in {case["name"] for case in suite["cases"] if case["outcome"] == "failed"}

    def test_lines_that_hold_no_frame_are_errors(self, cli: Cli, clean: Path) -> None:
        """Named with file and line, without what stood there; the rest is checked."""
        clean.write_bytes(clean.read_bytes() + b'{"cp": "CP1", "dir": "SECRET"}\n')
        outcome = cli("check", clean, "--json")
        assert outcome.code == 1
        assert b"SECRET" not in outcome.out
        (case,) = json.loads(outcome.out)["suites"][-1]["cases"]
        assert case["outcome"] == "error"
        assert "line" in case["note"]

    def test_an_empty_recording_is_no_pass(self, cli: Cli, tmp_path: Path) -> None:
        """Nothing was checked."""
        (tmp_path / "empty.jsonl").write_text("")
        assert cli("check", tmp_path / "empty.jsonl").code == 1

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (None, "expect.toml: cannot be read: No such file"),
            ("[[expected]", "expect.toml: no TOML: "),
            ('[[expected]]\ncode = "x.y"\nreason = "r"\nowner = "o"\n', "number 1: there is no code 'x.y'"),
            ('[[expected]]\ncode = "schema.v16"\nreason = "r"\n', "number 1: give finding"),
        ],
    )
    def test_a_broken_file_of_expected_failures(
        self, cli: Cli, clean: Path, tmp_path: Path, text: str | None, message: str
    ) -> None:
        """Exit code 2 and one line, before anything is read."""
        if text is not None:
            (tmp_path / "expect.toml").write_text(text)
        outcome = cli("check", clean, "--expect", tmp_path / "expect.toml")
        assert (outcome.code, outcome.out) == (2, b"")
        assert message in outcome.err
        assert outcome.err.count("\n") == 1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
            (["x.jsonl", "--junit", "nowhere/x.xml"], "there is no directory"),
        ],
    )
    def test_what_cannot_begin(self, cli: Cli, arguments: list[str], message: str) -> None:
        """Exit code 2."""
        outcome = cli("check", *arguments)
        assert outcome.code == 2
        assert message in outcome.err


class TestCertification:
    """The seven checks."""

    def test_json_has_seven_checks_in_both_protocols(self, cli: Cli, wrong: Path) -> None:
        """With denominators, the stations and their kinds."""
        outcome = cli("certification", wrong, "--json")
        assert outcome.code == 0
        document = json.loads(outcome.out)
        assert [check["number"] for check in document["checks"]] == list(range(1, 8))
        row = document["checks"][6]["protocols"]["ocpp1.6"]
        assert (row["result"], row["seen"], row["chargers"]) == ("FAIL", 4, ["CP1"])
        assert row["kinds"] == [{"vendor": "Alder", "model": "Curb 11", "firmware": "", "chargers": 1, "hits": 1}]

    def test_people_get_a_table_and_what_was_not_seen(self, cli: Cli, wrong: Path) -> None:
        """One row for each check of a protocol that was seen."""
        outcome = cli("certification", wrong)
        assert outcome.code == 0
        assert b"ocpp2.0.1: no message was seen, every check is NOT APPLICABLE" in outcome.out
        assert b"0 by the mapping of their status only" in outcome.out

    def test_recordings_and_store_are_checked_alike(self, cli: Cli, wrong: Path, tmp_path: Path) -> None:
        """The frames of the store give the same checks."""
        assert cli("replay", wrong, "--store", "--data-dir", tmp_path / "data").code == 0
        of_store = cli("certification", "--store", "--data-dir", tmp_path / "data", "--json")
        of_recording = cli("certification", wrong, "--json")
        assert of_store.code == 0, of_store.err
        assert json.loads(of_store.out)["checks"] == json.loads(of_recording.out)["checks"]

    def test_neither_nor(self, cli: Cli) -> None:
        """Recordings or the store have to be named."""
        assert cli("certification").code == 2


class TestDocumentation:
    """docs/check.md and its examples."""

    def _blocks(self, language: str) -> list[str]:
        return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)

    def _commands(self, job: Any) -> list[str]:
        if isinstance(job, dict):
            return [found for value in job.values() for found in self._commands(value)]
        if isinstance(job, list):
            return [found for value in job for found in self._commands(value)]
        return [job] if isinstance(job, str) and job.startswith("shadow-csms ") else []

    def test_the_jobs_are_yaml_and_their_command_runs(self, cli: Cli, tmp_path: Path) -> None:
        """Both jobs parse; what they run is run here, on a recording that they name."""
        github, gitlab = map(yaml.safe_load, self._blocks("yaml"))
        assert github["jobs"]["ocpp-check"]["steps"][0]["uses"].startswith("actions/checkout")
        assert gitlab["ocpp-check"]["artifacts"]["reports"]["junit"] == "ocpp.xml"
        commands = [*self._commands(github), *self._commands(gitlab)]
        assert len(commands) == 2
        _written(tmp_path / "recordings/run.jsonl", _wrong())
        (tmp_path / "expect.toml").write_text((ROOT / "examples/expect.toml").read_text())
        for command in commands:
            outcome = call(shlex.split(command)[1:], tmp_path)
            assert outcome.code == 0, outcome.err
            assert fromstring((tmp_path / "ocpp.xml").read_text()).tag == "testsuites"

    def test_the_example_of_expected_failures_can_be_read(self) -> None:
        """Both of the page and of examples/."""
        assert len(read_expected(ROOT / "examples/expect.toml")) == 2
        (shown,) = self._blocks("toml")
        for key in ("code", "path", "charger", "reason", "finding", "owner"):
            assert f"\n{key} = " in shown
