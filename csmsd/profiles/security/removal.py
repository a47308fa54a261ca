"""What the room lets go of when a charge point is removed."""

from csmsd.profiles.action import Consequence
from csmsd.profiles.record import Change, Event, Milliseconds
from csmsd.profiles.site import Site


def _removed(event: Event, site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    identity = event.charge_point or ""
    site.security.upgrades.removed(identity)
    changes, told = site.security.certificates.removed(identity, now)
    return [*changes, *site.security.installed_certificates.removed(identity)], told


CONSEQUENCES = (Consequence("charge_point.removed", _removed),)
