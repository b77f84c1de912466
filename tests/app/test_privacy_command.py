"""`privacy`: keys in people's hands."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from app.privacy import sealed
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.queries.changes import changes
from ingest.redaction_key import read_key, read_ring

TOKEN = "04A1B2C3D4"


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key file that the settings name."""
    path = tmp_path / "key.json"
    read_key(path, create=True)
    monkeypatch.setenv("SHADOW_REDACTION_KEY_FILE", str(path))
    return path


@pytest.fixture
def store_url(engine: EmbeddedEngine, store: Store) -> str:
    """Where the store of the test is."""
    return engine.url(store.address.database)


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


# -- sealed copies ------------------------------------------------------------------------------------------------

WORDS = {"anna": "correct horse battery", "ben": "staple of the stable", "cleo": "a third one entirely"}


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A passphrase file for each custodian; scrypt costs little."""
    monkeypatch.setattr(sealed, "STRENGTH", 1 << 14)
    files = {name: tmp_path / f"{name}.txt" for name in WORDS}
    for name, path in files.items():
        path.write_text(f"{WORDS[name]}\n")
        path.chmod(0o600)
    return files


def _people(words: dict[str, Path], *names: str) -> list[object]:
    return [word for name in names for word in ("--custodian", name, "--passphrase-file", words[name])]


def _sealed(words: dict[str, Path], path: Path) -> Path:
    found = _call("seal", path, *_people(words, *WORDS))
    assert found.exit_code == 0, found.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path


def test_looking_up_leaves_a_trace_before_it_shows_anything(
    key_file: Path, words: dict[str, Path], tmp_path: Path, store: Store, store_url: str
) -> None:
    """Two of three find out the token under the key that is named; the trail knows who, why and which, and no token."""
    _call("rotate")
    copy, ring = _sealed(words, tmp_path / "sealed.json"), read_ring(key_file)
    version, pseudonym = next(iter(ring.pseudonyms(TOKEN)))
    asked = ["lookup", copy, pseudonym, "--reason", "claim 4711", "--store-url", store_url]
    told = _call(*asked, *_people(words, "cleo", "anna"), "--key-version", version, "--json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout) == [{"key_version": version, "token": TOKEN}]
    (change,) = changes(store)
    assert (change.action, change.subject, change.reason) == ("look up", pseudonym, "claim 4711")
    assert (change.said_by, change.role, json.loads(change.after)["key_versions"]) == (
        "cleo and anna",
        "custodians",
        [version],
    )
    assert TOKEN not in str(change)
    every = _call(*asked, *_people(words, "anna", "ben"))
    assert [line.split()[0] for line in every.stdout.splitlines()] == [one.version for one in ring]
    assert f"{version}  {TOKEN}" in every.stdout
    assert "one of them is true" in every.stderr


def test_what_a_token_was_called_under_a_retired_key(
    key_file: Path, words: dict[str, Path], tmp_path: Path, store: Store, store_url: str
) -> None:
    """Two custodians find it out for the person concerned; that is in the trail, too."""
    _call("rotate")
    copy, ring = _sealed(words, tmp_path / "sealed.json"), read_ring(key_file)
    _call("retire", ring.keys[0].version, "--sealed", copy)
    base = ("pseudonym", "--sealed", copy, "--store-url", store_url, *_people(words, "ben", "cleo"))
    told = _call(*base, "--reason", "Art. 15", "--json", given=TOKEN)
    assert [(one["key_version"], one["pseudonym"]) for one in json.loads(told.stdout)] == list(ring.pseudonyms(TOKEN))
    assert _call(*base, "--reason", "Art. 15", given=TOKEN).stdout.splitlines()[1].startswith(ring.current.version)
    assert {one.subject for one in changes(store)} == {pseudonym for _, pseudonym in ring.pseudonyms(TOKEN)}
    for more, reason in ((base, "--reason says why"), (("pseudonym", "--reason", "r"), "need --sealed")):
        refused = _call(*more, given=TOKEN)
        assert (refused.exit_code, refused.stdout, reason in refused.stderr) == (2, "", True)


def test_what_is_not_in_order_shows_nothing(
    key_file: Path, words: dict[str, Path], tmp_path: Path, store_url: str
) -> None:
    """Exit code 2, one line, and nothing on standard output."""
    copy = _sealed(words, tmp_path / "sealed.json")
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("something else entirely")
    wrong.chmod(0o600)
    two = _people(words, "anna", "ben")
    base = ("lookup", copy, TOKEN, "--reason", "r", "--store-url", store_url, "--data-dir", tmp_path / "data")
    for more, reason in (
        (_people(words, "anna", "anna"), "two different custodians"),
        (_people(words, "anna"), "two different custodians"),
        (_people({**words, "eve": words["ben"]}, "anna", "eve"), "eve is no custodian"),
        (_people({**words, "ben": wrong}, "anna", "ben"), "one of them, or both, are wrong"),
        ([*two, "--key-version", "none"], "holds no key 'none'"),
        ([*two, "--reason", " "], "--reason says why"),
        ([*two, "--store-url", "clickhouse://127.0.0.1:1/x"], "nothing is shown"),
        ([*two, "--store-url", ""], "no store, no look-up"),
        (["--custodian", "anna", "--custodian", "ben"], "without a terminal"),
        ([], "without a terminal"),
    ):
        found = _call(*base, *more)
        assert (found.exit_code, found.stdout) == (2, "")
        assert reason in found.stderr
        assert not any(word in found.stderr for word in WORDS.values())


def test_who_may_seal_and_where(key_file: Path, words: dict[str, Path], tmp_path: Path) -> None:
    """Never over another file; not with one custodian, one twice, a short passphrase or a file that others read."""
    copy = _sealed(words, tmp_path / "sealed.json")
    other = tmp_path / "other.json"
    (tmp_path / "short.txt").write_text("short")
    (tmp_path / "short.txt").chmod(0o600)
    (tmp_path / "open.txt").write_text(WORDS["ben"])
    (tmp_path / "open.txt").chmod(0o644)
    files = {**words, "short": tmp_path / "short.txt", "open": tmp_path / "open.txt"}
    for path, people, reason in (
        (copy, ("anna", "ben"), "never overwritten"),
        (other, ("anna",), "2 to 8 different custodians"),
        (other, ("anna", "anna"), "2 to 8 different custodians"),
        (other, ("anna", "short"), "take 12 or more"),
        (other, ("anna", "open"), "chmod 600"),
    ):
        found = _call("seal", path, *_people(files, *people))
        assert (found.exit_code, reason in found.stderr) == (2, True), found.stderr
    assert "without a terminal" in _call("seal", other, "--custodian", "anna", "--custodian", "ben").stderr
    assert not other.exists()


def test_a_key_is_retired_only_when_a_sealed_copy_proves_that_it_holds_it(
    key_file: Path, words: dict[str, Path], tmp_path: Path
) -> None:
    """Not the current one, not one of a copy of before; afterwards the ring does without it."""
    early = _sealed(words, tmp_path / "early.json")
    _call("rotate")
    _call("rotate")
    late = _sealed(words, tmp_path / "late.json")
    first, second, current = (one.version for one in read_ring(key_file))
    for version, copy, reason in (
        (current, late, "rotate first"),
        (second, early, "does not prove"),
        ("none", late, "no key of version"),
        (second, key_file, "no sealed copy"),
    ):
        found = _call("retire", version, "--sealed", copy)
        assert (found.exit_code, reason in found.stderr) == (2, True), found.stderr
    assert _call("retire", first, "--sealed", early).exit_code == 0
    assert _call("retire", second, "--sealed", late).exit_code == 0
    assert [one.version for one in read_ring(key_file)] == [current]


def test_a_destroyed_key_is_gone_for_ever(
    key_file: Path, words: dict[str, Path], tmp_path: Path, store: Store, store_url: str
) -> None:
    """Out of the ring and of the copies that are named; what else they hold goes on being of use."""
    _call("rotate")
    copy = _sealed(words, tmp_path / "sealed.json")
    old, current = read_ring(key_file)
    assert "rotate first" in _call("destroy", current.version, "--yes").stderr
    asked = _call("destroy", old.version, "--sealed", copy)
    assert (asked.exit_code, "without a terminal" in asked.stderr) == (2, True)
    assert _call("destroy", old.version, "--sealed", copy, "--yes").exit_code == 0
    assert [one.version for one in read_ring(key_file)] == [current.version]
    base = ["lookup", copy, "04", "--reason", "r", "--store-url", store_url, *_people(words, "anna", "ben")]
    assert "holds no key" in _call(*base, "--key-version", old.version).stderr
    assert _call(*base, "--key-version", current.version).exit_code == 0
    assert "no key of version" in _call("destroy", old.version, "--yes").stderr
    assert old.key.hex() not in copy.read_text() + key_file.read_text()


def test_a_retired_key_is_destroyed_in_its_copy(key_file: Path, words: dict[str, Path], tmp_path: Path) -> None:
    """Where only a sealed copy has it."""
    _call("rotate")
    copy = _sealed(words, tmp_path / "sealed.json")
    old = read_ring(key_file).keys[0].version
    _call("retire", old, "--sealed", copy)
    assert _call("destroy", old, "--sealed", copy, "--yes").exit_code == 0
    assert [one.version for one in sealed.decode(copy.read_bytes()).keys] == [read_ring(key_file).current.version]


# -- field policy -------------------------------------------------------------------------------------------------


def test_explaining_names_rules_and_no_values(tmp_path: Path) -> None:
    """Of a recording and of bare messages: which member, what becomes of it, by which rule, how often."""
    policy, texts = tmp_path / "fields.toml", tmp_path / "texts.jsonl"
    policy.write_text(
        '[[rule]]\nvendor = "com.*"\npath = "driver.name"\ndo = "drop"\nreason = "names"\n'
        '[[rule]]\nkey = "Customer*"\ndo = "hash"\nreason = "numbers"\n'
        '[[rule]]\nmember = "nobody"\ndo = "drop"\nreason = "none"\n'
    )
    transfer = [2, "1", "DataTransfer", {"vendorId": "com.x", "data": '{"driver":{"name":"Max"}}'}]
    change = [2, "2", "ChangeConfiguration", {"key": "CustomerNr", "value": "4711"}]
    lines = [
        {"t": "2030-01-01T00:00:00Z", "dir": "cp>cs", "cp": "CP1", "frame": transfer},
        [2, "3", "Authorize", {"idTag": TOKEN}],
        change,
        change,
    ]
    texts.write_text("\n".join(map(json.dumps, lines)))
    told = _call("explain", texts, "--policy", policy)
    assert told.exit_code == 0, told.stderr
    assert [line.split(maxsplit=1)[1] for line in told.stdout.splitlines()] == [
        "value of CustomerNr  hash  (rule 2: numbers)",
        "data.driver.name  asterisks  (rule 1: names)",
        "idtag  pseudonym  (built in)",
    ]
    assert "no value met rule 3" in told.stderr
    assert not any(value in told.stdout for value in ("Max", "4711", TOKEN))
    found = json.loads(_call("explain", "-", "--json", given=texts.read_text()).stdout)
    assert (found["texts"], [one["rule"] for one in found["found"]]) == (4, [0])
    policy.write_text('[[rule]]\nmember = "pin"\ndo = "keep"\nreason = "r"\n')
    broken = _call("explain", texts, "--policy", policy)
    assert (broken.exit_code, "number 1: pin is the name of a secret" in broken.stderr) == (2, True)
    assert _call("explain", tmp_path / "none").exit_code == 2
