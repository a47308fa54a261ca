"""From the file to the live state, at start and after a commit that failed."""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from csmsd.ocpp.identity import fold
from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import (
    ChargePoint,
    ChargePointState,
    ConfigurationKey,
    Connector,
    DeviationCount,
    QuarantinedMessage,
    UnknownChargePoint,
)
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.metering import MeterShape, unpack
from csmsd.profiles.core.transactions import REMEMBERED, Transaction
from csmsd.profiles.firmware_management.followed import NOT_REPORTED_ON
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.firmware_management.updates import ENDED as UPDATE_ENDED
from csmsd.profiles.firmware_management.updates import FirmwareImage, FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import ENDED as UPLOAD_ENDED
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.local_auth_list.local_lists import LocalList
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.reservation.reservations import LARGEST_OWN_ID, Reservation
from csmsd.profiles.reservation.reservations import REMEMBERED as REMEMBERED_RESERVATIONS
from csmsd.profiles.site import Site
from csmsd.profiles.smart_charging.installed import InstalledProfile
from csmsd.profiles.smart_charging.library import LibraryProfile
from csmsd.store.tables import SqlValue, read_records


def load(path: Path, site: Site) -> Site:
    """Reads the whole live state into an empty site. Raises sqlite3.Error."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=90)
    try:
        return _Loader(connection, site).load()
    finally:
        connection.close()


class _Loader:
    def __init__(self, connection: sqlite3.Connection, site: Site) -> None:
        self._connection = connection
        self._site = site

    def _query(self, sql: str, parameters: Sequence[SqlValue] = ()) -> Iterable[Sequence[Any]]:
        return self._connection.execute(sql, parameters)

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
            for unknown in read_records(UnknownChargePoint, self._query):
                site.unknown_charge_points[fold(unknown.id)] = unknown
            for tag in read_records(IdTag, self._query):
                site.id_tags[fold(tag.id)] = tag
            for shape in read_records(MeterShape, self._query):
                site.meter_shapes.add(shape)
            self._load_transactions()
            self._load_orphans()
            self._load_reservations()
            for local_list in read_records(LocalList, self._query):
                site.local_lists.add(local_list)
            self._load_firmware()
            self._load_charging_profiles()
        return site

    def _load_orphans(self) -> None:
        last = self._connection.execute("SELECT max(id) FROM quarantine").fetchone()
        self._site.begin_quarantine_ids_after(last[0] or 0)
        for kept in read_records(QuarantinedMessage, self._query, "WHERE settled_at IS NULL ORDER BY id"):
            state = self._site.charge_point(kept.charge_point)
            if state is not None:
                state.orphans.add(kept.id, kept.received_at, kept.action, kept.reason, kept.payload)

    def _last_id(self, table: str) -> int:
        """The highest id that was ever given in a table."""
        last = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name=?", (table,)).fetchone()
        return int(last[0]) if last else 0

    def _load_charging_profiles(self) -> None:
        self._site.charging_profiles.begin_ids_after(self._last_id(LibraryProfile.table))
        for profile in read_records(LibraryProfile, self._query):
            self._site.charging_profiles.put(profile)
        for installed in read_records(InstalledProfile, self._query):
            self._site.installed_profiles.add(installed)

    def _load_firmware(self) -> None:
        firmware = self._site.firmware
        for image in read_records(FirmwareImage, self._query):
            firmware.images[image.name] = image
        # What a rollout sent must be found again, whatever an operator sent after it.
        of_rollouts = " OR rollout IN (SELECT rollout FROM rollout_member WHERE state = 'updating') ORDER BY id"
        wanted = _newest_and_open("firmware_update", UPDATE_ENDED) + of_rollouts
        for update in read_records(FirmwareUpdate, self._query, wanted):
            firmware.updates.add(update)
        wanted = _newest_and_open("diagnostics_upload", UPLOAD_ENDED) + " OR stored IS NOT NULL ORDER BY id"
        for upload in read_records(DiagnosticsUpload, self._query, wanted):
            firmware.uploads.add(upload)
        for rollout in read_records(Rollout, self._query):
            firmware.rollouts.add(rollout)
        for member in read_records(RolloutMember, self._query):
            firmware.rollouts.add_member(member)

    def _load_reservations(self) -> None:
        """All that are active, and of each charge point the newest of the others, in the order of their making."""
        last = self._connection.execute("SELECT max(id) FROM reservation WHERE id <= ?", (LARGEST_OWN_ID,)).fetchone()
        self._site.reservations.begin_ids_after(last[0] or 0)
        ended = (
            "SELECT charge_point, id, row_number() OVER (PARTITION BY charge_point ORDER BY created_at DESC, id DESC) "
            "AS place FROM reservation WHERE state NOT IN ('requested', 'reserved') "
            "AND charge_point IN (SELECT id FROM charge_point)"
        )
        wanted = (
            "WHERE state IN ('requested', 'reserved') "
            f"OR (charge_point, id) IN (SELECT charge_point, id FROM ({ended}) WHERE place <= ?) "
            "ORDER BY created_at, id"
        )
        for reservation in read_records(Reservation, self._query, wanted, (REMEMBERED_RESERVATIONS,)):
            for asked in reservation.asked:  # whoever waited for the answers is gone
                asked.lost = True
            self._site.reservations.add(reservation)

    def _load_transactions(self) -> None:
        self._site.begin_transaction_ids_after(self._last_id(Transaction.table))
        last_booking = self._connection.execute("SELECT max(booking) FROM transactions").fetchone()
        self._site.begin_bookings_after(last_booking[0] or 0)
        running = read_records(Transaction, self._query, "WHERE state='active'")
        found = {transaction.id: transaction for transaction in running}
        for state in self._site.charge_points.values():
            newest = read_records(
                Transaction, self._query, "WHERE charge_point=? ORDER BY id DESC LIMIT ?", (state.id, REMEMBERED)
            )
            found.update((transaction.id, transaction) for transaction in newest)
        for number in sorted(found):
            self._site.add_transaction(found[number])
            if found[number].state in ("active", "abandoned") or found[number].guessed:
                booking.resume(found[number], self._readings(found[number]), self._site)
                self._restore_newest(found[number])

    def _restore_newest(self, transaction: Transaction) -> None:
        """Of when its newest reading is."""
        state = self._site.charge_point(transaction.charge_point)
        sql = "SELECT max(time) FROM meter_value WHERE transaction_id=?"
        newest = self._connection.execute(sql, (transaction.id,)).fetchone()[0]
        if state is not None and newest is not None:
            state.transactions.measured(transaction.id, newest)

    def _readings(self, transaction: Transaction) -> Iterable[list[SampledValue]]:
        """What was measured since it began, in the order of arrival."""
        rows = self._query(
            "SELECT s.shape, v.samples FROM meter_value v LEFT JOIN meter_shape s ON s.id = v.shape "
            "WHERE v.transaction_id=? AND v.time>=? ORDER BY v.id",
            (transaction.id, transaction.start_time),
        )
        return (unpack(shape, samples) for shape, samples in rows)


def _newest_and_open(name: str, ended: frozenset[str]) -> str:
    """Of each charge point the newest row and the one that its reports are about; and what is not over."""

    def listed(states: frozenset[str]) -> str:
        return ",".join(f"'{state}'" for state in sorted(states))

    newest = f"SELECT max(id) FROM {name} GROUP BY charge_point"
    current = f"SELECT max(id) FROM {name} WHERE state NOT IN ({listed(NOT_REPORTED_ON)}) GROUP BY charge_point"
    return f"WHERE id IN ({newest}) OR id IN ({current}) OR state NOT IN ({listed(ended)})"
