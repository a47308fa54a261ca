"""Charge points that send more than can be kept: nobody evicts anybody, and nothing is confirmed that is not kept."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

from csmsd.profiles.core.orphans import MOST
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


def stop(number: int) -> dict[str, Any]:
    """A StopTransaction that fits no transaction."""
    return {"transactionId": number, "meterStop": number, "timestamp": "2026-03-01T12:00:00Z"}


async def asked_at_once(charge_point: RawChargePoint, payloads: list[dict[str, Any]]) -> list[Any]:
    """The answers to StopTransactions that are sent one behind the other."""
    numbers = range(len(payloads))
    for number in numbers:
        await charge_point.frame(2, f"flood-{number}", "StopTransaction", payloads[number])
    return await asyncio.gather(*(charge_point.answer_to(f"flood-{number}") for number in numbers))


async def test_what_was_confirmed_is_never_evicted_by_the_flood_of_another(site: Site) -> None:
    quiet, flooding = await site.raw("QUIET"), await site.raw("FLOOD")
    assert (await quiet.ask("StopTransaction", stop(7001)))[0] == 3

    answers = await asked_at_once(flooding, [stop(10_000 + number) for number in range(MOST + 50)])

    confirmed = [answer for answer in answers if answer[0] == 3]
    assert len(confirmed) == MOST
    assert {answer[2] for answer in answers if answer[0] == 4} == {"InternalError"}
    kept = dict(site.stored("SELECT charge_point, count(*) FROM quarantine GROUP BY charge_point"))
    assert kept == {"QUIET": 1, "FLOOD": MOST}
    assert (await quiet.ask("StopTransaction", stop(7002)))[0] == 3  # others are kept and confirmed as before

    (problem,) = (
        one for one in (await site.json("status", "--problems"))["problems"] if one["kind"] == "quarantine_full"
    )
    assert (problem["charge_point"], problem["severity"]) == ("FLOOD", "critical")

    await site.restart()  # what there is counts after a restart, too
    flooding = await site.raw("FLOOD", register=False)
    assert (await flooding.ask("StopTransaction", stop(30_000)))[2] == "InternalError"
    orphans = (await site.call("transaction.orphans", charge_point="FLOOD", limit=2))["orphans"]
    await site.call("transaction.dismiss", ids=[orphan["id"] for orphan in orphans], reason="a flood")
    assert (await flooding.ask("StopTransaction", stop(30_000)))[0] == 3


async def test_no_number_of_later_messages_deletes_what_is_kept(site: Site) -> None:
    """There was a trigger that kept the newest 10,000 of all charge points together."""
    charge_point = await site.raw("CP1")
    assert (await charge_point.ask("StopTransaction", stop(7001)))[0] == 3
    await site.stop()
    with closing(sqlite3.connect(site.database)) as other, other:
        other.execute(
            "INSERT INTO quarantine (id, charge_point, received_at, action, reason, payload) "
            "VALUES (20000, 'CP2', 0, 'StopTransaction', 'long ago', '{}')"
        )
    await site.start()
    charge_point = await site.raw("CP1", register=False)
    assert (await charge_point.ask("StopTransaction", stop(7002)))[0] == 3
    assert [row[0] for row in site.stored("SELECT id FROM quarantine ORDER BY id")] == [1, 20_000, 20_001]
