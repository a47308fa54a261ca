"""The cases about reservations: with one value of csmsd wrong, its case is not passed."""

import pytest

from csmsctl.conformance.cases import reservation
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import Wrong, cases_of, find, wrong_values
from tests.csmsctl.conformance.spoiling import ABSENT

WRONG: Wrong = {
    "TC_046": [("ReserveNow", "connectorId", 2), ("ReserveNow", "idTag", "SOMEBODY")],
    "TC_047": [("ReserveNow", "expiryDate", "2036-01-01T00:00:00.000Z")],
    "TC_048_1": [("ReserveNow", "connectorId", 0)],
    "TC_048_2": [("ReserveNow", "idTag", "SOMEBODY")],
    "TC_048_3": [("ChangeAvailability", "type", "Operative"), ("ReserveNow", "connectorId", 2)],
    "TC_048_4": [("ReserveNow", "reservationId", 0)],
    "TC_049": [("ReserveNow", "connectorId", 1)],
    "TC_051": [("CancelReservation", "reservationId", 1_000_000)],
    "TC_052": [("CancelReservation", "reservationId", 1)],
    "TC_053": [("ReserveNow", "parentIdTag", ABSENT), ("Authorize.conf", "idTagInfo.parentIdTag", "SOMEBODY")],
}


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(WRONG) == cases_of(reservation)


@pytest.mark.parametrize(("name", "action", "path", "value"), wrong_values(WRONG))
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await find(name, action, path, value, private_csmsd, monkeypatch)
