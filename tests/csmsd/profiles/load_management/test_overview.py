"""What is on the circuits now."""

from csmsd.profiles.load_management.circuits import Circuit, Member, Reading
from csmsd.profiles.load_management.holds import Hold
from csmsd.profiles.load_management.manners import LoadManner
from csmsd.profiles.load_management.overview import MemberLoad, overview_of_load
from tests.csmsd.profiles.scene import NOON, SECOND, Scene

A = 1000
KEY = ("cp1", 1)


class Garage:
    """CP1 on a line of 32 A and 20 kW."""

    def __init__(self, **member: str) -> None:
        self.scene = Scene()
        self.scene.cp.connected_at = NOON
        self.load = self.scene.site.smart_charging.load
        circuit = Circuit(name="Garage", l1_ma=32 * A, l2_ma=32 * A, l3_ma=32 * A, power_w=20_000, reserve_l1_ma=4 * A)
        self.load.replace([circuit], [Member(circuit="Garage", charge_point="CP1", **member)])  # type: ignore[arg-type]
        self.load.ledger.begin(KEY, 32 * A, (0, 1, 2), NOON)

    def accept(self, ma: int, transaction: int | None = None) -> None:
        ledger = self.load.ledger
        serial = ledger.new_serial()
        hold = Hold(
            serial=serial,
            slot="default" if transaction is None else "transaction",
            transaction=transaction,
            ma=ma,
            fallback_ma=8 * A,
            earliest=NOON + 890 * SECOND,
            latest=NOON + 910 * SECOND,
            phases=(0, 1, 2),
        )
        ledger.add(KEY, hold)
        ledger.accepted(KEY, serial, NOON, 0)

    def member(self) -> MemberLoad:
        [member] = overview_of_load(self.scene.site, 0, NOON)[1]
        return member


def test_a_member_that_has_accepted_nothing_counts_with_its_rating() -> None:
    garage = Garage()
    member = garage.member()
    assert (member.state, member.limit, member.most, member.fallback) == ("unmanaged", None, 32, None)
    lines = overview_of_load(garage.scene.site, 0, NOON)[0]
    assert [(line.phase, line.limit, line.other, line.given) for line in lines] == [
        ("L1", 32, 4, 32),
        ("L2", 32, 0, 32),
        ("L3", 32, 0, 32),
        ("W", 20_000.0, 920.0, 22_080.0),
    ]


def test_an_idle_one_has_its_lease_and_its_fallback() -> None:
    garage = Garage()
    garage.accept(0)
    member = garage.member()
    assert (member.state, member.limit, member.most, member.fallback) == ("idle", 0, 0, 8)
    assert (member.lease_until, member.arrival) == (NOON + 890 * SECOND, None)
    garage.accept(6 * A)
    assert garage.member().arrival == "expected"
    garage.load.note_manner(LoadManner(charge_point="CP1", pause="minimum"))
    assert garage.member().arrival is None, "it has that in any case"
    garage.scene.cp.connected_at = None
    assert garage.member().state == "away"


def test_a_car_charges_or_waits_for_its_turn() -> None:
    garage = Garage()
    garage.accept(0)
    transaction = garage.scene.started()
    garage.load.ledger.begun(KEY, transaction.id, garage.scene.now)
    assert (garage.member().state, garage.member().transaction) == ("waiting", transaction.id)
    garage.accept(16 * A, transaction.id)
    member = garage.member()
    assert (member.state, member.limit, member.most) == ("charging", 16, 16)


def test_what_is_drawn_is_on_the_phases_of_its_wiring() -> None:
    garage = Garage(phases="L2L3L1")
    garage.accept(0)
    garage.scene.started()
    garage.scene.meter(
        {"value": "10.04", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
        {"value": "3", "measurand": "Current.Import", "phase": "L2", "unit": "A"},
    )
    lines = overview_of_load(garage.scene.site, 0, NOON)[0]
    assert [line.drawn for line in lines] == [0, 10.0, 3.0, round(13.04 * 230)]
    assert garage.member().drawn == 10.0


def test_what_was_measured_before_a_limit_was_accepted_is_not_drawn_any_more() -> None:
    garage = Garage()
    garage.scene.now -= SECOND
    garage.accept(0)
    transaction = garage.scene.started()
    garage.load.ledger.begun(KEY, transaction.id, NOON)
    garage.scene.meter({"value": "16", "measurand": "Current.Import", "phase": "L1", "unit": "A"})
    garage.accept(16 * A, transaction.id)
    assert garage.member().drawn == 16
    garage.accept(6 * A, transaction.id)
    assert garage.member().drawn == 6
    garage.scene.now += SECOND
    garage.scene.meter({"value": "16", "measurand": "Current.Import", "phase": "L1", "unit": "A"})
    assert garage.member().drawn == 16, "it does not obey"
    garage.scene.stop(transaction.id)
    assert garage.member().drawn is None, "that was the transaction's"


def test_a_reading_counts_while_it_is_fresh() -> None:
    garage = Garage()
    garage.load.readings["garage"] = Reading(circuit="Garage", l1_ma=9 * A, l2_ma=0, l3_ma=0, at=NOON)
    fresh = overview_of_load(garage.scene.site, 0, NOON)[0][0]
    stale = overview_of_load(garage.scene.site, 0, NOON + 121 * SECOND)[0][0]
    assert [(line.other, line.stale) for line in (fresh, stale)] == [(9, False), (4, True)]
