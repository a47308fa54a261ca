"""The composite schedule, against tables worked out by hand; the timelines stand above them."""

from fractions import Fraction

import pytest

from csmsd.ocpp.types import ChargingRateUnit
from csmsd.profiles.smart_charging.composite_schedule import (
    Moment,
    Period,
    Running,
    Supply,
    compose_schedule,
    rounded_schedule_limit,
)
from csmsd.profiles.smart_charging.timeline import Source
from tests.csmsd.profiles.smart_charging.profiles import DAY, HOUR, MONDAY, a_thousand, on, profile

Row = tuple[int, int, float | None]  # from and to in hours since Monday 00:00, limit

NIGHT = profile((0, 32), (6 * 3600, 8), (22 * 3600, 32), kind="Recurring", recurrency="Daily", id=1)


def table(
    sources: list[Source],
    *,
    connector: int = 1,
    hours: tuple[int, int] = (0, 24),
    unit: ChargingRateUnit = "A",
    running: dict[int, Running] | None = None,
    connectors: tuple[int, ...] = (1, 2),
    supply: Supply = Supply(),  # noqa: B008 - immutable
) -> list[Row]:
    start, end = (MONDAY + hour * HOUR for hour in hours)
    at = Moment(now=start, running=running or {}, connectors=connectors, supply=supply)
    found = compose_schedule(sources, connector, start, end, unit, at)
    return [
        (
            (period.start - MONDAY) // HOUR,
            (period.end - MONDAY) // HOUR,
            None if period.limit is None else rounded_schedule_limit(period.limit),
        )
        for period in found
    ]


def test_without_profiles_there_is_no_limit() -> None:
    assert table([]) == [(0, 24, None)]


def test_the_periods_of_a_schedule_follow_each_other() -> None:
    #  0     2     5                24
    #  |--16-|--8--|------32---------      no duration: the last one goes on (C 7.13)
    found = table([on(1, profile((0, 16), (2 * 3600, 8), (5 * 3600, 32)))])
    assert found == [(0, 2, 16), (2, 5, 8), (5, 24, 32)]


def test_a_schedule_that_has_not_begun_or_is_over_limits_nothing() -> None:
    #  0     4          10          24
    #  | none |----10----|   none          start at 4, duration 6 h; the period at 8 h is never reached (C 5.16.4)
    found = table([on(1, profile((0, 10), (8 * 3600, 6), start=MONDAY + 4 * HOUR, duration=6 * 3600))])
    assert found == [(0, 4, None), (4, 10, 10), (10, 24, None)]


def test_valid_from_and_valid_to_cut_a_profile() -> None:
    #  0     3          9          24
    #  | none |----16----|   none          validTo is the first moment that it is not valid any more
    found = table([on(1, profile((0, 16), valid_from=MONDAY + 3 * HOUR, valid_to=MONDAY + 9 * HOUR))])
    assert found == [(0, 3, None), (3, 9, 16), (9, 24, None)]


def test_the_specifications_own_example() -> None:
    # C 3.13.7: a daily default profile that limits the power to 6 kW between 08:00 and 20:00
    example = profile(
        (0, 11000, 3),
        (28800, 6000, 3),
        (72000, 11000, 3),
        kind="Recurring",
        recurrency="Daily",
        unit="W",
        start=MONDAY - 4000 * DAY,
        duration=86400,
        id=100,
    )
    # the evening and the next morning are one period
    assert table([on(0, example)], hours=(0, 48), unit="W") == [
        (0, 8, 11000),
        (8, 20, 6000),
        (20, 32, 11000),
        (32, 44, 6000),
        (44, 48, 11000),
    ]


