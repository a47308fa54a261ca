"""Reset (C 5.14; TC_013, TC_014)."""

import pytest

from csmsd.profiles import outgoing
from csmsd.profiles.core.reset import Reset, ResetConf, ResetReq, ResetType
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene


@pytest.mark.parametrize("kind", ["Hard", "Soft"])
def test_the_operation(kind: ResetType) -> None:
    assert Scene().asks(Reset(type=kind)) == [{"type": kind}]
    assert_valid(ResetReq, {"type": kind})


@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
def test_valid_confirmations(status: str) -> None:
    assert_valid(ResetConf, {"status": status})
    assert (status in outgoing()["Reset"].accepted) == (status == "Accepted")


def test_it_is_asked_for_on_a_terminal() -> None:
    assert Reset.question is not None
    assert "{targets}" in Reset.question
