"""CancelReservation (C 5.1)."""

import pytest

from csmsd.profiles import operations
from tests.csmsd.profiles.reservation.reserving import Reserving


@pytest.fixture
def scene() -> Reserving:
    return Reserving()


@pytest.mark.parametrize(("answer", "state"), [("Accepted", "cancelled"), ("Rejected", "failed")])
def test_cancelling(scene: Reserving, answer: str, state: str) -> None:
    reservation = scene.reserve()
    scene.cancel(reservation.id, answer)
    assert reservation.state == state
    scene.cancel(reservation.id, "Accepted")
    assert reservation.state == state


def test_checks_before_cancelling(scene: Reserving) -> None:
    """TC_052 needs --force: the charge point is the one that answers."""
    cancel = operations()["cancel-reservation"]
    assert scene.warning(cancel(id=9)) == "reservation 9 is not known on CP1"
    reservation = scene.reserve()
    assert scene.warning(cancel(id=reservation.id)) is None
    scene.cancel(reservation.id)
    assert scene.warning(cancel(id=reservation.id)) == f"reservation {reservation.id} is cancelled already"


@pytest.mark.parametrize(("number", "said"), [(1, "reservation 1 is cancelled already"), (9, "9 is not known on CP1")])
def test_a_refusal_is_told_by_what_is_known(scene: Reserving, number: int, said: str) -> None:
    scene.cancel(scene.reserve().id)
    assert said in str(scene.why("CancelReservation", {"reservationId": number}, {"status": "Rejected"}))
    assert scene.why("CancelReservation", {"reservationId": number}, {"status": "Accepted"}) is None
