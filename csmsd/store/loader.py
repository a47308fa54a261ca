"""From the file to the live state, at start and after a commit that failed: the core, then each room.

What is over stays on disk, so that a start takes no longer the older the books are. What messages say of it is looked
up when they come (`csmsd/recall.py`). So is what was measured of those that run, where that is much: it is read after
the start (`csmsd/measuring.py`). No query may go through a table that grows with the years.
"""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from csmsd.ocpp.identity import fold
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import (
    ChargePoint,
    ChargePointState,
    ConfigurationKey,
    Connector,
    DeviationCount,
    QuarantinedMessage,
)
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.metering import MeterShape
from csmsd.profiles.core.refused_connections import RefusedConnection
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.site import Site
from csmsd.store.books import IdGap
from csmsd.store.database import refusing_damage
from csmsd.store.past import AWAITED_OF_CHARGE_POINT, NEWEST_START
from csmsd.store.rooms import store_rooms
from csmsd.store.snapshot import Snapshot
from csmsd.store.tables import read_records
from csmsd.store.takings import takings_of_transaction

# Of all charge points together: what was going on when csmsd stopped is found without a look-up each.
_NEWEST = 200
_READINGS = "SELECT count(*) FROM (SELECT 1 FROM meter_value WHERE transaction_id=? LIMIT ?)"


def load_site(path: Path, site: Site, *, readings_at_once: int | None = None) -> Site:
    """Reads the whole live state into an empty site; of what was measured, as much at once. Raises StoreError."""
    with (
        refusing_damage(path),
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=90)) as connection,
    ):
        return _Loader(connection, site, readings_at_once).load()


class _Loader:
    def __init__(self, connection: sqlite3.Connection, site: Site, readings_at_once: int | None) -> None:
        self._connection = connection
        self._readings_left = readings_at_once
        self._snapshot = Snapshot(connection)
        self._query = self._snapshot.query
        self._site = site

    def load(self) -> Site:
        site = self._site
        with self._connection:  # one snapshot for all tables
            self._connection.execute("BEGIN")
            for charge_point in read_records(ChargePoint, self._query):
                site.charge_points[fold(charge_point.id)] = ChargePointState(charge_point)
            for connector in read_records(Connector, self._query):
                site.charge_points[fold(connector.charge_point)].connectors[connector.connector] = connector
            for key in read_records(ConfigurationKey, self._query):
                site.charge_points[fold(key.charge_point)].configuration[key.name.casefold()] = key
            for count in read_records(DeviationCount, self._query):
                place = (count.action, count.field, count.kind)
                site.charge_points[fold(count.charge_point)].deviations[place] = count
            for milestone in read_records(Milestone, self._query):
                site.milestones[milestone.name] = milestone
            for refused in read_records(RefusedConnection, self._query):
                site.refused.load(refused, registered=fold(refused.charge_point) in site.charge_points)
            for tag in read_records(IdTag, self._query):
                site.id_tags[fold(tag.id)] = tag
            for shape in read_records(MeterShape, self._query):
                site.meter_shapes.add(shape)
            self._load_transactions()
            self._load_orphans()
            for room in store_rooms():
                room.load(site, self._snapshot)
        return site

    def _load_orphans(self) -> None:
        last = self._connection.execute("SELECT max(id) FROM quarantine").fetchone()
        self._site.begin_quarantine_ids_after(last[0] or 0)
        for kept in read_records(QuarantinedMessage, self._query, "WHERE settled_at IS NULL ORDER BY id"):
            state = self._site.charge_point(kept.charge_point)
            if state is not None:
                state.orphans.add(kept.id, kept.received_at, kept.action, kept.reason, kept.payload)

    def _load_transactions(self) -> None:
        self._site.begin_transaction_ids_after(self._snapshot.last_id(Transaction.table))
        gaps = self._snapshot.records(IdGap, "WHERE name=?", (Transaction.table,))
        self._site.lost_transaction_ids = [range(gap.after + 1, gap.last + 1) for gap in gaps]
        last_booking = self._connection.execute("SELECT max(booking) FROM transactions").fetchone()
        self._site.begin_bookings_after(last_booking[0] or 0)
        found = {
            transaction.id: transaction
            for which in ("WHERE state = 'active'", f"WHERE id > (SELECT max(id) - {_NEWEST} FROM transactions)")
            for transaction in read_records(Transaction, self._query, which)
        }
        for state in self._site.charge_points.values():
            ((newest_start,),) = self._query(NEWEST_START, (state.id,))
            if newest_start is None:
                continue
            state.transactions.leave_on_disk(newest_start)
            awaited = read_records(Transaction, self._query, AWAITED_OF_CHARGE_POINT, (state.id,))
            found.update((transaction.id, transaction) for transaction in awaited)
        active = [known for known in found.values() if known.state == "active"]
        running = Counter((fold(known.charge_point), known.connector) for known in active)
        for number in sorted(found):
            transaction = found[number]
            if transaction.state == "active":
                # Which of several is meant on a connector is told by what was measured of them: everybody may ask that.
                alone = running[fold(transaction.charge_point), transaction.connector] == 1
                self._load_running(transaction, left=alone and not self._may_be_measured(number))
            else:
                self._site.add_transaction(transaction)

    def _load_running(self, transaction: Transaction, *, left: bool) -> None:
        known = self._site.charge_point(transaction.charge_point)
        if known is not None and left:
            known.transactions.leave_unmeasured(transaction.id)
        self._site.add_transaction(transaction)
        if known is not None and not left:
            takings = takings_of_transaction(self._query, transaction.charge_point, transaction.id)
            known.transactions.regather(transaction, booking.measured_anew(transaction, takings))

    def _may_be_measured(self, number: int) -> bool:
        """Whether its readings are among as many as are to be read at once."""
        if self._readings_left is None:
            return True
        ((many,),) = self._query(_READINGS, (number, self._readings_left + 1))
        if many > self._readings_left:
            return False
        self._readings_left -= many
        return True
