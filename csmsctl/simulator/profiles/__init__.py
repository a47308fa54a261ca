"""The feature profiles of a simulated charge point, a module each; every module here is one (C 3.2).

A profile brings its configuration keys, its answers to CALLs, and the messages that TriggerMessage may ask it for.
To add one, add a module with a `Profile` in it.
"""

from importlib import import_module
from pkgutil import iter_modules

from csmsctl.simulator.profiles.profile import Profile

__all__ = ["PROFILES", "Profile"]


def _discovered_profiles() -> list[type[Profile]]:
    found: list[type[Profile]] = []
    for place in iter_modules(__path__):
        module = import_module(f"{__name__}.{place.name}")
        for declared in vars(module).values():
            if isinstance(declared, type) and issubclass(declared, Profile) and declared.__module__ == module.__name__:
                found.append(declared)
    return [profile for profile in found if profile is not Profile]


PROFILES = _discovered_profiles()
