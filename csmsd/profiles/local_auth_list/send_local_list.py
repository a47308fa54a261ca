"""SendLocalList (C 5.15, 6.41): give a charge point a new Local Authorization List, or changes to the one it has."""

from shlex import quote
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.identity import fold
from csmsd.ocpp.types import LARGEST_INTEGER, IdTagInfo, Integer, Message
from csmsd.profiles.action import Consequence, Operation, Outgoing, Steps, Target
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.local_auth_list.entries import AuthorizationData, Update, changed_entries
from csmsd.profiles.local_auth_list.local_lists import local_list_entry, local_list_limit, wanted_local_list
from csmsd.profiles.record import Change, Event, Milliseconds
from csmsd.profiles.refusal import CannotSend, NotThere
from csmsd.profiles.site import Site

ENABLED = "LocalAuthListEnabled"
UpdateType = Literal["Differential", "Full"]


class SendLocalListReq(Message, kw_only=True):
    list_version: Integer
    local_authorization_list: list[AuthorizationData] | None = None
    update_type: UpdateType

    @property
    def update(self) -> Update:
        return Update(full=self.update_type == "Full", entries=self.local_authorization_list or [])


class SendLocalListConf(Message, kw_only=True):
    status: Literal["Accepted", "Failed", "NotSupported", "VersionMismatch"]


def send_local_list_request(update: Update, version: int) -> SendLocalListReq:
    return SendLocalListReq(
        list_version=version,
        local_authorization_list=update.entries or None,  # C 6.41: none clears the list
        update_type="Full" if update.full else "Differential",
    )


def _check(request: SendLocalListReq, target: Target) -> str | None:
    entries = request.local_authorization_list or []
    if request.list_version < 1:
        raise CannotSend("a list version is 1 or more: 0 and -1 have a meaning of their own (CE 3.52)")
    if len({fold(entry.id_tag) for entry in entries}) < len(entries):
        raise CannotSend("an idTag stands there twice (C 6.41)")
    if request.update_type == "Full" and any(entry.id_tag_info is None for entry in entries):
        raise CannotSend("in a full list every idTag needs its idTagInfo (C 7.1)")
    for entry in entries:
        invalid = entry.id_tag_info is not None and entry.id_tag_info.status == "Invalid"
        if request.update_type == "Full" and invalid and target.site.id_tag(entry.id_tag) is None:
            raise NotThere(f"No idTag {entry.id_tag}; add it with: csmsctl tag add {quote(entry.id_tag)}")
    at_once = local_list_limit(target.charge_point, "SendLocalListMaxLength")
    name = target.charge_point.id
    if at_once is not None and len(entries) > at_once:
        return (
            f"{name} takes {at_once} idTags at once (SendLocalListMaxLength), these are {len(entries)}; "
            f"send them in parts with: csmsctl local-list sync {name}"
        )
    return too_many_entries_to_send(len(entries), target) if request.update_type == "Full" else None


def too_many_entries_to_send(entries: int, target: Target) -> str | None:
    """Why a list of that length has no room there (LocalAuthListMaxLength)."""
    most = local_list_limit(target.charge_point, "LocalAuthListMaxLength")
    if most is None or entries <= most:
        return None
    return (
        f"{target.charge_point.id} has room for {most} idTags (LocalAuthListMaxLength), these are {entries}; "
        "labels choose which idTags go where: csmsctl tag set TAG --label NAME"
    )


def _intend(request: SendLocalListReq, target: Target) -> tuple[list[Change], list[Event]]:
    known = target.site.local_lists.get(target.charge_point.id)
    known.intend(request.update, request.list_version)
    return [known], []


def _settle(
    request: SendLocalListReq, confirmation: SendLocalListConf, target: Target
) -> tuple[list[Change], list[Event]]:
    known = target.site.local_lists.get(target.charge_point.id)
    known.answered(request.update, request.list_version, confirmation.status, target.now)
    if confirmation.status != "Accepted":
        return [known], []
    updated: dict[str, object] = {
        "version": request.list_version,
        "update": request.update_type,
        "entries": len(known.entries),
    }
    return [known], [Event("local_list.updated", target.charge_point.id, updated)]


def local_list_disabled(state: ChargePointState) -> str | None:
    """Says so where its list is switched off (C 9.2), and what helps."""
    enabled = state.configured(ENABLED)
    if enabled is None or enabled.strip().casefold() != "false":
        return None
    helps = f"csmsctl change-configuration {quote(state.id)} --set {ENABLED}=true"
    return f"its list is disabled ({ENABLED} is false): {helps}"


