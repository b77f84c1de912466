"""The settings from all their sources, and where each came from."""

from __future__ import annotations

import os
from typing import Any

from pydantic import ValidationError

from app.setting_files import SettingsError, settings_file, toml_document
from app.settings import Settings

__all__ = ["load", "origins"]


def load(**flags: Any) -> Settings:
    """Read all sources; flags that are None do not count.

    Raises:
        SettingsError: a value that cannot be used, in one line a setting.

    """
    given = {name: value for name, value in flags.items() if value is not None}
    sources = origins(**flags)
    try:
        settings = Settings(**given)
        settings.shadow_config()
        settings.policy()
        settings.topics()
        settings.kafka_security()
    except ValidationError as error:
        lines = [_problem(sources, str(problem["loc"][0]), problem["msg"]) for problem in error.errors()]
        raise SettingsError("; ".join(lines) + " (`shadow-csms settings` shows every setting)") from None
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return settings


def _problem(sources: dict[str, str], name: str, message: str) -> str:
    """What is wrong with a setting, and where its value stands. The value is not repeated: it may hold a password."""
    if name not in sources:
        return f"{name} (in {settings_file()}): there is no such setting"
    return f"{name} (from {sources[name]}): {message.removeprefix('Value error, ')}"


def origins(**flags: Any) -> dict[str, str]:
    """Where each setting comes from: `flag`, its environment variable, the file's name, or `default`.

    Raises:
        SettingsError: the file cannot be read, or is no TOML.

    """
    file = settings_file()
    in_file: dict[str, Any] = {} if file is None else toml_document(file)
    given = {variable.upper() for variable, value in os.environ.items() if value}
    found = {}
    for name in Settings.model_fields:
        variable = f"SHADOW_{name.upper()}"
        if flags.get(name) is not None:
            found[name] = "flag"
        elif variable in given:
            found[name] = variable
        else:
            found[name] = str(file) if name in in_file else "default"
    return found
