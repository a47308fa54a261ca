"""What is seen of the effect of a command: tables of what came since it was sent."""

from collections.abc import Callable

import pytest

from csmsd.profiles import operations
from csmsd.profiles.action import Observation, Operation, Sent
from csmsd.profiles.core.change_availability import ChangeAvailability
from csmsd.profiles.core.remote_start_transaction import RemoteStart
from csmsd.profiles.core.remote_stop_transaction import RemoteStop
from csmsd.profiles.core.reset import Reset
from csmsd.profiles.firmware_management.get_diagnostics import GetDiagnostics
from csmsd.profiles.refusal import CannotSend
from tests.csmsd.profiles.scene import NOON, SECOND, Scene

Course = Callable[[Scene], object]


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.cp.connected_at = NOON
    return made


def see(scene: Scene, operation: Operation, state: str | None = None, status: str = "Accepted") -> Observation:
    """What is seen of a command that was sent at noon."""
    (request,) = operation.steps(scene.target())
    return operation.effect(state).look(Sent(request, NOON, status, scene.target()))


def test_every_effect_has_a_word_of_its_own_and_events() -> None:
    for name, declared in operations().items():
        states = [effect.state for effect in declared.effects]
        assert len(set(states)) == len(states), name
        for effect in declared.effects:
            assert effect.state == effect.state.casefold()
            assert effect.events, name


POWER = {"value": "7000", "measurand": "Power.Active.Import", "unit": "W"}

# what came since → the word for what is so, reached, failed
STARTS: dict[str, tuple[Course, str, bool, bool]] = {
    "nothing": (lambda scene: None, "connected", False, False),
    "preparing": (lambda scene: scene.status(1, "Preparing"), "Preparing", False, False),
    "charging without a transaction": (lambda scene: scene.status(1, "Charging"), "Charging", False, False),
    "another tag": (lambda scene: (scene.start(idTag="TAG2"), scene.status(1, "Charging")), "Charging", False, True),
    "another tag elsewhere": (lambda scene: scene.start(idTag="TAG2", connectorId=2), "connected", False, False),
    "refused": (
        lambda scene: (scene.tag("TAG1", blocked=True), scene.start(), scene.status(1, "Charging")),
        "Charging",
        False,
        True,
    ),
    "another connector": (lambda scene: scene.start(connectorId=2), "connected", False, False),
    "started": (lambda scene: scene.start(), "connected", False, False),
    "charging, then started": (lambda scene: (scene.status(1, "Charging"), scene.start()), "Charging", True, False),
    "in another case": (
        lambda scene: (scene.start(idTag="tag1"), scene.status(1, "Charging")),
        "Charging",
        True,
        False,
    ),
    "power": (lambda scene: (scene.start(), scene.meter(POWER)), "connected", True, False),
    "energy": (lambda scene: (scene.start(), scene.meter("1001")), "connected", True, False),
    "no energy": (lambda scene: (scene.start(), scene.meter("1000")), "connected", False, False),
    "over, with energy": (lambda scene: scene.stop(scene.started(), meterStop=1500), "stopped", True, False),
    "over, without": (lambda scene: scene.stop(scene.started(), meterStop=1000), "stopped", False, True),
}


@pytest.mark.parametrize("course", STARTS)
def test_charging(scene: Scene, course: str) -> None:
    scene.tag("TAG2")
    act, state, reached, failed = STARTS[course]
    scene.now += SECOND
    act(scene)
    sight = see(scene, RemoteStart(tag="TAG1", connector=1))
    assert (sight.state, sight.reached, sight.failed is not None) == (state, reached, failed)


@pytest.mark.parametrize("state", ["started", "charging"])
@pytest.mark.parametrize(
    ("course", "why"),
    [
        (
            lambda scene: (scene.tag("TAG1", max_transactions=1), scene.start(connectorId=2), scene.start()),
            "its idTag TAG1 was answered ConcurrentTx",
        ),
        (lambda scene: (scene.tag("TAG1", blocked=True), scene.start()), "its idTag TAG1 was answered Blocked"),
        (lambda scene: (scene.site.id_tags.clear(), scene.start()), "its idTag TAG1 was answered Invalid"),
        (lambda scene: scene.start(idTag="TAG2"), "with idTag TAG2, not with TAG1"),
    ],
)
def test_a_start_that_came_to_nothing_says_why(scene: Scene, course: Course, why: str, state: str) -> None:
    scene.tag("TAG2")
    scene.now += SECOND
    course(scene)
    sight = see(scene, RemoteStart(tag="TAG1", connector=1), state)
    assert (sight.reached, why in (sight.failed or "")) == (False, True)


