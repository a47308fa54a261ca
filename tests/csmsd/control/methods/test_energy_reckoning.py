"""`transaction.reckon`, `.rejudged`, `.settle`: what the evidence says, and what an operator says."""

from typing import Any

import pytest

from csmsd.control.methods.energy_reckoning import _reckoned_verdict
from csmsd.profiles.core.energy import verdict
from tests.csmsd.profiles.core.energy.played import played
from tests.support.control import ControlError
from tests.support.site import Site


async def ended(site: Site, *, connector: int = 1) -> int:
    """A transaction from 1000 to 5000 Wh."""
    await site.call("tag.add", id="A1")
    charge_point = await site.charge_point("CP1")
    begun = await charge_point.start_transaction("A1", connector=connector, meter_start=1000)
    await charge_point.meter_values(begun.transaction_id, 4500, connector=connector)
    await charge_point.stop_transaction(begun.transaction_id, meter_stop=5000)
    number: int = begun.transaction_id
    return number


async def test_the_verdict_comes_with_what_it_is_made_of(site: Site) -> None:
    number = await ended(site)
    reckoned = await site.call("transaction.reckon", id=number)
    assert reckoned["verdict"] == {
        "energy_wh": 4000,
        "at_least_wh": 4000,
        "at_most_wh": 4000,
        "basis": "start_and_stop",
        "basis_text": "what the registers of start and stop differ by",
        "doubts": [],
    }
    kinds = [(row["kind"], row["unit"], row["connector"]) for row in reckoned["evidence"]]
    assert kinds == [("start", "Wh", None), ("reading", "Wh", 1), ("reading", "W", 1), ("stop", "Wh", None)]
    times = [row["time"] for row in reckoned["evidence"]]
    assert times == sorted(times)
    with pytest.raises(ControlError, match="No transaction 99"):
        await site.call("transaction.reckon", id=99)


async def test_what_is_judged_otherwise_is_looked_for_in_pages(site: Site) -> None:
    numbers = [await ended(site, connector=connector) for connector in (1, 2, 3)]
    first = await site.call("transaction.rejudged", limit=2)
    assert (first["transactions"], first["looked_at"], first["next"]) == ([], 2, numbers[1])
    last = await site.call("transaction.rejudged", limit=2, before_id=first["next"])
    assert (last["looked_at"], last["next"]) == (1, None)


async def test_a_settled_figure_stands_beside_the_reckoned_one(site: Site) -> None:
    number = await ended(site)
    await site.call("transaction.settle", id=number, energy_wh=4200, reason="read there")
    again = (await site.call("transaction.settle", id=number, energy_wh=4300, reason="read twice"))["transaction"]
    assert (again["energy_wh"], again["reckoned_wh"], again["settled_reason"]) == (4300, 4000, "read twice")
    assert (await site.call("transaction.rejudged"))["transactions"] == []
    await site.restart()
    shown = await site.call("transaction.show", id=number)
    assert (shown["energy_wh"], shown["reckoned_wh"]) == (4300, 4000)
    undone = (await site.call("transaction.settle", id=number, undo=True, reason="a slip"))["transaction"]
    assert (undone["energy_wh"], undone["reckoned_wh"], undone["settled_by"]) == (4000, None, None)
    (booked,) = (await site.call("export.transactions"))["transactions"]
    assert (booked["revision"], booked["energy_wh"]) == (4, 4000)


@pytest.mark.parametrize(
    "fields",
    [
        {"energy_wh": 1, "reason": " "},
        {"reason": "x"},
        {"energy_wh": 1, "undo": True, "reason": "x"},
        {"undo": True, "reason": "x"},
        {"energy_wh": -1, "reason": "x"},
        {"energy_wh": 10**12, "reason": "x"},
    ],
)
async def test_what_is_no_decision_is_refused(site: Site, fields: dict[str, Any]) -> None:
    number = await ended(site)
    with pytest.raises(ControlError):
        await site.call("transaction.settle", id=number, **fields)
    assert (await site.call("transaction.show", id=number))["energy_wh"] == 4000


def test_where_readings_cannot_be_judged_the_log_tells_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(verdict, "judge_register", fail)

    reckoned = _reckoned_verdict(7, played("S 1000 | M -50 1500 | M -40 1100 | E 1600"))

    assert reckoned == verdict.Verdict(600, 0, 600, "start_and_stop", ("unjudged",))
    assert "transaction 7" in caplog.text
    assert "ZeroDivisionError" in caplog.text
