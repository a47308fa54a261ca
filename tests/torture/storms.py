"""Storms: everybody connects at once, has something to say, and is there again after csmsd was killed."""

import asyncio
import json
import re
from collections.abc import Sequence
from time import monotonic
from typing import Any

from tests.support.acknowledged import Acknowledged, BooksFound
from tests.support.site import Site
from tests.support.storm import Message, Report, storm
from tests.torture.report import Campaign

_START = "2026-01-01T00:00:00.000Z"
_AT_ONCE = 500  # in a batch of the control socket
_STALL = re.compile(r"nothing was answered for (\d+) ms \(the \d+\. time since the start\): (.*)")


async def storms(campaign: Campaign, *, sizes: Sequence[int], within: float) -> None:
    """Of each size one that starts transactions, and after a kill one that stops them."""
    for size in sizes:
        async with campaign.site() as site:
            await site.start()
            await site.call("tag.add", id="TAG")
            identities = [f"S{number}" for number in range(size)]
            await _register(site, identities)
            start = {"connectorId": 1, "idTag": "TAG", "meterStart": 100, "timestamp": _START}
            acknowledged = await _storm(
                campaign, site, within, [(identity, "StartTransaction", start) for identity in identities], {}
            )
            await site.restart()
            numbers = {one.charge_point: one.transaction_id for one in acknowledged}
            stop = {"meterStop": 400, "timestamp": "2026-01-01T00:30:00.000Z"}
            stops: list[Message] = [
                (identity, "StopTransaction", stop | {"transactionId": number}) for identity, number in numbers.items()
            ]
            acknowledged += await _storm(campaign, site, within, stops, numbers)
            campaign.acknowledged += len(acknowledged)
            campaign.compare(f"storms of {size}", acknowledged, BooksFound.on_disk(site.database))
            await campaign.compare_with_csmsctl(f"storms of {size}", acknowledged, site)


async def _register(site: Site, identities: list[str]) -> None:
    control = await site.control()
    for first in range(0, len(identities), _AT_ONCE):
        batch = [
            {"jsonrpc": "2.0", "id": identity, "method": "charge_point.add", "params": {"id": identity}}
            for identity in identities[first : first + _AT_ONCE]
        ]
        await control.line(json.dumps(batch))
        assert all("result" in answer for answer in await control.receive())


async def _storm(
    campaign: Campaign, site: Site, within: float, messages: list[Message], numbers: dict[str, int]
) -> list[Acknowledged]:
    """What was acknowledged; operators and who is connected already are served meanwhile."""
    size, action = len(messages), messages[0][1]
    witness = await site.raw("WITNESS", register=not numbers)
    stalled = len(_STALL.findall(site.errors()))
    async with storm(site, messages, within=within, patience=120) as comes:
        reporting = asyncio.create_task(comes.report())
        waits, statuses = await _meanwhile(site, witness, reporting)
        report = await reporting
    await witness.disconnect()
    campaign.faults[f"storms of {size}"] += 1
    campaign.must(report.at_once == size, f"a storm of {size}: {report.at_once} were let in at once")
    stalls = [(int(ms), what) for ms, what in _STALL.findall(site.errors())[stalled:]]
    campaign.measured.append(
        f"storm of {size} within {within:g} s ({action}): all answered after {report.seconds:.1f} s, "
        f"who was connected within {max(waits):.2f} s, csmsctl status within {max(statuses):.2f} s; "
        + ("longest stall {} ms: {}".format(*max(stalls)) if stalls else "no stall of 250 ms")
    )
    return list(_acknowledged(campaign, messages, report, numbers))


async def _meanwhile(site: Site, witness: Any, reporting: "asyncio.Task[Report]") -> tuple[list[float], list[float]]:
    """How long Heartbeats and `csmsctl status` take, until the storm is over; once at least."""
    waits: list[float] = []
    statuses: list[float] = []
    while not (waits and reporting.done()):
        begun = monotonic()
        await witness.heartbeat()
        waits.append(monotonic() - begun)
        begun = monotonic()
        assert (await site.csmsctl("status")).code == 0
        statuses.append(monotonic() - begun)
    return waits, statuses


def _acknowledged(campaign: Campaign, messages: list[Message], report: Report, numbers: dict[str, int]) -> Any:
    for identity, action, payload in messages:
        answer = report.answers[identity]
        if answer is None or answer[0] != 3:
            campaign.broken.append(f"{identity}: {action} was answered {answer}")
            continue
        number = answer[2]["transactionId"] if action == "StartTransaction" else numbers[identity]
        yield Acknowledged(0, identity, action, number, _START, payload)
