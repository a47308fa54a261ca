"""From the file to the live state: what was running runs on, with its energy."""

import json
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any, Literal

import pytest

from csmsd.ocpp.types import MeterValue, SampledValue
from csmsd.profiles.core import booking
from csmsd.profiles.core.charge_points import ChargePoint, QuarantinedMessage
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.metering import MeterShapes
from csmsd.profiles.core.orphans import NO_FIT
from csmsd.profiles.core.told_readings import read_meter_values
from csmsd.profiles.core.transactions import NotRemembered, Transaction
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import Change, Deleted, Record
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.profiles.security.certificates import Certificate
from csmsd.profiles.security.installed_certificates import InstalledCertificate
from csmsd.profiles.security.security_events import MAX_OF_ONE, SecurityEvent, SecurityEvents
from csmsd.profiles.site import Site
from csmsd.profiles.smart_charging.profile_library import LibraryProfile
from csmsd.store.books import IdGap
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.past import connect_to_past, find_past_transactions
from csmsd.store.writer import Writer
from tests.csmsd.profiles.scene import NOON


async def write(path: Path, *changes: Change) -> None:
    async def recover() -> None:
        raise AssertionError("nothing should fail")

    prepare_database(path)
    writer = Writer(path, recover=recover)
    await writer.open()
    await writer.commit(changes)
    await writer.close()


def transaction(number: int, **fields: Any) -> Transaction:
    usual: dict[str, Any] = {
        "charge_point": "CP1",
        "connector": 1,
        "id_tag": "A1B2C3",
        "id_tag_status": "Accepted",
        "start_time": 1_700_000_000_000 + number,
        "start_text": f"start {number}",
        "start_received_at": 0,
        "meter_start_wh": 1000,
        "reply": "{}",
    }
    return Transaction(id=number, **(usual | fields))


def readings(
    number: int, shapes: MeterShapes, *energies: str, unit: Literal["Wh", "kWh"] = "Wh", connector: int = 1
) -> list[Change]:
    values = [
        MeterValue(timestamp="2026-03-01T12:00:00.000Z", sampled_value=[SampledValue(value=energy, unit=unit)])
        for energy in energies
    ]
    found = read_meter_values(
        values,
        charge_point="CP1",
        connector=connector,
        transaction_id=number,
        shapes=shapes,
        received_at=1_800_000_000_000,
        zone=UTC,
    )
    return found.changes


async def test_the_energy_of_a_running_transaction_is_there_again(tmp_path: Path) -> None:
    shapes = MeterShapes()
    path = tmp_path / "csms.db"
    await write(
        path,
        ChargePoint(id="CP1", registered_at=0),
        transaction(1, state="stopped", energy_wh=77),
        transaction(2),
        *readings(2, shapes, "1200", "1500"),
        *readings(2, shapes, "1.8", unit="kWh"),
    )
    site = load_site(path, Site())
    state = site.charge_points["cp1"]
    (running,) = state.transactions.active()
    assert (running.id, state.energy_wh(running)) == (2, 800)
    assert state.transactions.gathered(1) is None
    assert site.active_transactions_of("a1b2c3") == 1


def kept_stop(number: int, **fields: Any) -> QuarantinedMessage:
    payload = {"transactionId": -1, "meterStop": 1900, "timestamp": "2026-03-01T11:55:00Z"}
    usual: dict[str, Any] = {
        "charge_point": "CP1",
        "received_at": 0,
        "action": "StopTransaction",
        "reason": NO_FIT,
        "payload": json.dumps(payload),
    }
    return QuarantinedMessage(id=number, **(usual | fields))


