"""An upgrade as a record: which profiles are admitted until a connection has decided."""

import pytest

from csmsd.profiles.core.security_profiles import admitted_profiles
from csmsd.profiles.security.upgrades import SecurityUpgrade, SecurityUpgrades, UpgradeState
from tests.csmsd.profiles.scene import NOON, SECOND, Scene


def upgrade(state: UpgradeState = "asked", *, before: int = 1, to: int = 2) -> SecurityUpgrade:
    return SecurityUpgrade(
        id=1,
        charge_point="CP1",
        from_profile=before,
        to_profile=to,
        state=state,
        created_at=NOON,
        changed_at=NOON,
        expires_at=NOON + 300 * SECOND,
    )


@pytest.mark.parametrize(
    ("state", "admitted"),
    [
        ("asked", {1, 2}),
        ("accepted", {1, 2}),
        ("expired", {1, 2}),  # csmsd may have been away: nobody is locked out for that
        ("fell_back", {1, 2}),  # it may try again, or another one have come in its place
        ("refused", {1}),
        ("confirmed", {1}),  # by then the registered one is the new one
    ],
)
def test_which_profiles_are_admitted(state: UpgradeState, admitted: set[int]) -> None:
    scene = Scene()
    scene.cp.record.security_profile = 1
    scene.cp.upgrade = upgrade(state)
    assert admitted_profiles(scene.cp) == admitted
    scene.cp.upgrade = upgrade(state, to=3)
    scene.cp.upgrade.earlier = [1, 2]
    assert admitted_profiles(scene.cp) == ({1, 2, 3} if 2 in admitted else {1}), "also what it was asked for before"
    scene.cp.record.security_profile = 3
    assert admitted_profiles(scene.cp) == {3}, "an operator has raised it since"
    scene.cp.record.security_profile = 1
    scene.cp.upgrade = None
    assert admitted_profiles(scene.cp) == {1}


def test_it_is_told_as_it_is() -> None:
    one = upgrade()
    news = one.move("fell_back", NOON + SECOND, "it came back")
    assert (news.type, news.charge_point) == ("security.upgrade", "CP1")
    assert (news.data["state"], news.data["reason"]) == ("fell_back", "it came back")
    assert news.data["changed_at"] == "2026-03-01T12:00:01.000Z"
    assert not one.open


def test_the_newest_of_each_counts() -> None:
    book = SecurityUpgrades()
    book.begin_ids_after(7)
    assert book.new_id() == 8
    first, second = upgrade(), upgrade("accepted")
    book.put(first)
    book.put(second)
    assert book.of("cp1") is second
    assert list(book) == [second]
    book.removed("CP1")
    assert book.of("CP1") is None
