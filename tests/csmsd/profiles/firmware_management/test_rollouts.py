"""What comes next in a rollout, as tables: members as words, and who is begun with."""

from typing import Any

import pytest

from csmsd.profiles.firmware_management.rollouts import (
    Decision,
    Rollout,
    RolloutMember,
    Rollouts,
    Standing,
    decide_rollout,
    in_rollout_window,
    parse_rollout_window,
    rollout_event,
)
from csmsd.profiles.firmware_management.updates import FirmwareUpdate

NOON = 12 * 60


def rollout(**fields: Any) -> Rollout:
    return Rollout(**{"id": 1, "created_at": 0, "file": "acme.bin", **fields})


def standings(text: str) -> list[Standing]:
    """`done waiting offline waiting-busy waiting-other`: A, B, C … in that state; failed at time 5."""
    found = []
    for position, word in enumerate(text.split()):
        state, _, trait = word.partition("-")
        member = RolloutMember(
            rollout=1,
            charge_point="ABCDEFGH"[position],
            position=position,
            state="waiting" if state in ("offline",) else state,
            ended_at=5 if state in ("done", "failed", "cancelled") else None,
        )
        found.append(Standing(member, connected=state != "offline", idle=trait != "busy", free=trait != "other"))
    return found


@pytest.mark.parametrize(
    ("how", "members", "begin"),
    [
        ({}, "waiting waiting", "A"),
        ({"parallel": 2}, "waiting waiting waiting", "AB"),
        ({"parallel": 2}, "updating waiting waiting", "B"),
        ({"parallel": 2}, "updating updating waiting", ""),
        ({"parallel": 9}, "waiting waiting waiting", "ABC"),
        ({"parallel": 2}, "offline waiting waiting-other waiting", "BD"),
        ({"parallel": 2}, "waiting-busy waiting", "AB"),
        ({"parallel": 2, "only_idle": True}, "waiting-busy waiting", "B"),
        ({"parallel": 9, "canary": 1}, "waiting waiting", "A"),
        ({"parallel": 9, "canary": 2}, "waiting waiting waiting", "AB"),
        ({"parallel": 1, "canary": 2}, "updating waiting waiting", ""),
        ({"parallel": 9, "canary": 1}, "updating waiting waiting", ""),
        ({"parallel": 9, "canary": 1}, "offline waiting waiting", ""),
        ({"parallel": 9, "canary": 1}, "done waiting waiting", "BC"),
        ({"parallel": 9, "canary": 2}, "done updating waiting", ""),
        ({"parallel": 9, "max_failures": 1}, "failed waiting", "B"),
        ({"parallel": 9, "canary": 1, "resumed_at": 5}, "failed waiting waiting", "BC"),
        ({"parallel": 9, "state": "paused"}, "waiting waiting", ""),
        ({"parallel": 9, "state": "cancelled"}, "waiting waiting", ""),
        ({"parallel": 9, "window": "01:00-05:00"}, "waiting waiting", ""),
        ({"parallel": 9, "window": "11:00-13:00"}, "waiting waiting", "AB"),
    ],
)
def test_who_is_begun_with(how: dict[str, Any], members: str, begin: str) -> None:
    decision = decide_rollout(rollout(**how), standings(members), NOON)

    assert decision.begin == tuple(begin)
    assert decision.state is None


@pytest.mark.parametrize(
    ("how", "members", "decision"),
    [
        ({}, "done done", Decision(state="done")),
        ({"max_failures": 1}, "done failed", Decision(state="done")),
        ({}, "done cancelled", Decision(state="done")),
        ({"canary": 1}, "cancelled waiting", Decision(state="paused", reason="canary A cancelled")),
        ({"canary": 1, "resumed_at": 5}, "cancelled waiting", Decision(begin=("B",))),
        ({}, "failed waiting", Decision(state="paused", reason="1 failed, at most 0 may")),
        ({"max_failures": 1}, "failed failed waiting", Decision(state="paused", reason="2 failed, at most 1 may")),
        ({"max_failures": 9, "canary": 2}, "done failed waiting", Decision(state="paused", reason="canary B failed")),
        ({"resumed_at": 5}, "failed failed done", Decision(state="done")),
        ({}, "done failed", Decision(state="paused", reason="1 failed, at most 0 may")),  # to be seen before it is done
        ({"window": "01:00-05:00"}, "waiting", Decision(waits_for="the window 01:00-05:00")),
        ({"canary": 1}, "updating waiting", Decision(waits_for="the canaries")),
        ({}, "offline offline", Decision(waits_for="2 offline")),
        ({"only_idle": True}, "waiting-busy offline", Decision(waits_for="1 busy, 1 offline")),
        ({}, "updating", Decision()),
    ],
)
def test_what_becomes_of_it(how: dict[str, Any], members: str, decision: Decision) -> None:
    assert decide_rollout(rollout(**how), standings(members), NOON) == decision


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("01:00-05:00", (60, 300)),
        ("22:30-04:15", (1350, 255)),
        ("00:00-23:59", (0, 1439)),
        ("1:00-5:00", None),
        ("24:00-05:00", None),
        ("05:00-05:00", None),
        ("01:60-05:00", None),
        ("01:00-05:00\n", None),
        ("", None),
    ],
)
def test_windows_as_text(text: str, minutes: tuple[int, int] | None) -> None:
    assert parse_rollout_window(text) == minutes


