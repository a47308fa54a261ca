"""Who may charge (C 4.1, 7.27)."""

from typing import Any

import msgspec
import pytest

from csmsd.ocpp.types import AuthorizationStatus
from csmsd.profiles.core.id_tags import IdTag, authorization_status_of_id_tag, id_tag_info
from tests.csmsd.profiles.scene import HOUR, NOON


def tag(**fields: Any) -> IdTag:
    return IdTag(id="TAG1", created_at=NOON, **fields)


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (tag(), "Accepted"),
        (tag(expires_at=NOON + 1), "Accepted"),
        (tag(expires_at=NOON), "Expired"),
        (tag(expires_at=NOON - HOUR), "Expired"),
        (tag(blocked=True), "Blocked"),
        (tag(blocked=True, expires_at=NOON - HOUR), "Blocked"),
        (tag(max_transactions=0), "Accepted"),  # StartTransaction's question
        (None, "Invalid"),
    ],
)
def test_status(known: IdTag | None, status: AuthorizationStatus) -> None:
    assert authorization_status_of_id_tag(known, NOON, unknown="Invalid") == status


def test_unknown_tags_may_be_accepted() -> None:
    assert authorization_status_of_id_tag(None, NOON, unknown="Accepted") == "Accepted"


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (None, {"status": "Accepted"}),
        (tag(), {"status": "Accepted"}),
        (tag(parent="GROUP"), {"parentIdTag": "GROUP", "status": "Accepted"}),
        (tag(expires_at=NOON), {"expiryDate": "2026-03-01T12:00:00.000Z", "status": "Accepted"}),
    ],
)
def test_what_a_charge_point_is_told(known: IdTag | None, told: dict[str, str]) -> None:
    assert msgspec.to_builtins(id_tag_info(known, "Accepted")) == told
