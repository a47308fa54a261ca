"""Diagnostics: what charge points were asked for, and the files that they brought."""

import asyncio
import base64
from typing import Annotated

import msgspec
from msgspec import Meta

from csmsd.control.firmware_views import diagnostics_upload_view
from csmsd.control.methods.firmware import Status
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import SCHEMA_VERSION, Caller, Json, Method, RowId, RpcError, Table, not_there
from csmsd.control.service import Service
from csmsd.control.targets import places, resolve_targets
from csmsd.ocpp.identity import fold
from csmsd.ports.files import FileStore
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.record import Event

_LONGEST_PIECE = 4 * 1024 * 1024  # as base64 it must fit into a line of the protocol


class Diagnostics(Service):
    """With the storage."""

    files: FileStore


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    charge_point: str | None = None


class Number(msgspec.Struct, forbid_unknown_fields=True):
    task: RowId


class Read(msgspec.Struct, forbid_unknown_fields=True):
    task: RowId
    offset: Annotated[int, Meta(ge=0, le=2**62)] = 0
    length: Annotated[int, Meta(ge=1, le=_LONGEST_PIECE)] = 1024 * 1024


async def list_diagnostics(service: Diagnostics, parameters: Listing, caller: Caller) -> Json:
    """The files that are kept, the newest first."""
    chosen = places(service.site, parameters.targets)
    found = [
        upload
        for upload in service.site.firmware.uploads.kept
        if (parameters.charge_point is None or fold(upload.charge_point) == fold(parameters.charge_point))
        and (chosen is None or chosen.has(upload.charge_point))
    ]
    return {"schema_version": SCHEMA_VERSION, "diagnostics": [diagnostics_upload_view(upload) for upload in found]}


async def show_diagnostics_status(service: Diagnostics, parameters: Status, caller: Caller) -> Json:
    """The upload that each charge point is at or was at last; or those of the given tasks."""
    site = service.site
    book = site.firmware.uploads
    if parameters.tasks is not None:
        found = [upload for number in parameters.tasks if (upload := book.get(number)) is not None]
    else:
        chosen = None if parameters.targets is None else {fold(s.id) for s in resolve_targets(site, parameters.targets)}
        identities = {fold(upload.charge_point): upload.charge_point for upload in book}
        wanted = [identity for key, identity in sorted(identities.items()) if chosen is None or key in chosen]
        found = [upload for identity in wanted if (upload := book.newest(identity)) is not None]
    return {"schema_version": SCHEMA_VERSION, "diagnostics": [diagnostics_upload_view(upload) for upload in found]}


def _kept_diagnostics(service: Diagnostics, number: int) -> DiagnosticsUpload:
    upload = service.site.firmware.uploads.get(number)
    if upload is None or upload.stored is None:
        raise not_there(f"No file of diagnostics has the number {number}.", "See: csmsctl diagnostics list")
    return upload


async def read_diagnostics(service: Diagnostics, parameters: Read, caller: Caller) -> Json:
    upload = _kept_diagnostics(service, parameters.task)
    assert upload.stored is not None
    try:
        data = await asyncio.to_thread(
            service.files.read, "diagnostics", upload.stored, parameters.offset, parameters.length
        )
    except OSError as error:
        raise RpcError(1, f"The file cannot be read: {error.strerror}.") from None
    return {"data": base64.b64encode(data).decode(), "size": upload.size, "name": upload.name, "sha256": upload.sha256}


async def remove_diagnostics(service: Diagnostics, parameters: Number, caller: Caller) -> Json:
    upload = _kept_diagnostics(service, parameters.task)
    stored = upload.stored
    assert stored is not None
    service.live.require()
    upload.stored = None
    await service.live.keep([upload], [Event("diagnostics.removed", upload.charge_point, {"upload": upload.id})])
    await asyncio.to_thread(service.files.remove, "diagnostics", stored)
    return {"changed": True}


METHODS: Table[Diagnostics] = {
    "diagnostics.list": Method(Listing, list_diagnostics, READ),
    "diagnostics.status": Method(Status, show_diagnostics_status, READ),
    "diagnostics.read": Method(Read, read_diagnostics, ALL),
    "diagnostics.remove": Method(Number, remove_diagnostics, ALL),
}
