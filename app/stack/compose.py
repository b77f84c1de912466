"""Reads a compose file as far as `make stack` needs it: services, their order, their words and variables. Pure.

What it understands of the Compose Specification: anchors and merge keys (YAML's own), `${VAR}`, `${VAR:-default}`,
`${VAR:?message}` and `$$`, variables without a value (taken from the caller, absent where there is none), profiles,
both forms of `depends_on`, lists and strings of words, short forms of ports and volumes. It reads no `.env`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

__all__ = ["COMPLETED", "HEALTHY", "ComposeError", "Port", "Service", "chosen", "read"]

HEALTHY: Final = "service_healthy"
COMPLETED: Final = "service_completed_successfully"
_STARTED: Final = "service_started"
_VARIABLE: Final = re.compile(r"\$(?:(\$)|\{(\w+)(?:(:?[-?])([^}]*))?\}|(\w+))")


class ComposeError(Exception):
    """The file cannot be used; the message names the service and what is wrong."""


class Port(msgspec.Struct, frozen=True):
    """A published port."""

    host: str
    published: int
    target: int


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service, with everything filled in."""

    name: str
    image: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: dict[str, str]
    after: dict[str, str]
    """Which service has to be in which condition first."""
    profiles: frozenset[str]
    ports: tuple[Port, ...]
    volumes: dict[str, str]
    """By path in the container: a named volume, or a path of the host."""
    probe: tuple[str, ...]
    """The words of the health check behind CMD; empty where there is none, or a shell's."""


def read(text: str, variables: Mapping[str, str]) -> dict[str, Service]:
    """Every service of a compose file, by name and in the order of the file.

    Raises:
        ComposeError: no compose file, a variable that has to be given is not, or a form that is not understood.

    """
    try:
        import yaml  # type: ignore[import-untyped]  # without types
    except ImportError:  # it belongs to the development set: whoever has a compose file has a checkout
        raise ComposeError("PyYAML is not installed: pip install -r requirements/dev.txt, or `make stack`") from None
    try:
        document = yaml.safe_load(text)
        services = document["services"]
        return {name: _service(name, _filled(entry, variables)) for name, entry in services.items()}
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ComposeError(f"cannot be read as a compose file: {type(error).__name__}: {error}") from None


def chosen(services: Mapping[str, Service], profiles: frozenset[str], names: Sequence[str] = ()) -> list[Service]:
    """The services of these profiles, each behind what it depends on, otherwise in the order of the file.

    `names`: these only, whatever their profile, with what they depend on.

    Raises:
        ComposeError: there is no service of such a name; one depends on a service that does not exist or is not chosen,
            or on itself.

    """
    wanted = {name: one for name, one in services.items() if not one.profiles or one.profiles & profiles}
    if names:
        wanted = _with_dependencies(services, names)
    done: dict[str, Service] = {}
    while len(done) < len(wanted):
        ready = [one for one in wanted.values() if one.name not in done and one.after.keys() <= done.keys()]
        if not ready:
            name = next(name for name in wanted if name not in done)
            raise ComposeError(f"{name} can never start: it depends on {', '.join(wanted[name].after)}")
        done[ready[0].name] = ready[0]
    return list(done.values())


def _with_dependencies(services: Mapping[str, Service], names: Sequence[str]) -> dict[str, Service]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in services:
            raise ComposeError(f"there is no service {name}; there are {', '.join(services)}")
        if name not in found:
            found.add(name)
            waiting += services[name].after
    return {name: one for name, one in services.items() if name in found}


def _service(name: str, entry: dict[str, Any]) -> Service:
    return Service(
        name=name,
        image=entry.get("image", ""),
        entrypoint=_words(entry.get("entrypoint")),
        command=_words(entry.get("command")),
        environment=entry.get("environment") or {},
        after=_after(entry.get("depends_on") or {}),
        profiles=frozenset(entry.get("profiles") or ()),
        ports=tuple(_port(name, str(port)) for port in entry.get("ports") or ()),
        volumes=dict(_mount(name, str(volume)) for volume in entry.get("volumes") or ()),
        probe=_probe((entry.get("healthcheck") or {}).get("test")),
    )


def _words(value: Any) -> tuple[str, ...]:
    return tuple(shlex.split(value)) if isinstance(value, str) else tuple(str(word) for word in value or ())


def _after(value: Any) -> dict[str, str]:
    if isinstance(value, list):
        return dict.fromkeys(map(str, value), _STARTED)
    return {str(name): entry.get("condition", _STARTED) for name, entry in value.items()}


def _port(name: str, text: str) -> Port:
    parts = text.split(":")
    if len(parts) != 3:
        raise ComposeError(f"{name}: the port {text} names no address of the host; write 127.0.0.1:{text}")
    return Port(parts[0], int(parts[1]), int(parts[2]))


def _mount(name: str, text: str) -> tuple[str, str]:
    source, colon, target = text.partition(":")
    if not colon:
        raise ComposeError(f"{name}: the volume {text} has no name, so nothing of it would be kept; write NAME:{text}")
    return target.partition(":")[0], source


def _probe(test: Any) -> tuple[str, ...]:
    return tuple(map(str, test[1:])) if isinstance(test, list) and test[:1] == ["CMD"] else ()


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    """The entry with every variable in its place; those of `environment` without a value as the caller has them."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _value(match, variables), value)
    if isinstance(value, list):
        return [_filled(one, variables) for one in value]
    if not isinstance(value, dict):
        return value
    filled = {key: _filled(one, variables) for key, one in value.items()}
    if isinstance(environment := filled.get("environment"), dict):
        given = {key: variables.get(key) if one is None else _text(key, one) for key, one in environment.items()}
        filled["environment"] = {key: one for key, one in given.items() if one is not None}
    return filled


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        raise ComposeError(f"{key} is a truth value in YAML: write it in quotes")
    return str(value)


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    dollar, braced, operator, word, bare = match.groups()
    if dollar:
        return "$"
    found = variables.get(braced or bare)
    # With a colon an empty variable counts as none.
    if found is None or (not found and operator and operator.startswith(":")):
        if operator and operator.endswith("?"):
            raise ComposeError(f"{braced} has to be set: {word}")
        return word if operator else ""
    return found
