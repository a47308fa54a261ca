"""RemoteStopTransaction (C 5.12; TC_012, TC_028)."""

import pytest

from csmsd.profiles.core.remote_stop_transaction import (
    RemoteStop,
    RemoteStopTransactionConf,
    RemoteStopTransactionReq,
)
from csmsd.profiles.refusal import CannotSend, NotThere
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import Scene


def test_valid() -> None:
    assert_valid(RemoteStopTransactionReq, {"transactionId": 1})
    assert_valid(RemoteStopTransactionConf, {"status": "Accepted"})
    assert_valid(RemoteStopTransactionConf, {"status": "Rejected"})


@pytest.fixture
def scene() -> Scene:
    """Transaction 1 runs on connector 1 of CP1, transaction 2 on connector 2; transaction 3 ended; 4 is on CP2."""
    scene = Scene()
    scene.register("CP2", boot_status="Accepted")
    scene.start(connectorId=1)
    scene.start(connectorId=2)
    scene.stop(scene.started(connectorId=3))
    scene.start(by="CP2")
    return scene


@pytest.mark.parametrize(
    ("operation", "charge_point", "transaction"),
    [
        (RemoteStop(connector=1), "CP1", 1),
        (RemoteStop(connector=2), "CP1", 2),
        (RemoteStop(), "CP2", 4),
        (RemoteStop(transaction=2), "CP1", 2),
        (RemoteStop(transaction=2, connector=1), "CP1", 2),
        (RemoteStop(transaction=4711), "CP1", 4711),  # the charge point is the one that answers (TC_028)
    ],
)
def test_the_transaction_that_is_meant(
    scene: Scene, operation: RemoteStop, charge_point: str, transaction: int
) -> None:
    assert scene.asks(operation, of=charge_point) == [{"transactionId": transaction}]


def test_with_several_that_run_the_choice_is_left_to_the_operator(scene: Scene) -> None:
    with pytest.raises(CannotSend, match=r"1 \(connector 1\), 2 \(connector 2\)"):
        scene.asks(RemoteStop())


@pytest.mark.parametrize("connector", [3, 4])
def test_where_nothing_runs_nothing_is_sent(scene: Scene, connector: int) -> None:
    with pytest.raises(NotThere, match=f"connector {connector} of CP1"):
        scene.asks(RemoteStop(connector=connector))


def test_of_two_on_one_connector_the_choice_is_left_to_the_operator() -> None:
    scene = Scene()
    scene.start()
    scene.start(timestamp="2026-03-01T09:00:00Z")  # from a backlog: it abandons nothing newer

    with pytest.raises(CannotSend, match="Several"):
        scene.asks(RemoteStop(connector=1))


def test_the_charge_point_is_found_by_the_transaction(scene: Scene) -> None:
    assert RemoteStop(transaction=4).implied_target(scene.site) == "CP2"
    with pytest.raises(NotThere, match="4711"):
        RemoteStop(transaction=4711).implied_target(scene.site)
    with pytest.raises(CannotSend):
        RemoteStop(connector=1).implied_target(scene.site)


@pytest.mark.parametrize(
    ("operation", "charge_point", "warning"),
    [
        (RemoteStop(transaction=1), "CP1", None),
        (RemoteStop(transaction=3), "CP1", "is stopped already"),
        (RemoteStop(transaction=4711), "CP1", "not known on CP1"),
        (RemoteStop(transaction=4), "CP1", "not known on CP1"),
        (RemoteStop(transaction=4), "CP2", None),
    ],
)
def test_what_speaks_against_it(scene: Scene, operation: RemoteStop, charge_point: str, warning: str | None) -> None:
    found = scene.warning(operation, of=charge_point)

    assert (found is None) == (warning is None)
    assert (warning or "") in (found or "")


def test_a_pending_charge_point_must_not_be_asked(scene: Scene) -> None:
    scene.cp.record.boot_status = "Pending"

    assert "Pending" in (scene.warning(RemoteStop(transaction=1)) or "")
