"""Authorize (C 4.1; TC_023, TC_053)."""

from typing import Any

import pytest

from csmsd.ocpp.errors import OcppError
from csmsd.profiles.core.authorize import AuthorizeConf, AuthorizeReq
from csmsd.profiles.policies import Policies
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, NOON, Scene


@pytest.mark.parametrize(
    ("message_type", "payload"),
    [
        (AuthorizeReq, {"idTag": "x" * 20}),
        (AuthorizeReq, {"idTag": ""}),
        (AuthorizeConf, {"idTagInfo": {"status": "Invalid"}}),
        (AuthorizeConf,
         {"idTagInfo": {"expiryDate": "2026-03-01T12:00:00.000Z", "parentIdTag": "P", "status": "ConcurrentTx"}}),
    ],
)  # fmt: skip
def test_valid(message_type: Any, payload: dict[str, Any]) -> None:
    assert_valid(message_type, payload)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({}, "OccurenceConstraintViolation"),
        ({"idTag": None}, "TypeConstraintViolation"),
        ({"idTag": ["A"]}, "TypeConstraintViolation"),
        ([], "FormationViolation"),
    ],
)
def test_refused(payload: object, code: str) -> None:
    with pytest.raises(OcppError, match=code):
        Scene().send("Authorize", payload)


@pytest.mark.parametrize(
    ("id_tag", "info"),
    [
        ("TAG1", {"status": "Accepted"}),
        ("tag1", {"status": "Accepted"}),
        ("NOBODY", {"status": "Invalid"}),
        ("", {"status": "Invalid"}),
        ("x" * 3000, {"status": "Invalid"}),
        ("LOST", {"status": "Blocked"}),
        ("OLD", {"expiryDate": "2026-03-01T11:00:00.000Z", "status": "Expired"}),
        ("GUEST", {"expiryDate": "2026-03-01T13:00:00.000Z", "status": "Accepted"}),
        ("CHILD", {"parentIdTag": "FAMILY", "status": "Accepted"}),
        # CE 3.73: a parent is only ever compared with other tags' parents, never taken for a tag itself.
        ("FAMILY", {"status": "Invalid"}),
    ],
)
def test_status(id_tag: str, info: dict[str, str]) -> None:
    scene = Scene()
    scene.tag("LOST", blocked=True)
    scene.tag("OLD", expires_at=NOON - HOUR)
    scene.tag("GUEST", expires_at=NOON + HOUR)
    scene.tag("CHILD", parent="FAMILY")

    answer = scene.send("Authorize", {"idTag": id_tag})

    assert answer.payload == {"idTagInfo": info}
    assert answer.changes == []  # nothing is kept: the answer does not wait for the disk
    assert answer.event("tag.authorized")["status"] == info["status"]


def test_a_tag_that_is_charging_is_still_authorized() -> None:
    """C 7.2: ConcurrentTx is only for StartTransaction; the tag has to be able to stop."""
    scene = Scene()
    scene.tag("ONCE", max_transactions=1)
    scene.start(idTag="ONCE")

    assert scene.send("Authorize", {"idTag": "ONCE"}).payload == {"idTagInfo": {"status": "Accepted"}}


def test_unknown_tags_may_be_let_in_by_policy() -> None:
    scene = Scene(Policies(unknown_id_tags="Accepted"))

    assert scene.send("Authorize", {"idTag": "NOBODY"}).payload == {"idTagInfo": {"status": "Accepted"}}
