"""idTags: who may charge."""

from operator import itemgetter
from shlex import quote
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from csmsd.control.methods.enforcement import enforce_block
from csmsd.control.rights import READ, RECEPTION
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, NoParameters, RpcError, Table, not_there, usage
from csmsd.control.service import Service
from csmsd.control.turns import in_turns
from csmsd.control.views import tag_view, time_text
from csmsd.ocpp.identity import IDENTITY_RULE, fold, is_identity, natural_order
from csmsd.ocpp.timestamps import parse_timestamp
from csmsd.ports.store import NotStored
from csmsd.profiles.core.id_tags import MAX_ID_TAG, IdTag
from csmsd.profiles.record import Deleted, Event

_AT_ONCE = 500  # idTags of an import


class Name(msgspec.Struct, forbid_unknown_fields=True):
    id: str


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    parent: str | None = None
    status: Literal["Accepted", "Blocked", "Expired"] | None = None


class Fields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What `add`, `set` and `import` take; null clears, a field that is not given stays as it is."""

    id: str
    parent: str | UnsetType | None = UNSET
    expires_at: str | UnsetType | None = UNSET
    blocked: bool | UnsetType = UNSET
    max_transactions: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType | None = UNSET
    note: str | UnsetType | None = UNSET
    labels: list[str] | UnsetType = UNSET
    add_labels: list[str] = []
    remove_labels: list[str] = []


class Blocking(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """With `enforce` charge points are told, too; how many at once, and seconds per CALL."""

    id: str
    enforce: bool = False
    stop_transactions: bool = False
    parallel: Annotated[int, Meta(ge=1, le=1000)] = 8
    timeout: Annotated[float, Meta(gt=0, le=3600)] | None = None


class Import(msgspec.Struct, forbid_unknown_fields=True):
    tags: list[dict[str, Any]]  # Fields, each of which is read in its turn
    replace: bool = False


def _checked_tag_name(text: str, what: str) -> str:
    if not 0 < len(text) <= MAX_ID_TAG:
        raise usage(f"{what} {text!r} has {len(text)} characters; OCPP allows 1 to {MAX_ID_TAG}.")
    if any(not 0x20 <= ord(character) < 0x7F for character in text):
        raise usage(f"{what} {text!r} has characters outside printable ASCII, which OCPP does not allow.")
    if not text.strip():
        raise usage(f"{what} {text!r} has nothing but blanks.")
    return text


def _merged_tag(fields: Fields, known: IdTag | None, now: int) -> IdTag:
    """The tag as it will be. Raises RpcError."""
    _checked_tag_name(fields.id, "idTag")
    tag = msgspec.structs.replace(known) if known is not None else IdTag(id=fields.id, created_at=now)
    if fields.parent is not UNSET:
        tag.parent = _checked_tag_name(fields.parent, "parent idTag") if fields.parent else None
    if fields.expires_at is not UNSET:
        tag.expires_at = None
        if fields.expires_at is not None:
            tag.expires_at = parse_timestamp(fields.expires_at)
            if tag.expires_at is None:
                raise usage(f"{fields.expires_at!r} is no time.", "Write it as 2026-12-31T23:59:59Z.")
    if fields.blocked is not UNSET:
        tag.blocked = fields.blocked
    if fields.max_transactions is not UNSET:
        if fields.max_transactions is not None and fields.max_transactions < 1:
            raise usage("The limit of concurrent transactions is at least 1.")
        tag.max_transactions = fields.max_transactions
    if fields.note is not UNSET:
        tag.note = " ".join((fields.note or "").splitlines()) or None  # a note is a line, as its CSV is
    tag.labels = _merged_tag_labels(fields, tag.labels)
    return tag


def _merged_tag_labels(fields: Fields, known: list[str]) -> list[str]:
    """The labels as they will be, each once in any case. Raises RpcError."""
    given = list(known if fields.labels is UNSET else fields.labels) + fields.add_labels
    for label in given:
        if not is_identity(label):
            raise usage(f"{label!r} is no label: {IDENTITY_RULE}.")
    gone = {fold(label) for label in fields.remove_labels}
    kept = {fold(label): label for label in reversed(given)}
    return [label for key, label in reversed(kept.items()) if key not in gone]


def _known_tag(service: Service, name: str) -> IdTag:
    tag = service.site.id_tag(name)
    if tag is None:
        raise not_there(f"No idTag {name}.", f"See csmsctl tag list, or add it: csmsctl tag add {name}")
    return tag


async def _store_tag(service: Service, tag: IdTag, known: IdTag | None) -> Json:
    if tag == known:
        return {"changed": False, "tag": tag_view(service.site, tag, service.now())}
    service.live.require()
    service.site.id_tags[fold(tag.id)] = tag
    told = Event("tag.changed", None, {"id_tag": tag.id, "added": known is None, "blocked": tag.blocked})
    await service.live.keep([tag], [told])
    return {"changed": True, "tag": tag_view(service.site, tag, service.now())}


async def list_tags(service: Service, parameters: Listing, caller: Caller) -> Json:
    site, now = service.site, service.now()
    everyone = await in_turns([*site.id_tags.values()], lambda tag: (natural_order(tag.id), tag))
    everyone.sort(key=itemgetter(0))
    views = await in_turns(everyone, lambda found: tag_view(site, found[1], now))
    if parameters.parent is not None:
        views = [view for view in views if view["parent"] and fold(view["parent"]) == fold(parameters.parent)]
    if parameters.status is not None:
        views = [view for view in views if view["status"] == parameters.status]
    return {"schema_version": SCHEMA_VERSION, "tags": views}


async def list_unknown_tags(service: Service, parameters: NoParameters, caller: Caller) -> Json:
    """Cards that were held to readers since csmsd began and that nobody has added, the last one first."""
    cards = [
        {
            "id": card.id_tag,
            "charge_point": card.charge_point,
            "last_at": time_text(card.last_at),
            "attempts": card.attempts,
            "status": card.status,
        }
        for card in service.site.unknown_cards
        if service.site.id_tag(card.id_tag) is None
    ]
    return {"schema_version": SCHEMA_VERSION, "unknown_tags": cards}


async def show_tag(service: Service, parameters: Name, caller: Caller) -> Json:
    tag = _known_tag(service, parameters.id)
    return {"schema_version": SCHEMA_VERSION} | tag_view(service.site, tag, service.now())


async def add_tag(service: Service, parameters: Fields, caller: Caller) -> Json:
    known = service.site.id_tag(parameters.id)
    if known is not None:
        if _merged_tag(parameters, known, service.now()) != known:
            other = f"idTag {known.id} is there already, with other values; nothing has changed."
            raise RpcError(1, other, f"To change it: csmsctl tag set {quote(known.id)}")
        return {"changed": False, "tag": tag_view(service.site, known, service.now())}
    return await _store_tag(service, _merged_tag(parameters, None, service.now()), None)


async def change_tag(service: Service, parameters: Fields, caller: Caller) -> Json:
    known = _known_tag(service, parameters.id)
    return await _store_tag(service, _merged_tag(parameters, known, service.now()), known)


async def block_tag(service: Service, parameters: Blocking, caller: Caller) -> Json:
    """Blocked here first: from then on nobody who asks is told anything else."""
    known = _known_tag(service, parameters.id)
    stored = await _store_tag(service, msgspec.structs.replace(known, blocked=True), known)
    if not parameters.enforce:
        return stored
    return stored | await enforce_block(
        service,
        _known_tag(service, parameters.id),
        caller,
        stop_transactions=parameters.stop_transactions,
        parallel=parameters.parallel,
        timeout=parameters.timeout,
    )


async def unblock_tag(service: Service, parameters: Name, caller: Caller) -> Json:
    known = _known_tag(service, parameters.id)
    return await _store_tag(service, msgspec.structs.replace(known, blocked=False), known)


async def remove_tag(service: Service, parameters: Name, caller: Caller) -> Json:
    known = _known_tag(service, parameters.id)
    service.live.require()
    service.site.id_tags.pop(fold(known.id), None)
    await service.live.keep([Deleted(known)], [Event("tag.removed", None, {"id_tag": known.id})])
    return {"changed": True}


async def import_tags(service: Service, parameters: Import, caller: Caller) -> Json:
    """None where one is bad. So many at a time: commits and the messages of charge points come in between."""
    given, seen = await _fields_to_import(service, parameters)
    counts = dict.fromkeys(("added", "changed", "unchanged", "removed"), 0)
    try:
        for first in range(0, len(given), _AT_ONCE):
            await _import_some(service, given[first : first + _AT_ONCE], counts)
        if parameters.replace:  # when all that are to be there are
            gone = [tag for key, tag in service.site.id_tags.items() if key not in seen]
            for first in range(0, len(gone), _AT_ONCE):
                await _remove_some(service, gone[first : first + _AT_ONCE], counts)
    except NotStored as error:
        if not (counts["added"] or counts["changed"] or counts["removed"]):
            raise
        done = ", ".join(f"{many} {what}" for what, many in counts.items())
        again = "Import it once more: what is there already stays as it is."
        raise RpcError(1, f"Not all of it could be stored: {error}. Up to then: {done}.", again) from None
    return {**counts}


async def _fields_to_import(service: Service, parameters: Import) -> tuple[list[Fields], set[str]]:
    """All of them, and by what names they are looked up. Raises RpcError for the first bad one."""
    now = service.now()
    seen: set[str] = set()

    def checked(numbered: tuple[int, dict[str, Any]]) -> Fields:
        try:
            fields = msgspec.convert(numbered[1], Fields)
        except msgspec.ValidationError as error:
            where = str(error).replace("`$", f"`$.tags[{numbered[0]}]")
            raise RpcError(-32602, f"bad parameters: {where}") from None
        if fold(fields.id) in seen:
            raise usage(f"idTag {fields.id} stands there twice.")
        seen.add(fold(fields.id))
        _merged_tag(fields, None, now)
        return fields

    return await in_turns(enumerate(parameters.tags), checked), seen


async def _import_some(service: Service, given: list[Fields], counts: dict[str, int]) -> None:
    """In one commit. Raises NotStored."""
    site, now = service.site, service.now()
    added: list[IdTag] = []
    changed: list[IdTag] = []
    for fields in given:
        known = site.id_tag(fields.id)
        tag = _merged_tag(fields, known, now)
        if known is None:
            added.append(tag)
        elif tag != known:
            changed.append(tag)
    service.live.require()
    for tag in (*added, *changed):
        site.id_tags[fold(tag.id)] = tag
    if added or changed:
        told = Event("tag.changed", None, {"imported": len(added) + len(changed)})
        await service.live.keep([*added, *changed], [told])
    counts["added"] += len(added)
    counts["changed"] += len(changed)
    counts["unchanged"] += len(given) - len(added) - len(changed)


async def _remove_some(service: Service, gone: list[IdTag], counts: dict[str, int]) -> None:
    """In one commit. Raises NotStored."""
    site = service.site
    removed = [tag for tag in gone if site.id_tags.get(fold(tag.id)) is not None]
    service.live.require()
    for tag in removed:
        del site.id_tags[fold(tag.id)]
    told = [Event("tag.removed", None, {"id_tag": tag.id}) for tag in removed]
    await service.live.keep([Deleted(tag) for tag in removed], told)
    counts["removed"] += len(removed)


METHODS: Table[Service] = {
    "tag.list": Method(Listing, list_tags, READ),
    "tag.unknown": Method(NoParameters, list_unknown_tags, READ),
    "tag.show": Method(Name, show_tag, READ),
    "tag.add": Method(Fields, add_tag, RECEPTION),
    "tag.set": Method(Fields, change_tag, RECEPTION),
    "tag.block": Method(Blocking, block_tag, RECEPTION),
    "tag.unblock": Method(Name, unblock_tag, RECEPTION),
    "tag.remove": Method(Name, remove_tag, RECEPTION),
    "tag.import": Method(Import, import_tags, RECEPTION),
}
