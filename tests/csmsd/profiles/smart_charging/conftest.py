"""Fixtures of Smart Charging."""

import pytest

from tests.csmsd.profiles.scene import Scene
from tests.csmsd.profiles.smart_charging.installing import library_scene


@pytest.fixture
def scene() -> Scene:
    """CP1, and a library: night, site, slow, holiday, with the ids 1 to 4."""
    return library_scene()
