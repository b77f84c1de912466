"""Reading tables of a TOML file that people write: each refusal says where it is and what to write instead. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["choice", "listed", "only", "tables", "text"]


def only(table: dict[str, Any], names: Sequence[str], where: str) -> None:
    """Refuse fields that a table does not take. Raises `ValueError`, as all of these."""
    unknown = sorted(set(table) - set(names))
    if unknown:
        raise ValueError(f"{where} has a field {unknown[0]!r}; it takes {', '.join(names)}")


def tables(table: dict[str, Any], name: str, written: str, where: str) -> list[dict[str, Any]]:
    """The list of tables under a name; none where it is absent. `written` is how the file writes them."""
    given = table.get(name, [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ValueError(f"{where}: {name} must be a list of tables: write [[{written}]]")
    return given


def listed(value: Any) -> list[Any]:
    """A list, or an empty one in place of anything else."""
    return value if isinstance(value, list) else []


def text(table: dict[str, Any], name: str, where: str, longest: int, default: str = "") -> str:
    """A text of bounded length."""
    value = table.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f'{where}: {name} must be a text: write {name} = "…"')  # noqa: TRY004 - wrong text, not a wrong call
    if len(value) > longest:
        raise ValueError(f"{where}: {name} is longer than {longest} characters")
    return value


def choice(table: dict[str, Any], name: str, where: str, choices: list[str], default: str) -> str:
    """One of some words; where there is no default it has to be given."""
    value = table.get(name, default)
    if value not in choices and (name in table or not default):
        given = f"{name} = {str(value)[:40]!r}" if name in table else f"it says no {name}"
        raise ValueError(f"{where}: {given}: choose from {', '.join(choices)}")
    return str(value)
