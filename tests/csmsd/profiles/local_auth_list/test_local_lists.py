"""What a charge point's list holds, by what was sent and by what it says; and what it should hold."""

import pytest

from csmsd.ocpp.types import IdTagInfo
from csmsd.profiles.core.charge_points import ConfigurationKey
from csmsd.profiles.local_auth_list.entries import AuthorizationData, Update
from csmsd.profiles.local_auth_list.local_lists import (
    LARGEST_VERSION,
    LocalList,
    LocalLists,
    local_list_limit,
    wanted_local_list,
)
from tests.csmsd.profiles.scene import HOUR, NOON, Scene


def entry(name: str, status: str | None = "Accepted") -> AuthorizationData:
    return AuthorizationData(id_tag=name, id_tag_info=None if status is None else IdTagInfo(status=status))  # type: ignore[arg-type]


def full(*names: str) -> Update:
    return Update(full=True, entries=[entry(name) for name in names])


def names(known: LocalList) -> set[str] | None:
    return None if known.content is None else {one.id_tag for one in known.content.values()}


@pytest.mark.parametrize(
    ("last", "version", "following"),
    [(0, None, 1), (0, -1, 1), (0, 0, 1), (7, 3, 8), (3, 7, 8), (LARGEST_VERSION - 1, 0, LARGEST_VERSION)],
)
def test_the_next_version_is_higher_than_any_before(last: int, version: int | None, following: int) -> None:
    assert LocalList(charge_point="CP1", last_version=last, version=version).next_version() == following


def test_when_integers_end_it_begins_anew() -> None:
    assert LocalList(charge_point="CP1", last_version=LARGEST_VERSION).next_version() == 1


def sent(known: LocalList, update: Update, version: int, status: str) -> LocalList:
    known.intend(update, version)
    known.answered(update, version, status, NOON)  # type: ignore[arg-type]
    return known


def test_what_was_accepted_is_what_it_has() -> None:
    known = sent(LocalList(charge_point="CP1"), full("A", "B"), 1, "Accepted")
    assert (names(known), known.version, known.accepted_at, known.verified_at) == ({"A", "B"}, 1, NOON, None)
    sent(known, Update(full=False, entries=[entry("C"), entry("a", None)]), 2, "Accepted")
    assert (names(known), known.version) == ({"B", "C"}, 2)


def test_a_change_of_what_nobody_knows_stays_unknown() -> None:
    known = sent(LocalList(charge_point="CP1"), Update(full=False, entries=[entry("C")]), 1, "Accepted")
    assert (names(known), known.version) == (None, 1)


@pytest.mark.parametrize("status", ["Failed", "VersionMismatch"])
def test_after_a_failure_only_a_full_list_is_certain(status: str) -> None:
    known = sent(LocalList(charge_point="CP1"), full("A"), 1, "Accepted")
    sent(known, full("B"), 2, status)
    assert (names(known), known.version, known.supported, known.pending_version) == (None, 1, True, None)


def test_one_that_does_not_support_it_has_none_until_it_says_otherwise() -> None:
    known = sent(LocalList(charge_point="CP1"), full("A"), 1, "NotSupported")
    assert (known.supported, names(known)) == (False, None)
    known.reported(0, NOON)
    assert (known.supported, names(known)) == (True, set())
    known.reported(-1, NOON)
    assert (known.supported, names(known)) == (False, None)


@pytest.mark.parametrize(
    ("version", "holds"),
    [(1, {"A"}), (2, {"B"}), (3, None), (0, set())],  # the old one, the new one, somebody else's, none
)
def test_whether_a_lost_update_arrived_is_told_by_the_version(version: int, holds: set[str] | None) -> None:
    known = sent(LocalList(charge_point="CP1"), full("A"), 1, "Accepted")
    known.intend(full("B"), 2)
    known.reported(version, NOON + HOUR)
    assert (names(known), known.version, known.pending_version) == (holds, version, None)
    assert known.verified_at == (None if holds is None else NOON + HOUR)
    assert known.next_version() == max(2, version) + 1


def test_lists_are_found_in_any_case_and_forgotten() -> None:
    lists = LocalLists()
    lists.get("CP1").version = 5
    assert lists.get("cp1").version == 5
    lists.forget("Cp1")
    assert lists.get("CP1").version is None


def test_a_tag_with_labels_goes_where_one_of_them_is() -> None:
    scene = Scene()
    scene.cp.record.labels = ["North"]
    scene.tag("HERE", labels=["south", "NORTH"])
    scene.tag("THERE", labels=["south"])
    scene.tag("LOST", blocked=True)
    scene.tag("OLD", expires_at=NOON - 1)
    found = wanted_local_list(scene.site.id_tags, scene.cp, NOON)
    told = {one.id_tag: one.id_tag_info.status for one in found.values() if one.id_tag_info is not None}
    assert told == {"TAG1": "Accepted", "HERE": "Accepted", "LOST": "Blocked", "OLD": "Expired"}


@pytest.mark.parametrize(("value", "most"), [("10", 10), ("0", None), ("-1", None), ("many", None), (None, None)])
def test_a_limit_that_makes_no_sense_is_none(value: str | None, most: int | None) -> None:
    scene = Scene()
    if value is not None:
        scene.cp.configuration["localauthlistmaxlength"] = ConfigurationKey(
            charge_point="CP1", name="LocalAuthListMaxLength", value=value, readonly=True, reported_at=NOON
        )
    assert local_list_limit(scene.cp, "LocalAuthListMaxLength") == most
