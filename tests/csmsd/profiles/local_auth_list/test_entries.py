"""The smallest update from one list to another, by tables and by properties."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.types import IdTagInfo
from csmsd.profiles.local_auth_list.entries import (
    AuthorizationData,
    Entries,
    Update,
    changed_entries,
    entries_after_update,
    entries_by_id_tag,
    parts_of_entries,
    smallest_update_of_entries,
)

TAGS = "ABCDE"
STATUSES = ["Accepted", "Blocked", "Expired"]


def entry(text: str) -> AuthorizationData:
    """`A` is accepted, `A!` blocked, `A/P` has the parent P, `-A` is to be deleted."""
    if text.startswith("-"):
        return AuthorizationData(id_tag=text[1:])
    tag, _, parent = text.removesuffix("!").partition("/")
    info = IdTagInfo(status="Blocked" if text.endswith("!") else "Accepted", parent_id_tag=parent or None)
    return AuthorizationData(id_tag=tag, id_tag_info=info)


def entries(text: str) -> list[AuthorizationData]:
    return [entry(word) for word in text.split()]


@pytest.mark.parametrize(
    ("have", "want", "kind", "sent"),
    [
        ("", "", None, ""),
        ("A B", "A B", None, ""),
        ("a B", "A b", None, ""),  # C 3.10: idTags have no case
        ("", "A B", "full", "A B"),
        ("A", "A B C", "differential", "B C"),
        ("A B C", "A B C!", "differential", "C!"),
        ("A B C", "A B C/P", "differential", "C/P"),
        ("A B C", "A C", "differential", "-B"),
        ("A B C D", "A", "full", "A"),  # one entry instead of three deletions
        ("A B", "", "full", ""),  # C 6.41: an empty full list clears it
        ("A B C", "A D C", "differential", "-B D"),  # deletions make room first
        ("A B", "C D", "full", "C D"),
        ("A", "B", "full", "B"),
        (None, "A B", "full", "A B"),
        (None, "", "full", ""),
    ],
)
def test_smallest_update(have: str | None, want: str, kind: str | None, sent: str) -> None:
    update = smallest_update_of_entries(
        None if have is None else entries_by_id_tag(entries(have)), entries_by_id_tag(entries(want))
    )
    if kind is None:
        assert update is None
    else:
        assert update == Update(full=kind == "full", entries=entries(sent))


infos = st.builds(
    IdTagInfo,
    status=st.sampled_from(STATUSES),
    parent_id_tag=st.sampled_from([None, "P"]),
    expiry_date=st.sampled_from([None, "2026-03-01T12:00:00.000Z"]),
)
lists = st.dictionaries(st.sampled_from(TAGS), infos).map(
    lambda found: entries_by_id_tag(AuthorizationData(id_tag=tag, id_tag_info=info) for tag, info in found.items())
)


def same(one: Entries, other: Entries) -> bool:
    return {key: held.id_tag_info for key, held in one.items()} == {
        key: held.id_tag_info for key, held in other.items()
    }


@given(lists, lists)
def test_applying_the_update_gives_what_was_wanted(have: Entries, want: Entries) -> None:
    update = smallest_update_of_entries(have, want)
    assert same(have if update is None else entries_after_update(have, update), want)
    assert same(entries_after_update(have, Update(full=False, entries=changed_entries(have, want))), want)


@given(lists, lists)
def test_no_smaller_update_exists(have: Entries, want: Entries) -> None:
    """Tried out: no full list and no choice of fewer changes leads there."""
    update = smallest_update_of_entries(have, want)
    size = 0 if update is None else len(update.entries)
    possible = [
        *want.values(),
        *(AuthorizationData(id_tag=held.id_tag) for key, held in have.items() if key not in want),
    ]
    for fewer in range(size):
        for chosen in combinations(possible, fewer):
            assert not same(entries_after_update(have, Update(full=False, entries=list(chosen))), want)
            assert not same(entries_after_update(have, Update(full=True, entries=list(chosen))), want)


@given(lists, lists, st.integers(1, 4))
def test_parts_lead_to_the_same_list(have: Entries, want: Entries, most: int) -> None:
    for update in (
        Update(full=True, entries=list(want.values())),
        Update(full=False, entries=changed_entries(have, want)),
    ):
        sent = parts_of_entries(update, most)
        assert all(len(part.entries) <= most for part in sent)
        assert [part.full for part in sent] == [update.full] + [False] * (len(sent) - 1)
        assert len(sent) == max(1, -(-len(update.entries) // most))
        after = have
        for part in sent:
            after = entries_after_update(after, part)
        assert same(after, want)


@given(lists, lists)
def test_a_list_never_grows_beyond_both_on_the_way(have: Entries, want: Entries) -> None:
    after, longest = have, max(len(have), len(want))
    for part in parts_of_entries(Update(full=False, entries=changed_entries(have, want)), 1):
        after = entries_after_update(after, part)
        assert len(after) <= longest
