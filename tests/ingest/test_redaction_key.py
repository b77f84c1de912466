"""The key file: made with mode 0600, refused when others may read it, and every error says what to do."""

import json
import os
import re
import stat
import threading

import pytest

from ingest.redaction import Redactor
from ingest.redaction_key import KeyFileError, change_ring, new_key, read_key, read_ring
from ingest.ring_file import RingFile


def test_a_key_is_made_once_and_then_read(tmp_path):
    """The first call makes the file with mode 0600, the second one reads the same key and version."""
    path = tmp_path / "redaction.key"
    first = Redactor.from_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = Redactor.from_key_file(path, create=False)
    assert first.key_version == second.key_version
    assert first.pseudonym("04A1B2C3") == second.pseudonym("04A1B2C3")
    assert [entry.name for entry in tmp_path.iterdir()] == ["redaction.key"]


def test_two_new_keys_differ(tmp_path):
    """Each new key is random."""
    assert read_key(tmp_path / "a", create=True)[0] != read_key(tmp_path / "b", create=True)[0]


def test_processes_that_start_together_agree(tmp_path):
    """Whoever comes second takes the key of the first."""
    path = tmp_path / "redaction.key"
    keys = []
    threads = [threading.Thread(target=lambda: keys.append(read_key(path, create=True))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_reach_is_refused(tmp_path, mode):
    """Any right of group or world is refused, with the mode and the command that takes it away."""
    path = tmp_path / "redaction.key"
    read_key(path, create=True)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=re.escape(f"mode {mode:04o}") + ".*chmod 600"):
        Redactor.from_key_file(path)


def test_a_missing_directory_is_named(tmp_path):
    """The error names the directory that has to be made."""
    with pytest.raises(KeyFileError, match=r"there is no directory .*absent"):
        Redactor.from_key_file(tmp_path / "absent" / "redaction.key")


def test_a_missing_file_is_an_error_where_none_may_be_made(tmp_path):
    """Without `create` a missing key is not replaced by a new one: pseudonyms would silently stop joining."""
    with pytest.raises(KeyFileError, match="no redaction key"):
        Redactor.from_key_file(tmp_path / "redaction.key", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        *("", "no json", "[]", '{"version": "1"}', '{"version": "1", "key": "zz"}', '{"version": "1", "key": "aabb"}'),
        json.dumps({"version": "", "key": "00" * 32}),
        json.dumps({"version": "1", "key": "00" * 32, "more": 1}),
    ],
)
def test_a_broken_key_file_is_refused_without_quoting_it(tmp_path, content):
    """What is no key is refused; the message never repeats the content, which may be a key with a slip in it."""
    path = tmp_path / "redaction.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=re.escape(str(path))) as caught:
        Redactor.from_key_file(path)
    assert "aabb" not in str(caught.value)


def test_a_directory_in_the_place_of_the_key_is_refused(tmp_path):
    """A path that is no regular file is named as such."""
    (tmp_path / "key").mkdir(mode=0o700)
    with pytest.raises(KeyFileError, match="regular file"):
        Redactor.from_key_file(tmp_path / "key")


def test_a_pipe_in_the_place_of_the_key_is_refused(tmp_path):
    """A pipe that nobody writes to does not hold up the start."""
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(KeyFileError, match="regular file"):
        Redactor.from_key_file(tmp_path / "key")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    """The error says that the key cannot be written, and why."""
    tmp_path.chmod(0o500)
    with pytest.raises(KeyFileError, match="cannot be written"):
        Redactor.from_key_file(tmp_path / "key")
    tmp_path.chmod(0o700)


def test_a_weak_key_and_a_nameless_key_are_refused():
    """A Redactor needs 16 to 64 bytes and a version."""
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        Redactor(b"short", "1")
    with pytest.raises(ValueError, match="version"):
        Redactor(b"k" * 32, "")


def _rotate(path):
    return change_ring(path, lambda ring: ring.rotated(new_key(ring)))


def test_a_new_key_joins_the_old_ones(tmp_path):
    """After two rotations three keys are there, in order, the first of them the one that stood alone before."""
    path = tmp_path / "redaction.key"
    alone, version = read_key(path, create=True)
    rings = [_rotate(path), _rotate(path)]
    assert rings[1].keys[0].key == alone
    assert rings[1].keys[0].version == version
    assert len({one.version for one in rings[1]}) == 3
    assert read_ring(path) == rings[1]
    assert read_key(path, create=True)[0] == rings[1].current.key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["redaction.key"]


def test_a_ring_stays_where_its_link_leads(tmp_path):
    """A key file that is a link goes on being one."""
    (tmp_path / "kept").mkdir()
    read_key(tmp_path / "kept" / "key", create=True)
    (tmp_path / "link").symlink_to(tmp_path / "kept" / "key")
    _rotate(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert len(read_ring(tmp_path / "kept" / "key")) == 2


def test_who_comes_while_another_changes_the_ring_is_refused(tmp_path):
    """One at a time; whoever is refused has changed nothing."""
    path = tmp_path / "redaction.key"
    read_key(path, create=True)

    def meanwhile(ring):
        with pytest.raises(KeyFileError, match="another process is changing the ring"):
            _rotate(path)
        return ring.rotated(new_key(ring))

    assert len(change_ring(path, meanwhile)) == len(read_ring(path)) == 2


def test_a_change_that_fails_leaves_the_ring_as_it_is(tmp_path):
    """What the change raises comes out, and no draft stays behind."""
    path = tmp_path / "redaction.key"
    before = read_ring(path, create=True)
    with pytest.raises(ValueError, match="rotate first"):
        change_ring(path, lambda ring: ring.without(ring.current.version))
    assert read_ring(path) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["redaction.key"]


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ([], "a ring without a key"),
        ([{"version": "1", "key": "00" * 32, "since": "soon"}], "no time"),
        ([{"version": "1", "key": "00" * 32}, {"version": "1", "key": "11" * 32}], "twice"),
        ([{"version": "1", "key": "00" * 32}, {"version": "2", "key": "11" * 32}], "order"),
    ],
)
def test_a_broken_ring_is_refused_without_quoting_it(tmp_path, keys, reason):
    """Nothing of a key stands in the message."""
    path = tmp_path / "redaction.key"
    path.write_text(json.dumps({"keys": keys}))
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=reason) as caught:
        read_ring(path)
    assert "00" * 8 not in str(caught.value)


def test_a_clock_that_went_back_does_not_reorder_the_ring(tmp_path):
    """A new key is the current one even where the last one is said to begin in the future."""
    path = tmp_path / "redaction.key"
    path.write_text(json.dumps({"version": "21000101T000000Z", "key": "00" * 32}))
    path.chmod(0o600)
    ring = _rotate(path)
    assert [one.since for one in ring] == sorted(one.since for one in ring)
    assert ring.current.version == "21000101T000000Z-2"


def test_a_running_tap_follows_the_file(tmp_path):
    """A new key is told once; a broken file changes nothing and is named until it is right again."""
    path = tmp_path / "redaction.key"
    read_key(path, create=True)
    file = RingFile(path)
    assert not file.reload()
    ring = _rotate(path)
    assert [file.reload(), file.reload()] == [True, False]
    assert file.current == ring
    path.chmod(0o644)
    assert not file.reload()
    assert "chmod 600" in file.error
    assert file.current == ring
    path.chmod(0o600)
    assert not file.reload()
    assert file.error == ""
    path.unlink()
    assert not file.reload()
    assert "no redaction key" in file.error
