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
        ("A1", "FLEET", "north-7", date(2020, 1, 1), "0.10"),
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


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="No such file"):
        read_tariffs(str(tmp_path / "absent.toml"))
