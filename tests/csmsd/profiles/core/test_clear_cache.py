"""ClearCache (C 5.4; TC_061)."""

import pytest

from csmsd.profiles import outgoing
from csmsd.profiles.core.clear_cache import ClearCache, ClearCacheConf, ClearCacheReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene


def test_the_operation() -> None:
    assert Scene().asks(ClearCache()) == [{}]
    assert_valid(ClearCacheReq, {})


@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
def test_valid_confirmations(status: str) -> None:
    assert_valid(ClearCacheConf, {"status": status})
    assert (status in outgoing()["ClearCache"].accepted) == (status == "Accepted")
