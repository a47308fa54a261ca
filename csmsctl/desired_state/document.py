"""The file: `configuration` tables for all charge points, for labels, and for single charge points."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from csmsctl.display.escape import escape_to_toml
from csmsctl.failure import USAGE, Failure
from csmsd.ocpp.both_ends import of_both_ends
from csmsd.ocpp.secrets import MASK, is_secret_key, masked_secrets
from csmsd.toml_text import read_toml

MAX_KEY, MAX_VALUE = 50, 500  # C 5.3: CiString50, CiString500

Settings = dict[str, str]  # key as it is written → value as it is sent


@dataclass(frozen=True)
class DesiredState:
    """What charge points are to have: a charge point's own value goes before its labels', and these before the rest."""

    defaults: Settings = field(default_factory=dict)
    labels: dict[str, Settings] = field(default_factory=dict)
    charge_points: dict[str, Settings] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """The value that a charge point should have for a key, and which part of the file says so."""

    key: str
    value: str
    origin: str


def read_document(text: str, file: str) -> DesiredState:
    """The content of a file. Raises Failure with the line, or the table and key."""
    try:
        document = read_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise Failure(USAGE, f"{file} is not TOML: {error}.") from error
    unknown = set(document) - {"defaults", "labels", "charge_points"}
    if unknown:
        raise _wrong_in_document(
            file, min(unknown), "is no table of this file", "They are defaults, labels and charge_points."
        )
    return DesiredState(
        defaults=_settings_of_document(document.get("defaults", {}), file, "defaults"),
        labels=dict(_named_tables_of_document(document.get("labels", {}), file, "labels")),
        charge_points=dict(_named_tables_of_document(document.get("charge_points", {}), file, "charge_points")),
    )


def _named_tables_of_document(tables: Any, file: str, where: str) -> Iterator[tuple[str, Settings]]:
    if not isinstance(tables, dict):
        raise _wrong_in_document(file, where, "must be a table of tables", f"Write [{where}.NAME.configuration].")
    seen: set[str] = set()
    for name, table in tables.items():
        if name.casefold() in seen:
            raise _wrong_in_document(
                file, f'{where}."{name}"', "is there twice; upper and lower case are the same name"
            )
        seen.add(name.casefold())
        yield name, _settings_of_document(table, file, f'{where}."{name}"')


def _settings_of_document(table: Any, file: str, where: str) -> Settings:
    next_step = f"Write the keys below [{where}.configuration]; a name with a dot or an asterisk stands in quotes."
    if not isinstance(table, dict):
        raise _wrong_in_document(file, where, "must be a table", next_step)
    surplus = set(table) - {"configuration"}
    if surplus:
        raise _wrong_in_document(file, where, f"knows only configuration, not {min(surplus)}", next_step)
    configuration = table.get("configuration", {})
    if not isinstance(configuration, dict):
        raise _wrong_in_document(file, f"{where}.configuration", "must be a table")
    settings: Settings = {}
    seen: set[str] = set()
    for key, value in configuration.items():
        place = f"{where}.configuration.{key}"
        if key.casefold() in seen:
            raise _wrong_in_document(file, place, "is there twice; upper and lower case are the same key")
        seen.add(key.casefold())
        settings[key] = _text_in_document(value, file, place)
        _check_document_key(key, settings[key], file, place)
    return settings


def _text_in_document(value: Any, file: str, place: str) -> str:
    """The value as OCPP has it: everything is text there (C 7.29)."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return value
        case float():
            raise _wrong_in_document(
                file, place, "has decimals", f'Put it in quotes, so that it is sent as you write it: "{value}".'
            )
        case list():
            raise _wrong_in_document(file, place, "is a list", 'Write the parts as charge points do: "A,B,C".')
    raise _wrong_in_document(
        file, place, "is no value of a configuration key", "Write text, a whole number, true or false."
    )


def _check_document_key(key: str, value: str, file: str, place: str) -> None:
    kept = of_both_ends(key)
    if kept is not None:
        raise _wrong_in_document(
            file,
            place,
            "is changed at csmsd and at the charge point together, and so has no place in this file",
            "A new key: csmsctl cp rotate-key" if kept == "key" else "A higher profile: csmsctl cp secure",
        )
    if not can_be_key_in_document(key):
        raise _wrong_in_document(file, place, f"is no configuration key: 1 to {MAX_KEY} letters, no = in it (C 5.3)")
    if len(value) > MAX_VALUE:
        raise _wrong_in_document(file, place, f"has {len(value)} letters; a value has at most {MAX_VALUE} (C 5.3)")
    if holds_secret_for_document(key, value):
        raise _wrong_in_document(
            file,
            place,
            "holds a secret, which has no place in this file",
            "Send it by itself: csmsctl change-configuration --set. It can be read back from no charge point.",
        )


def can_be_key_in_document(name: str) -> bool:
    """Whether a file can say something of a key of that name."""
    return 0 < len(name) <= MAX_KEY and name == name.strip() and "=" not in name and of_both_ends(name) is None


def holds_secret_for_document(key: str, value: str) -> bool:
    """Whether that has no place in a file."""
    return is_secret_key(key) or MASK in value or masked_secrets(value) != value


def _wrong_in_document(file: str, place: str, what: str, next_step: str | None = None) -> Failure:
    return Failure(USAGE, f"{file}: {place} {what}.", next_step)


def wanted_by_document(state: DesiredState, charge_point: str, labels: Iterable[str]) -> dict[str, Wanted]:
    """What a charge point with these labels is to have, by the folded key.

    Raises Failure when two of its labels want different values and it has none of its own.
    """
    own = next((found for name, found in state.charge_points.items() if _same_in_document(name, charge_point)), {})
    wanted = {key.casefold(): Wanted(key, value, "defaults") for key, value in state.defaults.items()}
    from_labels: dict[str, Wanted] = {}
    decided = {key.casefold() for key in own}
    for label in labels:
        settings = next((found for name, found in state.labels.items() if _same_in_document(name, label)), {})
        for key, value in settings.items():
            other = from_labels.setdefault(key.casefold(), Wanted(key, value, f"label {label}"))
            if other.value != value and key.casefold() not in decided:
                raise Failure(
                    USAGE,
                    f"{charge_point} has two labels that want different values for {key}: {other.origin} wants "
                    f"{other.value!r}, label {label} wants {value!r}.",
                    f'Decide it in [charge_points."{charge_point}".configuration].',
                )
    wanted |= from_labels
    return wanted | {key.casefold(): Wanted(key, value, "charge point") for key, value in own.items()}


def _same_in_document(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()


def written_document(state: DesiredState) -> str:
    """The state as TOML; whole numbers and booleans are written as such where that is the same text."""
    document: dict[str, Any] = {}
    if state.defaults:
        document["defaults"] = _document_table(state.defaults)
    for name, tables in (("labels", state.labels), ("charge_points", state.charge_points)):
        if tables:
            document[name] = {key: _document_table(tables[key]) for key in sorted(tables, key=str.casefold)}
    return escape_to_toml(document)


def _document_table(settings: Settings) -> dict[str, Any]:
    return {"configuration": {key: _plain_in_document(settings[key]) for key in sorted(settings, key=str.casefold)}}


def _plain_in_document(value: str) -> str | int | bool:
    if value in ("true", "false"):
        return value == "true"
    # TOML's integers have 64 bits; what is longer, or has a + or leading zeros, stays text.
    if value.removeprefix("-").isdecimal() and len(value) < 19 and str(int(value)) == value:
        return int(value)
    return value
