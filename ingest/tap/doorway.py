"""What a tap's settings make of its doors: certificates and routes as files that are followed, and who is believed."""

from __future__ import annotations

import ssl

from ingest.followed import Followed
from ingest.tap.certificates import ServerCertificates, TlsFileError, client_context
from ingest.tap.config import TapConfig, TapError
from ingest.tap.limits import Manner
from ingest.tap.routes import NO_ROUTES, RoutingTable, parse_routes
from ingest.tap.upstream import UpstreamError, parse_upstream
from ingest.tap.wire import Networks

__all__ = ["Doorway"]


class Doorway:
    """Follows the files; a broken one changes nothing, and `error` says what is wrong with it."""

    def __init__(self, config: TapConfig) -> None:
        """Read everything once.

        Raises:
            TapError: something cannot be used.
        """
        try:
            self.upstream = parse_upstream(config.upstream)
            trusted = Networks(config.trusted_sources)
        except UpstreamError as error:
            raise TapError(str(error)) from None
        except ValueError as error:
            raise TapError(f"trusted sources: {error}") from None
        if (config.proxy_in or config.headers_in) and not trusted:
            raise TapError(
                "PROXY headers and X-Forwarded lines are believed from trusted sources only; name their networks"
            )
        self._routes = None if config.routes_file is None else Followed(config.routes_file, parse_routes, NO_ROUTES)
        if self._routes is not None and not self._routes.reload():
            raise TapError(f"routes: {self._routes.error.removesuffix('; the last good rules hold')}; correct the file")
        try:
            self.certificates = None if config.tls is None else ServerCertificates(config.tls)
            # Made in any case: a route that comes later may be the first one to need it.
            upstream_tls = client_context(config.upstream_tls)
        except TlsFileError as error:
            raise TapError(f"TLS: {error}") from None
        self.manner = Manner(
            tls=self._context,
            upstream_tls=upstream_tls,
            upstream_name=config.upstream_tls.server_name,
            trusted=trusted,
            proxy_in=config.proxy_in,
            proxy_out=config.proxy_out,
            forwarded_for=config.forwarded_for,
            headers_in=config.headers_in,
            routes=self._table,
        )

    @property
    def error(self) -> str:
        """What is wrong with the files as they stand now, empty where they are good."""
        parts = [
            "" if self.certificates is None else self.certificates.error,
            "" if self._routes is None else self._routes.error,
        ]
        return "; ".join(part for part in parts if part)

    def reload(self, *, force: bool = False) -> bool:
        """Read what changed since last time. True where something is new; connections that live keep what they have."""
        renewed = self.certificates is not None and self.certificates.reload(force=force)
        return (self._routes is not None and self._routes.reload()) or renewed

    def _context(self) -> ssl.SSLContext | None:
        return None if self.certificates is None else self.certificates.context

    def _table(self) -> RoutingTable:
        return NO_ROUTES if self._routes is None else self._routes.current
