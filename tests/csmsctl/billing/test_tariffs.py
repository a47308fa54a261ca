"""Tariff files: which tariff counts, and what is refused with file and key."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from csmsctl.billing.tariffs import TariffFile, read_tariffs
from csmsctl.failure import USAGE, Failure
from tests.csmsctl import samples

GOOD = """
currency = "EUR"
tax_percent = 19

[[tariffs]]
per_kwh = 0.39
per_transaction = 0.5

[[tariffs]]
valid_from = 2026-06-01
per_kwh = 0.41

[[tariffs]]
charge_points = ["north-*"]
per_kwh = 0.50

[[tariffs]]
parents = ["FLEET"]
per_kwh = 0.30

[[tariffs]]
tags = ["a1"]
per_kwh = 0.10

[[tariffs.bands]]
from = "22:00"
to = "06:00"
days = ["fri"]
per_kwh = 0.05
per_hour = 1
"""


def written(directory: Path, text: str) -> TariffFile:
    file = directory / "tariff.toml"
    file.write_text(text)
    return read_tariffs(str(file))


@pytest.mark.parametrize(
    ("tag", "parent", "charge_point", "day", "per_kwh"),
    [
        ("X", None, "CP1", date(2026, 5, 31), "0.39"),
        ("X", None, "CP1", date(2026, 6, 1), "0.41"),
        ("X", None, "NORTH-7", date(2026, 6, 1), "0.50"),
        ("X", "fleet", "north-7", date(2026, 6, 1), "0.30"),
        ("X", " fleet", "north-7", date(2026, 6, 1), "0.30"),
        ("A1", "FLEET", "north-7", date(2020, 1, 1), "0.10"),
        (" A1 ", None, "CP1", date(2026, 6, 1), "0.10"),
    ],
)
def test_what_says_most_counts_and_then_the_newest(
    tmp_path: Path, tag: str, parent: str | None, charge_point: str, day: date, per_kwh: str
) -> None:
    transaction = samples.transaction(id_tag=tag, charge_point=charge_point)
    tariff = written(tmp_path, GOOD).tariff_of(transaction, parent, day)
    assert tariff is not None
    assert tariff.per_kwh == Decimal(per_kwh)


def test_a_transaction_that_no_tariff_is_for(tmp_path: Path) -> None:
    found = written(tmp_path, 'currency="EUR"\n[[tariffs]]\nvalid_from=2026-06-01\n[[tariffs]]\ntags=["B"]\n')
    assert found.tariff_of(samples.transaction(), None, date(2026, 5, 31)) is None


@pytest.mark.parametrize(
    ("local", "per_kwh", "per_hour"),
    [
        ("2026-11-06 21:59", "0.10", "0"),  # a Friday
        ("2026-11-06 22:00", "0.05", "1"),
        ("2026-11-07 05:59", "0.05", "1"),  # the night of Friday
        ("2026-11-07 06:00", "0.10", "0"),
        ("2026-11-07 22:00", "0.10", "0"),
        ("2026-11-06 05:59", "0.10", "0"),  # the night of Thursday
    ],
)
def test_bands(tmp_path: Path, local: str, per_kwh: str, per_hour: str) -> None:
    tariff = written(tmp_path, GOOD).tariffs[-1]
    time = datetime.fromisoformat(local)
    assert (tariff.per_kwh_at(time), tariff.per_hour_at(time)) == (Decimal(per_kwh), Decimal(per_hour))


DAYTIME = """
currency = "EUR"
[[tariffs]]
per_kwh = 0.40
[[tariffs.bands]]
from = "08:00"
to = "18:00"
days = ["sat", "sun"]
per_kwh = 0.20
[[tariffs.bands]]
from = "12:00"
to = "12:00"
days = ["mon"]
per_hour = 3
"""


@pytest.mark.parametrize(
    ("local", "per_kwh", "per_hour"),
    [
        ("2026-11-07 07:59", "0.40", "0"),  # a Saturday
        ("2026-11-07 08:00", "0.20", "0"),
        ("2026-11-08 17:59", "0.20", "0"),
        ("2026-11-08 18:00", "0.40", "0"),
        ("2026-11-06 12:00", "0.40", "0"),
        # from noon to noon
        ("2026-11-09 11:59", "0.40", "0"),
        ("2026-11-09 12:00", "0.40", "3"),
        ("2026-11-10 11:59", "0.40", "3"),
        ("2026-11-10 12:00", "0.40", "0"),
    ],
)
def test_bands_of_some_days(tmp_path: Path, local: str, per_kwh: str, per_hour: str) -> None:
    [tariff] = written(tmp_path, DAYTIME).tariffs
    time = datetime.fromisoformat(local)
    assert (tariff.per_kwh_at(time), tariff.per_hour_at(time)) == (Decimal(per_kwh), Decimal(per_hour))


@pytest.mark.parametrize("key", ["tags", "parents", "charge_points"])
def test_a_tariff_for_others_is_for_nobody_else(tmp_path: Path, key: str) -> None:
    found = written(tmp_path, f'currency="EUR"\n[[tariffs]]\n{key}=["OTHER"]\n')
    assert found.tariff_of(samples.transaction(), "FAMILY", date(2026, 5, 31)) is None
    assert found.tariff_of(samples.transaction(), None, date(2026, 5, 31)) is None


def test_the_largest_and_the_finest_price(tmp_path: Path) -> None:
    [tariff] = written(tmp_path, ONE + "per_hour = 999999.999999999\nper_transaction = 0.000000001\n").tariffs
    assert (tariff.per_hour, tariff.per_transaction) == (Decimal("999999.999999999"), Decimal("0.000000001"))


ONE = 'currency = "EUR"\n[[tariffs]]\n'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "currency"),
        ('currency = "euro"\n[[tariffs]]\n', "currency: Expected an ISO 4217 code"),
        ('currency = "EUR"\n', "tariffs"),
        ('currency = "EUR"\ntariffs = []\n', "tariffs: "),
        (ONE + "per_kwh = true\n", "tariffs[0].per_kwh: Expected `decimal`"),
        (ONE + "per_kwh = -0.1\n", "tariffs[0].per_kwh: Expected 0 to"),
        (ONE + "per_kwh = 1000000\n", "tariffs[0].per_kwh: Expected 0 to 1000000 with at most 9 decimals"),
        (ONE + "per_kwh = 0.0000000001\n", "tariffs[0].per_kwh: Expected 0 to"),
        (ONE + "per_kwh = nan\n", "tariffs[0].per_kwh: Expected 0 to"),
        (ONE + "per_kwh = 1e-400\n", "tariffs[0].per_kwh: Expected 0 to"),
        (ONE + "per_khw = 1\n", "tariffs[0]: Object contains unknown field `per_khw`"),
        (ONE + "valid_from = 2026\n", "tariffs[0].valid_from"),
        (ONE + '[[tariffs.bands]]\nfrom = "22:10"\nto = "06:00"\n', "tariffs[0].bands[0].from: Expected a time of day"),
        (ONE + '[[tariffs.bands]]\nfrom = "22:00"\nto = "6:00"\n', "tariffs[0].bands[0].to: Expected a time of day"),
        (ONE + '[[tariffs.bands]]\nfrom = "22:00"\nto = "06:00"\nper_hour = inf\n', "tariffs[0].bands[0].per_hour: "),
        (ONE + '[[tariffs.bands]]\nfrom = "22:00"\nto = "06:00"\ndays = ["monday"]\n', "tariffs[0].bands[0].days"),
        ("currency = \n", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_key(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(Failure) as failed:
        written(tmp_path, text)
    assert failed.value.code == USAGE
    assert failed.value.message.startswith(str(tmp_path / "tariff.toml"))
    assert reason in failed.value.message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "tariffs.toml"
    file.write_bytes(b"currency = 'EUR' # \xff")
    with pytest.raises(Failure, match="it is not UTF-8"):
        read_tariffs(str(file))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="No such file"):
        read_tariffs(str(tmp_path / "absent.toml"))
