"""Three charge points behind 32 A, and what goes wrong with csmsd, the network and themselves.

By what they really hold, the line is never over its limit: now, or at any later moment if nothing more is heard.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any, Literal

from tests.conftest import MakeSite
from tests.support.raw_charge_point import Frame, RawChargePoint
from tests.support.site import Site

LIMIT = 32.0
RATING = 32.0
OBEYS_S = 0.5  # half of what csmsd reckons with
SETTINGS = {
    "load_management": {"lease": 120, "margin": 60, "obey": 1, "raise_step": 0},
    "ocpp": {"hold_after_reconnect": 0},
}
WITHIN_S = 120.0


class Box:
    """A charge point with a connector and a car that takes what it may: it does what its charging profiles say."""

    def __init__(self, hall: "Hall", identity: str) -> None:
        self.hall = hall
        self.identity = identity
        self.point: RawChargePoint | None = None
        self.default: dict[str, Any] | None = None
        self.own: dict[str, Any] | None = None
        self.running: int | None = None
        self.began = 0.0
        self.ahead = 0.0  # its clock, in seconds
        self.booting = False  # nothing is drawn before it has limits again
        self.held: list[tuple[float, float]] = []  # what it drew before it obeyed, and until when
        self.answers: Literal["once", "twice", "never"] = "once"
        self.unanswered: list[Frame] = []
        self._task: asyncio.Task[None] | None = None

    async def connect(self, *, boot: bool, register: bool = False) -> None:
        self.point = await self.hall.site.raw(self.identity, boot=boot, register=register)
        self._task = asyncio.create_task(self._serve(self.point))

    async def vanish(self) -> None:
        assert self.point is not None
        await self.point.vanish()
        await self.end()

    def still_serves(self) -> None:
        """Raises what it broke off with, such as a line over its limit."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self, point: RawChargePoint) -> None:
        while True:
            call = await point.calls.get()
            takes = call[2] != "SetChargingProfile" or self._take(call[3]["csChargingProfiles"])
            if self.answers == "never":
                self.unanswered.append(call)
                continue
            for _ in range(2 if self.answers == "twice" else 1):
                await point.answer(call, {"status": "Accepted" if takes else "Rejected"})

    def _take(self, profile: dict[str, Any]) -> bool:
        before = self.limit(time())
        if profile["chargingProfilePurpose"] == "TxProfile":
            if profile["transactionId"] != self.running:
                return False
            self.own = profile
        else:
            self.default = profile
        self.held = [(before, time() + OBEYS_S)] if self.running is not None else []
        self.booting = False
        self.hall.changed()
        return True

    async def begin(self) -> None:
        assert self.point is not None
        start = {"connectorId": 1, "idTag": "A1", "meterStart": 0, "timestamp": self.now()}
        self.running = (await self.point.ask("StartTransaction", start))[2]["transactionId"]
        self.own, self.began = None, time()
        self.hall.changed()

    def lose_everything(self) -> None:
        self.running = self.default = self.own = None
        self.booting, self.held = True, []

    def now(self) -> str:
        return (datetime.now(UTC) + timedelta(seconds=self.ahead)).isoformat()

    # --- what it draws

    def limit(self, at: float) -> float:
        """By the transaction that runs, or one that begins."""
        told = self.own if self.running is not None and self.own is not None else self.default
        return RATING if told is None else self._of(told, at)

    def draws(self, at: float) -> float:
        if self.booting:
            return 0.0
        return max([self.limit(at), *(amperes for amperes, until in self.held if at < until)])

    def _of(self, profile: dict[str, Any], at: float) -> float:
        periods = profile["chargingSchedule"]["chargingSchedulePeriod"]
        passed = at - self._start(profile, at)
        return float([period["limit"] for period in periods if period["startPeriod"] <= passed][-1])

    def _start(self, profile: dict[str, Any], at: float) -> float:
        if profile["chargingProfileKind"] == "Relative":
            return self.began if self.running is not None else at
        return datetime.fromisoformat(profile["chargingSchedule"]["startSchedule"]).timestamp() - self.ahead

    def kind(self) -> str | None:
        return None if self.default is None else str(self.default["chargingProfileKind"])

    def moments(self) -> list[float]:
        found = [until for _, until in self.held]
        for profile in filter(None, (self.default, self.own)):
            start = self._start(profile, time())
            found += [start + period["startPeriod"] for period in profile["chargingSchedule"]["chargingSchedulePeriod"]]
        return found


