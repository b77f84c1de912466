"""`privacy`: keys in people's hands."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from ingest.redaction_key import read_key, read_ring

TOKEN = "04A1B2C3D4"


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key file that the settings name."""
    path = tmp_path / "key.json"
    read_key(path, create=True)
    monkeypatch.setenv("SHADOW_REDACTION_KEY_FILE", str(path))
    return path


def _call(*arguments: object, given: str = "") -> Result:
    return CliRunner().invoke(app, ["privacy", *map(str, arguments)], input=given)


def test_rotating_and_listing(key_file: Path) -> None:
    """A new key is the current one, the list says since when and by which digest, and shows no key."""
    before = read_ring(key_file)
    assert "is the current key" in _call("rotate").stdout
    ring = read_ring(key_file)
    assert ring.without(before.current.version).current == ring.current
    listed = _call("keys", "--json")
    assert [(one["version"], one["current"]) for one in json.loads(listed.stdout)] == [
        (before.current.version, False),
        (ring.current.version, True),
    ]
    assert json.loads(listed.stdout)[1]["digest"] == ring.current.digest
    text = _call("keys").stdout
    assert f"{ring.current.version}  current" in text
    for key in ring:
        assert key.key.hex() not in text + listed.stdout


def test_the_pseudonyms_of_a_token(key_file: Path) -> None:
    """Under each key, of the token on standard input; none given is said, and what to do."""
    _call("rotate")
    ring = read_ring(key_file)
    told = json.loads(_call("pseudonym", "--json", given=f"{TOKEN}\n").stdout)
    assert [(one["key_version"], one["pseudonym"]) for one in told] == list(ring.pseudonyms(TOKEN))
    assert _call("pseudonym", given=TOKEN).stdout.split() == [word for pair in ring.pseudonyms(TOKEN) for word in pair]
    empty = _call("pseudonym", given="")
    assert (empty.exit_code, "standard input" in empty.stderr) == (2, True)
    assert _call("pseudonym", given="a" * 1025).exit_code == 2


def test_without_a_key_file_nothing_is_made(tmp_path: Path) -> None:
    """A key that nobody redacts with would be no use."""
    for words in (("rotate",), ("keys",), ("pseudonym",)):
        found = _call(*words, "--key-file", tmp_path / "none", given=TOKEN)
        assert (found.exit_code, "no redaction key" in found.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
