"""What a car makes of what it is offered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsctl.simulator.car import Car
from csmsctl.simulator.car_descriptions import another_car, car_of_description


def drawn(car: Car, offered_a: float, seconds: int) -> float:
    """Its current on a phase after so many seconds."""
    for _ in range(seconds):
        car.draw(offered_a, 1.0)
    return car.current_a


def test_it_ramps_up_to_the_limit_and_goes_down_at_once() -> None:
    car = Car(most_a=16, ramp_s=10)
    assert drawn(car, 10, 5) == pytest.approx(8)
    assert drawn(car, 10, 5) == 10
    car.draw(6.0, 0.0)
    assert car.current_a == 6


def test_below_its_minimum_it_does_not_charge() -> None:
    car = Car(minimum_a=8)
    assert (drawn(car, 7.9, 30), drawn(car, 8, 30)) == (0, 8)


def test_one_that_is_late_begins_later_after_every_pause() -> None:
    car = Car(wakes_s=30, ramp_s=0)
    assert (drawn(car, 10, 30), drawn(car, 10, 1)) == (0, 10)
    assert not Car(wakes_s=30).awake_with(10)
    drawn(car, 0, 5)
    assert (drawn(car, 10, 29), drawn(car, 10, 2)) == (0, 10)


def test_one_that_is_slow_draws_on_for_a_while() -> None:
    car = Car(obeys_s=5, ramp_s=0)
    drawn(car, 16, 5)
    assert (drawn(car, 6, 4), drawn(car, 6, 1)) == (16, 6)


def test_one_that_was_paused_too_often_ends() -> None:
    car = Car(pauses=2, ramp_s=0)
    for _ in range(3):
        assert drawn(car, 10, 2) == 10
        drawn(car, 0, 2)
    assert car.gone_to_sleep
    assert drawn(car, 10, 60) == 0


def test_a_battery_that_gets_full_takes_less_and_then_nothing() -> None:
    car = Car(soc=90, ramp_s=0)
    assert 8 < drawn(car, 16, 1) < 9
    full = Car(soc=99.95, ramp_s=0)
    assert drawn(full, 16, 10) == 0


def test_one_phase_takes_a_third() -> None:
    one, three = Car(phases=1, ramp_s=0), Car(phases=3, ramp_s=0)
    assert one.draw(10, 0) == three.draw(10, 0) == 0
    assert three.draw(10, 3600) == pytest.approx(3 * one.draw(10, 3600)) == pytest.approx(6900)
    assert Car(phases=3, ramp_s=0, current_a=10).draw(10, 3600, phases=1) == pytest.approx(2300)


@given(st.lists(st.tuples(st.floats(0, 40), st.floats(0, 20)), max_size=40), st.floats(0, 10), st.floats(0, 30))
def test_it_never_draws_more_than_it_was_offered_unless_it_is_slow(
    course: list[tuple[float, float]], ramp_s: float, wakes_s: float
) -> None:
    car = Car(ramp_s=ramp_s, wakes_s=wakes_s, soc=20)
    for offered_a, seconds in course:
        energy = car.draw(offered_a, seconds)
        assert 0 <= car.current_a <= min(offered_a, car.most_a)
        assert car.current_a == 0 or offered_a >= car.minimum_a - 1e-5
        assert 0 <= energy <= 40 * 690 * seconds / 3600


def test_descriptions() -> None:
    assert car_of_description("1x32A, battery=40kWh, soc=25, minimum=8A, late=1m, slow=5s, ramp=3s, pauses=2") == Car(
        capacity_wh=40_000, soc=25, most_a=32, phases=1, minimum_a=8, wakes_s=60, obeys_s=5, ramp_s=3, pauses=2
    )
    assert car_of_description("3x16,ignores-limits").greedy
    one = car_of_description("")
    assert another_car(one) == one == Car()
    assert another_car(one) is not one


@pytest.mark.parametrize("text", ["fast", "4x16A", "3x0A", "late=soon", "pauses=often", "soc=120", "battery=60 l"])
def test_what_is_no_car(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        car_of_description(text)
