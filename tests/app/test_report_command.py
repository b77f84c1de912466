"""`report` over a real store: everything that a board asks for, escaped, self-contained, and held to its evidence."""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from app.cli import app
from app.reporting import tool_version
from diff.discrepancy import JudgedSession
from diff.evidence.pack import decode
from diff.evidence.signing import SignOff, mark_in, marked
from diff.evidence.written import ReportForm, written
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.tables import ChargerFacts
from ingest.control import Acknowledgement
from ingest.frame import Direction, Frame
from ingest.timestamps import format_micros
from tests.diff.store.generated import AT, DAY, a_fault, a_session, add, generate

EVIL = '<script>alert("1")</script>|`'
Report = Callable[..., Result]


def _billed(number: int) -> JudgedSession:
    session = a_session(number, AT - DAY // 24)
    return replace(
        session, record_id="r1", record_energy_wh=Decimal(900), record_amount=Decimal("4.50"), record_currency="EUR",
        shadow_amount=Decimal("5.00"), amount_delta=Decimal("0.50"), version=2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def seeded(engine: EmbeddedEngine) -> Iterator[str]:
    """A fleet with a fault, an acknowledgement, a bill, a security event and an evil vendor; where it is."""
    with Store.connect(engine.url("reported")) as store:
        store.migrate()
        _fill(store)
        yield engine.url("reported")
        with store.beside("default") as server:
            server.execute("DROP DATABASE reported")


def _fill(store: Store) -> None:
    generate(store, 300)
    fault = a_fault("session.energy", AT - DAY, path="CDR.total_energy")
    evil = a_fault("clock.no-zone", AT - DAY, charger=1, session=None, delta=None, unit=None, title=EVIL)
    event = '[2,"9","SecurityEventNotification",{"type":"TamperDetectionActivated","timestamp":"2026-06-01T00:00:00Z"}]'
    add(store, fault, evil, _billed(0), ChargerFacts("CP-2", "live", EVIL, "Two", "1.0", AT - DAY, AT, 6, AT + 1))
    add(store, Acknowledgement(evil.fingerprint, "known, ticket 12", "ann", AT + 9 * DAY, at=AT - DAY))
    add(store, Frame("CP-1", "CP-1@1", 0, AT - DAY, direction=Direction.CP_TO_CS, text=event))


@pytest.fixture
def report(seeded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    """Run the command about the fleet."""
    monkeypatch.chdir(tmp_path)
    about = ("--at", format_micros(AT), "--store-url", seeded)
    return lambda *words: CliRunner().invoke(app, ["report", *words, *about])


@pytest.fixture(scope="module")
def evidence(seeded: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a report on it is made of."""
    file = tmp_path_factory.mktemp("evidence") / "e.json"
    words = ("--at", format_micros(AT), "--store-url", seeded, "--evidence", str(file))
    assert CliRunner().invoke(app, ["report", *words]).exit_code == 0
    return file.read_bytes()


class _Outside(HTMLParser):
    """What a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "iframe", "img", "object"):
            self.found.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and not (value or "").startswith("#"):
                self.found.append(f"{name}={value}")
            if name.startswith("on"):
                self.found.append(name)


def test_html_says_everything_and_fetches_nothing(report: Report, tmp_path: Path) -> None:
    """The failing gate first, money, acknowledgement, security event, charts with words, and the sign-off."""
    words = ("--signed-by", "Ann Ode", "--role", "head of charging", "--note", "wave 1 waits")
    done = report("--output", "r.html", "--evidence", "e.json", *words)
    assert done.exit_code == 0, done.stderr
    page = (tmp_path / "r.html").read_text().replace("<wbr>", "")
    outside = _Outside()
    outside.feed(page)
    assert outside.found == []
    assert EVIL not in page
    assert page.startswith("<!doctype html>")
    for text in (
        "Evidence for fleet: HOLD", "<dd>HOLD, money first</dd>", "1 of 300 sessions would be billed otherwise",
        "0.5 EUR", "known, ticket 12", "TamperDetectionActivated", "Ann Ode", "head of charging", "wave 1 waits",
        "no cryptographic signature", "Open discrepancies by cause", "1 of 300 compared sessions", "NOT APPLICABLE",
    ):  # fmt: skip
        assert text in page, text
    assert len(re.findall(r'<svg[^>]* role="img"', page)) >= 3
    assert page.count("<desc>") >= 3
    gates = re.findall(r'<tr><th scope="row">(\w+)</th><td><span class="mark \w+">\S+ (\w+)', page)
    assert gates[:2] == [("money", "HOLD"), ("critical", "HOLD")]


def test_markdown_says_the_same_and_the_evidence_is_exact(report: Report, tmp_path: Path) -> None:
    """The same document without pictures; the evidence is read again as what it was."""
    done = report("--evidence", "e.json", "--certification-days", "0")
    assert done.stdout.startswith("# Evidence for fleet: HOLD\n")
    assert "Nobody has signed this report off." in done.stdout
    assert "The checks were not asked for." in done.stdout
    assert "<script>" not in done.stdout
    assert "1 of 300 compared sessions are billed" in done.stdout
    pack = decode((tmp_path / "e.json").read_bytes())
    (energy,) = [one for one in pack.fingerprints if one.code == "session.energy"]
    assert energy.money == {"EUR": Decimal("0.5")}
    assert (pack.bills.billed, pack.bills.energy_differs, pack.seen.sessions) == (1, 1, 300)
    assert json.loads((tmp_path / "e.json").read_text())["verdict"]["outcome"] == "HOLD"


@pytest.mark.parametrize("name", ["r.html", "r.md"])
def test_a_report_is_held_to_its_evidence(
    evidence: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It verifies as it is; a word, a name or a number changed afterwards is found, and so is other evidence."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.json").write_bytes(evidence)
    form = ReportForm(name.partition(".")[2])
    (tmp_path / name).write_text(written(evidence, SignOff("Ann", "", "", AT), form, tool_version()))

    def verify() -> tuple[int, str]:
        done = CliRunner().invoke(app, ["report", "verify", name, "--evidence", "e.json"])
        return done.exit_code, done.stdout

    code, said = verify()
    assert (code, "its text is what the evidence gives; signed off by Ann" in said) == (0, True), said
    assert "no signature of a person" in said
    text = (tmp_path / name).read_text()
    for before, after in (("HOLD", "GO"), ("Ann", "Bob"), ("300", "900")):
        (tmp_path / name).write_text(text.replace(before, after))
        code, said = verify()
        assert (code, "somebody changed it" in said) == (1, True), (before, said)
    (tmp_path / name).write_text(text)
    (tmp_path / "e.json").write_bytes((tmp_path / "e.json").read_bytes().replace(b"300", b"301", 1))
    code, said = verify()
    assert (code, "it was made of the evidence" in said) == (1, True)
    (tmp_path / name).write_text("nothing")
    assert "holds no mark" in verify()[1]


def test_a_report_of_another_version_is_held_by_its_digest_only(
    evidence: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version may word it otherwise: that is said, not called a forgery."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.json").write_bytes(evidence)
    text = written(evidence, None, ReportForm.MARKDOWN, tool_version())
    mark = mark_in(text)
    assert mark is not None
    body = text[: text.rindex("\n<!--")]
    (tmp_path / "r.md").write_text(marked(f"{body}x", msgspec.structs.replace(mark, tool="0.0.9")))
    done = CliRunner().invoke(app, ["report", "verify", "r.md", "--evidence", "e.json"])
    assert (done.exit_code, "written by version 0.0.9 and was not compared" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--role", "x"), "belong to --signed-by"),
        (("--signed-by", "Ann"), "needs --evidence"),
        (("--output", "a", "--evidence", "a"), "the same file"),
        (("--cohort", "vendor=Nobody"), "nothing to report on"),
        (("--cohort", "north"), "no cohort is called 'north'"),
        (("--output", "none/r.md"), "none/r.md: cannot be written"),
    ],
)
def test_what_cannot_be_reported_is_said(report: Report, words: tuple[str, ...], says: str) -> None:
    """One line, exit code 2."""
    done = report(*words, "--certification-days", "0")
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr


def test_evidence_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named, with the reason."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.md").write_text("x")
    done = CliRunner().invoke(app, ["report", "verify", "r.md", "--evidence", "e.json"])
    assert (done.exit_code, "e.json: cannot be read" in done.stderr) == (2, True)
