"""What a car makes use of, learned from its meter."""

from csmsd.profiles.load_management.demand import Demand, phases_in_use

A = 1000
MINUTE = 60_000


def car() -> Demand:
    return Demand(rating_ma=32 * A, minimum_ma=6 * A)


def drawing(demand: Demand, amperes: float, share: int, *, begin: int, minutes: int) -> int:
    """A sample a minute; what it asks for in the end, in A."""
    for minute in range(begin, begin + minutes + 1):
        demand.sampled(round(amperes * A), share * A, minute * MINUTE)
    return demand.now((begin + minutes) * MINUTE) // A


def test_a_new_car_is_asked_to_take_all_it_can() -> None:
    assert car().now(0) == 32 * A


def test_who_leaves_something_lying_for_minutes_is_given_a_little_more_than_it_draws() -> None:
    demand = car()
    assert drawing(demand, 10, 20, begin=0, minutes=2) == 32
    assert drawing(demand, 10, 20, begin=3, minutes=0) == 12


def test_who_takes_all_of_that_is_asked_for_more_at_once() -> None:
    demand = car()
    drawing(demand, 10, 20, begin=0, minutes=3)
    assert drawing(demand, 11.5, 12, begin=4, minutes=0) == 32


def test_who_leaves_something_lying_is_asked_again_later() -> None:
    demand = car()
    drawing(demand, 10, 20, begin=0, minutes=3)
    assert demand.now(17 * MINUTE) == 12 * A
    assert demand.now(18 * MINUTE) == 32 * A


def test_who_draws_nothing_has_nothing_and_is_offered_its_minimum_now_and_then() -> None:
    demand = car()
    assert drawing(demand, 0, 20, begin=0, minutes=2) == 0
    assert demand.now(16 * MINUTE) == 0
    assert demand.now(17 * MINUTE) == 6 * A
    assert drawing(demand, 0, 6, begin=18, minutes=2) == 0
    assert demand.now(49 * MINUTE) == 0
    assert demand.now(50 * MINUTE) == 6 * A
    assert drawing(demand, 6, 6, begin=51, minutes=0) == 32


def test_nothing_is_learned_while_it_may_draw_nothing() -> None:
    demand = car()
    assert drawing(demand, 0, 0, begin=0, minutes=10) == 32


def test_a_car_that_ramps_up_is_given_its_time() -> None:
    demand = car()
    drawing(demand, 2, 16, begin=0, minutes=1)
    drawing(demand, 15.5, 16, begin=2, minutes=0)
    assert drawing(demand, 8, 16, begin=3, minutes=2) == 32


def test_phases_are_told_by_their_currents() -> None:
    assert phases_in_use({0: 9_000, 1: 0, 2: 100}, (1, 2, 0)) == (1,)
    assert phases_in_use({0: 9_000, 1: 8_900, 2: 9_100}, (1, 2, 0)) == (1, 2, 0)
    assert phases_in_use({0: 9_000}, (1, 2, 0)) is None
    assert phases_in_use({0: 100, 1: 0, 2: 0}, (1, 2, 0)) is None
    assert phases_in_use({}, (0,)) is None
