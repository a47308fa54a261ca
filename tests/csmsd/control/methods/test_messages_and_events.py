"""The log of messages and events, as it is listed and followed."""

from typing import Any

import pytest

from tests.support.control import ControlError
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


async def numbers(site: Site, **narrowed: Any) -> list[int]:
    return [event["number"] for event in (await site.call("event.list", **narrowed))["events"]]


async def heard(site: Site) -> tuple[RawChargePoint, RawChargePoint]:
    """Two charge points that have said something."""
    return await site.raw("CP1"), await site.raw("CP2")


async def test_messages_are_narrowed_by_what_they_are_asked_for(site: Site) -> None:
    one, _ = await heard(site)
    await one.heartbeat()
    everything = (await site.call("log.list"))["messages"]
    assert {message["charge_point"] for message in everything} == {"CP1", "CP2"}
    own = (await site.call("log.list", targets=["cp1"]))["messages"]
    assert {message["charge_point"] for message in own} == {"CP1"}
    assert len((await site.call("log.list", limit=1))["messages"]) == 1
    ids = sorted(message["id"] for message in everything)
    before = (await site.call("log.list", before_id=ids[2]))["messages"]
    assert sorted(message["id"] for message in before) == ids[:2]
    assert (await site.call("log.list", since="2100-01-01T00:00:00Z"))["messages"] == []
    for method in ("log.list", "event.list"):
        assert await site.refused(method, since="noon") == (2, "'noon' is no time.")
        assert (await site.refused(method, targets=["CP9"]))[0] == 3


async def test_events_are_narrowed_by_what_they_are_asked_for(site: Site) -> None:
    await heard(site)
    known = await numbers(site)
    assert sorted(known) == list(range(min(known), max(known) + 1))
    booted = (await site.call("event.list", types=["charge_point.booted"]))["events"]
    assert sorted(event["charge_point"] for event in booted) == ["CP1", "CP2"]
    own = (await site.call("event.list", targets=["CP2"], types=["charge_point.booted"]))["events"]
    assert [event["charge_point"] for event in own] == ["CP2"]
    assert sorted(await numbers(site, after=max(known) - 2)) == [max(known) - 1, max(known)]
    assert len(await numbers(site, limit=1)) == 1


async def test_whoever_follows_messages_hears_those_it_asked_for(site: Site) -> None:
    one, two = await heard(site)
    control = await site.control()
    subscription = (await control.call("log.subscribe", targets=["CP2"]))["subscription"]
    await one.heartbeat()
    await two.heartbeat()
    for direction in ("in", "out"):
        told = (await control.notification())["params"]
        assert (told["charge_point"], told["direction"]) == ("CP2", direction)
    assert await control.call("unsubscribe", subscription=subscription) == {}
    await two.heartbeat()
    await control.call("log.subscribe", targets=["CP1"])
    await one.heartbeat()
    assert (await control.notification())["params"]["charge_point"] == "CP1", "nothing of CP2 came any more"
    with pytest.raises(ControlError, match="No subscription") as caught:
        await control.call("unsubscribe", subscription=subscription)
    assert caught.value.code == 2


async def test_a_subscription_is_of_its_own_connection(site: Site) -> None:
    control, other = await site.control(), await site.control()
    subscription = (await control.call("event.subscribe"))["subscription"]
    with pytest.raises(ControlError, match="on this connection"):
        await other.call("unsubscribe", subscription=subscription)


async def test_whoever_was_away_catches_up_and_goes_on_in_order(site: Site) -> None:
    one, _ = await heard(site)
    last = max(await numbers(site))
    control = await site.control()
    begun = await control.call("event.subscribe", after=last - 3)
    assert begun["last"] == last
    await one.disconnect()
    told = [(await control.notification())["params"]["number"] for _ in range(4)]
    assert told == list(range(last - 2, last + 2))


async def test_what_was_before_a_restart_is_told_from_the_log(site: Site) -> None:
    await heard(site)
    known = sorted(await numbers(site))
    await site.restart()
    control = await site.control()
    await control.call("event.subscribe", after=known[0], targets=["CP1"], types=["charge_point.booted"])
    await (await site.raw("CP1", register=False)).heartbeat()
    told = [(await control.notification())["params"] for _ in range(2)]
    assert [(event["type"], event["charge_point"]) for event in told] == [("charge_point.booted", "CP1")] * 2
    assert told[0]["number"] in known
    assert told[1]["number"] > known[-1]
