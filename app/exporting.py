"""`export`: a table of the store as a file, in bounded memory. A file appears whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from app.settings import Settings
from app.storing import the_store
from diff.exports.columns import DATASETS, Form
from diff.exports.selection import Selection
from diff.exports.text import Row, as_csv, as_json
from diff.store.queries.exports import exported
from ingest.frame import Micros

__all__ = ["ExportError", "form_of", "run"]

_EVERY: Final = 50_000


class ExportError(Exception):
    """Nothing can be exported as asked; the message is one line with the next step."""


@dataclass
class _Counted:
    """Counts rows on their way, and says so where somebody watches."""

    rows: Iterable[Row]
    done: int = 0

    def __iter__(self) -> Iterator[Row]:
        watched = sys.stderr.isatty()
        for row in self.rows:
            yield row
            self.done += 1
            if watched and self.done % _EVERY == 0:
                print(f"\r{self.done:,} rows", end="", file=sys.stderr, flush=True)


def form_of(output: Path | None, said: Form | None) -> Form:
    """The form that was asked for, else the one that the file's name says, else CSV."""
    if said is not None:
        return said
    ending = "" if output is None else output.suffix.lower().lstrip(".")
    return Form(ending) if ending in tuple(Form) else Form.CSV


def run(settings: Settings, name: str, chosen: Selection, form: Form, output: Path | None, at: Micros) -> int:
    """Write the table to a file or to stdout.

    Raises what `the_store` and the store raise, and:
        ExportError: the file cannot be written.

    """
    dataset = DATASETS[name]
    with the_store(settings) as store:
        rows = _Counted(exported(store, dataset, chosen, at))
        try:
            with _target(output) as file:
                if form is Form.PARQUET:
                    from app import parquet

                    parquet.write(dataset.columns, rows, file)
                else:
                    for piece in (as_csv if form is Form.CSV else as_json)(dataset.columns, rows):
                        file.write(piece.encode("utf-8", "replace"))
        except BrokenPipeError:
            # Who read it has had enough; what Python flushes at its end must not complain once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except OSError as error:
            raise ExportError(f"{output or 'stdout'}: cannot be written: {error.strerror or error}") from None
    where = "" if output is None else f" to {output}"
    print(f"{rows.done:,} rows of {name}{where} as {form.value}", file=sys.stderr)
    return 0


@contextmanager
def _target(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
