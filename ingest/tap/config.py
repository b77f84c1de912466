"""The settings of one tap, and what they make of connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ingest.tap.certificates import ClientTls, ServerTls
from ingest.tap.limits import RelayLimits

__all__ = ["TapConfig", "TapError"]


class TapError(Exception):
    """The tap cannot start; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class TapConfig:
    """Settings of one tap."""

    upstream: str
    """`ws://HOST:PORT` or `wss://HOST:PORT`, the primary CSMS; several, separated by commas, are tried in turn."""
    data_dir: Path
    """Holds the journal, `tap-status.json` and, unless named otherwise, `redaction-key.json`."""
    journal_name: str = "journal"
    """Its folder in `data_dir`."""
    listen_host: str = "127.0.0.1"
    listen_port: int = 0
    """0 takes a free one."""
    enrolment_file: Path | None = None
    """None mirrors every charging station."""
    overrides_file: Path | None = None
    """What was said through the control topic; stronger than the file, and need not exist. Its kill switch may be
    a bypass."""
    redaction_key_file: Path | None = None
    """None takes the one in `data_dir`. It is made where there is none."""
    field_policy_file: Path | None = None
    """TOML; what becomes of vendors' data beside what the built-in names say."""
    tick_seconds: float = 5.0
    hand_off_bytes: int = 96 << 20
    """Copies that may wait in memory for the parser; beyond that connections are cut."""
    segment_bytes: int = 64 << 20
    journal_bytes: int = 8 << 30
    """Room for all segments of the journal; beyond that frames are dropped, counted and shown as gaps."""
    stop_seconds: float = 10.0
    share_port: bool = False
    """Other taps may take the same port (SO_REUSEPORT): workers, or the one that takes over from this one."""
    tls: ServerTls | None = None
    """Towards charging stations; None speaks no TLS."""
    upstream_tls: ClientTls = field(default_factory=ClientTls)
    """Towards backends that are `wss://`."""
    trusted_sources: str = ""
    """Networks of load balancers and terminators that are believed."""
    proxy_in: bool = False
    """They begin with a PROXY header."""
    proxy_out: Literal["", "v1", "v2"] = ""
    forwarded_for: bool = False
    headers_in: bool = False
    """X-Forwarded-For, X-Forwarded-Proto and `certificate_header` of trusted sources are believed."""
    certificate_header: str = ""
    routes_file: Path | None = None
    """TOML; None forwards everything to `upstream`."""
    limits: RelayLimits = field(default_factory=RelayLimits)
    parser_when_idle: bool = False
    """The parser works only while nothing else on the machine wants the processor; else at a low priority."""

    @property
    def journal_dir(self) -> Path:
        """Where the journal is."""
        return self.data_dir / self.journal_name

    @property
    def status_file(self) -> Path:
        """The file that tells how the tap is doing, anew every second."""
        return self.data_dir / "tap-status.json"
