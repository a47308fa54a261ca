"""Profiles that were not raised, or are too low, and keys in doubt: in words that say what to do."""

import pytest

from csmsd.control.problems.charge_points import problems_of_charge_point
from csmsd.control.problems.problem import Problem
from csmsd.control.problems.securing import securing_problems
from csmsd.profiles.core.charge_points import Secured
from csmsd.profiles.core.refused_connections import Reason
from csmsd.profiles.policies import Security
from csmsd.profiles.security.upgrades import SecurityUpgrade, UpgradeState
from tests.csmsd.profiles.scene import NOON, SECOND, Scene


def raised(scene: Scene, state: UpgradeState, reason: str | None = None, to: int = 2) -> SecurityUpgrade:
    upgrade = SecurityUpgrade(
        id=1,
        charge_point="CP1",
        from_profile=0,
        to_profile=to,
        state=state,
        created_at=NOON - 10 * SECOND,
        changed_at=NOON,
        expires_at=NOON,
        reason=reason,
    )
    scene.cp.upgrade = upgrade
    return upgrade


def found(scene: Scene) -> Problem:
    [one] = securing_problems(scene.cp, scene.site, NOON)
    assert one in problems_of_charge_point(scene.cp, scene.site, NOON)
    return one


@pytest.mark.parametrize("state", ["preparing", "asked", "accepted", "confirmed", "refused"])
def test_what_goes_on_or_was_told_at_once_is_none(state: UpgradeState) -> None:
    scene = Scene()
    raised(scene, state)
    assert list(securing_problems(scene.cp, scene.site, NOON)) == []


def test_a_fall_back() -> None:
    scene = Scene()
    raised(scene, "fell_back", "it came back with security profile 0 instead of 2")
    one = found(scene)
    assert (one.kind, one.next) == ("upgrade_fell_back", "csmsctl cp secure CP1 --to 2 --wait")
    assert one.text == (
        "fell back from security profile 2: it came back with security profile 0 instead of 2. Nothing of it came by "
        "TLS: is that let through all the way, and does it trust csmsd's certificate?"
    )
    raised(scene, "fell_back", "it came back with security profile 0 instead of 1", to=1)
    assert found(scene).text.endswith("It may not have taken its key")
    scene.cp.record.security_profile = 1
    assert list(securing_problems(scene.cp, scene.site, NOON)) == [], "an operator has settled it"


def test_a_fall_back_after_something_was_refused() -> None:
    scene = Scene()
    scene.cp.address = "192.0.2.7"
    raised(scene, "fell_back", "it came back with security profile 0 instead of 2")
    seen: list[tuple[str, Reason, int]] = [
        ("192.0.2.8", "tls_suite", NOON),
        ("192.0.2.7", "tls_version", NOON - 20 * SECOND),
        ("192.0.2.7", "tls_certificate", NOON - SECOND),
    ]
    for address, reason, at in seen:
        scene.site.refused.note(None, address, reason, at, registered=False, detail="unknown ca")
    assert "Refused meanwhile: " in found(scene).text
    assert "unknown ca" in found(scene).text


def test_one_that_hangs() -> None:
    scene = Scene()
    raised(scene, "expired")
    scene.cp.connected_at = NOON - 600 * SECOND
    one = found(scene)
    assert (one.kind, one.next) == ("upgrade_hangs", "csmsctl cp disconnect CP1")
    assert one.text.endswith("and has not connected anew")
    scene.cp.record.reboot_required = True
    assert found(scene).next == "csmsctl reset CP1 --type soft"
    scene.cp.connected_at = None
    assert "has not come back, though it is let in with 0 as well" in found(scene).text


def test_one_that_a_killed_csmsd_has_left() -> None:
    scene = Scene()
    raised(scene, "interrupted", "csmsd ended while a new key was on its way to it")
    one = found(scene)
    assert (one.kind, one.next) == ("upgrade_interrupted", "csmsctl cp secure CP1 --to 2 --wait")
    assert "csmsd ended while a new key" in one.text


def test_a_key_that_nobody_knows_of() -> None:
    scene = Scene()
    scene.cp.record.password_hash_next = "scrypt$"
    assert list(securing_problems(scene.cp, scene.site, NOON)) == [], "no key is asked for"
    scene.cp.record.security_profile = 1
    assert (found(scene).kind, found(scene).next) == ("key_undecided", "csmsctl reset CP1 --type soft")


def test_below_what_is_least() -> None:
    scene = Scene()
    scene.site.security.policy = Security(minimum_profile=2)
    scene.cp.record.security_profile = 1
    assert found(scene).text == "may come, since it is registered with 1; security.minimum_profile is 2"
    scene.cp.connected_at, scene.cp.secured = NOON, Secured(1)
    one = found(scene)
    assert (one.kind, one.next) == ("below_minimum_profile", "csmsctl cp secure CP1 --to 2 --wait")
    assert one.text.startswith("is let in with security profile 1, ")
    raised(scene, "asked")
    assert list(securing_problems(scene.cp, scene.site, NOON)) == [], "it is being raised"
