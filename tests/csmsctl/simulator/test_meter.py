"""The meter and the car: a believable curve, a register that agrees with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsctl.simulator.car import Car
from csmsctl.simulator.meter import Meter, is_measurable_by_meter
from csmsd.ocpp.types import MeterValue


def charged(seconds: int, car: Car, *, speed: float = 1.0, rating_w: float = 22_000) -> Meter:
    meter = Meter(rating_w=rating_w, speed=speed)
    meter.begin(car, 0)
    meter.advance(seconds * 1000)
    return meter


def values(reading: MeterValue) -> dict[tuple[str | None, str | None], float]:
    return {(value.measurand, value.phase): float(value.value) for value in reading.sampled_value}


def test_power_ramps_up_to_a_plateau_and_tapers_off() -> None:
    assert charged(0, Car()).power_w == 0
    assert charged(5, Car()).power_w == pytest.approx(5520)
    assert charged(60, Car()).power_w == pytest.approx(11_040)
    almost_full = charged(60, Car(soc=90)).power_w
    assert 4000 < almost_full < 7000
    assert charged(60, Car(soc=100)).power_w == 0


def test_the_register_is_the_power_summed_up() -> None:
    # An hour at 16 A, without half of the ramp of 10 s.
    assert charged(3600, Car()).register_wh == pytest.approx(11_040 - 11_040 * 5 / 3600, abs=1)


def test_the_weakest_part_limits_the_power() -> None:
    assert charged(60, Car(most_a=16), rating_w=7_400).power_w == pytest.approx(7_400)
    assert charged(60, Car(most_a=28.7, phases=1), rating_w=11_000).power_w == pytest.approx(3_666.7, abs=0.1)


def test_speed_makes_energy_flow_faster_but_not_stronger() -> None:
    fast, slow = charged(60, Car(), speed=60), charged(3600, Car())
    assert fast.register_wh == pytest.approx(slow.register_wh)
    assert fast.power_w == slow.power_w


def test_a_full_battery_takes_no_more() -> None:
    meter = charged(24 * 3600, Car(capacity_wh=58_000, soc=40))
    assert meter.full
    assert meter.power_w == 0
    assert meter.register_wh == pytest.approx(58_000 * 0.6, rel=0.01)


def test_limit_pause_and_end_stop_the_energy() -> None:
    meter = charged(60, Car())
    meter.limit(0.0, 60_000)
    after_limit = meter.register_wh
    meter.advance(120_000)
    assert meter.register_wh == after_limit
    meter.limit(None, 120_000)
    meter.pause(True, 130_000)
    after_pause = meter.register_wh
    assert after_pause > after_limit
    meter.end(200_000)
    assert meter.register_wh == after_pause
    assert meter.power_w == 0


def test_current_times_voltage_is_the_power() -> None:
    meter = charged(60, Car())
    measurands = ["Power.Active.Import", "Current.Import", "Voltage", "SoC", "Energy.Active.Import.Register"]
    read = values(meter.sample(measurands, "Sample.Periodic", 60_000, 60_000))
    power = sum(read["Current.Import", f"L{n}"] * read["Voltage", f"L{n}-N"] for n in (1, 2, 3))
    assert power == pytest.approx(read["Power.Active.Import", None], rel=0.005)
    assert read["SoC", None] == pytest.approx(40.3, abs=0.2)


def test_a_single_phase_car_draws_from_one_phase() -> None:
    meter = charged(60, Car(phases=1, most_a=28.7))
    read = values(meter.sample(["Current.Import"], "Sample.Periodic", 60_000, 60_000))
    assert read["Current.Import", "L1"] == pytest.approx(28.7, abs=0.5)
    assert read["Current.Import", "L2"] == read["Current.Import", "L3"] == 0


def test_a_measurand_of_one_phase() -> None:
    reading = charged(60, Car()).sample(["Voltage.L2-N"], "Trigger", 60_000, 60_000)
    (value,) = reading.sampled_value
    assert (value.measurand, value.phase, value.unit, value.context) == ("Voltage", "L2-N", "V", "Trigger")


def test_without_a_car_there_is_no_state_of_charge() -> None:
    assert values(Meter().sample(["SoC", "Power.Active.Import"], "Trigger", 0, 0)) == {
        ("Power.Active.Import", None): 0.0
    }


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("SoC", True),
        ("SoC.L1", False),
        ("Voltage.L1", True),
        ("Voltage.L1-N", True),
        ("Voltage.N", False),
        ("RPM", False),
        ("", False),
        ("energy.active.import.register", False),
    ],
)
def test_which_measurands_there_are(name: str, known: bool) -> None:
    assert is_measurable_by_meter(name) is known


@given(times=st.lists(st.integers(0, 10_000_000), min_size=2), soc=st.floats(0, 100), speed=st.floats(0.1, 100))
def test_the_register_never_runs_backwards(times: list[int], soc: float, speed: float) -> None:
    meter = Meter(speed=speed)
    meter.begin(Car(soc=soc), 0)
    shown = []
    for time in times:  # in any order: a clock may jump
        meter.advance(time)
        shown.append(meter.wh)
    assert shown == sorted(shown)
    assert meter.car is not None
    assert meter.car.soc <= 100