def test_a_week_of_the_specifications_calendar() -> None:
    # C 3.13.2: weekdays 23:00-06:00 and weekends full power, reduced otherwise; a holiday (Wednesday) on top of it.
    # Mon 0-6 32 | 6-23 10 | Tue …; the holiday covers 48-72 with 32, next to 32 of the night: different profiles
    hours = [(0, 32.0)]
    for day in range(5):
        hours += [(day * 24 + 6, 10.0), (day * 24 + 23, 32.0)]
    weekly = profile(*((hour * 3600, limit) for hour, limit in hours), kind="Recurring", recurrency="Weekly", id=1)
    holiday = profile((0, 25), level=1, start=MONDAY + 2 * DAY, duration=86400, id=2)
    assert table([on(0, weekly), on(0, holiday)], hours=(0, 7 * 24)) == [
        (0, 6, 32),
        (6, 23, 10),
        (23, 30, 32),
        (30, 47, 10),
        (47, 48, 32),
        (48, 72, 25),
        (72, 78, 32),
        (78, 95, 10),
        (95, 102, 32),
        (102, 119, 10),
        (119, 168, 32),
    ]


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        # daily at 0, for 6 h: a gap until the next day, in which a lower level would lead (CE 3.43)
        (6 * 3600, [(0, 6, 10), (6, 24, None), (24, 30, 10), (30, 48, None)]),
        # 30 h is longer than the recurrence: the rest is not executed (CE 3.44)
        (30 * 3600, [(0, 26 - 24, 10), (2, 24, 20), (24, 26, 10), (26, 48, 20)]),
    ],
)
def test_the_duration_of_a_recurring_schedule(duration: int, expected: list[Row]) -> None:
    periods = ((0, 10.0),) if duration < 86400 else ((0, 10.0), (2 * 3600, 20.0), (25 * 3600, 99.0))
    found = table([on(1, profile(*periods, kind="Recurring", recurrency="Daily", duration=duration))], hours=(0, 48))
    assert found == expected


def test_a_recurring_schedule_does_not_recur_before_it_began() -> None:
    daily = profile((0, 10), kind="Recurring", recurrency="Daily", start=MONDAY + 20 * HOUR, duration=2 * 3600)
    assert table([on(1, daily)], hours=(0, 48)) == [
        (0, 20, None),
        (20, 22, 10),
        (22, 44, None),
        (44, 46, 10),
        (46, 48, None),
    ]


def test_the_highest_stack_level_leads_and_lower_ones_fill_its_gaps() -> None:
    #  level 2:        |--6--|                   8-10
    #  level 1:     |-----12-----|               6-14
    #  level 0: |---------------16-----------    always
    sources = [
        on(1, profile((0, 16), level=0, id=1)),
        on(1, profile((0, 12), level=1, start=MONDAY + 6 * HOUR, duration=8 * 3600, id=2)),
        on(1, profile((0, 6), level=2, start=MONDAY + 8 * HOUR, duration=2 * 3600, id=3)),
    ]
    assert table(sources) == [(0, 6, 16), (6, 8, 12), (8, 10, 6), (10, 14, 12), (14, 24, 16)]


def test_the_highest_level_without_a_duration_never_falls_back() -> None:
    # CE 3.7
    assert table([on(1, profile((0, 6), level=0, id=1)), on(1, profile((0, 32), level=9, id=2))]) == [(0, 24, 32)]


def test_a_default_of_the_connector_replaces_that_of_connector_0_on_the_same_level_only() -> None:
    # C 3.13.1. On connector 1 the own profile holds from 10 on; before, the replaced one does not come back.
    sources = [
        on(0, profile((0, 16), level=1, id=1)),
        on(1, profile((0, 20), level=1, valid_from=MONDAY + 10 * HOUR, id=2)),
        on(0, profile((0, 6), level=0, id=3)),
    ]
    assert table(sources, connector=1) == [(0, 10, 6), (10, 24, 20)]
    assert table(sources, connector=2) == [(0, 24, 16)]


RUNNING = {1: Running(7, MONDAY - 2 * HOUR)}


def test_a_tx_profile_overrules_the_default_while_it_says_something() -> None:
    #  TxProfile, Relative, since -2:  -2..1 20 | 1..4 10 | over        (6 h from the start of the transaction)
    #  TxDefault level 5:                                   13
    relative = profile(
        (0, 20),
        (3 * 3600, 10),
        purpose="TxProfile",
        kind="Relative",
        start=None,
        duration=6 * 3600,
        transaction=7,
        id=1,
    )
    sources = [on(1, relative), on(0, profile((0, 13), level=5, id=2))]
    assert table(sources, running=RUNNING) == [(0, 1, 20), (1, 4, 10), (4, 24, 13)]


@pytest.mark.parametrize(
    ("running", "transaction", "limit"),
    [
        ({}, 7, 13),  # its transaction is over
        ({1: Running(8, MONDAY)}, 7, 13),  # another one is running
        ({1: Running(7, MONDAY)}, 7, 6),
        ({1: Running(7, MONDAY)}, None, 6),  # given with RemoteStart, without an id (C 5.16.2)
        ({2: Running(7, MONDAY)}, 7, 13),  # on another connector
    ],
)
def test_a_tx_profile_holds_for_its_transaction_only(
    running: dict[int, Running], transaction: int | None, limit: float
) -> None:
    own = profile((0, 6), purpose="TxProfile", transaction=transaction, id=1)
    assert table([on(1, own), on(0, profile((0, 13), id=2))], running=running) == [(0, 24, limit)]


