"""Who is sent its charging profiles again after a reconnect, and how often."""

import asyncio

import pytest

from csmsd.operations.reassertion import Reassertion
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import Event
from tests.csmsd.operations.engine import WITHIN_SECONDS, Engine
from tests.csmsd.profiles.scene import Scene
from tests.csmsd.profiles.smart_charging.installing import library_scene, set_profile


@pytest.fixture
def scene(engine: Engine) -> Scene:
    """CP1 has a profile of the library."""
    scene = library_scene()
    scene.cp.connected_at = scene.now
    set_profile(scene, "night")
    engine.live.site = engine.scene.site = scene.site
    reassertion = Reassertion(engine.live, engine.runner, Policies())
    engine.bus.subscribe(reassertion.told, reassertion.STIRRING)
    return scene


def connected(engine: Engine, identity: str = "CP1") -> None:
    engine.bus.publish(Event("charge_point.connected", identity, {}))


def rounds() -> list[asyncio.Task[None]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("reassert ")]


async def over() -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        await asyncio.gather(*rounds())


@pytest.mark.parametrize(
    ("setting", "own", "sent"),
    [(False, None, 0), (True, None, 1), (False, True, 1), (True, False, 0)],
)
async def test_what_is_said_of_a_charge_point_goes_before_the_setting(
    engine: Engine, scene: Scene, setting: bool, own: bool | None, sent: int
) -> None:
    scene.site.policies.reassert_charging_profiles = setting
    scene.cp.record.reassert = own
    connected(engine)
    assert len(rounds()) == sent


async def test_one_without_profiles_is_sent_nothing(engine: Engine, scene: Scene) -> None:
    scene.register("CP2")
    scene.site.policies.reassert_charging_profiles = True
    connected(engine, "CP2")
    connected(engine, "NOBODY")
    assert rounds() == []


async def test_csmsd_sends_them_like_an_operator_and_by_its_own_name(engine: Engine, scene: Scene) -> None:
    scene.site.policies.reassert_charging_profiles = True
    connected(engine)
    (await engine.links.next()).confirm(status="Accepted")
    await over()
    assert engine.rows("SELECT user, uid, action, outcome FROM task") == [
        ("csmsd", None, "SetChargingProfile", "accepted")
    ]


async def test_connections_during_a_round_have_one_more_follow_it(engine: Engine, scene: Scene) -> None:
    scene.site.policies.reassert_charging_profiles = True
    connected(engine)
    first = await engine.links.next()
    assert (first.identity, first.action) == ("CP1", "SetChargingProfile")
    connected(engine, "cp1")
    connected(engine)
    assert len(rounds()) == 1  # none beside the first

    first.confirm(status="Accepted")
    (await engine.links.next()).confirm(status="Accepted")
    await over()
    assert rounds() == []  # one, for both
    assert engine.links.asked.empty()

    connected(engine)
    (await engine.links.next()).confirm(status="Accepted")
    await over()