@pytest.mark.parametrize(
    ("window", "minute", "inside"),
    [
        (None, 0, True),
        ("01:00-05:00", 59, False),
        ("01:00-05:00", 60, True),
        ("01:00-05:00", 299, True),
        ("01:00-05:00", 300, False),
        ("22:00-04:00", 1320, True),
        ("22:00-04:00", 0, True),
        ("22:00-04:00", 239, True),
        ("22:00-04:00", 240, False),
        ("22:00-04:00", 1319, False),
    ],
)
def test_windows_over_the_day(window: str | None, minute: int, inside: bool) -> None:
    assert in_rollout_window(window, minute) is inside


@pytest.mark.parametrize(
    ("state", "confirmed", "outcome"),
    [
        ("requested", False, "updating"),
        ("installing", False, "updating"),
        ("installed", False, "done"),
        ("installing", True, "done"),  # not a word of Installed, but it boots with it
        ("unknown", True, "done"),
        ("unknown", False, "failed"),
        ("download_failed", False, "failed"),
        ("installation_failed", False, "failed"),
        ("refused", False, "failed"),
        ("superseded", False, "failed"),
    ],
)
def test_what_an_update_means_to_its_rollout(state: str, confirmed: bool, outcome: str) -> None:
    member = RolloutMember(rollout=1, charge_point="A", position=0, state="updating")
    update = FirmwareUpdate(
        id=1, charge_point="A", created_at=0, changed_at=0, deadline_at=0, location="x", retrieve_at=0, state=state,
        confirmed_at=1 if confirmed else None,
    )  # fmt: skip

    assert member.take_in(update, 7) is (outcome != "updating")
    assert member.state == outcome
    assert member.ended_at == (None if outcome == "updating" else 7)
    assert member.take_in(update, 8) is False


def test_a_charge_point_takes_part_in_one_rollout_at_a_time() -> None:
    book = Rollouts()
    first, second = rollout(), rollout(id=2, state="cancelled")
    for one in (first, second):
        book.add(one)
        book.add_member(RolloutMember(rollout=one.id, charge_point="CP1", position=0))

    assert book.busy("cp1") is first
    book.members(1)[0].state = "done"
    assert book.busy("cp1") is None


def test_a_number_is_given_once() -> None:
    """Also one that was given in books that are gone: events still name it."""
    book = Rollouts()
    assert [book.new_id(), book.new_id()] == [1, 2], "whether or not anything came of the first"
    for known in (7, 5):  # as they are loaded at a start
        book.add(rollout(id=known))
    assert book.new_id() == 8
    book.begin_ids_after(100)
    assert book.new_id() == 101
    book.begin_ids_after(2)
    assert book.new_id() == 102


def test_what_is_told_of_a_rollout() -> None:
    told = rollout_event(rollout(id=7, state="paused", reason="canary A failed"))
    data = {"rollout": 7, "state": "paused", "reason": "canary A failed"}
    assert (told.type, told.charge_point, told.data) == ("rollout.changed", None, data)
    member = RolloutMember(rollout=7, charge_point="CP1", position=0, state="failed", note="download failed")
    told = rollout_event(rollout(id=7), member)
    data = {"rollout": 7, "state": "running", "reason": None, "member": "failed", "note": "download failed"}
    assert (told.type, told.charge_point, told.data) == ("rollout.changed", "CP1", data)


def test_a_rollout_is_found_by_its_number_and_may_be_of_nobody() -> None:
    book, first = Rollouts(), rollout(id=3)
    book.add(first)
    assert (book.get(3), book.get(4), list(book), book.members(3)) == (first, None, [first], [])
    assert book.busy("CP1") is None


def test_whoever_leaves_takes_part_in_none_any_more() -> None:
    book = Rollouts()
    for number, state in ((1, "waiting"), (2, "done")):
        book.add(rollout(id=number))
        book.add_member(RolloutMember(rollout=number, charge_point="CP1", position=0, state=state))
    book.add_member(RolloutMember(rollout=1, charge_point="CP2", position=1))
    (left,) = book.end_for("cp1", "the charge point was removed", 7)
    assert (left.rollout, left.state, left.note, left.ended_at) == (1, "cancelled", "the charge point was removed", 7)
    assert [member.state for member in book.members(1)] == ["cancelled", "waiting"]


def test_where_nothing_is_said_it_goes_one_by_one_and_stops_at_the_first_that_fails() -> None:
    plain = rollout()
    assert (plain.parallel, plain.canary, plain.max_failures, plain.only_idle, plain.state) == (
        1,
        0,
        0,
        False,
        "running",
    )
    assert decide_rollout(plain, standings("waiting waiting"), NOON).begin == ("A",)
    assert decide_rollout(plain, standings("failed waiting"), NOON).state == "paused"
