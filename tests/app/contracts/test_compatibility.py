"""What would break readers of version 1 is caught."""

import copy
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.contracts.compatibility import breaks, outline
from app.contracts.schemas import schemas

FROZEN = Path(__file__).resolve().parents[2] / "golden/contracts.json"
NAME = "ocpp.discrepancy.v1"

Change = Callable[[dict[str, Any]], None]


def test_nothing_was_taken_from_version_1() -> None:
    """The frozen outline still holds; what was added is frozen too (`make docs`)."""
    frozen = msgspec.json.decode(FROZEN.read_bytes())
    assert breaks(frozen, outline()) == []
    assert frozen == outline(), "something was added: `make docs` takes it into tests/golden/contracts.json"


def _changed(change: Change) -> dict[str, Any]:
    """The outline as it would be behind a change of a schema."""
    found = copy.deepcopy(schemas())
    change(found[NAME])
    return outline(found)


def _remove(schema: dict[str, Any]) -> None:
    del schema["properties"]["delta"]
    schema["required"].remove("delta")


def _retype(schema: dict[str, Any]) -> None:
    schema["properties"]["occurrences"] = {"type": "string"}


def _make_numbers(schema: dict[str, Any]) -> None:
    schema["properties"]["delta"]["anyOf"][0] = {"type": "number"}


def _allow_null(schema: dict[str, Any]) -> None:
    schema["properties"]["version"] = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


def _ask_for_more(schema: dict[str, Any]) -> None:
    schema["properties"]["tariff"] = {"type": "string"}
    schema["required"].append("tariff")


def _ask_for_less(schema: dict[str, Any]) -> None:
    schema["required"].remove("code")


def _drop_a_value(schema: dict[str, Any]) -> None:
    schema["$defs"]["Severity"]["enum"].remove("major")


def _retype_items(schema: dict[str, Any]) -> None:
    schema["properties"]["frames"]["items"] = {"type": "integer"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_remove, "delta: the field is gone"),
        (_retype, "occurrences: type was integer, is string"),
        (_make_numbers, "delta: anyOf"),
        (_allow_null, "version: type was integer, is None"),
        (_ask_for_more, r"\['tariff'\]; a new field needs a default"),
        (_ask_for_less, r"\['code'\] were always there"),
        (_drop_a_value, r"severity: no longer one of \['major'\]"),
        (_retype_items, r"frames\[\]: type"),
    ],
)
def test_what_breaks_readers_is_named(change: Change, said: str) -> None:
    """A field that is gone, another type, a value that is no more; with its place."""
    found = breaks(outline(), _changed(change))
    assert any(re.search(said, one) for one in found), found


def _add(schema: dict[str, Any]) -> None:
    schema["properties"]["tariff"] = {"type": "string", "default": ""}
    schema["$defs"]["Severity"]["enum"].append("blocker")
    schema["description"] = "Other words."


def test_what_is_added_breaks_nobody() -> None:
    """A field with a default, a value of an enumeration, other words."""
    assert breaks(outline(), _changed(_add)) == []


def test_a_schema_that_is_gone_is_named() -> None:
    """A version ends with a release, not by the way."""
    now = outline()
    del now[NAME]
    assert breaks(outline(), now) == [f"{NAME}: the whole schema is gone"]


def test_the_frozen_outline_is_not_overwritten_by_what_breaks(tmp_path: Path) -> None:
    """The tool takes additions, and ends with 1 and the reason where something is taken away."""
    file = tmp_path / "contracts.json"

    def freeze() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.contracts.compatibility", str(file)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=FROZEN.parents[2])

    older, broader = outline(), outline()
    del older[NAME]["properties"]["title"]
    older[NAME]["required"].remove("title")
    file.write_bytes(msgspec.json.encode(older))
    broader[NAME]["properties"]["gone"] = {"type": "string"}
    assert freeze().returncode == 1  # a field that is always there is new: stored records have none
    del older[NAME]
    file.write_bytes(msgspec.json.encode(older))
    assert freeze().returncode == 0
    assert msgspec.json.decode(file.read_bytes()) == outline()
    file.write_bytes(msgspec.json.encode(broader))
    refused = freeze()
    assert refused.returncode == 1
    assert f"{NAME}.gone: the field is gone" in refused.stdout
    assert msgspec.json.decode(file.read_bytes()) == broader
