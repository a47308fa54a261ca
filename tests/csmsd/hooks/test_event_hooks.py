"""Event hooks: who is told what, and that nobody waits for them."""

import asyncio
import json
from itertools import count
from pathlib import Path
from time import monotonic
from typing import get_args

import pytest

from csmsd.events import EventBus
from csmsd.hooks.event_hooks import EventHooks
from csmsd.profiles.record import Event, EventType
from csmsd.settings.sections import EventHook, Events
from tests.conftest import MakeSite
from tests.support.programs import python_program


def script(directory: Path, name: str, body: str) -> str:
    return str(python_program(directory / name, f"import os, sys, time\n{body}"))


def keeping(directory: Path, name: str = "keep") -> str:
    """An executable that adds what it is told to NAME.told."""
    return script(directory, name, f"open({str(directory / name)!r} + '.told', 'a').write(sys.stdin.read())")


def told(directory: Path, name: str = "keep") -> list[str]:
    path = directory / f"{name}.told"
    return [json.loads(line)["type"] for line in path.read_text().splitlines()] if path.exists() else []


def a_bus() -> EventBus:
    clock = count(1_700_000_000_000)
    return EventBus(last=0, clock=lambda: next(clock), keep=lambda event: None)


class News:
    """What hooks have to tell goes where the other events come from."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    def tell(self, *events: Event) -> None:
        for event in events:
            self._bus.publish(event)


def hooks_on(bus: EventBus, settings: Events) -> EventHooks:
    return EventHooks(settings, bus, News(bus))


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        ("transaction.stopped", {"transaction.stopped"}),
        ("tag.*", {"tag.changed", "tag.removed"}),
        ("tag.authorized", {"tag.authorized"}),
        ("meter_values", {"meter_values"}),
        ("store.[fr]*", {"store.failed", "store.recovered", "store.restored"}),
        ("nothing", set()),
    ],
)
def test_which_events_are_meant(event: str, wanted: set[str]) -> None:
    hook = EventHook(event=event, command="/bin/true")
    assert {kind for kind in get_args(EventType) if hook.wants(kind)} == wanted


async def test_each_is_told_what_it_wants(tmp_path: Path) -> None:
    bus = a_bus()
    settings = Events(
        hooks=[
            EventHook(event="transaction.*", command=keeping(tmp_path, "one")),
            EventHook(event="transaction.stopped", command=keeping(tmp_path, "two")),
        ],
        max_running=1,
    )
    hooks = hooks_on(bus, settings)
    bus.publish(Event("transaction.started", "CP1", {"transaction": 1}))
    bus.publish(Event("transaction.stopped", "CP1", {"transaction": 1}))
    bus.publish(Event("tag.changed", None, {}))
    await hooks.close(60)

    assert told(tmp_path, "one") == ["transaction.started", "transaction.stopped"]
    assert told(tmp_path, "two") == ["transaction.stopped"]
    assert json.loads((tmp_path / "two.told").read_text()) == {
        "schema_version": 1,
        "number": 2,
        "time": "2023-11-14T22:13:20.001Z",
        "type": "transaction.stopped",
        "charge_point": "CP1",
        "data": {"transaction": 1},
    }
    assert hooks.outcomes == {"done": 3}


async def test_after_a_reload_others_are_told_each_event_once(tmp_path: Path) -> None:
    bus = a_bus()
    settings = Events(hooks=[EventHook(event="tag.changed", command=keeping(tmp_path, "one"))])
    hooks = hooks_on(bus, settings)
    settings.hooks = [EventHook(event=event, command=keeping(tmp_path, "two")) for event in ("tag.removed", "tag.*")]
    settings.hooks[1].event = "reservation.*"
    hooks.configure()
    hooks.configure()
    bus.publish(Event("tag.changed", None, {}))
    bus.publish(Event("tag.removed", None, {}))
    await hooks.close(60)

    assert told(tmp_path, "one") == []
    assert told(tmp_path, "two") == ["tag.removed"]


async def test_one_that_fails_is_told_of_and_does_not_stop_the_others(tmp_path: Path) -> None:
    bus = a_bus()
    bad = script(tmp_path, "bad", "sys.exit(3)")
    failures = keeping(tmp_path)
    hooks = hooks_on(
        bus, Events(hooks=[EventHook(event="*", command=bad), EventHook(event="hook.failed", command=failures)])
    )
    seen: list[Event] = []
    bus.subscribe(lambda event: seen.append(event.event))
    bus.publish(Event("tag.changed", None, {}))
    await hooks.close(60)

    assert [event.type for event in seen] == ["tag.changed", "hook.failed"]
    assert seen[1].data == {"command": bad, "reason": "ended with exit code 3", "event": 1}
    assert told(tmp_path) == ["hook.failed"]
    assert hooks.outcomes == {"failed": 2, "done": 1}


async def test_beyond_what_may_wait_events_are_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bus = a_bus()
    hook = EventHook(event="tag.changed", command=keeping(tmp_path))
    hooks = hooks_on(bus, Events(hooks=[hook], max_running=1, max_waiting=3))
    for _ in range(10):
        bus.publish(Event("tag.changed", None, {}))
    await hooks.close(60)

    assert hooks.outcomes == {"done": 3, "dropped": 7}
    assert len(told(tmp_path)) == 3
    assert [record.message for record in caplog.records] == ["3 events wait for their hooks; more are dropped"]


async def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    bus = a_bus()
    slow = script(tmp_path, "slow", "time.sleep(60)")
    hooks = hooks_on(bus, Events(hooks=[EventHook(event="tag.*", command=slow)], timeout=0.2))
    begun = monotonic()
    bus.publish(Event("tag.changed", None, {}))
    assert hooks.outcomes == {}, "nobody waits for it"
    await hooks.close(60)
    assert hooks.outcomes == {"failed": 1}
    bus.publish(Event("tag.changed", None, {}))
    await hooks.close(0)
    assert monotonic() - begun < 50


async def test_in_a_running_csmsd(make_site: MakeSite, tmp_path: Path) -> None:
    site = await make_site()
    hooks = [
        {"event": "charge_point.*", "command": keeping(tmp_path)},
        {"event": "charge_point.*", "command": "/bin/false"},  # ends before it could be told
    ]
    site.write_settings({"events": {"hooks": hooks, "max_running": 1}})
    assert (await site.call("daemon.reload"))["changed"] == ["events.max_running", "events.hooks"]
    watcher = await site.watch("charge_point.disconnected")
    await (await site.charge_point("CP1")).disconnect()
    await watcher.event("charge_point.disconnected")
    async with asyncio.timeout(60):
        while len(told(tmp_path)) < 4:  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.02)
    assert told(tmp_path) == [
        "charge_point.registered", "charge_point.connected", "charge_point.booted", "charge_point.disconnected",
    ]  # fmt: skip
    [event] = (await site.call("event.list", types=["charge_point.booted"]))["events"]
    failed = (await site.call("event.list", types=["hook.failed"]))["events"]
    assert {event["data"]["reason"] for event in failed} == {"ended with exit code 1"}
    lines = (tmp_path / "keep.told").read_text().splitlines()
    assert json.loads(lines[2]) == {"schema_version": 1, **event}

    site.write_settings({"events": {"hooks": [{"event": "daemon.stopping", "command": keeping(tmp_path, "last")}]}})
    await site.call("daemon.reload")
    assert await site.stop() == 0
    assert told(tmp_path, "last") == ["daemon.stopping"]


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ({"event": "transaction.ended", "command": "/bin/true"}, "no event is called 'transaction.ended'"),
        ({"event": "tag.*", "command": "true"}, "'true' is not an absolute path"),
        ({"event": "tag.*", "command": "/no/such"}, "'/no/such' is no file that can be run"),
        ({"command": "/bin/true"}, "event"),
    ],
)
async def test_bad_settings(make_site: MakeSite, hook: dict[str, str], said: str) -> None:
    site = await make_site({"events": {"hooks": [hook]}}, start=False)
    ended = site.run_to_end("--check-config")
    assert (ended.code, said in ended.err) == (78, True), ended
