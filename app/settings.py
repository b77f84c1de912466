"""Settings: flags over environment over file over defaults, each shown with where it came from.

The file is TOML: the one that `--config` or `SHADOW_CONFIG` names, else `shadow-csms.toml` in the working directory.
Environment variables are the setting's name in capitals behind `SHADOW_`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from app.alerting.webhook import flaw_of
from app.keys import known_under, ring_at_hand, ring_of
from app.policies import PolicyFile, PolicyFileError, read_policy
from app.security import KafkaSecurity, SecurityError, location, read_password
from app.setting_files import SettingsError, exact_document, read_mapping, settings_file, toml_document
from app.tap_settings import TapSettings
from diff.policy import Numbers, Policy, named
from diff.store.client import Address
from diff.store.migrations import Retention
from diff.tariff.book import EMPTY, TariffBook, parse_book
from diff.tariff.tariff import TariffError
from ingest.redaction import Redactor
from ingest.redaction_key import KeyFileError
from ingest.topics import Topics
from shadow import tokens, topology
from shadow.config import SECOND, ShadowConfig, checked
from shadow.device_model import vendor
from shadow.device_model.vendor import VendorMapping
from shadow.tokens import TokenBook
from shadow.topology import Topology

__all__ = ["Settings"]

_PASSWORD: Final = re.compile(r"(?<=://)([^:/@]*):.*@")
_OF_THE_POLICY: Final = {
    "energy_tolerance_wh": "energy.absolute",
    "settle_missing_seconds": "settle.missing_seconds",
    "settle_reboot_seconds": "settle.reboot_seconds",
    "settle_silence_seconds": "settle.silence_seconds",
    "settle_record_seconds": "settle.record_seconds",
    "records_expected": "record.expected",
    "record_time_tolerance_seconds": "record.start.absolute and record.stop.absolute",
}
"""Settings that make a policy where there is no file, and what says the same in a file."""


class Settings(TapSettings):
    """Every setting of shadow-csms."""

    model_config = SettingsConfigDict(env_prefix="SHADOW_", env_ignore_empty=True, extra="forbid", frozen=True)

    data_dir: Path = Field(Path("data"), description="Where journal, redaction key and embedded store live.")
    upstream: str = Field("", description="The primary CSMS, ws:// or wss://HOST:PORT; several, by commas, in turn.")
    listen_host: str = Field("127.0.0.1", description="Address on which the tap listens for charging stations.")
    listen_port: int = Field(9310, ge=0, le=65535, description="Port of the tap; 0 takes a free one.")
    enrolment_file: Path | None = Field(None, description="TOML file of enrolled charging stations; none mirrors all.")
    redaction_key_file: Path | None = Field(None, description="Keys of the pseudonyms; made in data_dir if not named.")
    redaction_key_max_days: int = Field(180, ge=0, description="Age of the current key that doctor warns of; 0: none.")
    field_policy_file: Path | None = Field(
        None, description="TOML file: members of vendors' data to drop, hash or keep; none: built-in names alone."
    )
    tick_seconds: float = Field(5.0, gt=0, le=60, description="How often deadlines are looked at.")
    journal_bytes: int = Field(8 << 30, ge=1 << 20, description="Room for the journal; beyond it frames show as gaps.")
    store_url: str = Field("", description="clickhouse://USER:PASSWORD@HOST:PORT/DB; empty runs the embedded engine.")
    store_password: SecretStr = Field(SecretStr(""), description="Password for store_url; better in a file.")
    store_password_file: Path | None = Field(None, description="File with the password for store_url.")
    store_ca_file: Path | None = Field(None, description="Authorities trusted with clickhouses://; none: the usual.")
    kafka_bootstrap: str = Field("127.0.0.1:9092", description="Kafka brokers as HOST:PORT, comma separated.")
    kafka_topic_prefix: str = Field("", description="Stands before each topic and group: several share a cluster.")
    kafka_partitions: int = Field(12, ge=1, le=4096, description="Partitions of each topic; fixed once it is made.")
    kafka_replication: int = Field(1, ge=1, le=32, description="Replication factor of topics that are made.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL; with TLS the host name is verified."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."
    )
    kafka_username: str = Field("", description="User at the brokers, with SASL.")
    kafka_password: SecretStr = Field(SecretStr(""), description="Password of that user; better in a file.")
    kafka_password_file: Path | None = Field(None, description="File with the password of that user.")
    kafka_ca_file: Path | None = Field(None, description="Authorities trusted with TLS (PEM); none: this machine's.")
    kafka_cert_file: Path | None = Field(None, description="Our certificate (PEM), where the brokers ask for one.")
    kafka_key_file: Path | None = Field(None, description="Its key (PEM), not encrypted.")
    monitor_host: str = Field("127.0.0.1", description="Address of /metrics, /healthz and /readyz.")
    monitor_port: int = Field(0, ge=0, le=65535, description="Port of /metrics, /healthz and /readyz; 0 for none.")
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="Logs of tap, worker and sink: text, json, or auto (text at a terminal)."
    )
    stall_seconds: float = Field(
        120.0, ge=0, le=86_400, description="A worker or sink that stands still so long ends itself; 0 for never."
    )
    stop_seconds: float = Field(
        30.0, ge=1, le=600, description="How long tap, worker or sink may take to finish after SIGTERM."
    )
    worker_store: str = Field("rocksdb://", description="Local store of the workers' state: rocksdb:// or memory://.")
    worker_standbys: int = Field(0, ge=0, le=8, description="Workers that keep a warm copy of each partition's state.")
    worker_session_seconds: float = Field(20.0, ge=1, le=300, description="When a silent worker's partitions move on.")
    sink_session_seconds: float = Field(10.0, ge=1, le=300, description="When a silent sink's partitions move on.")
    dashboard_host: str = Field("127.0.0.1", description="Address of the dashboard.")
    dashboard_port: int = Field(8501, ge=0, le=65535, description="Port of the dashboard; 0 takes a free one.")
    dashboard_roles_file: Path | None = Field(
        None, description="TOML file of who may approve on the dashboard; none: nobody who has to sign in."
    )
    dashboard_secrets_file: Path | None = Field(
        None, description="Streamlit's secrets.toml with [auth] (OIDC): who looks at the dashboard has to sign in."
    )
    dashboard_url: str = Field(
        "", description="Where people reach the dashboard; links of alerts and reports lead there."
    )
    alert_webhook_url: SecretStr = Field(
        SecretStr(""), description="https:// address that alerts are posted to; a secret."
    )
    alert_webhook_secret: SecretStr = Field(SecretStr(""), description="Key of the posts' HMAC; better in a file.")
    alert_webhook_secret_file: Path | None = Field(None, description="File with that key.")
    alert_seconds: float = Field(60.0, ge=1, le=3600, description="How often it is looked for alerts.")
    alert_gate_seconds: int = Field(3600, ge=60, description="How often the watch gives verdicts, to see one flip.")
    alerts_per_hour: int = Field(30, ge=1, le=10_000, description="Alerts that are said in an hour; the others wait.")
    dashboard_watch: str = Field(
        "", description="Monitors that the health page asks, as http://127.0.0.1:9464, separated by commas."
    )
    evidence_days: int = Field(30, ge=0, description="Days that frames and 2.0.1 messages are stored; 0 for ever.")
    findings_days: int = Field(396, ge=0, description="Days that sessions and discrepancies are stored; 0 for ever.")
    price_per_kwh: Decimal = Field(Decimal("0.50"), ge=0, description="Price at which an energy difference is shown.")
    currency: str = Field("EUR", min_length=1, max_length=8, description="Currency of that price.")
    tx_start_points: str = Field("PowerPathClosed", description="TxStartPoint of the virtual station, comma separated.")
    tx_stop_points: str = Field(
        "EVConnected,Authorized", description="TxStopPoint of the virtual station, comma separated."
    )
    id_token_type: str = Field("guess", description="IdTokenEnumType for 1.6 idTags, or guess (by their form).")
    autocharge: bool = Field(
        default=False, description="The fleet recognises cars by MAC address: 12 hex digits become MacAddress."
    )
    topology_file: Path | None = Field(None, description="TOML file of EVSEs with several connectors; none: 1:1.")
    security_profile: int = Field(
        0, ge=0, le=3, description="Security profile of 2.0.1 that is aimed at, 1 to 3; 0: none is judged by it."
    )
    tls_before_tap: bool = Field(
        default=False, description="TLS ends before the tap: whether a station has any cannot be seen."
    )
    vendor_mapping_file: Path | None = Field(None, description="TOML file: variables of vendors' configuration keys.")
    token_file: Path | None = Field(None, description="TOML file of tokens to judge authorizations by; none: none.")
    cohort_file: Path | None = Field(None, description="TOML file of cohorts, sites and waves; none: the fleet alone.")
    thresholds_file: Path | None = Field(None, description="TOML file of the gates' thresholds; none: the defaults.")
    connection_timeout_seconds: int = Field(180, ge=1, description="How long a token waits for its StartTransaction.")
    reorder_horizon_seconds: int = Field(
        2, ge=0, le=3600, description="How long a TransactionEvent waits for older ones before its seqNo; 0: not."
    )
    status_grace_seconds: int = Field(300, ge=1, description="How long a status may contradict the transaction.")
    slow_answer_seconds: int = Field(10, ge=1, description="An answer that takes longer is rpc.slow-answer.")
    unanswered_seconds: int = Field(60, ge=1, description="A call without an answer for so long is rpc.unanswered.")
    skew_seconds: int = Field(30, ge=1, description="A clock further off than this is clock.skew.")
    policy_file: Path | None = Field(
        None, description="TOML file of tolerances and settling times; with it the settings of the same are not given."
    )
    energy_tolerance_wh: Decimal = Field(Decimal(1), ge=0, description="Allowed beside the resolution of readings.")
    settle_missing_seconds: int = Field(900, ge=1, description="How long a side may lack a session or its end.")
    settle_reboot_seconds: int = Field(600, ge=1, description="How long a session may be silent after a reboot.")
    settle_silence_seconds: int = Field(86_400, ge=1, description="How long an open session may be silent at all.")
    records_expected: bool = Field(
        default=False, description="Every session is billed by a record (CDR): one without is a discrepancy."
    )
    settle_record_seconds: int = Field(259_200, ge=1, description="How long a session may lack its billing record.")
    record_time_tolerance_seconds: int = Field(60, ge=0, description="Allowed between billed and shadow's times.")
    evse_map_file: Path | None = Field(None, description="TOML or CSV file: OCPI EVSEs → charger and 1.6 connector.")
    tariff_file: Path | None = Field(None, description="TOML or JSON file of OCPI tariffs and who has which.")

    @field_validator("tx_start_points", "tx_stop_points")
    @classmethod
    def _points(cls, value: str) -> str:
        return ",".join(part.strip() for part in value.split(",") if part.strip())

    @field_validator("store_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value:
            Address.parse(value)
        return value

    @field_validator("alert_webhook_url")
    @classmethod
    def _webhook(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and (flaw := flaw_of(value.get_secret_value())):
            raise ValueError(flaw)
        return value

    @field_validator("dashboard_url")
    @classmethod
    def _dashboard(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("write https://HOST[:PORT][/PATH]")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the interface of pydantic-settings
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then environment, then the file."""
        file = settings_file()
        toml = () if file is None else (TomlConfigSettingsSource(settings_cls, toml_file=file),)
        return (init_settings, env_settings, *toml)

    @field_validator("worker_store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if value not in ("rocksdb://", "memory://"):
            raise ValueError("choose rocksdb:// or memory://")
        return value

    def topics(self) -> Topics:
        """Every Kafka topic under its full name."""
        return Topics(self.kafka_topic_prefix, self.kafka_partitions, self.kafka_replication)

    def topology(self) -> Topology:
        """Which EVSE each 1.6 connector belongs to.

        Raises:
            SettingsError: the file cannot be read, is no TOML, or says something that no station can be.

        """
        if self.topology_file is None:
            return topology.DEFAULT
        try:
            return topology.parse(toml_document(self.topology_file))
        except SettingsError as error:
            raise SettingsError(f"topology_file {error}") from None
        except ValueError as error:
            raise SettingsError(f"topology_file {self.topology_file}: {error}; see docs/topology.md") from None

    def vendor_mapping(self) -> VendorMapping:
        """Which variables vendors' configuration keys are.

        Raises:
            SettingsError: the file cannot be read, is no TOML, or holds a rule that no key can have.

        """
        if self.vendor_mapping_file is None:
            return vendor.DEFAULT
        try:
            return read_mapping(self.vendor_mapping_file)
        except SettingsError as error:
            raise SettingsError(f"vendor_mapping_file {error}") from None

    def tokens(self, redactor: Redactor | None = None) -> TokenBook:
        """The tokens that the 2.0.1 CSMS would know, also under their pseudonyms where there is a redaction key.

        `redactor`: whoever redacts frames under a key of its own.

        Raises:
            SettingsError: the file or the key cannot be read, or the file holds something that is no token.

        """
        if self.token_file is None:
            return tokens.NONE
        try:
            book = tokens.parse(toml_document(self.token_file))
        except SettingsError as error:
            raise SettingsError(f"token_file {error}") from None
        except ValueError as error:
            raise SettingsError(f"token_file {self.token_file}: {error}; see docs/tokens.md") from None
        try:
            return known_under(book, ring_of(self), redactor)
        except KeyFileError as error:
            raise SettingsError(f"token_file {self.token_file}: {error}") from None

    def shadow_config(self, redactor: Redactor | None = None) -> ShadowConfig:
        """The part that decides what the shadow believes; `redactor` as for `tokens`.

        Raises `SettingsError`, `ValueError`.
        """
        return checked(
            ShadowConfig(
                tx_start_points=frozenset(self.tx_start_points.split(",")),
                tx_stop_points=frozenset(self.tx_stop_points.split(",")),
                id_token_type=self.id_token_type,
                autocharge=self.autocharge,
                topology=self.topology(),
                vendor_mapping=self.vendor_mapping(),
                security_profile=self.security_profile,
                tls_before_tap=self.tls_before_tap,
                tokens=self.tokens(redactor),
                keys=ring_at_hand(self),
                connection_timeout=self.connection_timeout_seconds * SECOND,
                reorder_horizon=self.reorder_horizon_seconds * SECOND,
                status_grace=self.status_grace_seconds * SECOND,
                slow_answer=self.slow_answer_seconds * SECOND,
                unanswered_after=self.unanswered_seconds * SECOND,
                skew_limit=self.skew_seconds * SECOND,
            )
        )

    def retention(self) -> Retention:
        """How long the store keeps rows."""
        return Retention(self.evidence_days, self.findings_days)

    def tariffs(self) -> TariffBook:
        """Tariffs for billing records that bring none. Raises `SettingsError`."""
        if self.tariff_file is None:
            return EMPTY
        try:
            return parse_book(exact_document(self.tariff_file))
        except SettingsError as error:
            raise SettingsError(f"tariff_file {error}") from None
        except TariffError as error:
            raise SettingsError(f"tariff_file {self.tariff_file}: {error}") from None

    def policy(self) -> Policy:
        """The part that decides what counts as equal or missing: by the policy file, else by the settings.

        Raises:
            SettingsError: the file cannot be followed, or a setting says what the file has to say.

        """
        if self.policy_file is not None:
            for name, instead in _OF_THE_POLICY.items():
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise SettingsError(
                        f"{name} and policy_file {self.policy_file} are both given: the file alone says it,"
                        f" as {instead}; write it there and take the setting away"
                    )
            try:
                return read_policy(self.policy_file, self.tariffs())
            except PolicyFileError as error:
                raise SettingsError(f"policy_file {error}") from None
        times = Numbers(absolute=Decimal(self.record_time_tolerance_seconds))
        policy = Policy(
            energy=Numbers(absolute=self.energy_tolerance_wh, resolution=True),
            record_energy=Numbers(absolute=self.energy_tolerance_wh, resolution=True),
            record_start=times,
            record_stop=times,
            settle_missing=self.settle_missing_seconds * SECOND,
            settle_reboot=self.settle_reboot_seconds * SECOND,
            settle_silence=self.settle_silence_seconds * SECOND,
            records_expected=self.records_expected,
            settle_record=self.settle_record_seconds * SECOND,
            tariffs=self.tariffs(),
        )
        return named(policy)

    def followed_policy(self) -> PolicyFile:
        """The policy for what runs for long, which follows its file. Raises `SettingsError`."""
        return PolicyFile(self.policy_file, self.policy())

    def kafka_security(self) -> KafkaSecurity:
        """How the brokers are reached. Raises `SecurityError` where its parts do not fit each other."""
        security = KafkaSecurity(
            self.kafka_security_protocol,
            self.kafka_sasl_mechanism,
            self.kafka_username,
            self.kafka_password.get_secret_value(),
            self.kafka_password_file,
            self.kafka_ca_file,
            self.kafka_cert_file,
            self.kafka_key_file,
        )
        security.check()
        return security

    def kafka_options(self) -> dict[str, Any]:
        """Further settings of kafka-python's clients: who they are, and whom they trust. Raises `SecurityError`."""
        return self.kafka_security().kafka_python()

    def aiokafka_options(self) -> dict[str, Any]:
        """The same for aiokafka's clients. Raises `SecurityError`."""
        return self.kafka_security().aiokafka()

    def faust_options(self) -> dict[str, Any]:
        """The same for a Faust application. Raises `SecurityError`."""
        return self.kafka_security().faust()

    def store_location(self) -> str:
        """`store_url` with the password and the authorities that stand in settings of their own: not for logs.

        Raises:
            SecurityError: a file cannot be read, or there are two passwords.

        """
        password = self.store_password.get_secret_value()
        if self.store_password_file is not None:
            if password:
                raise SecurityError("store_password and store_password_file are both set: choose one")
            password = read_password("store_password_file", self.store_password_file)
        return location(self.store_url, password, self.store_ca_file)

    def webhook_secret(self) -> str:
        """The key of the webhook's HMAC; empty where there is none. Raises `SecurityError`."""
        secret = self.alert_webhook_secret.get_secret_value()
        if self.alert_webhook_secret_file is None:
            return secret
        if secret:
            raise SecurityError("alert_webhook_secret and alert_webhook_secret_file are both set: choose one")
        return read_password("alert_webhook_secret_file", self.alert_webhook_secret_file)

    def secrets(self) -> list[str]:
        """The passwords among the settings, which no log may show. Those in files are left out where unreadable."""
        found = [self.kafka_password.get_secret_value(), self.store_password.get_secret_value()]
        found += [self.alert_webhook_url.get_secret_value(), self.alert_webhook_secret.get_secret_value()]
        for name, path in (
            ("kafka_password_file", self.kafka_password_file),
            ("store_password_file", self.store_password_file),
            ("alert_webhook_secret_file", self.alert_webhook_secret_file),
        ):
            if path is not None:
                with suppress(SecurityError):
                    found.append(read_password(name, path))
        if self.store_url:
            found.append(Address.parse(self.store_url).password)
        return [secret for secret in found if secret]

    def environment(self, *without: str) -> dict[str, str]:
        """Every setting as the environment of a child, passwords in clear, less those that are no business of its."""
        return {
            f"SHADOW_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in self
            if name not in without and value is not None
        }

    def shown(self) -> dict[str, str]:
        """Every setting as text, passwords masked."""
        values = {name: "" if value is None else str(value) for name, value in self}
        for name, value in self:
            if isinstance(value, SecretStr):
                values[name] = "***" if value.get_secret_value() else ""
        values["store_url"] = _PASSWORD.sub(r"\1:***@", values["store_url"])
        values["upstream"] = _PASSWORD.sub(r"\1:***@", values["upstream"])
        return values
