"""GetLocalListVersion (C 5.10): what a version says."""

import pytest

from csmsd.profiles import operations
from tests.csmsd.profiles.local_auth_list.listing import Listing


@pytest.mark.parametrize(
    ("version", "supported", "content"),
    [
        (-1, False, None),  # TC_042_1
        (0, True, {}),  # TC_042_2
        (5, True, None),  # a list that nobody here has sent
    ],
)
def test_what_a_version_says(version: int, supported: bool, content: object) -> None:
    scene = Listing()
    scene.version = version
    scene.run(operations()["get-local-list-version"]().steps(scene.target()))
    assert (scene.known.supported, scene.known.version, scene.known.content) == (supported, version, content)


def test_a_list_that_was_lost_is_empty() -> None:
    scene = Listing()
    scene.run(operations()["send-local-list"]().steps(scene.target()))
    assert set(scene.known.content or {}) == {"tag1"}
    scene.version = 0
    scene.run(operations()["get-local-list-version"]().steps(scene.target()))
    assert scene.known.content == {}


def test_a_version_that_is_ours_verifies_the_list() -> None:
    scene = Listing()
    scene.run(operations()["send-local-list"]().steps(scene.target()))
    assert scene.known.verified_at is None
    scene.run(operations()["get-local-list-version"]().steps(scene.target()))
    assert scene.known.verified_at == scene.now