async def test_what_is_not_settled_waits_on(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    settled = kept_stop(8, settled_at=1, settlement="seen to")
    await write(path, ChargePoint(id="CP1", registered_at=0), kept_stop(7), settled)
    site = load_site(path, Site())
    state = site.charge_points["cp1"]

    assert [orphan.number for orphan in state.orphans.stops()] == [7]
    assert site.quarantine(state, 0, "MeterValues", "unreadable", "{}").id == 9


async def test_how_a_running_transaction_was_named_is_known_again(tmp_path: Path) -> None:
    shapes = MeterShapes()
    path = tmp_path / "csms.db"
    guessed = transaction(4, state="stopped", stop_time=1, flags=["stop:matched_-1"])
    await write(
        path,
        ChargePoint(id="CP1", registered_at=0),
        transaction(2, named=True),
        transaction(3),
        guessed,
        *[change for number in (2, 3, 4) for change in readings(number, shapes, "1200")],
    )
    site = load_site(path, Site())
    book = site.charge_points["cp1"].transactions
    assert [book.used(known) for known in book.active()] == [NOON, 0]

    with pytest.raises(NotRemembered) as forgotten:
        book.guessed_on(1)
    with closing(connect_to_past(path)) as connection:
        found = find_past_transactions(connection, "CP1", forgotten.value.wanted)
    booking.book_recalled(forgotten.value.wanted, found, book)
    measured = book.gathered(4)

    assert book.guessed_on(1) is book.get(4)
    assert measured is not None
    assert measured.verdict([]).energy_wh == 200


async def test_an_id_is_never_given_twice_even_when_its_row_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    await write(path, ChargePoint(id="CP1", registered_at=0), transaction(7), Deleted(transaction(7)))
    assert load_site(path, Site()).new_transaction_id() == 8


async def test_a_start_is_recognized_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    stored = transaction(3, state="stopped", reply='{"first":"reply"}')
    await write(path, ChargePoint(id="CP1", registered_at=0), stored)
    book = load_site(path, Site()).charge_points["cp1"].transactions
    assert book.started_as(stored.start_key, stored.start_time) == stored


async def test_a_transaction_of_a_charge_point_that_was_removed_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    await write(path, ChargePoint(id="CP2", registered_at=0), transaction(1), transaction(2, state="abandoned"))
    site = load_site(path, Site())
    assert list(site.charge_points) == ["cp2"]
    assert site.active_transactions_of("A1B2C3") == 1


async def test_what_a_rollout_sent_is_found_whatever_was_sent_after_it(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    fields: dict[str, Any] = {"charge_point": "CP1", "created_at": 0, "changed_at": 0, "deadline_at": 0}
    fields |= {"location": "http://host/x", "retrieve_at": 0, "state": "superseded"}
    await write(
        path,
        Rollout(id=3, created_at=0, file="x"),
        RolloutMember(rollout=3, charge_point="CP1", position=0, state="updating"),
        FirmwareUpdate(**fields, id=1, rollout=2),
        FirmwareUpdate(**fields, id=2, rollout=3),
        FirmwareUpdate(**fields, id=4),
        FirmwareUpdate(**fields | {"state": "requested"}, id=5),
    )
    updates = load_site(path, Site()).firmware.updates
    assert [update.id for update in updates.of_charge_point("cp1")] == [2, 5]
    found = updates.of_rollout("CP1", 3)
    assert found is not None
    assert found.id == 2


async def test_an_empty_file_is_an_empty_site(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    prepare_database(path)
    site = load_site(path, Site(Policies(unknown_id_tags="Accepted")))
    assert (site.charge_points, site.id_tags, site.new_transaction_id()) == ({}, {}, 1)
    assert site.policies.unknown_id_tags == "Accepted"


async def test_numbers_go_on_beyond_what_books_that_are_gone_may_have_given(tmp_path: Path) -> None:
    """A database was put back in the place of theirs: charge points, events and people still name what was theirs."""
    path = tmp_path / "csms.db"
    kinds: tuple[type[Record], ...] = (Transaction, Reservation, LibraryProfile, Rollout)
    await write(path, *(IdGap(name=kind.table, after=0, last=1_000 * place) for place, kind in enumerate(kinds, 1)))
    site = load_site(path, Site())
    assert site.new_transaction_id() == 1_001
    assert site.reservations.new_id() == 2_001
    assert site.smart_charging.library.new_id() == 3_001
    assert site.firmware.rollouts.new_id() == 4_001


async def test_idtags_are_found_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    await write(path, IdTag(id="AbC", created_at=1, max_transactions=2, blocked=True))
    found = load_site(path, Site()).id_tag("aBc")
    assert found == IdTag(id="AbC", created_at=1, max_transactions=2, blocked=True)


async def test_what_is_kept_of_a_charge_point_that_was_removed_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    fields: dict[str, Any] = {"received_at": 0, "action": "StopTransaction", "reason": NO_FIT, "payload": "{}"}
    await write(
        path,
        ChargePoint(id="CP1", registered_at=0),
        QuarantinedMessage(id=1, charge_point="GONE", **fields),
        QuarantinedMessage(id=2, charge_point="cp1", **fields),
    )
    site = load_site(path, Site())
    assert [orphan.number for orphan in site.charge_points["cp1"].orphans] == [2]


async def test_certificates_that_may_be_good_are_there_again_and_of_the_others_the_newest(tmp_path: Path) -> None:
    def certificate(number: int, state: str, charge_point: str = "CP1") -> Certificate:
        return Certificate(
            id=number,
            charge_point=charge_point,
            kind="charge_point",
            state=state,  # type: ignore[arg-type]
            organization="My CPO",
            common_name="SN1",
            fingerprint=f"f{number}",
            created_at=NOON,
            changed_at=NOON,
        )

    root = InstalledCertificate(
        charge_point="CP1",
        type="ManufacturerRootCertificate",
        hash_algorithm="SHA256",
        issuer_name_hash="ab",
        issuer_key_hash="cd",
        serial_number="0A",
        reported_at=NOON,
    )
    old = [certificate(number, "replaced") for number in range(3, 18)]
    await write(tmp_path / "csms.db", certificate(1, "used"), certificate(2, "issued", "CP2"), *old, root)

    security = load_site(tmp_path / "csms.db", Site(Policies())).security

    assert [one.id for one in security.certificates] == [1, 2, *range(8, 18)]
    assert security.certificates.find("f2") == certificate(2, "issued", "CP2")
    assert security.certificates.new_id() == 18
    assert security.installed_certificates.of("CP1", root.type) == [root]


async def test_of_security_events_no_more_is_kept_after_a_start_and_the_newest_may_come_again(tmp_path: Path) -> None:
    """However their charge point was spelled, and what csmsd saw apart from what it told."""
    before = SecurityEvents()
    told = [
        change
        for number in range(MAX_OF_ONE)
        for change in before.take(("CP1", "cp1")[number % 2], "charge_point", f"T{number}", None, number, NOON)[1]
    ]
    _, seen = before.take("CP1", "csmsd", "T0", None, None, NOON)
    await write(tmp_path / "csms.db", *told, *seen)

    events = load_site(tmp_path / "csms.db", Site(Policies())).security.events

    last = MAX_OF_ONE - 1
    again, changes = events.take("CP1", "charge_point", f"T{last}", None, last, NOON + 1, certain=True)
    assert (again, changes) == (told[-1], [told[-1]])
    first, second = (events.take("CP1", "charge_point", kind, None, None, NOON)[1] for kind in ("A", "B"))
    assert [one.id for one in (first[0], second[0]) if isinstance(one, SecurityEvent)] == [
        MAX_OF_ONE + 2,
        MAX_OF_ONE + 3,
    ]
    gone = [one.record for one in (*first[1:], *second[1:]) if isinstance(one, Deleted)]
    assert [one.id for one in gone if isinstance(one, SecurityEvent)] == [1, 2]
    assert len(events.take("CP1", "csmsd", "C", None, None, NOON)[1]) == 1
