"""Who may log in on a running csmsd, and with which key."""

from contextlib import suppress

from websockets.exceptions import InvalidStatus

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


async def login(site: Site, key: str | None, identity: str = "CP1") -> RawChargePoint | None:
    """A connection with that key; None where it is refused."""
    with suppress(InvalidStatus):
        return await RawChargePoint.connect(site.url(identity), password=key)
    return None


async def may_log_in(site: Site, key: str | None) -> bool:
    point = await login(site, key)
    if point is not None:
        await point.disconnect()
    return point is not None
