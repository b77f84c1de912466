"""Asking people: twice for what is new, hidden, and in words that repeat no secret."""

import getpass
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.privacy.asking import PrivacyError, passphrase_from
from app.privacy.custody import destroy, passphrases_of
from app.settings import Settings
from ingest.redaction_key import change_ring, new_key, read_ring


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Somebody at a terminal, who types these answers."""
    answers: list[str] = []
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    screen.readline = lambda _=-1: f"{answers.pop(0)}\n"  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", screen)
    monkeypatch.setattr(getpass, "getpass", lambda _prompt, _stream: answers.pop(0))
    yield answers
    assert answers == []


def test_a_new_passphrase_is_typed_twice(terminal: list[str]) -> None:
    """The same twice, in either form of Unicode; another one the second time is refused."""
    terminal += ["long enough é", "long enough é", "another long one", "another long one"]
    assert passphrases_of(["anna", "ben"], (), new=True) == {
        "anna": "long enough \u00e9",
        "ben": "another long one",
    }
    terminal += ["long enough e\u0301"]
    assert passphrases_of(["anna"], (), new=False) == {"anna": "long enough \u00e9"}
    terminal += ["long enough é", "long enough e"]
    with pytest.raises(PrivacyError, match="anna typed two different passphrases") as caught:
        passphrases_of(["anna"], (), new=True)
    assert "long enough" not in str(caught.value)


def test_destroying_asks_for_the_version_once_more(
    terminal: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another one changes nothing."""
    path = tmp_path / "redaction-key.json"
    read_ring(path, create=True)
    old, current = change_ring(path, lambda ring: ring.rotated(new_key(ring)))
    settings = Settings(data_dir=tmp_path)
    terminal += [current.version]
    with pytest.raises(PrivacyError, match="another version: nothing is changed"):
        destroy(settings, old.version, (), sure=False)
    assert len(read_ring(path)) == 2
    terminal += [old.version]
    assert destroy(settings, old.version, (), sure=False) == 0
    assert list(read_ring(path)) == [current]
    assert "look after copies of these files" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 2000])
def test_files_that_hold_no_passphrase(tmp_path: Path, content: bytes) -> None:
    """Empty, no text, far too long."""
    path = tmp_path / "words"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(PrivacyError, match=str(path)):
        passphrase_from(path)
    with pytest.raises(PrivacyError, match="regular file"):
        passphrase_from(tmp_path)
