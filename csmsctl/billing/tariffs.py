"""A tariff file: what a kilowatt hour, an hour and a transaction cost, when, and for whom."""

import tomllib
from datetime import date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from csmsctl.display.table import Record
from csmsctl.failure import USAGE, Failure
from csmsd.ocpp.identity import fold
from csmsd.toml_text import read_toml

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SLOT_MINUTES = 15  # every offset from UTC, and so every change of the clocks, is a multiple of it

_HIGHEST_PRICE = Decimal(1_000_000)
_MOST_DIGITS = 9  # after the point

TimeOfDay = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):(00|15|30|45)$|^24:00$")]


class _Table(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    pass


class Band(_Table, kw_only=True):
    """Other prices at a time of day. One that ends before it begins goes on after midnight; its day is the first."""

    from_: TimeOfDay = msgspec.field(name="from")
    to: TimeOfDay
    days: list[Day] = msgspec.field(default_factory=lambda: list(DAYS))
    per_kwh: Decimal | None = None
    per_hour: Decimal | None = None

    def holds(self, local: datetime) -> bool:
        """Whether a local time is in it."""
        minute, begin, end = local.hour * 60 + local.minute, _minutes_in_tariff(self.from_), _minutes_in_tariff(self.to)
        today, yesterday = DAYS[local.weekday()] in self.days, DAYS[local.weekday() - 1] in self.days
        if begin < end:
            return today and begin <= minute < end
        return (today and minute >= begin) or (yesterday and minute < end)


class Tariff(_Table, kw_only=True):
    """Prices. The one that says most about a transaction counts: its tag, its parent, its charge point, or nothing."""

    valid_from: date | None = None
    tags: list[str] = []
    parents: list[str] = []
    charge_points: list[str] = []  # globs
    per_kwh: Decimal = Decimal(0)
    per_hour: Decimal = Decimal(0)
    per_transaction: Decimal = Decimal(0)
    bands: list[Band] = []

    def rank(self, transaction: Record, parent: str | None) -> int:
        """How much it says about a transaction; 0: it is about others."""
        if _tariff_is_among(transaction["id_tag"], self.tags):
            return 4
        if parent is not None and _tariff_is_among(parent, self.parents):
            return 3
        identity = str(transaction["charge_point"]).casefold()
        if any(fnmatchcase(identity, glob.casefold()) for glob in self.charge_points):
            return 2
        return 0 if self.tags or self.parents or self.charge_points else 1

    def per_kwh_at(self, local: datetime) -> Decimal:
        return next((b.per_kwh for b in self.bands if b.per_kwh is not None and b.holds(local)), self.per_kwh)

    def per_hour_at(self, local: datetime) -> Decimal:
        return next((b.per_hour for b in self.bands if b.per_hour is not None and b.holds(local)), self.per_hour)


class TariffFile(_Table, kw_only=True):
    """The whole file."""

    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    decimals: Annotated[int, Meta(ge=0, le=6)] = 2
    tax_percent: Decimal = Decimal(0)
    prices_include_tax: bool = False
    tariffs: Annotated[list[Tariff], Meta(min_length=1)]

    def tariff_of(self, transaction: Record, parent: str | None, begun: date) -> Tariff | None:
        """The tariff of a transaction that began on that day: it keeps it to its end."""
        ranked = [
            (tariff.rank(transaction, parent), tariff.valid_from or date.min, -place)
            for place, tariff in enumerate(self.tariffs)
        ]
        best = max((rank for rank in ranked if rank[0] and rank[1] <= begun), default=None)
        return self.tariffs[-best[2]] if best is not None else None


def read_tariffs(file: str) -> TariffFile:
    """Raises Failure with file, key and reason."""
    try:
        data = read_toml(Path(file).read_text("utf-8"), parse_float=Decimal)
        found = msgspec.convert(data, TariffFile)
    except tomllib.TOMLDecodeError as error:
        raise _wrong_tariff(file, f"not valid TOML: {error}") from None
    except UnicodeDecodeError:
        raise _wrong_tariff(file, "it is not UTF-8") from None
    except OSError as error:
        raise _wrong_tariff(file, f"cannot be read: {error.strerror}") from None
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        key = place.rstrip("`").lstrip(".")
        if "matching regex" in reason:
            reason = "Expected an ISO 4217 code such as EUR" if key == "currency" else _TIME_EXPECTED
        raise _wrong_tariff(file, f"{key}: {reason}" if key else reason) from None
    for key, value in _numbers_in_tariffs(found):
        if not value.is_finite() or not 0 <= value < _HIGHEST_PRICE or _digits_in_tariff(value) > _MOST_DIGITS:
            raise _wrong_tariff(file, f"{key}: Expected 0 to {_HIGHEST_PRICE} with at most {_MOST_DIGITS} decimals")
    return found


_TIME_EXPECTED = "Expected a time of day at a full quarter of an hour, 00:00 to 24:00"


def _wrong_tariff(file: str, reason: str) -> Failure:
    return Failure(USAGE, f"{file}: {reason}.", "The keys of a tariff file: csmsctl report --help")


def _numbers_in_tariffs(found: TariffFile) -> list[tuple[str, Decimal]]:
    """Every number in the file, with its key."""
    numbers = [("tax_percent", found.tax_percent)]
    for place, tariff in enumerate(found.tariffs):
        key = f"tariffs[{place}]"
        numbers += [(f"{key}.{name}", getattr(tariff, name)) for name in ("per_kwh", "per_hour", "per_transaction")]
        for number, band in enumerate(tariff.bands):
            prices = {"per_kwh": band.per_kwh, "per_hour": band.per_hour}
            numbers += [(f"{key}.bands[{number}].{name}", price) for name, price in prices.items() if price is not None]
    return numbers


def _digits_in_tariff(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _tariff_is_among(name: str, names: list[str]) -> bool:
    return fold(name) in map(fold, names)


def _minutes_in_tariff(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])
