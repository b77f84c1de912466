"""Verdicts over a real store: what goes, what holds, what says too little, and what is remembered of it."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from demo.script import Script
from diff.cohort import Cohorts, parse_cohorts
from diff.gates.gate import Outcome
from diff.judging import Decision
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.gating import GatingError, Report, chosen, read_cohorts, report, thresholds_in_force
from diff.store.queries.fingerprints import fingerprint_lines
from diff.store.queries.runs import decide
from diff.store.queries.verdicts import latest_verdict, verdict_history
from ingest.control import Acknowledgement
from ingest.recording import encode_line
from tests.app.conftest import Cli
from tests.diff.store.generated import AT, DAY, a_fault, add, generate

COHORTS = parse_cohorts('[[cohort]]\nname = "acme"\nvendors = ["ACME"]\n')


def _report(store: Store, *names: str, at: int = AT, keep: bool = True, thresholds: Path | None = None) -> Report:
    held = thresholds_in_force(thresholds, store)
    return report(store, COHORTS, chosen(COHORTS, names, everything=False), held, at, at + 1, keep=keep)


def test_a_cohort_without_faults_goes_only_when_the_evidence_suffices(store: Store) -> None:
    """Three hundred settled sessions go, with the bound and what it means a week."""
    generate(store, 300)
    (given,) = _report(store).verdicts
    verdict = given.verdict
    assert verdict.outcome is Outcome.GO, verdict.results[0]
    assert "none in 300: at 95 % at most 1 % (rule of three; exactly 0.994 %)" in verdict.because
    assert "at 150 sessions a week at most 2 sessions a week" in verdict.because
    assert (verdict.vendors, verdict.models, verdict.clean_days) == (3, 3, 14)


def test_one_planted_energy_fault_in_three_hundred_sessions_holds_and_is_named(store: Store) -> None:
    """The money gate first, with fingerprint and title; the critical gate beside it."""
    generate(store, 300)
    fault = a_fault("session.energy", AT - DAY)
    add(store, fault)
    (given,) = _report(store).verdicts
    verdict = given.verdict
    assert (verdict.outcome, verdict.first) == (Outcome.HOLD, "money")
    assert f"1 of 300 sessions would be billed otherwise: {fault.fingerprint} {fault.title}" in verdict.because
    assert [one.gate for one in verdict.results if one.outcome is Outcome.HOLD] == ["money", "critical"]


def test_gates_and_fingerprints_read_the_run_that_is_current(store: Store) -> None:
    """A fault that only another run found holds where that run is current, and not before, and not after."""
    generate(store, 300)
    fault = replace(a_fault("session.energy", AT - DAY), judging_run="strict")
    add(store, fault)
    assert _report(store).outcome is Outcome.GO
    assert fingerprint_lines(store, AT) == []
    decide(store, Decision(1, "strict", AT - DAY, AT - DAY + 1))
    (given,) = _report(store).verdicts
    assert (given.verdict.outcome, given.verdict.first) == (Outcome.HOLD, "money")
    assert [(one.fingerprint, one.open) for one in fingerprint_lines(store, AT)] == [(fault.fingerprint, 1)]
    decide(store, Decision(2, "live", 0, AT))
    assert _report(store).outcome is Outcome.GO


def test_a_hundred_sessions_say_too_little_and_how_many_more(store: Store) -> None:
    """Zero of a hundred is not zero."""
    generate(store, 100)
    (given,) = _report(store).verdicts
    verdict = given.verdict
    assert (verdict.outcome, verdict.first) == (Outcome.INCONCLUSIVE, "money")
    assert verdict.change == "200 more settled sessions without one"


def test_a_flip_is_known_and_a_later_answer_about_the_same_time_counts(store: Store) -> None:
    """INCONCLUSIVE, GO, HOLD; each verdict knows the one before it, by cohort."""
    generate(store, 100)
    _report(store, "acme", "fleet", at=AT - 3600)
    generate(store, 300)
    _report(store, at=AT - 1800)
    add(store, a_fault("session.energy", AT - DAY))
    (given,) = _report(store).verdicts
    assert given.previous is not None
    assert (given.previous.outcome, given.previous.at, given.flipped) == ("GO", AT - 1800, True)
    assert [(one.cohort, one.outcome) for one in verdict_history(store)] == [
        ("fleet", "HOLD"),
        ("fleet", "GO"),
        ("acme", "INCONCLUSIVE"),
        ("fleet", "INCONCLUSIVE"),
    ]
    assert len(verdict_history(store, "acme")) == 1
    latest = latest_verdict(store, "acme")
    assert latest is not None
    assert json.loads(latest.detail)["cohort"] == "acme"
    _report(store, keep=False, at=AT + 5)
    assert len(verdict_history(store, "fleet")) == 3


def test_a_broken_file_of_thresholds_leaves_the_last_good_one_in_force(store: Store, tmp_path: Path) -> None:
    """Line and reason are said, the verdict is given; where none was ever good, it is not."""
    generate(store, 100)
    file = tmp_path / "thresholds.toml"
    file.write_text("[money]\nsessions = lots\n")
    with pytest.raises(GatingError, match=r"thresholds.toml: line 2: .*no good one is known yet"):
        _report(store, thresholds=file)
    file.write_text('version = "pilot"\n[money]\nsessions = 100\n')
    assert _report(store, thresholds=file).outcome is Outcome.GO
    file.write_text("[money]\nsessions = lots\n")
    found = _report(store, thresholds=file)
    assert (found.outcome, found.thresholds_version) == (Outcome.GO, "pilot")
    assert "line 2" in found.problem


def test_a_stale_acknowledgement_holds_the_cohort_it_is_about(store: Store) -> None:
    """Expired yesterday: the fleet and its vendor hold, another vendor does not."""
    generate(store, 900)
    known = a_fault("clock.no-zone", AT - 2 * DAY, session=None, path="Heartbeat", delta=None, unit=None)
    add(store, known, Acknowledgement(known.fingerprint, "known", "ann", AT - DAY, at=AT - 9 * DAY))
    given = _report(store, "vendor=ACME", "vendor=Birch", "fleet").verdicts
    assert [(one.verdict.outcome.value, one.verdict.first) for one in given] == [
        ("HOLD", "baseline"),
        ("GO", ""),
        ("HOLD", "baseline"),
    ]


def test_cohorts_that_cannot_be_had(tmp_path: Path) -> None:
    """A file that is not there, one that is broken, a name that there is not."""
    with pytest.raises(GatingError, match="cannot be read"):
        read_cohorts(tmp_path / "none.toml")
    broken = tmp_path / "cohorts.toml"
    broken.write_text("[[cohort]]\nnome = 'a'\n")
    with pytest.raises(GatingError, match=r"cohorts.toml: line \d: cohort.0"):
        read_cohorts(broken)
    with pytest.raises(GatingError, match="no cohort is called 'x'"):
        chosen(Cohorts(), ["x"], everything=False)
    assert [one.name for one in chosen(COHORTS, [], everything=True)] == ["acme", "fleet"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with one session in which nothing is wrong."""
    directory = tmp_path_factory.mktemp("gated")
    script = Script("CP1").boot().status(1, "Preparing").start(1, "04A1B2C3", 1000, transaction=7).wait(600)
    script.meter(1, 7, 1500).wait(1200).stop(7, 3500).wait(60)
    (directory / "recording.jsonl").write_bytes(b"".join(map(encode_line, script.frames)))
    return directory


