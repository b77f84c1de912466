"""`report`: the evidence pack of a cohort, signed off by whoever stands by it; and whether one fits its evidence."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from app.command import give_up, moment, run, settings
from app.settings import Settings
from diff.evidence.signing import SignOff
from diff.evidence.written import ReportForm

if TYPE_CHECKING:
    from app.reporting import Wanted

__all__ = ["app"]

app: Final = typer.Typer(
    name="report",
    help="The evidence pack of a cohort, as a laboratory or a board asks for it.",
    invoke_without_command=True,
    no_args_is_help=False,
)


@app.callback()
def report(
    context: typer.Context,
    cohort: Annotated[
        str, typer.Option(help="A cohort of the file, or a selection ('vendor=ACME model=One*'); none is the fleet.")
    ] = "",
    form: Annotated[
        ReportForm | None, typer.Option("--format", help="md or html; else as the file is called, else md.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write here; else to standard output.")] = None,
    evidence: Annotated[Path | None, typer.Option(help="Write the evidence that it is made of here (JSON).")] = None,
    signed_by: Annotated[str, typer.Option(help="Who stands by it; needs --evidence.")] = "",
    role: Annotated[str, typer.Option(help="In which role.")] = "",
    note: Annotated[str, typer.Option(help="What they have to say about it.")] = "",
    certification_days: Annotated[
        int, typer.Option(min=0, max=366, help="Days of stored frames that the certification checks look at; 0: none.")
    ] = 7,
    thresholds: Annotated[Path | None, typer.Option(help="TOML file of the gates' thresholds.")] = None,
    cohort_file: Annotated[Path | None, typer.Option(help="TOML file of cohorts, sites and waves.")] = None,
    at: Annotated[str | None, typer.Option(help="About this ISO time with its zone; none is now.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
) -> None:
    """Report on a cohort: verdict, gates, causes, coverage, checks, security, device models, bills, versions."""
    if context.invoked_subcommand is not None:
        return
    from app.reporting import Wanted

    given = settings(cohort_file=cohort_file, thresholds_file=thresholds, data_dir=data_dir, store_url=store_url)
    if (role or note) and not signed_by:
        give_up(typer.BadParameter("--role and --note belong to --signed-by"))
    if signed_by and evidence is None:
        give_up(
            typer.BadParameter("--signed-by needs --evidence FILE: a report is signed off beside what it is made of")
        )
    if output is not None and output == evidence:
        give_up(typer.BadParameter("--output and --evidence are the same file"))
    now = time.time_ns() // 1000
    wanted = Wanted(cohort, moment(at, "--at") if at else now, now, certification_days)
    signed = SignOff(signed_by[:200], role[:200], note[:1000], now) if signed_by else None
    run(lambda: _write(given, wanted, signed, _form(form, output), output, evidence))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The report.")],
    evidence: Annotated[Path, typer.Option(help="The evidence that it is said to be made of (JSON).")],
) -> None:
    """Say whether a report is the one of its evidence. Ends with 1 where it is not."""
    run(lambda: _verify(file, evidence))


def _form(said: ReportForm | None, output: Path | None) -> ReportForm:
    if said is not None:
        return said
    html = output is not None and output.suffix.lower() in (".html", ".htm")
    return ReportForm.HTML if html else ReportForm.MARKDOWN


def _write(
    given: Settings,
    wanted: Wanted,
    signed: SignOff | None,
    form: ReportForm,
    output: Path | None,
    evidence: Path | None,
) -> int:
    from app.reporting import ReportError, gathered, tool_version, write
    from app.storing import the_store
    from diff.evidence.pack import encode
    from diff.evidence.written import written
    from diff.store.gating import GatingError

    try:
        with the_store(given) as store:
            data = encode(gathered(store, given, wanted))
        text = written(data, signed, form, tool_version()).encode("utf-8", "replace")
        if evidence is not None:
            write(evidence, data)
        if output is not None:
            write(output, text)
        else:
            sys.stdout.buffer.write(text)
    except (GatingError, ReportError) as error:
        give_up(error)
    return 0


def _verify(file: Path, evidence: Path) -> int:
    from app.reporting import ReportError, read_bytes, read_text, tool_version
    from diff.evidence.pack import EvidenceError
    from diff.evidence.signing import mark_in
    from diff.evidence.written import flaw_of

    try:
        text, data = read_text(file), read_bytes(evidence)
        flaw, compared = flaw_of(text, data, tool_version())
    except ReportError as error:
        give_up(error)
    except EvidenceError as error:
        give_up(ReportError(f"{evidence}: {error}"))
    if flaw:
        typer.echo(f"{file} does not fit {evidence}: {flaw}")
        return 1
    mark = mark_in(text)
    assert mark is not None
    how = "its text is what the evidence gives" if compared else f"its text was written by version {mark.tool[:40]}"
    more = "" if compared else " and was not compared"
    who = f"signed off by {mark.signed.who}" if mark.signed else "nobody has signed it off"
    typer.echo(f"{file} was made of {evidence} (SHA-256 {mark.digest}); {how}{more}; {who}")
    typer.echo("The digest is no signature of a person: it only holds report and evidence together.")
    return 0
