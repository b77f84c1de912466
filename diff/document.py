"""Files that operators write (TOML): read into a model, and where they cannot be, which line is wrong and why. Pure."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

__all__ = ["LONGEST_DOCUMENT", "DocumentError", "parse"]

LONGEST_DOCUMENT: Final = 4 * 1024 * 1024
"""Characters. A list of a hundred thousand charging stations has two million."""

ModelT = TypeVar("ModelT", bound=BaseModel)


class DocumentError(ValueError):
    """A file that cannot be followed; the message says where and why."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.line = line
        """The line, counted from 1, where it is known."""


def parse(text: str, model: type[ModelT]) -> ModelT:
    """Read a text. Numbers with a point become exact decimals.

    Raises:
        DocumentError: it is no TOML, or holds what the model does not know.

    """
    if len(text) > LONGEST_DOCUMENT:
        raise DocumentError(f"{len(text)} characters: at most {LONGEST_DOCUMENT} are read")
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        # Without a line the text ended too early: it is its last one.
        raise DocumentError(f"no TOML: {error}", int(found[1]) if found else text.rstrip().count("\n") + 1) from None
    except (RecursionError, ArithmeticError):
        raise DocumentError("no TOML: nested too deeply, or a number that none can be") from None
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = f"{place}: {first['msg'].removeprefix('Value error, ')}"
        raise DocumentError(reason, _line_of(text, first["loc"])) from None


def _line_of(text: str, place: tuple[int | str, ...]) -> int | None:
    """The line of the innermost name of a place that can be found; a number counts tables of one name."""
    at = 0
    line = None
    for step, part in enumerate(place):
        name = re.escape(str(part))
        if isinstance(part, int):
            if step == 1 and part:  # the table array was found at its first table
                tables = list(
                    re.finditer(rf"^[ \t]*\[\[[ \t]*{re.escape(str(place[0]))}[ \t]*\]\]", text, re.MULTILINE)
                )
                if part < len(tables):
                    at = tables[part].start()
                    line = text.count("\n", 0, at) + 1
            continue
        pattern = rf"^[ \t]*(?:\[+[ \t]*(?:[\w-]+\.)*)?[\"']?{name}[\"']?[ \t]*(?=[=\].])"
        found = re.compile(pattern, re.MULTILINE).search(text, at)
        if found is None:
            break
        at = found.start()
        line = text.count("\n", 0, at) + 1
    return line
