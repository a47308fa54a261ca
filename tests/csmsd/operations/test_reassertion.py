"""Who is sent its charging profiles again after a reconnect, and how often."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from csmsd.events import EventBus, NumberedEvent
from csmsd.ocpp.types import Message
from csmsd.operations.reassertion import Reassertion
from csmsd.operations.runner import OperationRunner
from csmsd.ports import CallEnd, CallTicket, NotStored, Removal
from csmsd.profiles.record import Change, Event
from csmsd.profiles.slice import Outgoing
from csmsd.profiles.smart_charging.set_charging_profile import SetChargingProfileConf
from tests.csmsd.profiles.scene import NOON, Scene
from tests.csmsd.profiles.smart_charging.installing import library_scene, set_profile


class Disk:
    """Keeps everything."""

    accepting = True
    failure = None
    slow_ms = None

    def submit(self, changes: Sequence[Change], done: Callable[[NotStored | None], None]) -> None:
        done(None)

    async def commit(self, changes: Sequence[Change]) -> None:
        pass

    async def remove(self, removals: Sequence[Removal]) -> None:
        pass

    def renew(self) -> None:
        pass


class Lines:
    """A charge point that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Queue[str]()
        self.answers = asyncio.Semaphore(0)

    def is_connected(self, identity: str) -> bool:
        return True

    def is_ready(self, identity: str) -> bool:
        return True

    def disconnect(self, identity: str, reason: str) -> bool:
        return False

    async def call(
        self,
        identity: str,
        action: str,
        payload: bytes,
        outgoing: Outgoing[Message, Message] | None,
        *,
        timeout: float,
        ticket: CallTicket,
    ) -> CallEnd:
        self.asked.put_nowait(f"{identity} {action}")
        await self.answers.acquire()
        return CallEnd("confirmed", confirmation=SetChargingProfileConf(status="Accepted"), payload=b"{}")

    async def next(self) -> str:
        async with asyncio.timeout(5):
            return await self.asked.get()


def connected(reassertion: Reassertion, identity: str = "CP1") -> None:
    reassertion.told(NumberedEvent(1, NOON, Event("charge_point.connected", identity, {})))


@pytest.fixture
def scene() -> Scene:
    scene = library_scene()
    set_profile(scene, "night")
    return scene


def listening(scene: Scene) -> tuple[Reassertion, Lines]:
    lines = Lines()
    bus = EventBus(last=0, clock=lambda: scene.now, keep=lambda event: None)
    runner = OperationRunner(lambda: scene.site, Disk(), lines, bus, lambda: scene.now, 0)
    return Reassertion(lambda: scene.site, runner, lambda: 30.0), lines


async def settle() -> None:
    """Everything that is ready goes on."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("setting", "own", "sent"),
    [(False, None, False), (True, None, True), (False, True, True), (True, False, False)],
)
async def test_what_is_said_of_a_charge_point_goes_before_the_setting(
    scene: Scene, setting: bool, own: bool | None, sent: bool
) -> None:
    scene.site.policies.reassert_charging_profiles = setting
    scene.cp.record.reassert = own
    reassertion, lines = listening(scene)
    connected(reassertion)
    await settle()
    assert lines.asked.qsize() == sent


async def test_one_without_profiles_is_sent_nothing(scene: Scene) -> None:
    scene.register("CP2")
    scene.site.policies.reassert_charging_profiles = True
    reassertion, lines = listening(scene)
    connected(reassertion, "CP2")
    connected(reassertion, "NOBODY")
    await settle()
    assert lines.asked.empty()


async def test_connections_during_a_round_have_one_more_follow_it(scene: Scene) -> None:
    scene.site.policies.reassert_charging_profiles = True
    reassertion, lines = listening(scene)
    connected(reassertion)
    assert await lines.next() == "CP1 SetChargingProfile"
    connected(reassertion, "cp1")
    connected(reassertion)
    await settle()
    assert lines.asked.empty()  # not beside the first

    lines.answers.release()
    assert await lines.next() == "CP1 SetChargingProfile"
    lines.answers.release()
    await settle()
    assert lines.asked.empty()  # one, for both

    connected(reassertion)
    assert await lines.next() == "CP1 SetChargingProfile"