def _why(request: SendLocalListReq, confirmation: SendLocalListConf, target: Target) -> str | None:
    if confirmation.status == "Accepted":
        return None
    state = target.charge_point
    off = local_list_disabled(state)
    if off is not None:
        return off
    if confirmation.status == "NotSupported":
        profiles = state.configured_words("SupportedFeatureProfiles")
        missing = profiles is not None and "localauthlistmanagement" not in profiles
        return "its SupportedFeatureProfiles do not have LocalAuthListManagement (C 3.3)" if missing else None
    if request.update_type == "Differential":
        whole = f"csmsctl local-list sync {quote(state.id)}"
        return f"changes fit only the list that they were made for; the whole one: {whole}"
    return too_many_entries_to_send(len(request.local_authorization_list or []), target)


def _unconfirmed(request: SendLocalListReq, outcome: str, target: Target) -> tuple[list[Change], list[Event]]:
    """Whether an update arrived that was not answered shows the next GetLocalListVersion."""
    if outcome in ("timeout", "unknown"):
        return [], []
    known = target.site.local_lists.get(target.charge_point.id)
    known.drop_pending()
    return [known], []


OUTGOING = Outgoing(
    SendLocalListReq,
    SendLocalListConf,
    check=_check,
    settle=_settle,
    intend=_intend,
    unconfirmed=_unconfirmed,
    why=_why,
)


def _removed(event: Event, site: Site, now: Milliseconds) -> tuple[list[Change], list[Event]]:
    """The row goes with that of the charge point."""
    site.local_lists.forget(event.charge_point or "")
    return [], []


CONSEQUENCES = (Consequence("charge_point.removed", _removed),)


class SendLocalList(Operation, kw_only=True):
    """Send the Local Authorization List, or changes to it, in one message.

    Without --tag it is the whole list that the charge point should have, or what its list lacks of that. With
    --type differential an idTag that is not known here is deleted there. To have lists kept right, in as few messages
    as possible, use: csmsctl local-list sync
    """

    command: ClassVar[str] = "send-local-list"
    example: ClassVar[str] = "csmsctl send-local-list CP1 --type differential --tag A1B2C3"

    type: Annotated[UpdateType, Meta(description="The whole list, or changes to it (full)")] = "Full"
    version: Annotated[int, Meta(description="Version of the list afterwards; left out, csms chooses")] | None = None
    tag: Annotated[
        list[Annotated[str, Meta(max_length=20)]],
        Meta(description="idTag to send; may be repeated", extra={"complete": "tags"}),
    ] = []
    empty: Annotated[bool, Meta(description="An empty list: afterwards it knows no idTag by itself")] = False

    def steps(self, target: Target) -> Steps:
        known = target.site.local_lists.get(target.charge_point.id)
        if self.version is not None and abs(self.version) > LARGEST_INTEGER:
            raise CannotSend(f"{self.version} is larger than any integer of OCPP.")
        update = Update(full=self.type == "Full", entries=self._entries(target))
        yield send_local_list_request(update, self.version if self.version is not None else known.next_version())

    def _entries(self, target: Target) -> list[AuthorizationData]:
        if self.empty:
            if self.tag or self.type != "Full":
                raise CannotSend("An empty list is a whole one, and has no idTags: leave out --tag and --type.")
            return []
        if self.tag:
            return [self._entry(name, target) for name in dict.fromkeys(self.tag)]
        want = wanted_local_list(target.site.id_tags, target.charge_point, target.now)
        if self.type == "Full":
            return list(want.values())
        have = target.site.local_lists.get(target.charge_point.id).content
        if have is None:
            name = target.charge_point.id
            raise CannotSend(
                f"What the list of {name} holds is not known, so neither is what it lacks. "
                f"Name idTags with --tag, or use: csmsctl local-list sync {name}"
            )
        return changed_entries(have, want)

    def _entry(self, name: str, target: Target) -> AuthorizationData:
        tag = target.site.id_tag(name)
        if tag is not None:
            return local_list_entry(tag, target.now)
        if self.type == "Full":
            # The check objects to it, and can be overruled.
            return AuthorizationData(id_tag=name, id_tag_info=IdTagInfo(status="Invalid"))
        return AuthorizationData(id_tag=name)
