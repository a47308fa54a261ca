"""Composite schedules: what would hold, and held against what charge points say."""

import asyncio
from typing import Any

from tests.support.charging_profiles import PROFILE, install
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


async def test_a_preview_is_what_would_hold_and_leaves_nothing(site: Site) -> None:
    await site.call("profile.add", name="night", limit="8A")
    await site.register("CP1")

    async def limits(**more: Any) -> list[float | None]:
        found = await site.call("profile.preview", charge_point="CP1", connector=1, duration=3600, **more)
        return [period["limit"] for period in found["periods"]]

    assert await limits(**{"with": "night"}) == [8]
    assert await limits(**{"with": PROFILE}) == [16]
    assert await limits() == [None]
    place = {"charge_point": "CP1", "connector": 1}
    for more, code in (
        ({"with": "none"}, 3),
        ({"with": {}}, 2),
        ({"start": "noon"}, 2),
        ({"charge_point": "CP9"}, 3),
        ({"duration": 0}, -32602),
        ({"duration": 366 * 86_400 + 1}, -32602),
        ({"phases": 4}, -32602),
        ({"connector": -1}, -32602),
    ):
        assert (await site.refused("profile.preview", **(place | more)))[0] == code, more


async def verified(site: Site, point: RawChargePoint, limit: float | None, status: str = "Accepted") -> dict[str, Any]:
    """profile.verify, where the charge point says that limit for the hour."""
    running = asyncio.create_task(site.call("profile.verify", charge_point="CP1", connector=1, duration=3600))
    frame = await point.asked("GetCompositeSchedule")
    assert frame[3] == {"connectorId": 1, "duration": 3600}
    answer: dict[str, Any] = {"status": status}
    if limit is not None:
        periods = [{"startPeriod": 0, "limit": limit}]
        answer |= {
            "connectorId": 1,
            "chargingSchedule": {"duration": 3600, "chargingRateUnit": "A", "chargingSchedulePeriod": periods},
        }
    await point.answer(frame, answer)
    return await running


async def test_what_a_charge_point_says_is_held_against_what_it_should(site: Site) -> None:
    await site.call("profile.add", name="night", limit="8A")
    point = await site.raw("CP1")
    await install(site, point, "night")
    right = await verified(site, point, 8)
    assert (right["agrees"], right["differences"]) == (True, [])
    wrong = await verified(site, point, 16)
    assert wrong["agrees"] is False
    assert [(one["expected"], one["reported"]) for one in wrong["differences"]] == [(8, 16)]
    none = await verified(site, point, None, "Rejected")
    assert (none["agrees"], none["results"][0]["outcome"]) == (None, "rejected")
    silent = await verified(site, point, None)
    assert (silent["agrees"], silent["reported"]) == (False, None)
