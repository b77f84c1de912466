"""Security settings: what fits together, what is read from files, and that no secret is ever shown."""

import os
import stat
from pathlib import Path

import pytest

from app.security import SecurityError, location, read_password
from app.setting_files import SettingsError
from app.setting_sources import load
from app.settings import Settings
from diff.store.client import Address

SECRET = "s3cret:/@%"


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file and no environment of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", *(name.upper() for name in Settings.model_fields)):
        monkeypatch.delenv(f"SHADOW_{name}", raising=False)


def test_without_security_nothing_is_added() -> None:
    """Plain text on loopback is the default, and no library gets a setting it does not need."""
    settings = load()

    assert (settings.kafka_options(), settings.aiokafka_options(), settings.faust_options()) == ({}, {}, {})


def test_sasl_reaches_all_three_libraries() -> None:
    """User, password and mechanism are the same for kafka-python, aiokafka and Faust; with TLS names are verified."""
    settings = load(kafka_security_protocol="SASL_SSL", kafka_username="tap", kafka_password=SECRET)
    for options in (settings.kafka_options(), settings.aiokafka_options()):
        context = options.pop("ssl_context")
        assert context.check_hostname
        assert options == {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": "tap",
            "sasl_plain_password": SECRET,
        }
    credentials = settings.faust_options()["broker_credentials"]
    assert (credentials.username, credentials.password) == ("tap", SECRET)
    assert (credentials.protocol.value, credentials.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-512")
    assert credentials.ssl_context.check_hostname


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"kafka_security_protocol": "SASL_SSL"}, "needs kafka_username and kafka_password"),
        ({"kafka_security_protocol": "SASL_SSL", "kafka_username": "u"}, "needs kafka_username and kafka_password"),
        ({"kafka_username": "u", "kafka_password": SECRET}, "are not used with kafka_security_protocol = PLAINTEXT"),
        ({"kafka_ca_file": "ca.pem"}, "choose SSL or SASL_SSL"),
        ({"kafka_security_protocol": "SSL", "kafka_cert_file": "c"}, "belong together"),
        (
            {
                "kafka_security_protocol": "SASL_SSL",
                "kafka_username": "u",
                "kafka_password": SECRET,
                "kafka_password_file": "p",
            },
            "are both set",
        ),
        ({"kafka_security_protocol": "TLS"}, "kafka_security_protocol (from flag): Input should be 'PLAINTEXT'"),
    ],
)
def test_parts_that_do_not_fit_are_named(flags: dict[str, str], said: str) -> None:
    """A half of a pair, or a credential that would silently not be used, is an error that repeats no secret."""
    with pytest.raises(SettingsError) as caught:
        load(**flags)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """A missing authority, one that is no PEM and an unreadable certificate are told with their setting."""
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    for ca_file, said in ((tmp_path / "none.pem", "No such file"), (junk, "no certificates in PEM form")):
        with pytest.raises(SecurityError, match=f"^kafka_ca_file .*{said}"):
            load(kafka_security_protocol="SSL", kafka_ca_file=ca_file).kafka_options()
    with pytest.raises(SecurityError, match=r"^kafka_cert_file .*no certificate with its key in PEM form"):
        load(kafka_security_protocol="SSL", kafka_cert_file=junk, kafka_key_file=junk).kafka_options()


@pytest.mark.parametrize(
    ("content", "password"),
    [(b"pw\n", "pw"), (b"pw\r\n", "pw"), (b" p w ", " p w "), (b"", None), (b"\n", None), (b"a\nb\n", None)],
)
def test_a_password_file_holds_one_line(tmp_path: Path, content: bytes, password: str | None) -> None:
    """The line's end is no part of the password, blanks are; nothing or more than a line is refused."""
    path = tmp_path / "password"
    path.write_bytes(content)
    if password is None:
        with pytest.raises(SecurityError, match="one line with the password is wanted"):
            read_password("x_file", path)
    else:
        assert read_password("x_file", path) == password


def test_a_password_file_of_any_length_is_not_read_whole() -> None:
    """A device that never ends is refused, not read."""
    assert stat.S_ISCHR(os.stat("/dev/zero").st_mode)  # noqa: PTH116 - what is asked is what the system says
    with pytest.raises(SecurityError, match="up to 4096 bytes"):
        read_password("x_file", Path("/dev/zero"))


def test_secrets_are_neither_shown_nor_lost(tmp_path: Path) -> None:
    """`shown`, `repr` and errors hide passwords; a child's environment has them, and reads back the same."""
    (tmp_path / "pw").write_text("from-file\n")
    settings = load(
        kafka_security_protocol="SASL_PLAINTEXT",
        kafka_username="u",
        kafka_password=SECRET,
        store_url="clickhouse://writer@host/db",
        store_password_file=tmp_path / "pw",
    )

    assert settings.shown()["kafka_password"] == "***"
    for text in (str(settings.shown()), repr(settings), str(settings), repr(settings.kafka_security())):
        assert SECRET not in text
        assert "from-file" not in text
    assert settings.environment()["SHADOW_KAFKA_PASSWORD"] == SECRET
    assert sorted(settings.secrets()) == ["from-file", SECRET]


def test_a_childs_environment_gives_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a child reads from its environment is what its parent had, secrets included."""
    settings = load(kafka_security_protocol="SASL_SSL", kafka_username="u", kafka_password=SECRET, stall_seconds=0)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)

    assert load() == settings


def test_the_stores_password_and_authority_come_from_settings_of_their_own(tmp_path: Path) -> None:
    """They end up in the address that the client reads, escaped, and not in what is printed of it."""
    ca_file = Path(__file__).parent / "none.pem"
    with pytest.raises(SecurityError, match=r"^store_ca_file .*No such file"):
        location("clickhouses://u@h/db", "", ca_file)
    with pytest.raises(SecurityError, match="is not used without TLS"):
        location("clickhouse://u@h/db", "", ca_file)
    with pytest.raises(SecurityError, match="choose one"):
        location("clickhouse://u:x@h/db", SECRET, None)

    address = Address.parse(location("clickhouses://u@h:9441/db", SECRET, None))
    assert (address.user, address.password, address.port, address.secure) == ("u", SECRET, 9441, True)
    assert SECRET not in repr(address)
    assert Address.parse(location("clickhouse://h/db", SECRET, None)).user == "default"
    with pytest.raises(ValueError, match="nothing else behind"):
        Address.parse("clickhouses://u@h/db?verify=0")
