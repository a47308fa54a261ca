"""What goes on all day long at a csmsd: charge points that stay and that come and go, operators, watchers, backups."""

import asyncio
import json
import sys
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from tests.support.control import ControlConnection
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import ROOT, Site, environment

# Charge points; the last 200 transactions of each are remembered, which is so after a few minutes.
STAYING = 10
COMING_AND_GOING = 10
MESSAGES_A_SECOND = 200
_VISIT_SECONDS = 0.5  # between two of them
_LOOK_SECONDS = 3.0
_BACKUP_SECONDS = 20.0
_WATCH_SECONDS = 15.0
_COMMANDS = (("status",), ("status", "--problems"), ("tx", "list"), ("cp", "list"), ("log", "--limit", "50"))


class Load:
    """`done` counts what was carried out, `wrong` is what did not go as it should."""

    def __init__(self, site: Site) -> None:
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._site = site
        self._tasks: list[asyncio.Task[None]] = []
        self._staying: asyncio.subprocess.Process | None = None

    async def start(self, seconds: float) -> None:
        site = self._site
        assert site.process is not None
        self._staying = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.load", site.listen.rpartition(":")[2]),
            *("--charge-points", str(STAYING), "--rate", str(MESSAGES_A_SECOND)),
            *("--seconds", str(seconds), "--server-pid", str(site.process.pid)),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=environment(),
        )
        going = [self._come_and_go(f"VISITOR{number}") for number in range(COMING_AND_GOING)]
        for work in (*going, self._operate(), self._back_up(), self._prune(), self._watch(), self._do_not_read()):
            self._tasks.append(asyncio.create_task(work))

    async def stop(self) -> None:
        """Also of the charge points that stay: what they were answered is looked at."""
        assert self._staying is not None
        out, _ = await self._staying.communicate()
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        self.wrong += [repr(end) for end in ends if not isinstance(end, asyncio.CancelledError)]
        report = json.loads(out)
        self.done["messages of charge points that stay"] += report["messages"]
        self.wrong += [f"{what}: {times} times" for what, times in report["errors"].items()]

    async def _come_and_go(self, identity: str) -> None:
        """One that brings a transaction of last week each time, and leaves politely every other time."""
        await self._site.register(identity)
        while True:
            visit = self.done["visits"]
            charge_point = await RawChargePoint.connect(self._site.url(identity))
            await charge_point.boot()
            begun = datetime.now(UTC) - timedelta(days=7)
            time = begun.strftime("%Y-%m-%dT%H:%M:%SZ")
            fields = {"connectorId": 1, "idTag": f"T{visit % 100}", "meterStart": visit, "timestamp": time}
            number = (await charge_point.ask("StartTransaction", fields))[2]["transactionId"]
            for minute in range(1, 6):
                later = (begun + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
                value = {"timestamp": later, "sampledValue": [{"value": str(visit + 100 * minute)}]}
                await charge_point.ask(
                    "MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]}
                )
            stop = {"transactionId": number, "meterStop": visit + 600, "timestamp": later}
            if (await charge_point.ask("StopTransaction", stop))[0] != 3:
                self.wrong.append(f"the stop of {number} was not confirmed")
            await (charge_point.disconnect() if visit % 2 else charge_point.vanish())
            self.done["visits"] += 1
            await asyncio.sleep(_VISIT_SECONDS)

    async def _operate(self) -> None:
        while True:
            for command in _COMMANDS:
                ended = await self._site.csmsctl(*command)
                if ended.code not in (0, 1):
                    self.wrong.append(f"csmsctl {' '.join(command)}: {ended.code}: {ended.err}")
                self.done["csmsctl"] += 1
                await asyncio.sleep(_LOOK_SECONDS)

    async def _back_up(self) -> None:
        file = self._site.directory / "copy.db"
        while True:
            await asyncio.sleep(_BACKUP_SECONDS)
            ended = await self._site.csmsctl("backup", "create", str(file))
            if ended.code != 0:
                self.wrong.append(f"backup: {ended.err}")
            file.unlink(missing_ok=True)
            self.done["backups"] += 1

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(_BACKUP_SECONDS)
            ended = await self._site.csmsctl("--yes", "prune", "transactions", "meter_values", "--older-than", "1")
            if ended.code != 0:
                self.wrong.append(f"prune: {ended.err}")
            self.done["prunings"] += 1

    async def _watch(self) -> None:
        """Watchers that come and go."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WATCH_SECONDS), await ControlConnection.open(self._site.socket) as control:
                    await control.call("event.subscribe", types=None)
                    while await control.receive() is not None:
                        self.done["events"] += 1

    async def _do_not_read(self) -> None:
        """A watcher that reads nothing, and is cut for it."""
        while True:
            async with await ControlConnection.open(self._site.socket) as control:
                await control.call("event.subscribe", types=None)
                control.reader.feed_eof = lambda: None  # type: ignore[method-assign]
                await asyncio.sleep(_WATCH_SECONDS)
            self.done["watchers that do not read"] += 1
