"""How the rooms of `csmsd/profiles/` get their state from the file: a module for each that keeps any, by its name."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from csmsd.profiles import ROOMS


@cache
def store_rooms() -> tuple[ModuleType, ...]:
    """Their modules. Each has `load(site, snapshot)`, which finds the charge points and the core in the site."""
    known = {found.name for found in iter_modules(__path__)}
    return tuple(import_module(f"{__name__}.{room}") for room in ROOMS if room in known)