class Hall:
    """The charge points, and whether the line would carry what they may draw."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.boxes: list[Box] = []
        self.limit = LIMIT
        self.looked = 0
        self._stirred = 0
        self.managed = False
        self._news = asyncio.Event()

    def changed(self) -> None:
        self._news.set()
        if self.managed:
            self.look()

    def look(self) -> None:
        """Now, and at every later moment if nothing more is heard."""
        now = time()
        for moment in sorted({now, *(one for box in self.boxes for one in box.moments() if one > now)}):
            drawn = {box.identity: box.draws(moment) for box in self.boxes}
            assert sum(drawn.values()) <= self.limit, (moment - now, drawn)
        self.looked += 1

    async def begin(self) -> None:
        for name in ("CP1", "CP2", "CP3"):
            box = Box(self, name)
            self.boxes.append(box)
            await box.connect(boot=True, register=True)
        await self.site.call("tag.add", id="A1")
        members = [{"charge_point": box.identity} for box in self.boxes]
        await self.site.call("circuit.import", circuits={"main": {"limit": f"{LIMIT:g}A", "members": members}})
        await self.until(lambda: all(box.default is not None for box in self.boxes))
        self.managed = True
        self.look()

    async def until(self, holds: Any) -> None:
        """With a round of csmsd whenever something may have changed, and not only when it looks by itself."""
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                for box in self.boxes:
                    box.still_serves()
                self._news.clear()
                self._stirred = self._stirred % 100 + 1
                await self.site.call("load.prioritize", kind="tag", name="nobody", weight=self._stirred)
                try:
                    async with asyncio.timeout(0.3):
                        await self._news.wait()
                except TimeoutError:
                    continue

    def shares(self) -> list[float]:
        return [box.limit(time()) for box in self.boxes]

    async def restart(self) -> None:
        await self.site.kill()
        for box in self.boxes:
            await box.end()
        await self.site.start()
        for box in self.boxes:
            await box.connect(boot=False)


async def test_whatever_goes_wrong_the_line_is_never_over_its_limit(make_site: MakeSite) -> None:
    hall = Hall(await make_site(SETTINGS))
    await hall.begin()
    first, second, third = hall.boxes
    try:
        await first.begin()
        await hall.until(lambda: hall.shares() == [32, 0, 0])
        await second.begin()
        await hall.until(lambda: hall.shares() == [16, 16, 0])

        # csmsd is killed while nobody knows whether the first has taken its lower limit.
        first.answers = "never"
        await third.begin()
        await hall.until(lambda: bool(first.unanswered))
        first.answers = "once"
        await hall.restart()
        await hall.until(lambda: sorted(hall.shares()) == [10, 11, 11])

        # It is killed when the answer to a lower limit is on its way; answers come twice after that.
        for box in hall.boxes:
            box.answers = "twice"
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        hall.limit = sum(hall.shares())
        await hall.site.call("circuit.limit", name="main", limit="18A", until=until)
        await hall.until(lambda: hall.shares()[0] == 6)
        await hall.restart()
        await hall.until(lambda: hall.shares() == [6, 6, 6])
        await hall.until(lambda: not any(moment > time() for box in hall.boxes for _, moment in box.held))
        hall.limit = 18
        hall.look()
        hall.limit = LIMIT  # the first that is given more may be told so before whoever lifted the limit
        await hall.site.call("circuit.limit", name="main")

        # One vanishes: what it may draw is kept for it. It comes back without its profiles, and without its car.
        await hall.until(lambda: sorted(hall.shares()) == [10, 11, 11])
        await second.vanish()
        await hall.site.call("load.prioritize", kind="tag", name="A1", weight=2)
        second.lose_everything()
        await second.connect(boot=True)
        assert second.point is not None
        await second.point.ask("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})
        await hall.until(lambda: hall.shares() == [16, 0, 16])
        assert hall.looked > 20
    finally:
        for box in hall.boxes:
            await box.end()


async def test_a_clock_that_is_an_hour_ahead_ends_no_lease_too_early(make_site: MakeSite) -> None:
    hall = Hall(await make_site(SETTINGS))
    try:
        await hall.begin()
        first, second, _ = hall.boxes
        await first.vanish()
        first.lose_everything()
        first.ahead = 3600.0
        hall.managed = False  # by its clock all leases have ended, until csmsd knows of that
        await first.connect(boot=True)
        assert first.point is not None
        for connector in (0, 1):
            told = {"connectorId": connector, "errorCode": "NoError", "status": "Available", "timestamp": first.now()}
            await first.point.ask("StatusNotification", told)
        await hall.until(lambda: first.kind() == "Relative")
        hall.managed = True
        hall.look()
        await second.begin()
        await hall.until(lambda: hall.shares() == [0, 32, 0])
        await first.begin()
        await hall.until(lambda: hall.shares() == [16, 16, 0])
        [manner] = (await hall.site.call("load.manners"))["manners"]
        assert -3610 < manner["clock_behind_s"] < -3590
        assert "s ahead." in " ".join((await hall.site.call("load.explain", charge_point="CP1"))["because"])
    finally:
        for box in hall.boxes:
            await box.end()
