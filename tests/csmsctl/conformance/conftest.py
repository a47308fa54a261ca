"""One private csmsd for all conformance tests of a process; each case has its own charge point on it."""

from collections.abc import Iterator

import pytest

from csmsctl.conformance.private_csmsd import Site
from tests.support.schemas import violations


def oracle(action: str, payload: object, confirmation: bool) -> list[str]:
    """The official JSON schemas."""
    return violations(action, payload, response=confirmation)


@pytest.fixture(scope="session")
def private_csmsd() -> Iterator[Site]:
    with Site() as site:
        yield site
        assert site.stop() == 0
        assert "Traceback" not in site.errors(), site.errors()
