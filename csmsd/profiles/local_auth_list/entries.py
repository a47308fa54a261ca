"""The entries of a Local Authorization List, and the smallest update from one list to another (C 5.15, 6.41)."""

from collections.abc import Iterable

import msgspec

from csmsd.ocpp.identity import fold
from csmsd.ocpp.types import IdTagInfo, IdToken, Message


class AuthorizationData(Message, kw_only=True):
    """An entry of an update (C 7.1); in a differential one an entry without idTagInfo is to be deleted."""

    id_tag: IdToken
    id_tag_info: IdTagInfo | None = None


# By the idTag in one case (C 3.10); every entry has its idTagInfo.
Entries = dict[str, AuthorizationData]


class Update(msgspec.Struct, frozen=True):
    """What a SendLocalList.req, or several, are to do: put a list in the place of the old one, or change it."""

    full: bool
    entries: list[AuthorizationData]


def entries_by_id_tag(entries: Iterable[AuthorizationData]) -> Entries:
    return {fold(entry.id_tag): entry for entry in entries}


def entries_after_update(have: Entries, update: Update) -> Entries:
    """The list that a charge point has after an update."""
    if update.full:
        return entries_by_id_tag(entry for entry in update.entries if entry.id_tag_info is not None)
    after = dict(have)
    for entry in update.entries:
        if entry.id_tag_info is None:
            after.pop(fold(entry.id_tag), None)
        else:
            after[fold(entry.id_tag)] = entry
    return after


def changed_entries(have: Entries, want: Entries) -> list[AuthorizationData]:
    """The differential update: deletions first, so that a list that is full has room for what is added."""
    gone = [AuthorizationData(id_tag=entry.id_tag) for key, entry in have.items() if key not in want]
    new = [entry for key, entry in want.items() if key not in have or have[key].id_tag_info != entry.id_tag_info]
    return gone + new


def smallest_update_of_entries(have: Entries | None, want: Entries) -> Update | None:
    """The update with the fewest entries; None when there is nothing to do. `have` None: nobody knows, so all of it."""
    whole = Update(full=True, entries=list(want.values()))
    if have is None:
        return whole
    differing = changed_entries(have, want)
    if not differing:
        return None
    return Update(full=False, entries=differing) if len(differing) < len(want) else whole


def parts_of_entries(update: Update, most: int | None) -> list[Update]:
    """The update in messages of at most `most` entries: a full list goes on as changes (SendLocalListMaxLength)."""
    if most is None or len(update.entries) <= most:
        return [update]
    pieces = [update.entries[first : first + most] for first in range(0, len(update.entries), most)]
    return [Update(full=update.full and place == 0, entries=piece) for place, piece in enumerate(pieces)]
