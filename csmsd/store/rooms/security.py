"""Security events: the numbers of all, and the newest of each charge point. Certificates that may be good, and some."""

import msgspec

from csmsd.profiles.security.certificates import Certificate
from csmsd.profiles.security.installed_certificates import InstalledCertificate
from csmsd.profiles.security.security_events import SecurityEvent
from csmsd.profiles.security.upgrades import SecurityUpgrade
from csmsd.profiles.site import Site
from csmsd.store.snapshot import Snapshot

# Out of the index, and in one row for each charge point: there may be 500 of each.
_IDS = "SELECT charge_point, source, json_group_array(id) FROM security_event GROUP BY charge_point, source"
_NEWEST = "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
_PAST_CERTIFICATES = 10  # of a charge point: how they came to their end is told to who still presents one
_CERTIFICATES = (
    "WHERE state IN ('requested', 'issued', 'used') OR id IN (SELECT id FROM (SELECT id, row_number() OVER "
    "(PARTITION BY charge_point ORDER BY id DESC) AS place FROM certificate) WHERE place <= ?) ORDER BY id"
)

_UPGRADES = "WHERE id IN (SELECT max(id) FROM security_upgrade GROUP BY charge_point)"


def load(site: Site, snapshot: Snapshot) -> None:
    events = site.security.events
    events.begin_ids_after(snapshot.last_id(SecurityEvent.table))
    for charge_point, source, ids in snapshot.query(_IDS):
        events.load(charge_point, source, msgspec.json.decode(ids))
    newest = msgspec.json.encode([*events.newest()]).decode()
    events.load_newest(snapshot.records(SecurityEvent, _NEWEST, (newest,)))
    certificates = site.security.certificates
    certificates.begin_ids_after(snapshot.last_id(Certificate.table))
    for certificate in snapshot.records(Certificate, _CERTIFICATES, (_PAST_CERTIFICATES,)):
        certificates.put(certificate)
    for installed in snapshot.records(InstalledCertificate):
        site.security.installed_certificates.load(installed)
    site.security.upgrades.begin_ids_after(snapshot.last_id(SecurityUpgrade.table))
    for upgrade in snapshot.records(SecurityUpgrade, _UPGRADES):
        state = site.charge_point(upgrade.charge_point)
        if state is not None:  # it may have been removed since
            site.security.upgrades.put(upgrade)
            state.upgrade = upgrade