def test_relative_begins_now_when_nothing_runs() -> None:
    relative = profile((0, 20), (3600, 10), kind="Relative", start=None)
    assert table([on(1, relative)]) == [(0, 1, 20), (1, 24, 10)]
    assert table([on(1, relative)], running={1: Running(7, MONDAY - HOUR)}) == [(0, 24, 10)]


def test_a_schedule_without_a_start_is_relative_to_the_transaction() -> None:
    # C 7.13
    absolute = profile((0, 20), (3 * 3600, 10), start=None)
    assert table([on(1, absolute)], running=RUNNING) == [(0, 1, 20), (1, 24, 10)]


def test_the_maximum_of_the_charge_point_caps_everything() -> None:
    #  max:     |--10--|------25------|--no--   0-6 10, 6-20 25
    #  default: |-----16-----|------32-------   0-12 16, then 32
    sources = [
        on(0, profile((0, 10), (6 * 3600, 25), purpose="ChargePointMaxProfile", duration=20 * 3600, id=1)),
        on(0, profile((0, 16), (12 * 3600, 32), id=2)),
    ]
    assert table(sources) == [(0, 6, 10), (6, 12, 16), (12, 20, 25), (20, 24, 32)]


def test_a_maximum_alone_is_a_limit() -> None:
    sources = [on(0, profile((0, 10), purpose="ChargePointMaxProfile"))]
    assert table(sources) == [(0, 24, 10)]
    assert table(sources, connector=0) == [(0, 24, 10)]


def test_connector_0_is_the_sum_of_all_connectors_below_the_maximum() -> None:
    #  connector 1: 16 until 12, then 6;  connector 2: 10;  maximum 20 until 18, then none
    sources = [
        on(1, profile((0, 16), (12 * 3600, 6), id=1)),
        on(2, profile((0, 10), id=2)),
        on(0, profile((0, 20), purpose="ChargePointMaxProfile", duration=18 * 3600, id=3)),
    ]
    assert table(sources, connector=0) == [(0, 12, 20), (12, 24, 16)]
    # A connector without a limit leaves the maximum as the only one.
    assert table(sources, connector=0, connectors=(1, 2, 3)) == [(0, 18, 20), (18, 24, None)]


@pytest.mark.parametrize(
    ("limit", "unit", "phases", "wanted", "supply", "expected"),
    [
        (16, "A", None, "W", Supply(), 11040),  # three phases are assumed (C 7.14)
        (16, "A", 1, "W", Supply(), 3680),
        (11040, "W", 3, "A", Supply(), 16),
        (6000, "W", None, "A", Supply(), 8.6),  # 8.695…: never rounded up
        (3680, "W", 1, "A", Supply(), 16),
        (3000, "W", 3, "A", Supply(phases=1), 13),  # CE 3.34: the limit as given, on the phase there is
        (16, "A", 3, "W", Supply(phases=1), 3680),
        (16, "A", 3, "W", Supply(voltage=110), 5280),
        (8.1, "A", 3, "A", Supply(), 8.1),
    ],
)
def test_amperes_and_watts(
    limit: float, unit: ChargingRateUnit, phases: int | None, wanted: ChargingRateUnit, supply: Supply, expected: float
) -> None:
    period = (0, limit) if phases is None else (0, limit, phases)
    assert table([on(1, profile(period, unit=unit))], unit=wanted, supply=supply) == [(0, 24, expected)]


def composed(*sources: Source, unit: ChargingRateUnit = "A") -> list[Period]:
    return compose_schedule(sources, 1, MONDAY, MONDAY + DAY, unit, Moment(now=MONDAY, running={}))


def test_profiles_of_different_units_meet_on_the_fewest_phases() -> None:
    # 16 A on one phase are 3680 W; 5 kW on that phase were 21.7 A.
    sources = [
        on(1, profile((0, 16, 1), id=1)),
        on(0, profile((0, 5000), unit="W", purpose="ChargePointMaxProfile", id=2)),
    ]
    for unit, limit in (("A", 16), ("W", 3680)):
        [period] = composed(*sources, unit=unit)  # type: ignore[arg-type]
        assert period.limit == limit
        assert period.phases == 1
        assert [cause.source.name for cause in period.because] == ["p1"]


