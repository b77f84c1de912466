"""Which backend a charging station is forwarded to, by host, path and subprotocol.

    [[routes]]                            # the first one that matches counts
    subprotocols = ["ocpp2.0.1"]          # one of them is offered
    path = "/v2/*"                        # glob over the path, percent-escapes as they were sent
    host = "*.new.example"                # glob over the Host header without its port, case does not count
    upstream = "wss://new.example:443"    # several, separated by commas, are tried in turn

What no route matches goes to the `upstream` of the settings, and so does what is no HTTP request.
"""

from __future__ import annotations

import re
import tomllib
from fnmatch import translate
from typing import Annotated, Final

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ingest.tap.upstream import Endpoint, parse_upstream

__all__ = ["NO_ROUTES", "Asked", "RoutesError", "RoutingTable", "asked_of", "parse_routes"]

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_MAX_ROUTES: Final = 1000

Pattern = Annotated[str, Field(min_length=1, max_length=255)]


class RoutesError(ValueError):
    """A file that cannot be followed; the message says where and why."""


class Route(BaseModel):
    """One rule; what is not said does not matter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    upstream: str
    host: Pattern | None = None
    path: Pattern | None = None
    subprotocols: tuple[Pattern, ...] = ()

    @field_validator("upstream")
    @classmethod
    def _address(cls, value: str) -> str:
        parse_upstream(value)
        return value

    @model_validator(mode="after")
    def _says_something(self) -> Route:
        if self.host is None and self.path is None and not self.subprotocols:
            raise ValueError("a route needs a host, a path or subprotocols; `upstream` of the settings takes the rest")
        return self


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    routes: tuple[Route, ...] = Field(max_length=_MAX_ROUTES)


class Asked(msgspec.Struct, frozen=True):
    """What a request says that routes look at."""

    host: str = ""
    path: str = ""
    subprotocols: tuple[str, ...] = ()


class _Ready(msgspec.Struct, frozen=True):
    host: re.Pattern[str] | None
    path: re.Pattern[str] | None
    subprotocols: frozenset[str]
    upstream: tuple[Endpoint, ...]

    def matches(self, asked: Asked) -> bool:
        return (
            (self.host is None or self.host.match(asked.host) is not None)
            and (self.path is None or self.path.match(asked.path) is not None)
            and (not self.subprotocols or not self.subprotocols.isdisjoint(asked.subprotocols))
        )


class RoutingTable:
    """Routes, made ready for asking."""

    def __init__(self, routes: tuple[Route, ...] = ()) -> None:
        self._routes = [
            _Ready(
                None if one.host is None else re.compile(translate(one.host.lower())),
                None if one.path is None else re.compile(translate(one.path)),
                frozenset(name.lower() for name in one.subprotocols),
                parse_upstream(one.upstream),
            )
            for one in routes
        ]

    def __len__(self) -> int:
        return len(self._routes)

    def upstream(self, asked: Asked) -> tuple[Endpoint, ...] | None:
        """The backend of the first route that matches; None where none does."""
        return next((one.upstream for one in self._routes if one.matches(asked)), None)

    def backends(self) -> list[tuple[Endpoint, ...]]:
        """Every backend named."""
        return [one.upstream for one in self._routes]


NO_ROUTES: Final = RoutingTable()


def parse_routes(text: str) -> RoutingTable:
    """Read the text of a routes file.

    Raises:
        RoutesError: it is no TOML, or holds what routes do not know.
    """
    try:
        return RoutingTable(_Document.model_validate(tomllib.loads(text)).routes)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RoutesError(f"no TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        names = [f"route {part + 1}" if isinstance(part, int) else part for part in first["loc"] if part != "routes"]
        place = ".".join(names) or "routes"
        raise RoutesError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None


def asked_of(head: bytes) -> Asked | None:
    """What a request head asks for; None where it is none.

    The path loses its query, which may hold a password, and keeps the rest as it was sent.
    """
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    target, host = words[1], ""
    if (absolute := _ABSOLUTE.match(target)) is not None:
        host, target = absolute[1].rpartition("@")[2], target[absolute.end() :] or "/"
    offered: list[str] = []
    for line in lines[1:]:
        name, _, value = line.partition(":")
        match name.strip().lower():
            case "host":
                host = host or value.strip()
            case "sec-websocket-protocol":
                offered += [token.strip().lower() for token in value.split(",") if token.strip()]
    bare = host.rpartition(":")[0] if re.search(r":\d*$", host) else host
    return Asked(bare.lower(), re.split(r"[?#]", target, maxsplit=1)[0], tuple(offered[:32]))
