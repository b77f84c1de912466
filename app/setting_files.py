"""The files that settings name, read: each error names the file, the place and the next step."""

from __future__ import annotations

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from shadow.device_model import vendor_file
from shadow.device_model.vendor import VendorMapping

__all__ = ["DEFAULT_FILE", "SettingsError", "exact_document", "read_mapping", "settings_file", "toml_document"]

DEFAULT_FILE: Final = "shadow-csms.toml"


class SettingsError(Exception):
    """The settings cannot be used; the message names the setting, the rule and the next step."""


def read_mapping(file: Path) -> VendorMapping:
    """The rules of a vendor mapping file.

    Raises:
        SettingsError: it cannot be read, is no TOML, or holds a rule that no key can have; names the file.

    """
    try:
        return vendor_file.parse(toml_document(file))
    except ValueError as error:
        raise SettingsError(f"{file}: {error}; see docs/vendor-mapping.md") from None


def exact_document(file: Path) -> dict[str, Any]:
    """A TOML or JSON file, its numbers as exact decimals. Raises `SettingsError`."""
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix.lower() == ".json":
            return msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode(text)
        return tomllib.loads(text, parse_float=Decimal)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.MsgspecError) as error:
        raise SettingsError(f"{file}: neither TOML nor, as *.json, JSON: {error}") from None


def toml_document(file: Path) -> dict[str, Any]:
    """A TOML file. Raises `SettingsError`."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: no TOML: byte {error.start} is not UTF-8; correct the file") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: no TOML: {error}; correct the file") from None


def settings_file() -> Path | None:
    """The settings file.

    Raises:
        SettingsError: the one that was named cannot be read.

    """
    named = os.environ.get("SHADOW_CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise SettingsError(f"{named}: no such settings file; name another with --config or SHADOW_CONFIG")
        return path
    path = Path(DEFAULT_FILE)
    return path if path.is_file() else None
