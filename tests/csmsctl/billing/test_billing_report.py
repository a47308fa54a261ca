"""Reports: only what is measured counts, and everything else is told."""

from decimal import Decimal
from typing import Any

import pytest

from csmsctl.billing.billing_report import billing_report, kind_for_billing, reason_for_billing
from csmsctl.billing.tariffs import Tariff, TariffFile
from csmsctl.display.table import Record
from tests.csmsctl import samples

FILE = TariffFile(currency="EUR", tax_percent=Decimal(19), tariffs=[Tariff()])
tx = samples.transaction
MEASURED = [tx(1, id_tag="A1"), tx(2, id_tag=" a1", energy_wh=1000), tx(3, id_tag="B2", duration_s=60)]
ESTIMATED = tx(4, state="closed", flags=["meter_stop:estimated"], note="closed by ada: meter replaced")
SUSPECT = tx(5, energy_suspect=True, doubts=["went_back"])
SETTLED = tx(8, settled_at="2026-03-02T08:00:00Z", settled_by="ada", settled_reason="read there", doubts=["unit"])
ABANDONED = tx(6, state="abandoned", stop_time=None, duration_s=None)
ACTIVE = tx(7, state="active", stop_time=None)
ALL = [*MEASURED, ESTIMATED, SUSPECT, ABANDONED, ACTIVE]


def made(*transactions: Record, price: str | None = "1.005", **options: Any) -> Record:
    def price_of(transaction: Record) -> Decimal | None:
        return Decimal(price) if price is not None else None

    usual: dict[str, Any] = {"key_of": lambda one: one["id_tag"], "price_of": price_of, "tariffs": FILE}
    return billing_report(transactions, **(usual | options))


@pytest.mark.parametrize(
    ("transaction", "kind", "reason"),
    [
        (MEASURED[0], "measured", ""),
        (ESTIMATED, "estimated", "closed by ada"),
        (tx(flags=["meter_stop:estimated"]), "estimated", "meterStop"),
        (SUSPECT, "suspect", "went_back"),
        (SETTLED, "measured", "settled by ada: read there"),
        (SETTLED | {"energy_suspect": True}, "suspect", "unit"),
        (tx(flags=["stop_time:before_start"]), "suspect", "stop_time:before_start"),
        (tx(flags=["start_time:in_the_future"]), "suspect", "start_time:in_the_future"),
        (
            tx(energy_suspect=True, doubts=["unit"], flags=["start_time:missing", "stop_time:missing"]),
            "suspect",
            "unit, start_time:missing, stop_time:missing",
        ),
        (ABANDONED, "abandoned", "tx close"),
        (ACTIVE, "active", "not over"),
        (tx(flags=["id_tag:Invalid", "stop:matched_0"]), "measured", ""),
    ],
)
def test_kinds(transaction: Record, kind: str, reason: str) -> None:
    assert kind_for_billing(transaction) == kind
    assert reason in reason_for_billing(transaction)


def test_only_what_is_measured_counts() -> None:
    found = made(*ALL, price="1.00")
    [first, second] = found["groups"]
    assert (first["key"], first["transactions"], first["energy_wh"], first["duration_s"]) == ("A1", 2, 8360, 7200)
    assert (first["cost"], first["tax"]) == ("2.38", "0.38")
    assert (first["estimated_transactions"], first["estimated_energy_wh"], first["estimated_cost"]) == (1, 7360, "1.19")
    assert (first["suspect_transactions"], first["suspect_energy_wh"], first["suspect_cost"]) == (1, 7360, "1.19")
    assert (second["key"], second["transactions"], second["duration_s"]) == ("B2", 1, 60)
    total = found["total"]
    assert (total["transactions"], total["energy_wh"], total["cost"], total["tax"]) == (3, 15720, "3.57", "0.57")
    assert total["estimated_transactions"] == 1
    assert [(gap["transaction"], gap["kind"], gap["price"], gap["included"]) for gap in found["gaps"]] == [
        (4, "estimated", "1.00", False),
        (5, "suspect", "1.00", False),
        (6, "abandoned", None, False),
        (7, "active", None, False),
    ]


def test_what_is_doubtful_counts_when_it_is_said_and_stays_among_the_gaps() -> None:
    found = made(*ALL, price="1.00", included=["estimated"])
    assert (found["total"]["transactions"], found["total"]["cost"]) == (4, "4.76")
    assert found["total"]["estimated_transactions"] == 0
    assert [gap["transaction"] for gap in found["gaps"] if gap["included"]] == [4]


def test_gaps_are_in_the_order_of_their_transactions() -> None:
    found = made(*reversed(ALL), price="1.00")
    assert [gap["transaction"] for gap in found["gaps"]] == [4, 5, 6, 7]


def test_without_a_tariff_there_is_no_money() -> None:
    found = made(*MEASURED, price_of=None, tariffs=None)
    assert {found["total"]["cost"], found["total"]["tax"], found["groups"][0]["cost"]} == {None}
    assert found["gaps"] == []
    assert found["total"]["energy_wh"] == 15720


def test_what_has_no_duration_takes_no_time() -> None:
    found = made(tx(1, duration_s=None), tx(2, duration_s=60))
    assert (found["total"]["transactions"], found["total"]["duration_s"]) == (2, 60)


def test_nothing_at_all() -> None:
    found = made()
    assert (found["groups"], found["gaps"]) == ([], [])
    assert (found["total"]["cost"], found["total"]["transactions"]) == ("0.00", 0)


def test_what_no_tariff_is_for_is_a_gap() -> None:
    """Its energy counts all the same, at no price."""
    found = made(*MEASURED, price=None)
    assert [(gap["transaction"], gap["kind"], gap["price"], gap["included"]) for gap in found["gaps"]] == [
        (number, "unpriced", None, True) for number in (1, 2, 3)
    ]
    assert found["total"]["transactions"] == 3
    assert found["total"]["cost"] == "0.00"


def test_the_total_is_what_the_lines_add_up_to() -> None:
    """Tax is rounded once a line, so that three lines of 1.00 are not the tax of 3.00."""
    found = made(*MEASURED, price="1.02", key_of=lambda transaction: str(transaction["id"]))
    assert [line["tax"] for line in found["groups"]] == ["0.19"] * 3
    assert (found["total"]["cost"], found["total"]["tax"]) == ("3.63", "0.57")


def test_lines_are_in_order_and_those_without_a_name_last() -> None:
    keys = iter(["B", None, "a"])
    found = made(*MEASURED, key_of=lambda transaction: next(keys))
    assert [line["key"] for line in found["groups"]] == ["a", "B", None]
    mixed = iter(["1", "b", "0A"])
    found = made(*MEASURED, key_of=lambda transaction: next(mixed))
    assert [line["key"] for line in found["groups"]] == ["0A", "b", "1"]
    numbers = iter(["10", "9", "1"])
    found = made(*MEASURED, key_of=lambda transaction: next(numbers))
    assert [line["key"] for line in found["groups"]] == ["1", "9", "10"]
