"""What is sent to a charge point so that its Local Authorization List becomes what it should be, and no more."""

from collections.abc import Generator
from typing import Any, NamedTuple

from csmsd.ocpp.identity import fold
from csmsd.ocpp.types import Message
from csmsd.profiles.action import Steps, Target
from csmsd.profiles.core.get_configuration import GetConfiguration
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.local_auth_list.entries import Entries, Update, parts_of_entries, smallest_update_of_entries
from csmsd.profiles.local_auth_list.get_local_list_version import GetLocalListVersionReq
from csmsd.profiles.local_auth_list.local_lists import LocalList, local_list_entry, local_list_limit, wanted_local_list
from csmsd.profiles.local_auth_list.send_local_list import ENABLED, send_local_list_request, too_many_entries_to_send
from csmsd.profiles.refusal import CannotSend

LIMITS = ["LocalAuthListMaxLength", "SendLocalListMaxLength"]  # C 9.2


class _Versions:
    """Versions that go up, also in a dry run, in which nothing is remembered."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._last = 0

    def next(self) -> int:
        self._last = max(list_to_synchronize(self._target).next_version(), self._last + 1)
        return self._last


def list_to_synchronize(target: Target) -> LocalList:
    return target.site.local_lists.get(target.charge_point.id)


def synchronize(target: Target) -> Steps:
    """Asks for the version, sends the smallest update, and asks again. Raises CannotSend when there is no room."""
    yield GetLocalListVersionReq()
    if not list_to_synchronize(target).supported:
        return
    missing = [name for name in LIMITS if target.charge_point.configured(name) is None]
    if missing:
        missing += [ENABLED] if target.charge_point.configured(ENABLED) is None else []
        yield from GetConfiguration(key=missing).steps(target)
    want = wanted_local_list(target.site.id_tags, target.charge_point, target.now)
    _check_room_to_synchronize(want, target)
    update = smallest_update_of_entries(list_to_synchronize(target).content, want)
    if update is not None:
        yield from _send_to_synchronize(update, want, target)


def synchronize_block(tag: IdTag, target: Target) -> Steps:
    """Has a list that holds the idTag, or may hold it, call it Blocked."""
    yield GetLocalListVersionReq()
    known = list_to_synchronize(target)
    if not known.supported or not known.version or (known.known and fold(tag.id) not in (known.content or {})):
        return
    blocked = local_list_entry(tag, target.now)
    if (known.content or {}).get(fold(tag.id)) == blocked:
        return
    want = wanted_local_list(target.site.id_tags, target.charge_point, target.now)
    yield from _send_to_synchronize(Update(full=False, entries=[blocked]), want, target)


def _send_to_synchronize(update: Update, want: Entries, target: Target) -> Steps:
    """C 5.15: when changes are answered Failed or VersionMismatch, the full list is sent."""
    versions = _Versions(target)
    refused = yield from _send_parts_to_synchronize(update, versions, target)
    if refused is not None and refused.differential and refused.status in ("Failed", "VersionMismatch"):
        yield GetLocalListVersionReq()
        _check_room_to_synchronize(want, target)
        refused = yield from _send_parts_to_synchronize(
            Update(full=True, entries=list(want.values())), versions, target
        )
    if refused is None:
        yield GetLocalListVersionReq()


def _check_room_to_synchronize(want: Entries, target: Target) -> None:
    objection = too_many_entries_to_send(len(want), target)
    if objection is not None:
        raise CannotSend(objection)


class _RefusedPart(NamedTuple):
    status: str
    differential: bool  # a full list in parts is continued by differential ones


def _send_parts_to_synchronize(
    update: Update, versions: _Versions, target: Target
) -> Generator[Message, Any, _RefusedPart | None]:
    """Returns the part that was not accepted."""
    for part in parts_of_entries(update, local_list_limit(target.charge_point, "SendLocalListMaxLength")):
        confirmation = yield send_local_list_request(part, versions.next())
        if confirmation is not None and confirmation.status != "Accepted":
            return _RefusedPart(str(confirmation.status), not part.full)
    return None
