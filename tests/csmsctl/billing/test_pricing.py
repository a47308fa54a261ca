"""Prices to the cent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsctl.billing.pricing import Curve, Point, price, price_with_tax, rounded_price
from csmsctl.billing.tariffs import Band, Tariff, TariffFile

NIGHT = Band(from_="22:00", to="06:00", per_kwh=Decimal("0.20"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def curve(start: str, stop: str, energy_wh: int, *readings: tuple[str, int]) -> Curve:
    return Curve(at(start), at(stop), energy_wh, [(at(time), wh) for time, wh in readings])


@pytest.mark.parametrize(
    ("tariff", "what", "cost"),
    [
        # energy, time and a fee; a third of a cent is not lost before the end
        (Tariff(per_kwh=Decimal("0.39")), curve("2026-11-02 10:00", "2026-11-02 11:00", 7360), "2.8704"),
        (Tariff(per_hour=Decimal("1.20")), curve("2026-11-02 10:00", "2026-11-02 10:20", 7360), "0.4"),
        (Tariff(per_transaction=Decimal("0.5")), curve("2026-11-02 10:00", "2026-11-02 11:00", 0), "0.5"),
        (
            Tariff(per_kwh=Decimal("0.39"), per_hour=Decimal("1.2"), per_transaction=Decimal("0.5")),
            curve("2026-11-02 10:00", "2026-11-02 11:30", 10_001),
            "6.20039",
        ),
        # half of the time at night, so half of the energy
        (
            Tariff(per_kwh=Decimal("0.40"), bands=[NIGHT]),
            curve("2026-11-02 21:00", "2026-11-02 23:00", 10_000),
            "3.000",
        ),
        # as the meter values say: 9 of 10 kWh before the night
        (
            Tariff(per_kwh=Decimal("0.40"), bands=[NIGHT]),
            curve("2026-11-02 21:00", "2026-11-02 23:00", 10_000, ("2026-11-02 22:00", 9000)),
            "3.80",
        ),
        # a reading lies beside the change: even between 21:30 and 22:30
        (
            Tariff(per_kwh=Decimal("0.40"), bands=[NIGHT]),
            curve("2026-11-02 21:00", "2026-11-02 23:00", 8000, ("2026-11-02 21:30", 2000), ("2026-11-02 22:30", 6000)),
            "2.40",
        ),
        # 8 minutes before the night and 7 in it
        (
            Tariff(per_kwh=Decimal("0.40"), bands=[NIGHT]),
            curve("2026-11-02 21:52", "2026-11-02 22:07", 1500),
            "0.46",
        ),
        # a second and a quarter before it, and as much in it
        (
            Tariff(per_kwh=Decimal("0.40"), bands=[NIGHT]),
            curve("2026-11-02 21:59:58.750", "2026-11-02 22:00:01.250", 1000),
            "0.30",
        ),
        # the reading of the very moment in which it begins or ends is that of the start or the stop
        (
            Tariff(per_kwh=Decimal("0.40"), bands=[NIGHT]),
            curve("2026-11-02 21:00", "2026-11-02 23:00", 1000, ("2026-11-02 21:00", 400), ("2026-11-02 23:00", 900)),
            "0.30",
        ),
        # a register that went below that of the start: nothing was charged until then, and nothing is given back
        (
            Tariff(per_kwh=Decimal("0.40"), bands=[NIGHT]),
            curve("2026-11-02 21:00", "2026-11-02 23:00", 1000, ("2026-11-02 22:00", -500)),
            "0.20",
        ),
        # the first band that holds and says something about it
        (
            Tariff(per_kwh=Decimal(1), bands=[Band(from_="00:00", to="24:00", per_hour=Decimal(2)), NIGHT]),
            curve("2026-11-02 22:00", "2026-11-02 23:00", 1000),
            "2.20",
        ),
        # readings from outside, and one that was taken back, move nothing out of bounds
        (
            Tariff(per_kwh=Decimal("0.40"), bands=[NIGHT]),
            curve("2026-11-02 21:00", "2026-11-02 23:00", 1000, ("2026-11-01 22:00", 5), ("2026-11-02 22:00", 99_000)),
            "0.40",
        ),
        # stopped in the moment of its start, or before it
        (
            Tariff(per_kwh=Decimal("0.40"), per_hour=Decimal(9), bands=[NIGHT]),
            curve("2026-11-02 22:00", "2026-11-02 22:00", 1000),
            "0.20",
        ),
        (
            Tariff(per_kwh=Decimal("0.40"), per_hour=Decimal(9)),
            curve("2026-11-02 22:00", "2026-11-02 21:00", 1000),
            "0.4",
        ),
    ],
)
def test_prices(tariff: Tariff, what: Curve, cost: str) -> None:
    assert price(tariff, what, UTC) == Fraction(Decimal(cost))


@pytest.mark.parametrize(
    ("start", "stop", "hours"),
    [
        # Berlin, night band 22:00 to 06:00 by the clock on the wall: 7 hours in spring, 9 in autumn
        ("2026-03-28 12:00", "2026-03-29 12:00", 7),
        ("2026-10-24 12:00", "2026-10-25 12:00", 9),
        ("2026-11-02 12:00", "2026-11-03 12:00", 8),
        # the hour that comes twice
        ("2026-10-25 00:00", "2026-10-25 02:00", 2),
    ],
)
def test_when_the_clocks_change(start: str, stop: str, hours: int) -> None:
    tariff = Tariff(bands=[Band(from_="22:00", to="06:00", per_hour=Decimal(1))])
    assert price(tariff, curve(start, stop, 0), ZoneInfo("Europe/Berlin")) == hours


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [
        (Fraction("0.005"), 2, "0.01"),
        (Fraction("0.0049999"), 2, "0.00"),
        (Fraction("2.675"), 2, "2.68"),  # 2.67 as a float
        (Fraction(1, 3), 2, "0.33"),
        (Fraction("0.5"), 0, "1"),
        (Fraction("1.2345675"), 6, "1.234568"),
    ],
)
def test_rounding_is_half_up(amount: Fraction, decimals: int, text: str) -> None:
    assert str(rounded_price(amount, decimals)) == text


@pytest.mark.parametrize(
    ("percent", "included", "priced", "cost", "tax"),
    [
        ("19", False, "10.00", "11.90", "1.90"),
        ("19", True, "11.90", "11.90", "1.90"),
        ("19", True, "10.00", "10.00", "1.60"),
        ("0", False, "10.00", "10.00", "0.00"),
        ("7.7", False, "0.65", "0.70", "0.05"),
    ],
)
def test_tax(percent: str, included: bool, priced: str, cost: str, tax: str) -> None:
    file = TariffFile(currency="EUR", tax_percent=Decimal(percent), prices_include_tax=included, tariffs=[Tariff()])
    assert price_with_tax(file, Decimal(priced)) == (Decimal(cost), Decimal(tax))


@given(
    st.integers(0, 200_000),
    st.integers(0, 90_000),
    st.lists(st.tuples(st.integers(0, 90_000), st.integers(0, 300_000)), max_size=8),
)
def test_pieces_add_up_whatever_the_readings_say(energy: int, seconds: int, readings: list[tuple[int, int]]) -> None:
    start = at("2026-11-02 21:07")
    points: list[Point] = [(start + timedelta(seconds=second), wh) for second, wh in readings]
    found = list(Curve(start, start + timedelta(seconds=seconds), energy, points).pieces())
    assert sum(piece[2] for piece in found) == energy
    assert sum((piece[1] for piece in found), timedelta()) == timedelta(seconds=seconds)
    assert all(piece[2] >= 0 for piece in found)


def reckoned(tariff: Tariff, start: datetime, stop: datetime, energy: int, readings: list[Point]) -> Fraction:
    """The price by the minute, with none of the shortcuts: every minute has one price, and energy in proportion."""
    known = {start: 0} | dict(sorted(reading for reading in readings if start < reading[0] < stop)) | {stop: energy}
    times = sorted(known)
    levels = [max(0, min([known[later] for later in times if later >= time])) for time in times]

    def level(moment: datetime) -> Fraction:
        place = max(place for place, time in enumerate(times) if time <= moment)
        if place == len(times) - 1:
            return Fraction(levels[-1])
        part = Fraction((moment - times[place]) // SECOND, (times[place + 1] - times[place]) // SECOND)
        return levels[place] + (levels[place + 1] - levels[place]) * part

    cost = Fraction(tariff.per_transaction)
    moment = start
    while moment < stop:
        after = min(stop, moment.replace(second=0) + timedelta(minutes=1))
        cost += Fraction(tariff.per_kwh_at(moment)) * (level(after) - level(moment)) / 1000
        cost += Fraction(tariff.per_hour_at(moment)) * Fraction((after - moment) // SECOND, 3600)
        moment = after
    return cost


SECOND = timedelta(seconds=1)


@given(
    st.integers(0, 86_400),
    st.integers(1, 9000),
    st.integers(0, 50_000),
    st.dictionaries(st.integers(-100, 9100), st.integers(-5000, 60_000), max_size=6),
)
def test_prices_are_those_of_every_minute(begin: int, seconds: int, energy: int, readings: dict[int, int]) -> None:
    bands = [
        Band(from_="06:15", to="09:45", days=["mon"], per_hour=Decimal("2.5")),
        Band(from_="22:00", to="05:30", days=["mon"], per_kwh=Decimal("0.07")),
        Band(from_="00:00", to="24:00", days=["tue"], per_kwh=Decimal("0.11"), per_hour=Decimal("0.3")),
    ]
    tariff = Tariff(per_kwh=Decimal("0.41"), per_hour=Decimal("1.2"), per_transaction=Decimal("0.35"), bands=bands)
    start = at("2026-11-02 00:00") + begin * SECOND
    stop = start + seconds * SECOND
    points: list[Point] = [(start + second * SECOND, wh) for second, wh in readings.items()]
    assert price(tariff, Curve(start, stop, energy, points), UTC) == reckoned(tariff, start, stop, energy, points)
