"""Firmware images, which operators bring in pieces, and the updates that charge points are at."""

import asyncio
import base64
import re
import secrets
from typing import Annotated

import msgspec
from msgspec import Meta

from csmsd.control.firmware_views import firmware_image_view, firmware_update_view
from csmsd.control.rights import ALL, READ
from csmsd.control.rpc import (
    SCHEMA_VERSION,
    Caller,
    Json,
    Method,
    NoParameters,
    RowId,
    RpcError,
    Table,
    forbidden,
    not_there,
    usage,
)
from csmsd.control.service import Service
from csmsd.control.targets import resolve_targets
from csmsd.ocpp.identity import fold
from csmsd.ports.files import FileIntake, FileStore, NoRoom
from csmsd.ports.store import NotStored
from csmsd.profiles.firmware_management.updates import FirmwareImage
from csmsd.profiles.record import Deleted, Event

# It becomes a part of URLs and FTP paths, which the simplest of clients must be able to ask for.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}\Z")
MAX_INTAKES = 8
_MEBIBYTE = 1024 * 1024


class Intake(Service):
    """With the storage, and the files that operators bring just now."""

    files: FileStore
    under_way: dict[str, FileIntake] = {}


class Begin(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    size: Annotated[int, Meta(ge=0)]


class Piece(msgspec.Struct, forbid_unknown_fields=True):
    upload: str
    data: str


class Finish(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    upload: str
    name: str
    version: Annotated[str, Meta(max_length=50)] | None = None
    note: str | None = None


class Remove(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    force: bool = False


class Status(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[str] | None = None
    tasks: list[RowId] | None = None


async def list_firmware(service: Intake, parameters: NoParameters, caller: Caller) -> Json:
    images = sorted(service.site.firmware.images.values(), key=lambda image: image.name)
    return {"schema_version": SCHEMA_VERSION, "firmware": [firmware_image_view(image) for image in images]}


async def begin_firmware(service: Intake, parameters: Begin, caller: Caller) -> Json:
    """The file comes with `firmware.write`; when the connection ends before `firmware.finish`, nothing of it stays."""
    if not _NAME.match(parameters.name):
        raise usage(
            f"{parameters.name!r} cannot be the name of a firmware file.",
            "It has 1 to 100 letters, digits and . _ + -, and begins with a letter or digit. See --name.",
        )
    most = service.settings.files.max_firmware_megabytes
    if parameters.size > most * _MEBIBYTE:
        raise usage(
            f"The file is larger than {most} MiB.",
            "The limit is files.max_firmware_megabytes in csmsd.toml.",
        )
    if len(service.under_way) >= MAX_INTAKES:
        raise RpcError(1, "Too many files are being added at once.", "Try again later.")
    try:
        intake = await asyncio.to_thread(service.files.begin, "firmware", most * _MEBIBYTE)
    except OSError as error:
        raise RpcError(1, f"The file cannot be stored: {error.strerror}.") from None
    name = secrets.token_hex(8)
    service.under_way[name] = intake

    def end() -> None:
        left = service.under_way.pop(name, None)
        if left is not None:
            left.abort()

    caller.subscribe(end)
    return {"upload": name}


async def write_firmware(service: Intake, parameters: Piece, caller: Caller) -> Json:
    intake = service.under_way.get(parameters.upload)
    if intake is None:
        raise not_there("This upload is over.")
    try:
        data = base64.b64decode(parameters.data, validate=True)
        await asyncio.to_thread(intake.write, data)
    except ValueError:  # binascii.Error is one; so is what says that it is not even ASCII
        raise usage("The data is not base64.") from None
    except NoRoom as error:
        raise usage(f"{error}.") from None
    except OSError as error:
        raise RpcError(1, f"The file cannot be stored: {error.strerror}.") from None
    return {"size": intake.size}


async def finish_firmware(service: Intake, parameters: Finish, caller: Caller) -> Json:
    intake = service.under_way.pop(parameters.upload, None)
    if intake is None:
        raise not_there("This upload is over.")
    try:
        file = await asyncio.to_thread(intake.finish)
    except OSError as error:
        intake.abort()
        raise RpcError(1, f"The file cannot be stored: {error.strerror}.") from None
    images = service.site.firmware.images
    known = images.get(parameters.name)
    if known is not None or not _NAME.match(parameters.name):
        await asyncio.to_thread(service.files.remove, "firmware", file.stored)
        if known is None:
            raise usage(f"{parameters.name!r} cannot be the name of a firmware file.")
        if known.sha256 == file.sha256:
            return {"changed": False, "firmware": firmware_image_view(known)}
        raise RpcError(
            1,
            f"{known.name} is there already, with another content.",
            f"Choose another --name, or remove it: csmsctl firmware remove {known.name}",
        )
    image = FirmwareImage(
        name=parameters.name,
        stored=file.stored,
        size=file.size,
        sha256=file.sha256,
        version=parameters.version or None,
        note=parameters.note or None,
        added_at=service.now(),
    )
    try:
        service.live.require()
        images[image.name] = image  # another operator's file must not take the same name meanwhile
        await service.live.keep([image], [Event("firmware.changed", None, {"name": image.name, "added": True})])
    except NotStored:
        await asyncio.to_thread(service.files.remove, "firmware", file.stored)
        raise
    return {"changed": True, "firmware": firmware_image_view(image)}


async def remove_firmware(service: Intake, parameters: Remove, caller: Caller) -> Json:
    firmware = service.site.firmware
    image = firmware.images.get(parameters.name)
    if image is None:
        raise not_there(f"No firmware {parameters.name}.", "See: csmsctl firmware list")
    users = [update.charge_point for update in firmware.updates if update.file == image.name and not update.ended]
    users += [
        f"rollout {rollout.id}" for rollout in firmware.rollouts if rollout.file == image.name and not rollout.over
    ]
    if users and not parameters.force:
        raise forbidden(
            f"{image.name} is in use: {', '.join(sorted(users)[:5])}.", "Remove it all the same with --force."
        )
    service.live.require()
    del firmware.images[image.name]
    # Whoever has a part of it must not get the rest from another image of that name.
    unfinished = [update for update in firmware.updates.with_token() if update.file == image.name]
    for update in unfinished:
        update.downloads_left = 0
    told = Event("firmware.changed", None, {"name": image.name, "added": False})
    await service.live.keep([Deleted(image), *unfinished], [told])
    await asyncio.to_thread(service.files.remove, "firmware", image.stored)
    return {"changed": True}


async def show_firmware_status(service: Intake, parameters: Status, caller: Caller) -> Json:
    """The update that each charge point is at or was at last; or those of the given tasks."""
    site = service.site
    book = site.firmware.updates
    if parameters.tasks is not None:
        found = [update for number in parameters.tasks if (update := book.get(number)) is not None]
    else:
        chosen = None if parameters.targets is None else {fold(s.id) for s in resolve_targets(site, parameters.targets)}
        identities = {fold(update.charge_point): update.charge_point for update in book}
        wanted = [identity for key, identity in sorted(identities.items()) if chosen is None or key in chosen]
        found = [update for identity in wanted if (update := book.newest(identity)) is not None]
    return {"schema_version": SCHEMA_VERSION, "updates": [firmware_update_view(update) for update in found]}


METHODS: Table[Intake] = {
    "firmware.list": Method(NoParameters, list_firmware, READ),
    "firmware.begin": Method(Begin, begin_firmware, ALL),
    "firmware.write": Method(Piece, write_firmware, ALL, goes_on=True),
    "firmware.finish": Method(Finish, finish_firmware, ALL, goes_on=True),
    "firmware.remove": Method(Remove, remove_firmware, ALL),
    "firmware.status": Method(Status, show_firmware_status, READ),
}
