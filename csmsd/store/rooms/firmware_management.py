"""Firmware and diagnostics: images, what is followed, rollouts."""

from csmsd.profiles.firmware_management.followed import NOT_REPORTED_ON
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.firmware_management.updates import ENDED as UPDATE_ENDED
from csmsd.profiles.firmware_management.updates import FirmwareImage, FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import ENDED as UPLOAD_ENDED
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.site import Site
from csmsd.store.snapshot import Snapshot


def load(site: Site, snapshot: Snapshot) -> None:
    firmware = site.firmware
    for image in snapshot.records(FirmwareImage):
        firmware.images[image.name] = image
    # What a rollout sent must be found again, whatever an operator sent after it.
    of_rollouts = (
        " UNION SELECT id FROM firmware_update WHERE rollout IN "
        "(SELECT rollout FROM rollout_member WHERE state = 'updating')) ORDER BY id"
    )
    wanted = _newest_and_open("firmware_update", UPDATE_ENDED) + of_rollouts
    for update in snapshot.records(FirmwareUpdate, wanted):
        firmware.updates.add(update)
    stored = " UNION SELECT id FROM diagnostics_upload WHERE stored IS NOT NULL) ORDER BY id"
    wanted = _newest_and_open("diagnostics_upload", UPLOAD_ENDED) + stored
    for upload in snapshot.records(DiagnosticsUpload, wanted):
        firmware.uploads.add(upload)
    firmware.rollouts.begin_ids_after(snapshot.last_id(Rollout.table))
    for rollout in snapshot.records(Rollout):
        firmware.rollouts.add(rollout)
    for member in snapshot.records(RolloutMember):
        firmware.rollouts.add_member(member)


def _newest_and_open(name: str, ended: frozenset[str]) -> str:
    """Of each charge point the newest row and the one that its reports are about; and what is not over."""

    def listed(states: frozenset[str]) -> str:
        return ", ".join(f"'{state}'" for state in sorted(states))

    # From one charge point of the index to the next, past all their rows.
    points = (
        f"points(name) AS (SELECT min(charge_point) FROM {name} UNION ALL "
        f"SELECT (SELECT min(charge_point) FROM {name} WHERE charge_point > points.name) FROM points "
        "WHERE points.name IS NOT NULL)"
    )
    newest = f"(SELECT id FROM {name} WHERE charge_point = points.name{{}} ORDER BY id DESC LIMIT 1)"
    current = newest.format(f" AND state NOT IN ({listed(NOT_REPORTED_ON)})")
    still_open = f"SELECT id FROM {name} WHERE state NOT IN ({listed(ended)})"
    wanted = f"SELECT {newest.format('')} FROM points UNION SELECT {current} FROM points UNION {still_open}"
    return f"WHERE id IN (WITH RECURSIVE {points} {wanted}"
