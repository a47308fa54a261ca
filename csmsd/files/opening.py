"""Opens the shelf and the hosts as the settings have it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from csmsd.files.grants import Grants
from csmsd.files.host import FileHost, Listeners
from csmsd.files.limits import Limits
from csmsd.files.shelf import Kind, Shelf
from csmsd.ports import Clock, Keeper, Publisher
from csmsd.profiles.site import Site
from csmsd.settings import Files, parse_address

_MEBIBYTE = 1024 * 1024


async def open_files(
    directory: Path, settings: Files, site: Callable[[], Site], keeper: Keeper, publisher: Publisher, clock: Clock
) -> tuple[Shelf, FileHost]:
    """Raises OSError when a listener cannot be opened."""
    firmware = site().firmware
    shelf = Shelf(directory, settings.quota_megabytes * _MEBIBYTE)
    kept: dict[Kind, list[str]] = {
        "firmware": [image.stored for image in firmware.images.values()],
        "diagnostics": [upload.stored for upload in firmware.uploads.kept if upload.stored is not None],
    }
    await asyncio.to_thread(shelf.open, kept)
    limits = Limits(
        upload=settings.max_upload_megabytes * _MEBIBYTE,
        transfer=settings.transfer_timeout,
        idle=settings.idle_timeout,
        connections=settings.max_transfers,
        connections_per_address=settings.max_transfers_per_address,
    )
    listeners = Listeners(
        http=parse_address(settings.http_listen) if settings.http_listen is not None else None,
        ftp=parse_address(settings.ftp_listen) if settings.ftp_listen is not None else None,
        public_host=settings.public_host,
        ftp_passive_ports=settings.passive_ports,
        ftp_passive_address=settings.ftp_passive_address,
    )
    host = FileHost(Grants(site, keeper, publisher, clock, shelf), limits, listeners)
    firmware.hosting = await host.open()
    return shelf, host