def test_who_decided() -> None:
    sources = [
        on(1, profile((0, 16), (12 * 3600, 32), id=1)),
        on(0, profile((0, 20, 1), purpose="ChargePointMaxProfile", id=2)),
    ]
    first, second = composed(*sources)
    assert [(cause.source.name, cause.decides) for cause in first.because] == [("p1", "limit"), ("p2", "phases")]
    assert [(cause.source.name, cause.decides, int(cause.limit)) for cause in second.because] == [("p2", "limit", 20)]


def test_two_that_agree_decide_both() -> None:
    [period] = composed(on(1, profile((0, 16), id=1)), on(0, profile((0, 16), purpose="ChargePointMaxProfile", id=2)))
    assert {cause.source.name for cause in period.because} == {"p1", "p2"}


def test_equal_neighbours_are_one_period() -> None:
    assert len(composed(on(1, profile((0, 16), (3600, 16), (7200, 16))))) == 1
    # the maximum changes, and is never the one that decides
    cap = profile((0, 32), (3600, 40), purpose="ChargePointMaxProfile", id=2)
    assert len(composed(on(1, profile((0, 16))), on(0, cap))) == 1


def test_the_minimum_charging_rate_is_told() -> None:
    [period] = composed(on(1, profile((0, 5), minimum=6)), unit="W")
    assert period.limit == 3450
    assert period.minimum == 4140


def test_a_limit_keeps_its_decimal() -> None:
    [period] = composed(on(1, profile((0, 0.1))))
    assert period.limit == Fraction(1, 10)
    assert rounded_schedule_limit(Fraction(81, 10)) == 8.1
    assert rounded_schedule_limit(Fraction(89999, 10000)) == 8.9


def test_a_thousand_profiles_over_a_week() -> None:
    found = compose_schedule(a_thousand(), 1, MONDAY, MONDAY + 7 * DAY, "A", Moment(now=MONDAY, running={}))
    assert len(found) >= 50


@pytest.mark.parametrize("own_first", [True, False])
def test_a_connectors_own_default_replaces_that_of_connector_0_whichever_is_listed_first(own_first: bool) -> None:
    # C 3.13.1: here, and here only
    sources = [on(1, profile((0, 20), id=1)), on(0, profile((0, 10), id=2))]
    if not own_first:
        sources.reverse()
    assert table(sources, connector=1) == [(0, 24, 20)]
    assert table(sources, connector=2) == [(0, 24, 10)]


def causes(sources: list[Source], *, unit: ChargingRateUnit = "A") -> tuple[float | None, dict[str | None, str]]:
    """The limit now, and what each profile had to do with it."""
    at = Moment(now=MONDAY, running={}, connectors=(1, 2))
    [period] = compose_schedule(sources, 1, MONDAY, MONDAY + HOUR, unit, at)
    limit = None if period.limit is None else rounded_schedule_limit(period.limit)
    return limit, {cause.source.name: cause.decides for cause in period.because}


def test_what_limits_and_what_only_takes_phases_away() -> None:
    three = on(1, profile((0, 16, 3), unit="W", id=1))
    one = on(0, profile((0, 32, 1), purpose="ChargePointMaxProfile", id=2))
    # 11,040 W on three phases are 16 A on each; that only one may be used is the doing of the cap
    watts = on(1, profile((0, 11_040, 3), unit="W", id=1))
    assert causes([watts, one]) == (32, {"p2": "limit"})
    narrow = on(1, profile((0, 2300, 3), unit="W", id=1))
    assert causes([narrow, one]) == (10, {"p1": "limit", "p2": "phases"})
    # without a restriction the higher limit has no part in it
    wide = on(0, profile((0, 32, 3), purpose="ChargePointMaxProfile", id=2))
    assert causes([narrow, wide]) == (3.3, {"p1": "limit"})
    assert causes([three, one], unit="W") == (16, {"p1": "limit", "p2": "phases"})


def test_the_minimum_of_a_period_is_the_highest_of_its_profiles() -> None:
    # C 7.13: below any of them the charging may end
    sources = [
        on(1, profile((0, 16), minimum=6.0, id=1)),
        on(0, profile((0, 20), purpose="ChargePointMaxProfile", minimum=8.0, id=2)),
    ]
    at = Moment(now=MONDAY, running={}, connectors=(1,))
    [period] = compose_schedule(sources, 1, MONDAY, MONDAY + HOUR, "A", at)
    assert period.minimum == 8
