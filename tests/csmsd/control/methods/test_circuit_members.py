"""What is on a circuit: as its charge point is wired, and on one alone."""

import asyncio
from typing import Any

import pytest

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


@pytest.fixture(autouse=True)
async def nothing_is_left(shared_site: Site) -> Any:
    yield
    await shared_site.call("circuit.import", circuits={})


async def test_a_member_is_wired_as_its_charge_point_says_unless_told(shared_site: Site) -> None:
    """C 9.1.7."""
    site = shared_site
    await site.call("circuit.add", name="turned", limit=["63A"])
    await site.register("TURNED")
    point = await RawChargePoint.connect(site.url("TURNED"))
    await point.boot()
    asking = asyncio.create_task(site.call("operation.run", targets=["TURNED"], command="get-configuration"))
    rotation = {"key": "ConnectorPhaseRotation", "readonly": True, "value": "0.RST, 1.STR, 2.Unknown"}
    three = {"key": "NumberOfConnectors", "readonly": True, "value": "3"}
    await point.answer(await point.asked("GetConfiguration"), {"configurationKey": [rotation, three]})
    await asking
    await point.disconnect()
    told: tuple[tuple[int, dict[str, Any], str, list[int]], ...] = (
        (1, {}, "L2L3L1", [2, 3]),
        (1, {"phases": "L2"}, "L2", [2, 3]),
        (2, {}, "L1L2L3", [3]),
    )
    for connector, options, wired, beside in told:
        member = {"circuit": "turned", "charge_point": "turned", "connector": connector}
        added = await site.call("circuit.add_member", **member, **options)
        assert (added["member"]["phases"], added["beside"]) == (wired, beside)


async def test_a_member_is_on_one_circuit(shared_site: Site) -> None:
    site = shared_site
    await site.register("M1")
    for name in ("a", "b"):
        await site.call("circuit.add", name=name, limit=["63A"])
    added = await site.call("circuit.add_member", circuit="a", charge_point="m1", phases="L2", weight=3, decimals=True)
    assert (added["changed"], added["member"]["charge_point"], added["member"]["step_a"]) == (True, "M1", 0.1)
    code, text = await site.refused("circuit.add_member", circuit="b", charge_point="M1")
    assert (code, text) == (2, "Connector 1 of M1 is on a.")
    assert await site.refused("circuit.remove", name="a") == (2, "a carries connector 1 of M1.")
    explained = await site.call("load.explain", charge_point="m1")
    assert (explained["charge_point"], explained["circuit"]) == ("M1", "a")
    assert explained["because"][0] == "Connector 1 of M1 hangs on a."
    await site.call("charge_point.remove", id="M1")
    assert (await site.call("circuit.show", name="a"))["on_it"] == []