def test_the_commands_from_a_recording_to_a_verdict(cli: Cli, kept: Path) -> None:
    """Kept, lived again without a difference, acknowledged, judged: exit code 20, and 10 when something is stale."""
    data = ("--data-dir", kept / "data")
    recording = kept / "recording.jsonl"
    assert cli("gate", "--json", *data).json["outcome"] == "INCONCLUSIVE"
    assert cli("replay", recording, "--store", *data).code == 0
    again = cli("noise", recording, *data, "--json")
    assert (again.code, again.json["run"]["differences"]) == (0, 0), again.err
    stored = cli("noise", "--store", "--dry-run", *data)
    assert (stored.code, stored.out.startswith(b"0 differences: ")) == (0, True), stored.err

    said = cli("ack", "add", "0123456789abcdef", "--reason", "ticket 12", "--owner", "ann", "--expires", "2199-01-01",
               *data)  # fmt: skip
    assert said.code == 2
    assert "expires in more than a year" in said.err
    said = cli("gate", "--at", "2030-01-01T13:00:00Z", "--json", *data)
    assert said.code == 20
    (given,) = said.json["verdicts"]
    gates = {one["gate"]: one["outcome"] for one in given["verdict"]["results"]}
    assert list(gates) == ["sight", "money", "critical", "rate", "coverage", "noise", "baseline"]
    assert gates["baseline"] == "GO"
    assert given["previous"]["outcome"] == "INCONCLUSIVE"
    text = cli("gate", "--at", "2030-01-01T13:00:00Z", "--dry-run", *data).out.decode()
    assert text.startswith("fleet: INCONCLUSIVE, sight first (about 2030-01-01T13:00:00Z)")
    assert "what would change it: " in text
    assert "299 more settled sessions" in text


