"""Firmware, updates, diagnostics and rollouts as operators see them."""

from typing import Any

import pytest

from csmsd.control.firmware_views import (
    diagnostics_upload_view,
    firmware_image_view,
    firmware_update_view,
    rollout_member_view,
    rollout_view,
)
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.firmware_management.updates import FirmwareImage, FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from tests.csmsd.control.filled import all_shown, filled
from tests.csmsd.profiles.scene import NOON


def test_an_image() -> None:
    assert all_shown(FirmwareImage, firmware_image_view) == set(firmware_image_view(filled(FirmwareImage)))
    assert "stored" not in firmware_image_view(filled(FirmwareImage)), "its name on our disk is nobody's business"


def test_an_update() -> None:
    view = firmware_update_view(filled(FirmwareUpdate, id=8))
    assert set(view) - all_shown(FirmwareUpdate, firmware_update_view) == {"task", "ended", "confirmed"}
    assert (view["task"], view["ended"], view["confirmed"]) == (8, False, True)
    assert "token_hash" not in view
    assert firmware_update_view(filled(FirmwareUpdate, state="installed"))["ended"]
    assert not firmware_update_view(filled(FirmwareUpdate, confirmed_at=None))["confirmed"]


def test_an_upload() -> None:
    view = diagnostics_upload_view(filled(DiagnosticsUpload, id=8, received_at=None))
    assert set(view) - all_shown(DiagnosticsUpload, diagnostics_upload_view) == {"task", "ended", "hosted", "kept"}
    assert (view["task"], view["ended"], view["hosted"], view["kept"]) == (8, False, True, True)
    bare = diagnostics_upload_view(filled(DiagnosticsUpload, token_hash=None, stored=None))
    assert (bare["ended"], bare["hosted"], bare["kept"]) == (True, False, False)


COUNTED = {"charge_points", "waiting", "updating", "done", "failed", "cancelled"}


def test_a_rollout() -> None:
    members = [
        filled(RolloutMember, state=state)
        for state, number in (("waiting", 5), ("updating", 4), ("done", 3), ("failed", 2), ("cancelled", 1))
        for _ in range(number)
    ]
    view = rollout_view(filled(Rollout, state="running"), members, "a window")
    shown = all_shown(Rollout, lambda rollout: rollout_view(rollout, [], None))
    assert set(view) - shown == {"waits_for", "signed", *COUNTED}
    assert {key: view[key] for key in COUNTED} == {
        "charge_points": 15,
        "waiting": 5,
        "updating": 4,
        "done": 3,
        "failed": 2,
        "cancelled": 1,
    }


@pytest.mark.parametrize(("state", "waits"), [("running", "a window"), ("paused", None), ("done", None)])
def test_what_a_rollout_waits_for_while_it_runs(state: str, waits: str | None) -> None:
    assert rollout_view(filled(Rollout, state=state), [], "a window")["waits_for"] == waits


def member(update: FirmwareUpdate | None, *, canary: bool = False, **fields: Any) -> dict[str, Any]:
    return rollout_member_view(filled(RolloutMember, **fields), update, canary=canary)


def test_a_charge_point_of_a_rollout() -> None:
    update = filled(FirmwareUpdate)
    view = member(update, canary=True, update_id=8)
    shown = all_shown(RolloutMember, lambda one: rollout_member_view(one, update, canary=False))
    assert set(view) - shown == {"canary", "task", "reported", "version_before", "version_after", "confirmed"}
    assert (view["canary"], view["task"], view["confirmed"]) == (True, 8, True)
    for key in ("reported", "version_before", "version_after"):
        assert view[key] == getattr(update, key)


def test_one_that_was_not_begun() -> None:
    view = member(None, update_id=None, note=None)
    for key in ("task", "reported", "version_before", "version_after", "note"):
        assert view[key] is None, key
    assert (view["canary"], view["confirmed"]) == (False, False)


def test_an_update_that_is_not_confirmed() -> None:
    assert not member(filled(FirmwareUpdate, confirmed_at=None))["confirmed"]
    assert member(filled(FirmwareUpdate, confirmed_at=NOON))["confirmed"]


@pytest.mark.parametrize(
    ("note", "error", "told"), [("gone", "bad", "gone"), (None, "bad", "bad"), ("", "bad", "bad"), (None, None, None)]
)
def test_why_it_failed_is_in_its_own_words_or_in_those_of_its_update(
    note: str | None, error: str | None, told: str | None
) -> None:
    assert member(filled(FirmwareUpdate, error=error), note=note)["note"] == told