def test_on_which_connector_it_begins_is_known_when_there_is_one(scene: Scene) -> None:
    scene.tag("TAG2")
    scene.status(1, "Available")
    scene.now += SECOND
    scene.start(idTag="TAG2")
    assert "not with TAG1" in (see(scene, RemoteStart(tag="TAG1")).failed or "")
    scene.status(2, "Available")
    assert see(scene, RemoteStart(tag="TAG1")).failed is None


def test_a_stop_is_waited_for_until_it_comes(scene: Scene) -> None:
    first = scene.started()
    scene.now += SECOND
    scene.started(meterStart=2000)  # the first is given up
    waiting = see(scene, RemoteStop(transaction=first.id))
    assert (waiting.state, waiting.reached, waiting.failed) == ("abandoned", False, None)
    scene.stop(first, meterStop=3000)
    assert see(scene, RemoteStop(transaction=first.id)).reached


def test_a_transaction_from_before_is_not_what_was_begun(scene: Scene) -> None:
    scene.now -= SECOND
    scene.start()
    scene.status(1, "Charging")
    scene.now += 2 * SECOND
    sight = see(scene, RemoteStart(tag="TAG1"), "started")
    assert not sight.reached


@pytest.mark.parametrize(
    ("booted", "registration", "reached"),
    [(NOON - SECOND, "Accepted", False), (NOON, "Accepted", False), (NOON + 1, "Accepted", True),
     (NOON + 1, "Pending", False)],
)  # fmt: skip
def test_rebooted_is_a_boot_after_the_call_that_was_accepted(
    scene: Scene, booted: int, registration: str, reached: bool
) -> None:
    scene.cp.record.booted_at = booted
    scene.cp.record.boot_status = registration  # type: ignore[assignment]
    assert see(scene, Reset(type="Soft")).reached is reached


# connector, asked for, statuses by connector, reached
AVAILABILITY = [
    (1, "Inoperative", {1: "Unavailable", 2: "Available"}, True),
    (1, "Inoperative", {1: "Charging"}, False),
    (1, "Inoperative", {}, False),
    (1, "Operative", {1: "Faulted"}, True),
    (1, "Operative", {}, False),
    (0, "Inoperative", {0: "Unavailable", 1: "Unavailable", 2: "Charging"}, False),
    (0, "Inoperative", {1: "Unavailable", 2: "Unavailable"}, True),
    (0, "Inoperative", {0: "Unavailable"}, True),
    (0, "Operative", {0: "Available", 1: "Available", 2: "Unavailable"}, False),
    (0, "Operative", {0: "Unavailable", 1: "Available"}, True),
]


@pytest.mark.parametrize(("connector", "asked", "statuses", "reached"), AVAILABILITY)
def test_availability(scene: Scene, connector: int, asked: str, statuses: dict[int, str], reached: bool) -> None:
    for number, status in statuses.items():
        scene.status(number, status)
    operation = ChangeAvailability(connector=connector, type=asked)  # type: ignore[arg-type]
    sight = see(scene, operation, status="Scheduled")
    assert (sight.reached, sight.open_ended) == (reached, True)
    assert operation.effect(None).state == asked.casefold()


def test_an_effect_that_the_parameters_speak_against() -> None:
    with pytest.raises(CannotSend, match="inoperative does not make it operative"):
        ChangeAvailability(connector=1, type="Inoperative").effect("operative")
    assert GetDiagnostics(location="ftp://192.0.2.1/").effect(None).state == "uploaded"
    assert GetDiagnostics().effect(None).state == "received"
    with pytest.raises(CannotSend, match="charging or started"):
        RemoteStart(tag="TAG1").effect("stopped")
