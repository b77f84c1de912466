"""Settings of the tap's doors: TLS, load balancers, routes, ceilings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from ingest.tap.certificates import ClientTls, ServerTls
from ingest.tap.config import TapConfig, TapError
from ingest.tap.limits import RelayLimits

__all__ = ["TapSettings"]


class TapSettings(BaseSettings):
    """What the tap needs beside an address to listen on and one to forward to; docs/tap.md tells how to place it."""

    tap_tls_cert_file: Path | None = Field(None, description="Certificate chain (PEM) for wss://; none: plain ws://.")
    tap_tls_key_file: Path | None = Field(None, description="Its key (PEM), not encrypted; none: in the same file.")
    tap_tls_client_certs: Literal["none", "observed", "required"] = Field(
        "none", description="Certificates of charging stations: none asked for, observed where shown, or required."
    )
    tap_tls_client_ca_file: Path | None = Field(None, description="Who signs the charging stations' certificates.")
    tap_tls_minimum: Literal["TLSv1.2", "TLSv1.3"] = Field("TLSv1.2", description="Oldest TLS that is spoken.")
    tap_upstream_ca_file: Path | None = Field(None, description="Authorities of a wss:// upstream; none: the usual.")
    tap_upstream_name: str = Field("", description="Name in the upstream's certificate; empty: its host.")
    tap_upstream_cert_file: Path | None = Field(None, description="Our certificate, where the upstream asks for one.")
    tap_upstream_key_file: Path | None = Field(None, description="Its key (PEM); none: in the same file.")
    tap_trusted_sources: str = Field("", description="Networks of load balancers that are believed, comma separated.")
    tap_proxy_in: bool = Field(default=False, description="Trusted sources begin with a PROXY header (v1 or v2).")
    tap_proxy_out: Literal["", "v1", "v2"] = Field("", description="PROXY header for the upstream: v1, v2 or none.")
    tap_forwarded_for: bool = Field(default=False, description="Add X-Forwarded-For to the request.")
    tap_headers_in: bool = Field(
        default=False, description="Believe X-Forwarded-For and -Proto of trusted sources, for what is recorded."
    )
    tap_certificate_header: str = Field("", description="Header in which they name the client certificate's subject.")
    tap_routes_file: Path | None = Field(None, description="TOML file of routes to several backends; none: upstream.")
    tap_workers: int = Field(1, ge=1, le=64, description="Processes that share the port (`tap` only).")
    tap_share_port: bool = Field(default=False, description="Let another tap take the same port, to take over from it.")
    tap_parser_when_idle: bool = Field(
        default=True,
        description="Parse copies only while nothing else wants the processor, until 2.5 seconds behind; false: at a"
        " low priority (`tap` only).",
    )
    tap_connections: int = Field(9_000, ge=1, description="Connections of one process; more wait unaccepted.")
    tap_connections_per_source: int = Field(0, ge=0, description="Connections of one address; 0: no bound.")
    tap_unanswered_per_source: int = Field(
        1_000, ge=1, description="Of one address, those that the primary has not answered yet."
    )
    tap_memory_mib: int = Field(2_048, ge=0, description="Memory of one process beyond which it waits; 0: no bound.")
    tap_handshake_seconds: float = Field(60.0, gt=0, description="Time for a TLS handshake or a PROXY header.")
    tap_connect_seconds: float = Field(60.0, gt=0, description="Time to connect with a backend, all addresses.")

    def with_doors(self, config: TapConfig) -> TapConfig:
        """The tap with its doors.

        Raises:
            TapError: settings that do not fit each other.
        """
        return replace(
            config,
            share_port=self.tap_share_port or self.tap_workers > 1,
            tls=self._tls(),
            upstream_tls=ClientTls(
                self.tap_upstream_ca_file,
                self.tap_upstream_name,
                self.tap_upstream_cert_file,
                self.tap_upstream_key_file,
            ),
            trusted_sources=self.tap_trusted_sources,
            proxy_in=self.tap_proxy_in,
            proxy_out=self.tap_proxy_out,
            forwarded_for=self.tap_forwarded_for,
            headers_in=self.tap_headers_in,
            certificate_header=self.tap_certificate_header,
            routes_file=self.tap_routes_file,
            limits=RelayLimits(
                connections=self.tap_connections,
                per_source=self.tap_connections_per_source,
                unanswered_per_source=self.tap_unanswered_per_source,
                memory_bytes=self.tap_memory_mib << 20,
                handshake_seconds=self.tap_handshake_seconds,
                connect_seconds=self.tap_connect_seconds,
            ),
        )

    def _tls(self) -> ServerTls | None:
        chain = self.tap_tls_cert_file
        if chain is None:
            if self.tap_tls_client_certs != "none":
                raise TapError("tap_tls_client_certs needs TLS; name tap_tls_cert_file")
            return None
        return ServerTls(
            certificate=chain,
            key=self.tap_tls_key_file or chain,
            clients=self.tap_tls_client_certs,
            client_ca=self.tap_tls_client_ca_file,
            minimum=self.tap_tls_minimum,
        )