def test_acknowledgements_by_command(cli: Cli, engine: EmbeddedEngine) -> None:
    """Said, listed, reported when stale, revoked; a fingerprint that nobody has seen is remarked upon."""
    data = ("--store-url", engine.url("acknowledged"))
    assert cli("ack", "list", *data).out == b"nothing is acknowledged\n"
    day = "2026-01-01"  # in the past of whoever runs this, or within a year of it
    wrong = cli("ack", "add", "0123456789abcdef", "--reason", " ", "--owner", "ann", "--expires", day, *data)
    assert (wrong.code, "a reason is missing" in wrong.err) == (2, True)
    wrong = cli("ack", "add", "session.energy", "--reason", "r", "--owner", "ann", "--expires", day, *data)
    assert (wrong.code, "no fingerprint" in wrong.err) == (2, True)
    until = _in_days(30)
    said = cli("ack", "add", "0123456789abcdef", "--reason", "ticket 12", "--owner", "ann", "--expires", until,
               "--model", "One", "--by", "bob", *data)  # fmt: skip
    assert said.code == 0
    assert "no discrepancy with the fingerprint" in said.err
    (one,) = cli("ack", "list", "--json", *data).json
    assert (one["standing"], one["acknowledgement"]["owner"], one["acknowledgement"]["by"]) == ("holds", "ann", "bob")
    assert cli("ack", "report", *data).out == b"no acknowledgement needs anybody; 1 are held\n"
    later = cli("ack", "report", "--json", "--at", f"{_in_days(40)}T00:00:00Z", *data)
    assert [row["standing"] for row in later.json] == ["expired"]
    assert b"ticket 12" in cli("ack", "list", *data).out
    assert cli("ack", "revoke", "0000", *data).code == 2
    assert cli("ack", "revoke", one["id"], "--by", "eve", *data).code == 0
    assert cli("ack", "list", "--json", *data).json == []
    (gone,) = cli("ack", "list", "--revoked", "--json", *data).json
    assert (gone["standing"], gone["acknowledgement"]["by"]) == ("revoked", "eve")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("gate", "--all", "--cohort", "x"), "not both"),
        (("gate", "--at", "yesterday"), "is no time"),
        (("gate", "--cohort", "nobody"), "no cohort is called 'nobody'"),
        (("gate", "--cohort-file", "none.toml"), "none.toml: cannot be read"),
        (("noise",), "name recordings, or --store"),
        (("noise", "r.jsonl", "--store"), "name recordings, or --store"),
    ],
)
def test_commands_that_cannot_begin_say_why(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    """Exit code 2 and one line."""
    outcome = cli(*arguments, "--data-dir", tmp_path / "data")
    assert outcome.code == 2
    assert reason in outcome.err
    assert "Traceback" not in outcome.err


def _in_days(days: int) -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def test_what_is_revoked_after_its_expiry_is_revoked(store: Store) -> None:
    """The expiry is moved behind the word: nobody could say it otherwise."""
    told = Acknowledgement("0123456789abcdef", "known", "ann", AT - DAY, at=AT - 9 * DAY)
    add(store, told, replace(told, revoked=True, at=AT, expires=AT + 1))
    assert _report(store).verdicts[0].verdict.results[-1].gate == "baseline"
