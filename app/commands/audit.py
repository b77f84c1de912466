"""`audit`: what each charging station has of 2.0.1, and what is left to do before it moves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from app.command import give_up, run, settings, span

if TYPE_CHECKING:
    from diff.audit.written import Form

__all__ = ["app"]

app: Final = typer.Typer()


@app.command()
def audit(
    recordings: Annotated[
        list[Path] | None, typer.Argument(help="Audit what these recordings show (JSON Lines); - is standard input.")
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="Audit what the store shows.")] = False,
    since: Annotated[str | None, typer.Option(help="With --store: from this ISO time with its zone on.")] = None,
    until: Annotated[str | None, typer.Option(help="With --store: up to this time.")] = None,
    charger: Annotated[list[str] | None, typer.Option(help="Only this charging station (glob); repeatable.")] = None,
    vendor: Annotated[str, typer.Option(help="Only stations of this vendor (glob).")] = "*",
    model: Annotated[str, typer.Option(help="Only stations of this model (glob).")] = "*",
    firmware: Annotated[str, typer.Option(help="Only stations with this firmware (glob).")] = "*",
    as_html: Annotated[bool, typer.Option("--html", help="One HTML file that needs nothing else.")] = False,
    as_md: Annotated[bool, typer.Option("--md", help="Markdown; what is written where nothing else is said.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write here; .html and .json say the form.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Write the device model of one station here, as a picture (SVG).")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the embedded store lives.")] = None,
    store_url: Annotated[str | None, typer.Option(help="A running ClickHouse; else the embedded store.")] = None,
) -> None:
    """Audit the gap to 2.0.1: functional blocks, required variables, keys, security, hardware, work left."""
    from app.auditing import AuditError, Options
    from app.auditing import run as run_audit
    from app.sources import Source
    from diff.audit.grounds import Cohort

    given = settings(data_dir=data_dir, store_url=store_url)
    if store == bool(recordings):
        give_up(typer.BadParameter("name recordings, or --store for what the store shows"))
    begin, end, _ = span(since, until, None, store=store)
    source = Source(recordings or (), store, begin, end)
    form = _form(out, as_html=as_html, as_md=as_md, as_json=as_json)
    options = Options(Cohort(tuple(charger or ()), vendor, model, firmware), form, out, picture)

    def action() -> int:
        try:
            return run_audit(given, source, options)
        except AuditError as error:
            give_up(error)

    run(action)


def _form(out: Path | None, *, as_html: bool, as_md: bool, as_json: bool) -> Form:
    from diff.audit.written import Form

    asked = [form for form, wanted in ((Form.HTML, as_html), (Form.MARKDOWN, as_md), (Form.JSON, as_json)) if wanted]
    if len(asked) > 1:
        give_up(typer.BadParameter("choose one of --html, --md and --json"))
    if asked:
        return asked[0]
    endings = {".html": Form.HTML, ".htm": Form.HTML, ".json": Form.JSON}
    return endings.get(out.suffix.lower(), Form.MARKDOWN) if out is not None else Form.MARKDOWN
