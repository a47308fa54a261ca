"""What a transaction costs: exact fractions to the end, where it is rounded once, half up."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from csmsctl.billing.tariffs import SLOT_MINUTES, Tariff, TariffFile

Point = tuple[datetime, int]  # Wh so far

_SLOT = timedelta(minutes=SLOT_MINUTES)
_HOUR = timedelta(hours=1)


class Curve:
    """How energy came: through the points that are known, evenly between two of them."""

    def __init__(self, start: datetime, stop: datetime, energy_wh: int, readings: Sequence[Point] = ()) -> None:
        stop = max(start, stop)
        points = [(start, 0), *sorted(point for point in readings if start < point[0] < stop), (stop, energy_wh)]
        # Never more than is billed in the end: a reading that was too high was taken back later.
        highest = energy_wh
        for place in range(len(points) - 1, -1, -1):
            highest = max(0, min(highest, points[place][1]))
            points[place] = (points[place][0], highest)
        self._points = points
        self._times = [time for time, _ in points]

    def pieces(self) -> Iterator[tuple[datetime, timedelta, Fraction]]:
        """(begin, length, Wh) of pieces that lie in one quarter of an hour each."""
        start, stop = self._times[0], self._times[-1]
        if start == stop:
            yield start, timedelta(), Fraction(self._points[-1][1])
            return
        cuts = [start]
        cut = _next_pricing_slot(start)
        while cut < stop:
            cuts.append(cut)
            cut += _SLOT
        for begin, end in pairwise([*cuts, stop]):
            yield begin, end - begin, self._at(end) - self._at(begin)

    def _at(self, time: datetime) -> Fraction:
        after = bisect_right(self._times, time)
        if after == len(self._times):
            return Fraction(self._points[-1][1])
        (begin, low), (end, high) = self._points[after - 1], self._points[after]
        return low + (high - low) * _pricing_ratio(time - begin, end - begin)


def price(tariff: Tariff, curve: Curve, zone: tzinfo | None) -> Fraction:
    """What it costs, not rounded. `zone` is that of the times of day; None is the machine's."""
    cost = Fraction(tariff.per_transaction)
    for begin, length, energy in curve.pieces():
        local = begin.astimezone(zone)
        cost += Fraction(tariff.per_kwh_at(local)) * energy / 1000
        cost += Fraction(tariff.per_hour_at(local)) * _pricing_ratio(length, _HOUR)
    return cost


def rounded_price(amount: Fraction, decimals: int) -> Decimal:
    """Half up, as bills are; amounts are never negative."""
    return Decimal((amount * 10**decimals + Fraction(1, 2)).__floor__()).scaleb(-decimals)


def price_with_tax(file: TariffFile, priced: Decimal) -> tuple[Decimal, Decimal]:
    """(cost, the tax in it) of a line whose prices add up to `priced`; the tax is rounded once a line."""
    rate = Fraction(file.tax_percent) / 100
    if file.prices_include_tax:
        return priced, rounded_price(Fraction(priced) * rate / (1 + rate), file.decimals)
    tax = rounded_price(Fraction(priced) * rate, file.decimals)
    return priced + tax, tax


def _next_pricing_slot(time: datetime) -> datetime:
    since_midnight = time - time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return time + _SLOT - since_midnight % _SLOT


def _pricing_ratio(part: timedelta, whole: timedelta) -> Fraction:
    return Fraction(part // timedelta(microseconds=1), whole // timedelta(microseconds=1))
