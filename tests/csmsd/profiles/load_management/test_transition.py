"""No breaker trips, whatever is lost, late, refused or forgotten; and who plans otherwise is found out."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from msgspec import structs

from csmsd.profiles.load_management.circuits import Key, TemporaryLimit, Tree
from csmsd.profiles.load_management.holds import Hold, Ledger, Slot
from csmsd.profiles.load_management.transition import InvariantBroken, Periods, Planner, Room, Want
from tests.csmsd.profiles.load_management.careless_planners import BROKEN, RaisesAtOnce
from tests.csmsd.profiles.load_management.played_site import FALLBACKS, PERIODS, Site
from tests.csmsd.profiles.load_management.sites import MINUTE, OBEY, SECOND, A, over_at

Site.TestCase.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestNothingIsOverInAnyInterleaving = Site.TestCase

CP1, CP2 = ("cp1", 1), ("cp2", 1)


def site_with(planner: type[Planner], reserve: int = 0) -> Site:
    site = type("Played", (Site,), {"planner_class": planner})()
    assert isinstance(site, Site)
    site.arrivals.reserve = reserve
    site.install()
    return site


def car_on(site: Site, key: Key) -> None:
    site.transactions += 1
    site.played[key].begin(site.transactions)
    site.unheard.append(("begun", key, site.transactions))
    site.hear_all()


def is_over(site: Site) -> bool:
    return over_at(site.played.values(), site.terms, site.budgets(), site.now) is not None


def worst_of(planner: type[Planner]) -> bool:
    """A second car comes behind a fuse of 20 A, and what it is given arrives before what the first one loses."""
    site = site_with(planner)
    over = is_over(site)
    car_on(site, CP1)
    site.exchange()
    assert site.played[CP1].draws(site.now) == 20 * A
    over |= is_over(site)
    car_on(site, CP2)
    site.plan()
    for key in (CP2, CP1):
        while site.played[key].inbox:
            site.played[key].take(site.played[key].inbox.popleft(), site.now)
            over |= is_over(site)
    return over


def test_a_second_car_behind_a_fuse() -> None:
    assert not worst_of(Planner)


@pytest.mark.parametrize("planner", BROKEN)
def test_a_planner_without_one_of_the_rules_lets_it_trip(planner: type[Planner]) -> None:
    assert worst_of(planner)


def test_the_second_car_has_its_share_as_soon_as_the_first_has_obeyed() -> None:
    site = site_with(Planner)
    car_on(site, CP1)
    site.exchange()
    car_on(site, CP2)
    site.plan()
    assert list(site.outstanding) == [CP1]
    site.deliver_and_answer_all()
    site.plan()
    assert not site.outstanding
    site.now += OBEY
    site.plan()
    assert list(site.outstanding) == [CP2]
    site.deliver_and_answer_all()
    site.now += OBEY
    drawn = {key: site.played[key].draws(site.now) for key in (CP1, CP2)}
    assert sum(drawn.values()) == 20 * A
    assert min(drawn.values()) >= 6 * A


def test_who_has_booted_begins_when_the_others_have_made_room() -> None:
    """It might have lost its limits, and counts with its rating; it has not, and draws nothing."""
    site = site_with(Planner)
    car_on(site, CP1)
    site.exchange()
    assert site.played[CP1].draws(site.now) == 20 * A
    member = site.tree.members[CP2]
    site.planner.ledger.begin(CP2, member.rating_ma, member.wiring, site.now)
    car_on(site, CP2)
    for _ in range(40):
        site.plan()
        for key in (CP2, CP1):
            while site.played[key].inbox:
                lease = site.played[key].inbox.popleft()
                answer = site.played[key].take(lease, site.now)
                assert not is_over(site), (key, lease)
                site.hear(key, lease.serial, answer)
        site.now += SECOND
        assert not is_over(site)
    assert min(site.played[key].draws(site.now) for key in (CP1, CP2)) >= 6 * A


@pytest.mark.parametrize("fate", ["refused", "lost"])
def test_a_lower_limit_that_did_not_get_through_pays_for_nothing(fate: str) -> None:
    site = site_with(Planner)
    car_on(site, CP1)
    site.exchange()
    car_on(site, CP2)
    site.plan()
    lease = site.played[CP1].inbox.popleft()
    if fate == "refused":
        site.hear(CP1, lease.serial, "rejected")
    else:
        site.nobody_waits_for(CP1)
    for _ in range(3):
        site.now += OBEY
        site.plan()
        assert CP2 not in site.outstanding
        site.nobody_waits_for(CP1)
        site.played[CP1].inbox.clear()


def test_a_car_that_has_begun_on_an_offer_goes_on_by_it_until_it_has_its_own_limit() -> None:
    site = site_with(Planner)
    site.plugged_in.add(CP1)
    site.first.add(CP1)
    site.exchange()
    assert site.played[CP1].draws(site.now) == 7 * A
    car_on(site, CP1)
    site.plan()
    [lease] = site.played[CP1].inbox
    assert lease.transaction == site.transactions, "its default is lowered after that"
    site.exchange()
    site.exchange()
    default = site.planner.ledger.newest(CP1, "default")
    assert default is not None
    assert (default.ma, site.played[CP1].draws(site.now)) == (0, 20 * A)
    assert not is_over(site)


def test_a_car_begins_with_the_reserve_at_once() -> None:
    site = site_with(Planner, reserve=1)
    site.exchange()
    assert [site.played[key].draws(site.now) for key in (CP1, CP2)] == [6 * A, 0], "one of each circuit"
    car_on(site, CP1)
    site.exchange()
    site.exchange()
    assert [site.played[key].draws(site.now) for key in (CP1, CP2)] == [20 * A, 0], "there is no room for another"


def test_the_reserve_of_one_is_given_to_another_when_it_was_given_back() -> None:
    site = site_with(Planner, reserve=1)
    site.exchange()
    car_on(site, CP2)
    site.plan()
    assert {key: lease.ma // A for key in (CP1, CP2) for lease in site.played[key].inbox} == {CP1: 0, CP2: 14}
    site.played[CP1].inbox.clear()
    site.nobody_waits_for(CP1)  # whether it has lowered it nobody knows
    for _ in range(4):
        site.exchange()
        assert not is_over(site)
        assert site.played[CP1].draws(site.now) + site.planner.ledger.most(CP2, site.now)[0][1][0] <= 20 * A
    assert [site.played[key].draws(site.now) for key in (CP1, CP2)] == [0, 20 * A]


def test_when_csmsd_is_dead_everybody_ends_at_his_fallback() -> None:
    site = site_with(Planner)
    car_on(site, CP1)
    site.exchange()
    car_on(site, CP2)
    assert not is_over(site)
    later = site.now + PERIODS.lease_ms + PERIODS.margin_ms + MINUTE
    assert {key: one.draws(later) for key, one in site.played.items()} == {
        (name, 1): ma for name, ma in FALLBACKS.items()
    }


def test_a_charge_point_that_is_away_has_its_fallback_left_free_in_time() -> None:
    """Its default ends after twenty minutes: then the others have gone down by themselves, or by new limits."""
    site = site_with(Planner)
    car_on(site, CP1)
    site.exchange()
    site.played[CP2].connected = False
    given = []
    for _ in range(40):
        site.exchange()
        site.now += MINUTE
        assert not is_over(site)
        given.append(site.played[CP1].draws(site.now) // A)
    assert given[0] == 20
    assert given[-1] == 12


def test_a_timetable_is_kept_before_its_hour() -> None:
    site = site_with(Planner)
    midnight = site.now - site.now % (24 * 60 * MINUTE)
    site.now = midnight + (24 + 16) * 60 * MINUTE + 50 * MINUTE
    site.tree.circuits["garage"].timetable = "17:00-20:00=16A"
    site.tree = Tree(site.tree.circuits.values(), site.tree.members.values())
    site.excused = False
    site.exchange()
    car_on(site, CP1)
    for _ in range(20):
        site.exchange()
        site.now += MINUTE
        assert not is_over(site)
    assert site.played[CP1].draws(site.now) == 16 * A


def test_what_a_car_was_offered_to_begin_with_is_lowered_after_its_share_has_risen() -> None:
    site = site_with(Planner, reserve=1)
    site.exchange()
    car_on(site, CP1)
    wants = {CP1: Want(ma=12 * A)}
    sent = []
    for _ in range(4):
        for lease in site.planner.plan(site.now, site.budgets(), site.terms, wants, [CP1]).leases:
            site.planner.ledger.accepted(CP1, lease.serial, site.now, OBEY)
            sent.append((lease.transaction, lease.ma // A))
        wants = {CP1: Want(ma=20 * A)}
    assert sent == [(site.transactions, 12), (site.transactions, 20), (None, 0)]


def test_a_lease_that_may_have_been_prolonged_by_a_wrong_clock_is_not_prolonged_by_that() -> None:
    """csmsd was dead, and does not know for how long: it may still run, but most likely does not."""
    site = site_with(Planner)
    car_on(site, CP1)
    site.exchange()
    site.played[CP2].connected = False
    site.now += 7 * MINUTE
    site.save()
    site.die()
    for _ in range(8):
        site.exchange()
        site.now += 2 * MINUTE
        assert not is_over(site), "in truth, when what is away takes its fallback"


def test_a_limit_that_is_feared_only_pays_for_no_fallback() -> None:
    """After a boot its default was sent anew beside a lowered limit, and accepted; killed, csmsd does not know that."""
    site = site_with(Planner)
    one = site.played[CP1]
    one.lose_everything()
    one.booting = False
    site.planner.ledger.begin(CP1, one.rating, one.wiring, site.now)
    site.outside.temporary = {"main": TemporaryLimit(circuit="main", ma=20 * A, until=site.now + 40 * MINUTE)}
    site.exchange()
    assert not is_over(site)
    site.die()
    assert site.planner.ledger.in_doubt(CP1)
    for _ in range(30):
        site.exchange()
        assert not is_over(site)
        site.now += MINUTE


def test_what_a_transaction_was_lent_pays_for_no_fallback_of_the_next_one() -> None:
    """It may be over: what was lent to it is not what the next one begins with."""
    site = site_with(Planner)
    ledger, now, wiring = site.planner.ledger, site.now, (0, 1, 2)
    slots: list[tuple[Slot, int]] = [("default", 0), ("transaction", 8 * A)]
    for slot, fallback in slots:
        serial = ledger.new_serial()
        hold = Hold(serial=serial, slot=slot, ma=0, fallback_ma=fallback, earliest=now, latest=now, phases=wiring)
        ledger.add(CP1, hold)
        ledger.accepted(CP1, serial, now, 0)
    room = Room([(now, [0] * len(site.budgets()[0][1]))], site.terms, ledger, now)
    assert [room.for_member(CP1, wiring, ledger.of(CP1), slot)[-1] for slot, _ in slots] == [0, 8 * A]


def test_a_member_that_takes_no_limit_of_nothing_is_limited_although_there_is_no_room() -> None:
    site = site_with(Planner)
    site.terms[CP1] = structs.replace(site.terms[CP1], floor_ma=6 * A)
    site.planner = Planner(Ledger(), PERIODS)
    for key, member in site.tree.members.items():
        site.planner.ledger.begin(key, member.rating_ma, member.wiring, site.now)
    site.plan()
    assert [(lease.ma, lease.fallback_ma) for lease in site.played[CP1].inbox] == [(6 * A, 6 * A)]


def test_fallbacks_are_promised_when_they_fit_beside_what_is_feared() -> None:
    """A new site: until they have accepted limits any of them may draw its rating. An unmanaged one may for ever."""
    site = site_with(Planner)
    site.planner = Planner(Ledger(), PERIODS)
    for key, member in site.tree.members.items():
        site.planner.ledger.begin(key, member.rating_ma, member.wiring, site.now)
    site.played[CP2].connected = False
    sent = []
    for _ in range(4):
        site.plan()
        sent.append({key[0]: one.inbox[-1].fallback_ma for key, one in site.played.items() if one.inbox})
        site.deliver_and_answer_all()
        site.now += PERIODS.shortest_ms
    assert sent == [{"cp1": 0, "cp3": 0, "cp4": 0}, {}, {}, {}], "nothing is sent again to no avail"
    site.played[CP2].connected = True
    for _ in range(2):
        site.exchange()
    assert {key[0]: one.default and one.default.fallback_ma for key, one in site.played.items()} == FALLBACKS


def test_what_a_plan_would_break_stops_it() -> None:
    """The look at the invariant is no part of what is planned: a mistake there does not get past it."""

    class Mistaken(RaisesAtOnce):
        def _look_at_invariant(self, before: Room, after: Room) -> None:
            Planner._look_at_invariant(self, before, after)

    with pytest.raises(InvariantBroken, match="mA over"):
        worst_of(Mistaken)


def test_periods_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="twice the shortest"):
        Periods(lease_ms=60_000)


@pytest.mark.slow
@pytest.mark.parametrize("planner", BROKEN)
def test_a_planner_without_one_of_the_rules_is_found_out(planner: type[Planner]) -> None:
    machine = type("Broken", (Site,), {"planner_class": planner})
    found = settings(
        max_examples=3000,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    with pytest.raises(AssertionError, match=r"over by|cp"):
        run_state_machine_as_test(machine, settings=found)
