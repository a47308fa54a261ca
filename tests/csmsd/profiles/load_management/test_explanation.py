"""Why a member has what it has, in sentences."""

from csmsd.profiles.load_management.circuits import Circuit, Member
from csmsd.profiles.load_management.demand import Demand
from csmsd.profiles.load_management.explanation import explain_member
from csmsd.profiles.load_management.holds import Hold
from csmsd.profiles.load_management.overview import overview_of_load
from csmsd.profiles.load_management.steering import Charging
from tests.csmsd.profiles.scene import NOON, SECOND, Scene

A = 1000
KEY = ("cp1", 1)


class Garage:
    """CP1 in a garage of 20 A behind a main line of 63 A."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.scene.cp.connected_at = NOON
        self.load = self.scene.site.smart_charging.load
        circuits = [
            Circuit(name="main", l1_ma=63 * A, l2_ma=63 * A, l3_ma=63 * A),
            Circuit(name="garage", parent="main", l1_ma=20 * A, l2_ma=20 * A, l3_ma=20 * A),
        ]
        self.load.replace(circuits, [Member(circuit="garage", charge_point="CP1")])
        self.load.ledger.begin(KEY, 32 * A, (0, 1, 2), NOON)

    def send(self, ma: int, *, accepted: bool = True, transaction: int | None = None) -> None:
        ledger = self.load.ledger
        serial = ledger.new_serial()
        ledger.add(
            KEY,
            Hold(
                serial=serial,
                slot="default" if transaction is None else "transaction",
                transaction=transaction,
                ma=ma,
                fallback_ma=8 * A,
                earliest=NOON + 600 * SECOND,
                latest=NOON + 620 * SECOND,
                phases=(0, 1, 2),
                sent_at=NOON,
            ),
        )
        if accepted:
            ledger.accepted(KEY, serial, NOON, 0 if transaction is None else 10 * SECOND)

    def said(self, later: int = 0) -> list[str]:
        member, now = self.load.members[KEY], NOON + later * SECOND
        return explain_member(self.scene.site, member, overview_of_load(self.scene.site, 0, now), now)


def test_one_that_has_accepted_nothing() -> None:
    said = Garage().said()
    assert said[0] == "Connector 1 of CP1 hangs on garage, which hangs on main."
    assert said[1].startswith("csmsd knows of no limit that it goes by, so it counts with 32 A")
    assert said[2].startswith("Least is left of L1 of garage: of 20 A, 0 A are for what else draws on it and 32 A for")
    assert said[2].endswith("so 0 A are free; it may carry 12 A too much.")


def test_an_idle_one() -> None:
    garage = Garage()
    garage.send(0)
    assert garage.said(10)[1:3] == [
        "No transaction runs on it: while csmsd lives it needs no share.",
        "It may draw 0 A on each phase for another 10 min, and 8 A when nothing more is heard.",
    ]
    garage.scene.cp.connected_at = None
    assert garage.said(10)[1].startswith("It is offline")


def test_an_idle_one_that_holds_the_arrival_reserve() -> None:
    garage = Garage()
    garage.send(6 * A)
    assert garage.said()[1].startswith(
        "It holds the arrival reserve of garage: a car that comes begins with its minimum"
    )
    garage.scene.status(1, "Preparing")
    assert garage.said()[1] == "A car is plugged in, and no transaction runs: it may begin with its minimum at once."
    assert garage.said(610)[1].startswith("No transaction runs on it"), "that is its fallback"


def test_one_whose_other_charging_profiles_allow_it_less() -> None:
    garage = Garage()
    garage.send(0)
    demand = Demand(rating_ma=32 * A, minimum_ma=6 * A)
    garage.load.charging[KEY] = Charging(transaction=1, weight=1, demand=demand, since=0, cap_ma=9 * A)
    assert "Other charging profiles allow it 9A, and it asks for no more." in garage.said()


def test_a_car_whose_new_limits_are_under_way() -> None:
    garage = Garage()
    garage.send(0)
    transaction = garage.scene.started()
    garage.load.ledger.begun(KEY, transaction.id, garage.scene.now)
    assert garage.said(10)[1].startswith(f"Transaction {transaction.id} has no share now: the minimum of its car, 6A,")
    garage.send(16 * A, transaction=transaction.id)
    garage.send(10 * A, transaction=transaction.id)
    garage.send(6 * A, accepted=False, transaction=transaction.id)
    said = garage.said(5)
    assert "It may draw 10 A on each phase for another 10 min, and 8 A when nothing more is heard." in said
    assert "Its limit before, 16A, counts until it has had the time to obey." in said
    assert not [sentence for sentence in said if "before, 0A" in sentence]
    assert "6A was sent to it 5 s ago and not accepted: it may have arrived, and counts." in said
    assert said[-2].endswith("16 A for its members, so 4 A are free.")
