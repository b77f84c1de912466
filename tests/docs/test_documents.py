"""Documents agree with the code: dependencies, lock, links."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _name(requirement: str) -> str:
    return re.split(r"[<>=!~\[ ;]", requirement, maxsplit=1)[0].lower()


def test_every_dependency_says_why_it_is_there() -> None:
    """A package of pyproject.toml without a line in docs/dependencies.md fails."""
    page = (ROOT / "docs/dependencies.md").read_text().lower()
    project = _project()
    wanted = {_name(entry) for entry in (*project["dependencies"], *project["optional-dependencies"]["dev"])}

    assert {name for name in wanted if name not in page} == set()


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt", "build.txt"])
def test_the_lock_pins_hashes_and_no_addresses(name: str) -> None:
    """Every package of a lock file has a version and a hash, and no line holds a download address."""
    text = (ROOT / "requirements" / name).read_text()
    pins = re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)

    assert pins
    assert "://" not in text
    assert "--index" not in text
    assert len(re.findall(r"^[A-Za-z0-9._-]+==[^\n]*\\\n\s+--hash=sha256:", text, re.MULTILINE)) == len(pins)


def test_every_dependency_is_locked() -> None:
    """What pyproject.toml asks for stands in the lock."""
    locked = set(
        re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements/runtime.txt").read_text().lower(), re.MULTILINE)
    )

    assert {_name(entry) for entry in _project()["dependencies"]} - locked == set()


@pytest.mark.parametrize("page", sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("*.md")))
def test_links_of_the_top_pages_lead_somewhere(page: str) -> None:
    """Every relative link and picture of a page at the top exists."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text())

    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_commands_exist() -> None:
    """Each `shadow-csms COMMAND` and `make TARGET` that the README names can be called."""
    from app.cli import app

    readme = (ROOT / "README.md").read_text()
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    commands |= {group.typer_instance.info.name for group in app.registered_groups}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"^shadow-csms ([a-z]+)", readme, re.MULTILINE)) <= commands
    assert set(re.findall(r"^make ([a-z]+)", readme, re.MULTILINE)) <= targets


def test_pages_name_no_code_that_the_catalogue_lacks() -> None:
    """Codes in the README, runbook and decisions stand in the catalogue."""
    from diff.catalogue import CATALOGUE

    prefixes = "session|meter|clock|schema|rpc|tap"
    pages = [ROOT / "README.md", ROOT / "docs/runbook.md", *(ROOT / "docs/decisions").glob("*.md")]
    named = {code for page in pages for code in re.findall(rf"`((?:{prefixes})\.[a-z0-9-]+)`", page.read_text())}

    assert named
    assert named <= set(CATALOGUE)
