"""Security events: the numbers of all, and the newest of each charge point."""

from csmsd.profiles.security.security_events import REMEMBERED, SecurityEvent
from csmsd.profiles.site import Site
from csmsd.store.snapshot import Snapshot

_NEWEST = (
    "WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER "
    "(PARTITION BY charge_point, source ORDER BY id DESC) AS place FROM security_event) WHERE place <= ?) ORDER BY id"
)


def load(site: Site, snapshot: Snapshot) -> None:
    events = site.security.events
    events.begin_ids_after(snapshot.last_id(SecurityEvent.table))
    for number, charge_point, source in snapshot.query(
        "SELECT id, charge_point, source FROM security_event ORDER BY id"
    ):
        events.load(number, charge_point, source)
    events.load_newest(snapshot.records(SecurityEvent, _NEWEST, (REMEMBERED,)))
