"""The file hosts as one: opened as configured, and told to those who make URLs."""

import logging
from typing import TYPE_CHECKING

import msgspec

from csmsd.files.grants import Grants
from csmsd.files.limits import Limits
from csmsd.profiles.firmware_management.hosting import Hosting, Protocol

if TYPE_CHECKING:
    from csmsd.files.ftp import FtpHost
    from csmsd.files.http import HttpHost

log = logging.getLogger(__name__)

Address = tuple[str, int]


class Listeners(msgspec.Struct, kw_only=True):
    """Where to listen, if at all, and the name under which charge points know this machine."""

    http: Address | None = None
    ftp: Address | None = None
    public_host: str | None = None
    ftp_passive_ports: range | None = None
    ftp_passive_address: str | None = None


class FileHost:
    """Neither library is imported before it is needed: together they cost a third of a second."""

    def __init__(self, grants: Grants, limits: Limits, listeners: Listeners) -> None:
        self._grants = grants
        self._limits = limits
        self._listeners = listeners
        self._http: HttpHost | None = None
        self._ftp: FtpHost | None = None

    async def open(self) -> Hosting | None:
        """Returns where files can be reached; None when nothing is configured. Raises OSError."""
        wanted = self._listeners
        bases: dict[Protocol, str] = {}
        try:
            if wanted.http is not None:
                from csmsd.files.http import HttpHost

                self._http = HttpHost(self._grants, self._limits)
                bases["http"] = self._base("http", wanted.http, await self._http.open(*wanted.http))
            if wanted.ftp is not None:
                from csmsd.files.ftp import FtpHost

                self._ftp = FtpHost(
                    self._grants,
                    self._limits,
                    passive_ports=wanted.ftp_passive_ports,
                    passive_address=wanted.ftp_passive_address,
                )
                bases["ftp"] = self._base("ftp", wanted.ftp, self._ftp.open(*wanted.ftp))
        except OSError:
            await self.close()
            raise
        if not bases:
            return None
        log.info("files are hosted at %s", ", ".join(bases.values()))
        return Hosting(bases)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
        if self._ftp is not None:
            await self._ftp.close()

    def _base(self, scheme: str, address: Address, port: int) -> str:
        name = self._listeners.public_host or address[0]
        return f"{scheme}://[{name}]:{port}" if ":" in name else f"{scheme}://{name}:{port}"
