"""How things stand with a charge point, in sentences."""

from collections.abc import Callable

import pytest

from csmsd.control.explanation.charge_point import charge_point_next_steps, facts
from csmsd.profiles.task import Task
from tests.csmsd.profiles.scene import NOON, SECOND, Scene
from tests.csmsd.profiles.smart_charging.installing import add, set_profile
from tests.csmsd.profiles.smart_charging.profiles import DAY, profile


def told(scene: Scene, *tasks: Task) -> list[str]:
    return [f"{fact.kind}: {fact.text}" for fact in facts(scene.target(), 1, tasks)]


def connected(scene: Scene) -> None:
    scene.cp.connected_at, scene.cp.address = scene.now, "10.0.0.7"


def gone(scene: Scene) -> None:
    scene.cp.connected_at, scene.cp.record.last_seen_at = None, scene.now
    scene.now += 3600 * SECOND


def never(scene: Scene) -> None:
    scene.cp.connected_at = scene.cp.record.last_seen_at = None


def refused(scene: Scene) -> None:
    for _ in range(2):
        scene.site.refused.note("CP1", "10.0.0.8", "wrong_password", scene.now, registered=True)


def faulted(scene: Scene) -> None:
    connected(scene)
    scene.status(1, "Faulted", errorCode="GroundFailure", info="wet")


def charging(scene: Scene) -> None:
    connected(scene)
    scene.started(connectorId=1)


def limited(scene: Scene) -> None:
    connected(scene)
    add(scene, "night", profile((0, 16), level=2, start=NOON - DAY))
    set_profile(scene, "night")


def pending(scene: Scene) -> None:
    connected(scene)
    scene.cp.record.boot_status = "Pending"


@pytest.mark.parametrize(
    ("happened", "says"),
    [
        (connected, "link: it is connected from 10.0.0.7"),
        (connected, "start: nothing that is known speaks against a remote start with a valid idTag"),
        (connected, "limit: no charging profile that csmsd knows of limits it"),
        (gone, "link: it is offline; it was heard last 1 h 0 min ago"),
        (gone, "start: a remote start would not reach it: it is offline"),
        (never, "link: it has never connected since it was registered"),
        (refused, "refused: a connection from 10.0.0.8 was refused 2 times: wrong password"),
        (faulted, "status: Faulted, GroundFailure (wet)"),
        (faulted, "start: a remote start would be refused: connector 1 is Faulted: GroundFailure"),
        (charging, "transaction: transaction 1 of idTag TAG1: nothing tells its energy"),
        (charging, "start: a remote start would be refused: connector 1 is charging for TAG1"),
        (limited, "limit: 16 A by night (TxDefaultProfile, stack level 2)"),
        (pending, "start: a remote start is not sent while its registration is Pending (C 4.2)"),
    ],
)
def test_what_is_so(happened: Callable[[Scene], None], says: str) -> None:
    scene = Scene()
    happened(scene)
    assert any(fact.startswith(says) for fact in told(scene)), told(scene)


def test_what_was_refused_last_stands_with_its_reason() -> None:
    scene = Scene()
    task = Task(
        id=7, created_at=scene.now, charge_point="CP1", action="ClearCache", request="{}", user="ann",
        state="settled", outcome="rejected", status="Rejected", error="it keeps no cache",
    )  # fmt: skip
    assert "command: ClearCache of ann (task 7): Rejected: it keeps no cache" in told(scene, task)


def test_what_to_do_next_is_of_the_connector_that_is_meant() -> None:
    scene = Scene()
    faulted(scene)
    scene.cp.record.reboot_required = True
    assert [step.command for step in charge_point_next_steps(scene.target(), 1)] == [
        "csmsctl log CP1",
        "csmsctl reset CP1 --type soft",
    ]
    assert [step.command for step in charge_point_next_steps(scene.target(), 2)] == ["csmsctl reset CP1 --type soft"]
