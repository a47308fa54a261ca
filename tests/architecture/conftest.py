"""What the rules about the sources have in common."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def trees_are_no_garbage() -> Iterator[None]:
    """They stay, millions of nodes: what comes later need not look through them each time that garbage is collected."""
    yield
    gc.freeze()
