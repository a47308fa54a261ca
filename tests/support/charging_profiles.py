"""A charging profile, and one of the library installed at a charge point."""

import asyncio
from typing import Any

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

PROFILE: dict[str, Any] = {
    "chargingProfileId": 99,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]},
}


async def install(site: Site, point: RawChargePoint, name: str, connector: int = 1) -> None:
    """The charge point, `CP1`, accepts the profile of that name."""
    running = asyncio.create_task(
        site.call(
            "operation.run",
            command="set-charging-profile",
            parameters={"connector": connector, "profile": name},
            targets=["CP1"],
            force=True,
        )
    )
    await point.answer(await point.asked("SetChargingProfile"), {"status": "Accepted"})
    assert (await running)["results"][0]["outcome"] == "accepted"
