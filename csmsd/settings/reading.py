"""csmsd.toml and the command line are read and checked, with a reason for every refusal."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from csmsd.profiles.policies import DataTransfer, LoadPolicies
from csmsd.settings.places import default_config
from csmsd.settings.sections import Settings
from csmsd.settings.setting import SettingsError, parse_address_setting, problem_of_executable_setting
from csmsd.toml_text import read_toml


def load_settings(path: Path | None, overrides: dict[str, Any]) -> Settings:
    """Reads the file (none is fine unless `path` names one) and lays `overrides` ("section.key") over it.

    Raises SettingsError with file, key and reason.
    """
    file = path or default_config()
    data: dict[str, Any] = {}
    try:
        data = read_toml(file.read_text("utf-8"))
    except FileNotFoundError:
        if path is not None:
            raise SettingsError(f"{file}: no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    _convert(data, str(file))
    for place, value in overrides.items():
        section, _, key = place.partition(".")
        data.setdefault(section, {})[key] = value
    settings = _convert(data, "command line" if overrides else str(file))
    if settings.server.listeners and "listen" not in data["server"]:
        settings.server.listen = []
    _ = settings.state_directory, settings.socket_path  # where there is none, it is said now
    for address in settings.server.listen:
        try:
            parse_address_setting(address)
        except ValueError as error:
            source = "command line" if "server.listen" in overrides else file
            raise SettingsError(f"{source}: server.listen: {error}") from None
    parts = (
        settings.server,
        settings.tls,
        settings.ca,
        settings.control,
        settings.files,
        settings.events,
        settings.load_management,
        settings.metrics,
    )
    hooks = _problem_of_hooks(settings.data_transfer), _problem_of_meters(settings.load_management)
    for problem in (*hooks, *(part.problem() for part in parts)):
        if problem is not None:
            raise SettingsError(f"{file}: {problem}")
    return settings


def _convert(data: dict[str, Any], source: str) -> Settings:
    try:
        return msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        key = place.rstrip("`").lstrip(".")
        _, unknown, name = reason.partition("unknown field ")
        if unknown:
            reason = _unknown_key(key, name.strip("`"))
        raise SettingsError(f"{source}: {key + ': ' if key else ''}{reason}") from None


def _problem_of_hooks(section: DataTransfer) -> str | None:
    """What is wrong beyond the types: "key: reason"."""
    seen: set[tuple[str, str | None]] = set()
    for hook in section.hooks:
        if wrong := problem_of_executable_setting(hook.command):
            return f"data_transfer.hooks: {wrong}"
        place = (hook.vendor_id.casefold(), hook.message_id.casefold() if hook.message_id is not None else None)
        if place in seen:
            return f"data_transfer.hooks: two hooks for {hook.vendor_id} {hook.message_id or ''}".rstrip()
        seen.add(place)
    return None


def _problem_of_meters(section: LoadPolicies) -> str | None:
    """What is wrong beyond the types: "key: reason"."""
    for meter in section.meters:
        if wrong := problem_of_executable_setting(meter.command):
            return f"load_management.meters: {wrong}"
    return None


def _unknown_key(section: str, name: str) -> str:
    """What is wrong with a key that does not exist, and which one may be meant."""
    kind: Any = next((field.type for field in msgspec.structs.fields(Settings) if field.name == section), None)
    known = [field.name for field in msgspec.structs.fields(kind or Settings)] if not section or kind else []
    close = get_close_matches(name, known, n=2, cutoff=0.5)
    there = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"
    return f"there is no {'key' if section else 'section'} {name!r}" + (f"; {there}" if known else "")
