"""Where the services of a compose file are when all of them run on this machine: other hosts, ports and directories.

In containers each service has a host name and all ports to itself. As processes they share 127.0.0.1, so every
(service, port) is given a port of its own: the published one where it is free, else any. The same words and variables
as in the file, with these in their place, start the same service.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from app.stack.compose import Service

__all__ = ["HOST", "IMAGE_VOLUME", "Loopback"]

HOST: Final = "127.0.0.1"
IMAGE_VOLUME: Final = "/data"
"""The directory that our image declares a volume, so that each container has one of its own."""
_ANY: Final = "0.0.0.0"  # noqa: S104 - what is looked for in order to be replaced by loopback


class Loopback:
    """Addresses and directories. A port is chosen when it is asked for first, and stays."""

    def __init__(self, services: Iterable[Service], directory: Path) -> None:
        """`directory`: below it each volume and each service has its own."""
        self._directory = directory
        self._services = {service.name: service for service in services}
        self._ports: dict[tuple[str, int], int] = {}
        self._urls: dict[str, str] = {}
        self._given: dict[str, str] = {}
        names = "|".join(map(re.escape, sorted(self._services, key=len, reverse=True)))
        self._address = re.compile(rf"(?<![\w.-])(?:({names})|{re.escape(_ANY)}):(\d+)\b")

    def port(self, name: str, target: int) -> int:
        """The port on which a service's port is reached here."""
        found = self._ports.get((name, target))
        if found is None:
            found = self._free(name, target)
            self._ports[name, target] = found
        return found

    def is_at(self, name: str, target: int, port: int) -> None:
        """A service that was started by other means listens there."""
        self._ports[name, target] = port

    def answers_as(self, name: str, url: str) -> None:
        """Whoever names this service in a URL means that one, with its user; the path is kept."""
        self._urls[name] = url

    def is_given(self, variable: str, value: str) -> None:
        """Wherever the variable is set it has this value: the password of what runs here, for example."""
        self._given[variable] = value

    def text(self, owner: str, value: str) -> str:
        """A word or a value with this machine's addresses and directories."""
        parts = urlsplit(value) if "://" in value else None
        if parts is not None and parts.hostname in self._urls:
            return self._urls[parts.hostname] + parts.path
        if value == _ANY:
            return HOST
        if value == IMAGE_VOLUME or value.startswith(f"{IMAGE_VOLUME}/"):
            return f"{self.volume(owner)}{value.removeprefix(IMAGE_VOLUME)}"
        return self._address.sub(lambda match: f"{HOST}:{self.port(match[1] or owner, int(match[2]))}", value)

    def words(self, service: Service) -> list[str]:
        """The words behind the entry point."""
        return [self.text(service.name, word) for word in service.command]

    def environment(self, service: Service) -> dict[str, str]:
        """The variables; one that ends in _PORT names a port of the service itself."""
        return {name: self._variable(service.name, name, value) for name, value in service.environment.items()}

    def volume(self, name: str) -> Path:
        """The directory that stands for the service's `/data`: the named volume's, or one of the service's own."""
        volumes: Mapping[str, str] = self._services[name].volumes
        kept = volumes.get(IMAGE_VOLUME)
        return self._directory / "volumes" / (kept or f"{name}-own")

    def _variable(self, owner: str, name: str, value: str) -> str:
        if name in self._given:
            return self._given[name]
        if name.endswith("_PORT") and value.isdigit():
            return str(self.port(owner, int(value)))
        return self.text(owner, value)

    def _free(self, name: str, target: int) -> int:
        service = self._services.get(name)
        for port in () if service is None else service.ports:
            if port.target == target and _can_bind(port.published):
                return port.published
        while True:
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                found = int(probe.getsockname()[1])
            if found not in self._ports.values():
                return found


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
