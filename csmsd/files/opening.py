"""Opens the storage and the hosts as the settings have it; hosts on demand come and go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import gethostname

from csmsd.events import EventBus
from csmsd.files.grants import Grants
from csmsd.files.host import WILDCARDS, FileHost, Listener, Listeners
from csmsd.files.limits import Limits
from csmsd.files.storage import Kind, Storage
from csmsd.live_site import LiveSite
from csmsd.profiles.firmware_management.hosting import Protocol
from csmsd.settings.sections import Files
from csmsd.settings.setting import parse_address_setting

_MEBIBYTE = 1024 * 1024


@asynccontextmanager
async def open_file_hosts(
    directory: Path,
    settings: Files,
    charge_points: list[str],
    live: LiveSite,
    bus: EventBus,
) -> AsyncIterator[tuple[Storage, FileHost]]:
    """`charge_points` are the addresses of their listener. Raises OSError when a file listener cannot be opened."""
    firmware = live.site.firmware
    storage = Storage(directory, settings.quota_megabytes * _MEBIBYTE)
    kept: dict[Kind, list[str]] = {
        "firmware": [image.stored for image in firmware.images.values()],
        "diagnostics": [upload.stored for upload in firmware.uploads.kept if upload.stored is not None],
    }
    await asyncio.to_thread(storage.open, kept)
    limits = Limits(
        upload=settings.max_upload_megabytes * _MEBIBYTE,
        transfer=settings.transfer_timeout,
        idle=settings.idle_timeout,
        connections=settings.max_transfers,
        connections_per_address=settings.max_transfers_per_address,
    )
    listeners = Listeners(
        by_protocol=_listeners(settings, charge_points),
        public_host=settings.public_host,
        ftp_passive_ports=settings.passive_ports,
        ftp_passive_address=settings.ftp_passive_address,
    )
    host = FileHost(Grants(live, storage), limits, listeners, live)
    firmware.hosting = await host.open(gethostname)
    host.listen_to(bus)
    try:
        yield storage, host
    finally:
        await host.close()


def _listeners(settings: Files, charge_points: list[str]) -> dict[Protocol, Listener]:
    """Those that are named, and, on the hosts where charge points connect, those that are opened on demand."""
    reached = list(dict.fromkeys(parse_address_setting(address)[0] for address in charge_points))
    everywhere = [host for host in reached if host in WILDCARDS]
    found: dict[Protocol, Listener] = {}
    named: list[tuple[Protocol, str | None, int]] = [
        ("http", settings.http_listen, settings.on_demand_http_port),
        ("ftp", settings.ftp_listen, settings.on_demand_ftp_port),
    ]
    for protocol, address, port in named:
        if address is not None:
            host, port = parse_address_setting(address)
            found[protocol] = Listener([host], port)
        elif settings.on_demand:
            found[protocol] = Listener(everywhere or reached, port, on_demand=True)
    return found
