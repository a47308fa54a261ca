"""What charging profiles allow: against hand-worked tables, and against csmsd's engine, which is not the same code."""

import random
from typing import Any

import pytest

from csmsctl.simulator.charging_schedule import Installed, Plan, shared_charging_rate
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.smart_charging.composite_schedule import Moment, Running, compose_schedule
from csmsd.profiles.smart_charging.profile_library import parse_profile
from csmsd.profiles.smart_charging.timeline import Source
from tests.csmsctl.simulator.central_system import NOON

HOUR = 3600 * 1000
DAY = 24 * HOUR


def profile(id: int = 1, *periods: tuple[int, float], unit: str = "A", **fields: Any) -> ChargingProfile:
    """Absolute, from noon, unless the fields say otherwise."""
    schedule = {
        "startSchedule": fields.pop("start", format_timestamp(NOON)),
        "duration": fields.pop("duration", None),
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [
            {"startPeriod": start, "limit": limit, **fields.get("period", {})} for start, limit in periods
        ],
    }
    fields.pop("period", None)
    given = {
        "chargingProfileId": id,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {name: value for name, value in schedule.items() if value is not None},
        **fields,
    }
    return parse_profile(given, id=id)


def composite(*installed: Installed, connectors: tuple[int, ...] = (1,), hours: int = 24) -> list[tuple[float, Any]]:
    """(hours from noon, limit in A)"""
    plan = Plan(installed, {1: NOON, 2: NOON}, NOON, lambda one: one.accepted_at)
    found = plan.composite(list(connectors), "A", NOON, NOON + hours * HOUR)
    return [((moment - NOON) / HOUR, limit) for moment, limit, _ in found]


def test_a_schedule_in_a_recurring_one() -> None:
    night = Installed(
        0,
        profile(1, (0, 32), (8 * 3600, 8), start="2025-12-01T22:00:00Z", chargingProfileKind="Recurring",
                recurrencyKind="Daily"),
        NOON,
    )  # fmt: skip
    holiday = Installed(0, profile(2, (0, 6), duration=3600, stackLevel=1), NOON)
    assert composite(night, holiday) == [(0, 6), (1, 8), (10, 32), (18, 8)]


def test_a_gap_is_left_to_lower_stack_levels_and_then_to_nobody() -> None:
    short = Installed(1, profile(1, (0, 10), duration=2 * 3600), NOON)
    shorter = Installed(1, profile(2, (0, 6), (1800, 7), duration=3600, stackLevel=3), NOON)
    assert composite(short, shorter) == [(0, 6), (0.5, 7), (1, 10), (2, None)]


def test_a_default_of_the_connector_replaces_that_of_connector_0() -> None:
    everywhere = Installed(0, profile(1, (0, 10)), NOON)
    here = Installed(1, profile(2, (0, 16), duration=3600), NOON)
    assert composite(everywhere, here) == [(0, 16), (1, None)]
    assert composite(everywhere, here, connectors=(2,)) == [(0, 10)]
    assert composite(everywhere, here, connectors=(1, 2)) == [(0, 26), (1, None)]


def test_the_charge_point_caps() -> None:
    cap = Installed(0, profile(1, (0, 11_040), unit="W", chargingProfilePurpose="ChargePointMaxProfile"), NOON)
    own = Installed(1, profile(2, (0, 32), (3600, 10)), NOON)
    assert composite(cap, own) == [(0, 16), (1, 10)]
    assert composite(cap) == [(0, 16)]


def test_shared() -> None:
    assert shared_charging_rate(16, {1: 32, 2: 32}) == {1: 8, 2: 8}
    assert shared_charging_rate(16, {1: 6, 2: 32}) == {1: 6, 2: 10}
    assert shared_charging_rate(16, {1: 6, 2: 6}) == {1: 6, 2: 6}
    assert shared_charging_rate(0, {1: 6}) == {1: 0}


@pytest.mark.parametrize("seed", range(60))
def test_as_csmsd_reckons_it(seed: int) -> None:
    chance = random.Random(seed)
    installed = [_some(chance, number) for number in range(chance.randint(1, 6))]
    begun = {1: NOON - chance.randint(0, 5) * HOUR, 2: NOON}
    running = {1: Running(7, begun[1])}
    moment = Moment(now=NOON, running=running, connectors=(1, 2))
    sources = [Source(one.connector, one.profile, one.accepted_at) for one in installed]
    plan = Plan(installed, begun, NOON, lambda one: one.accepted_at)
    for connector, unit in ((0, "A"), (1, "W"), (1, "A"), (2, "A")):
        numbers = [connector] if connector else [1, 2]
        ours = plan.composite(numbers, unit, NOON, NOON + 3 * DAY)  # type: ignore[arg-type]
        theirs = compose_schedule(sources, connector, NOON, NOON + 3 * DAY, unit, moment)  # type: ignore[arg-type]
        for period in theirs:
            limit = [limit for start, limit, _ in ours if start <= period.start][-1]
            assert (limit is None) == (period.limit is None), period
            assert limit is None or limit == pytest.approx(float(period.limit or 0)), period
        assert {start for start, _, _ in ours} <= {period.start for period in theirs}


def _some(chance: random.Random, number: int) -> Installed:
    """A profile at a place of its own."""
    purpose = chance.choice(["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"])
    connector = {"ChargePointMaxProfile": 0, "TxProfile": 1}.get(purpose, chance.choice([0, 1, 2]))
    kind = chance.choice(["Absolute", "Recurring", "Relative"])
    starts = [0, *sorted(chance.sample(range(1800, 40 * 3600, 1800), chance.randint(0, 4)))]
    fields: dict[str, Any] = {}
    if kind == "Recurring":
        fields["recurrencyKind"] = chance.choice(["Daily", "Weekly"])
    if chance.random() < 0.3:
        fields["validFrom"] = format_timestamp(NOON + chance.randint(-10, 20) * HOUR)
    if chance.random() < 0.3:
        fields["validTo"] = format_timestamp(NOON + chance.randint(20, 60) * HOUR)
    made = profile(
        number + 1,
        *((start, float(chance.randint(0, 32))) for start in starts),
        unit=chance.choice("AW"),
        start=None if kind == "Relative" else format_timestamp(NOON - chance.randint(-4, 200) * HOUR),
        duration=chance.choice([None, 3600, 30 * 3600]),
        period=chance.choice([{}, {"numberPhases": 1}]),
        chargingProfilePurpose=purpose,
        chargingProfileKind=kind,
        stackLevel=number,
        **fields,
    )
    return Installed(connector, made, NOON - chance.randint(0, 100) * HOUR)
