"""What `complete` finds on a site that is larger than what it answers."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from csmsd.control.methods.completion_values import MAX_VALUES, Complete, completion_values
from csmsd.control.rpc import Caller
from csmsd.control.service import Service
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.site import Site


@pytest.mark.parametrize(
    ("parameters", "first", "number"),
    [
        ({}, "CP-0000", MAX_VALUES),
        ({"prefix": "cp-13"}, "CP-1300", 100),
        ({"letters": "c1999"}, "CP-1999", 1),
        ({"letters": "cp-1"}, "CP-1000", MAX_VALUES),
        ({"letters": "9991"}, None, 0),
        ({"prefix": "CP-0", "letters": "77"}, "CP-0077", 28),
    ],
)
async def test_values(parameters: dict[str, str], first: str | None, number: int) -> None:
    site = Site()
    for at in range(2000):
        identity = f"CP-{at:04}"
        site.charge_points[identity.casefold()] = ChargePointState(ChargePoint(id=identity, registered_at=0))
    service = cast(Service, SimpleNamespace(site=site))

    answer: Any = await completion_values(service, Complete(kind="charge_points", **parameters), cast(Caller, None))

    assert [value for value, _ in answer["values"]][:1] == ([] if first is None else [first])
    assert len(answer["values"]) == number
