"""What is sent so that a list becomes what it should be, against a charge point that keeps one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.profiles.local_auth_list.local_lists import wanted_local_list
from csmsd.profiles.local_auth_list.synchronization import synchronize, synchronize_block
from csmsd.profiles.refusal import CannotSend
from tests.csmsd.profiles.local_auth_list.listing import Listing
from tests.csmsd.profiles.scene import HOUR


@pytest.fixture
def scene() -> Listing:
    return Listing()


def in_sync(scene: Listing) -> bool:
    want = wanted_local_list(scene.site.id_tags, scene.cp, scene.now)
    return scene.known.content == want == scene.content and scene.known.version == scene.version


def test_an_empty_list_is_filled(scene: Listing) -> None:
    scene.tag("TAG2", parent="FAMILY", expires_at=scene.now + HOUR)
    scene.run(synchronize(scene.target()))
    assert scene.actions == ["GetLocalListVersion", "GetConfiguration", "SendLocalList", "GetLocalListVersion"]
    assert scene.sizes == [("Full", 1, 2)]
    assert in_sync(scene)
    assert scene.known.verified_at == scene.now
    info = scene.content["tag2"].id_tag_info
    assert info is not None
    assert (info.status, info.parent_id_tag, info.expiry_date) == ("Accepted", "FAMILY", "2026-03-01T13:00:00.000Z")


def test_only_changes_are_sent(scene: Listing) -> None:
    for number in range(2, 10):
        scene.tag(f"TAG{number}")
    scene.run(synchronize(scene.target()))
    scene.tag("TAG10")
    scene.tag("TAG9", blocked=True)
    del scene.site.id_tags["tag8"]
    scene.run(synchronize(scene.target()))
    assert scene.sizes == [("Full", 1, 9), ("Differential", 2, 3)]
    assert in_sync(scene)
    scene.run(synchronize(scene.target()))
    assert len(scene.sent) == 2


def test_what_expires_is_a_change(scene: Listing) -> None:
    scene.tag("TAG2", expires_at=scene.now + HOUR)
    scene.tag("TAG3")
    scene.run(synchronize(scene.target()))
    scene.now += HOUR
    assert not in_sync(scene)
    scene.run(synchronize(scene.target()))
    assert scene.sizes[1:] == [("Differential", 2, 1)]
    assert in_sync(scene)


def test_an_unsupported_list_is_left_alone(scene: Listing) -> None:
    """TC_042_1"""
    scene.version = -1
    scene.run(synchronize(scene.target()))
    assert scene.actions == ["GetLocalListVersion"]
    assert not scene.known.supported


def test_somebody_elses_list_is_replaced(scene: Listing) -> None:
    scene.version = 40
    scene.run(synchronize(scene.target()))
    assert scene.sizes == [("Full", 41, 1)]
    assert in_sync(scene)


@pytest.mark.parametrize("version", [2**31 - 1, 2**63 - 1])
def test_versions_begin_anew_where_integers_end(scene: Listing, version: int) -> None:
    scene.version = version
    scene.run(synchronize(scene.target()))
    scene.tag("TAG2")
    scene.tag("TAG3")
    scene.tag("TAG3", blocked=True)
    scene.run(synchronize(scene.target()))
    scene.tag("TAG3")
    scene.run(synchronize(scene.target()))
    assert [(kind, number) for kind, number, _ in scene.sizes] == [
        ("Full", 1),
        ("Differential", 2),
        ("Differential", 3),
    ]
    assert in_sync(scene)


@pytest.mark.parametrize("status", ["Failed", "VersionMismatch"])
def test_refused_changes_are_followed_by_the_full_list(scene: Listing, status: str) -> None:
    """C 5.15"""
    scene.tag("TAG2")
    scene.run(synchronize(scene.target()))
    scene.tag("TAG3")
    scene.answers = [status]
    scene.run(synchronize(scene.target()))
    assert scene.sizes[1:] == [("Differential", 2, 1), ("Full", 3, 3)]
    assert in_sync(scene)


@pytest.mark.parametrize("status", ["Failed", "VersionMismatch"])
def test_a_later_part_that_is_refused_is_followed_by_the_full_list(scene: Listing, status: str) -> None:
    """A part after the first is a change, be it of a full list: what the charge point made of it is not known."""
    scene.limits = {"SendLocalListMaxLength": "2", "LocalAuthListMaxLength": "10"}
    for number in range(2, 5):
        scene.tag(f"TAG{number}")
    scene.answers = ["Accepted", status]
    scene.run(synchronize(scene.target()))
    assert scene.sizes == [("Full", 1, 2), ("Differential", 2, 2), ("Full", 3, 2), ("Differential", 4, 2)]
    assert in_sync(scene)

    for number in range(5, 8):
        scene.tag(f"TAG{number}")
    scene.answers = ["Accepted", status]
    scene.run(synchronize(scene.target()))
    assert scene.sizes[4:6] == [("Differential", 5, 2), ("Differential", 6, 1)]
    assert scene.sizes[6:] == [("Full", 7, 2), ("Differential", 8, 2), ("Differential", 9, 2), ("Differential", 10, 1)]
    assert in_sync(scene)


def test_a_later_part_that_stays_refused_ends_it(scene: Listing) -> None:
    scene.limits = {"SendLocalListMaxLength": "2"}
    for number in range(2, 5):
        scene.tag(f"TAG{number}")
    scene.answers = ["Accepted", "Failed", "Accepted", "Failed"]
    scene.run(synchronize(scene.target()))
    assert len(scene.sent) == 4
    assert not in_sync(scene)


def test_a_refused_full_list_is_not_repeated(scene: Listing) -> None:
    scene.answers = ["Failed"]
    scene.run(synchronize(scene.target()))
    assert scene.sizes == [("Full", 1, 1)]
    assert scene.known.content is None


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_answer_is_cleared_up_by_the_version(scene: Listing, carried_out: bool) -> None:
    scene.run(synchronize(scene.target()))
    scene.tag("TAG2")
    scene.tag("TAG3")
    before = scene.version, scene.content
    scene.answers = [None]
    scene.run(synchronize(scene.target()))
    if not carried_out:
        scene.version, scene.content = before
    assert scene.known.pending_version == 2
    scene.run(synchronize(scene.target()))
    # A version is never used twice: nobody knows what became of the first message.
    assert scene.sizes[2:] == ([] if carried_out else [("Differential", 3, 2)])
    assert in_sync(scene)


def test_long_lists_go_in_parts(scene: Listing) -> None:
    """SendLocalListMaxLength"""
    scene.limits = {"SendLocalListMaxLength": "4", "LocalAuthListMaxLength": "10"}
    for number in range(2, 11):
        scene.tag(f"TAG{number}")
    scene.run(synchronize(scene.target()))
    assert scene.sizes == [("Full", 1, 4), ("Differential", 2, 4), ("Differential", 3, 2)]
    assert in_sync(scene)


def test_a_list_without_room_is_not_begun(scene: Listing) -> None:
    """LocalAuthListMaxLength"""
    scene.limits = {"LocalAuthListMaxLength": "1"}
    scene.tag("TAG2")
    with pytest.raises(CannotSend, match=r"CP1 has room for 1 idTags \(LocalAuthListMaxLength\), these are 2; labels"):
        scene.run(synchronize(scene.target()))
    assert scene.sent == []
    scene.tag("TAG2", labels=["elsewhere"])
    scene.run(synchronize(scene.target()))
    assert in_sync(scene)


@pytest.mark.parametrize(
    ("of_tag", "of_charge_point", "goes"),
    [
        ([], [], True),
        ([], ["north"], True),
        (["north"], [], False),
        (["north"], ["north"], True),
        (["North"], ["north"], True),
        (["north", "staff"], ["staff"], True),
        (["north"], ["south", "staff"], False),
    ],
)
def test_labels_choose_the_lists(scene: Listing, of_tag: list[str], of_charge_point: list[str], goes: bool) -> None:
    scene.tag("TAG2", labels=of_tag)
    scene.cp.record.labels = of_charge_point
    assert ("tag2" in wanted_local_list(scene.site.id_tags, scene.cp, scene.now)) == goes


def test_blocking_a_tag_in_a_list(scene: Listing) -> None:
    scene.tag("TAG2")
    scene.run(synchronize(scene.target()))
    blocked = scene.tag("TAG2", blocked=True)
    scene.run(synchronize_block(blocked, scene.target()))
    assert scene.sizes[1:] == [("Differential", 2, 1)]
    info = scene.content["tag2"].id_tag_info
    assert info is not None
    assert info.status == "Blocked"
    scene.run(synchronize_block(blocked, scene.target()))
    assert len(scene.sent) == 2


@pytest.mark.parametrize(("version", "messages"), [(-1, 0), (0, 0), (7, 1)])
def test_blocking_a_tag_in_a_list_that_is_not_known(scene: Listing, version: int, messages: int) -> None:
    scene.version = version
    scene.run(synchronize_block(scene.tag("TAG2", blocked=True), scene.target()))
    assert scene.sizes == [("Differential", 8, 1)] * messages
    assert scene.known.content in (None, {})


def test_a_list_without_the_tag_is_left_alone_when_it_is_blocked(scene: Listing) -> None:
    scene.run(synchronize(scene.target()))
    scene.run(synchronize_block(scene.tag("TAG2", blocked=True), scene.target()))
    assert len(scene.sent) == 1


@given(st.data())
def test_whatever_happens_the_next_sync_puts_it_right(data: st.DataObject) -> None:
    """Tags come and go, answers get lost, the charge point forgets, somebody else writes: no message is repeated."""
    scene = Listing()
    scene.limits = {"SendLocalListMaxLength": str(data.draw(st.integers(1, 4)))}
    for _ in range(data.draw(st.integers(1, 8))):
        for name in data.draw(st.sets(st.sampled_from(["A", "B", "C", "D", "E", "F"]))):
            if name.lower() in scene.site.id_tags and data.draw(st.booleans()):
                del scene.site.id_tags[name.lower()]
            else:
                scene.tag(name, blocked=data.draw(st.booleans()))
        match data.draw(st.sampled_from(["nothing", "forgotten", "foreign"])):
            case "forgotten":
                scene.version, scene.content = 0, {}
            case "foreign":
                scene.version, scene.content = scene.version + data.draw(st.integers(1, 3)), {}
        scene.answers = data.draw(
            st.lists(st.sampled_from(["Accepted", "Failed", "VersionMismatch", None]), max_size=4)
        )
        scene.run(synchronize(scene.target()))
    scene.answers = []
    scene.run(synchronize(scene.target()))
    scene.run(synchronize(scene.target()))
    assert in_sync(scene)
    versions = [request.list_version for request in scene.sent]
    assert versions == sorted(set(versions))
    assert all(version > 0 for version in versions)
