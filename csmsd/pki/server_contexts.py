"""The TLS contexts in use: made of the files that the settings name, or of those that csmsd made itself.

Imports nothing of certificates before there are any.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from csmsd.pki.own_files import OwnFiles
from csmsd.ports.tls import TlsProblem, TlsState
from csmsd.profiles.record import Milliseconds
from csmsd.settings.sections import Tls

if TYPE_CHECKING:
    from csmsd.pki.contexts import TlsFiles

log = logging.getLogger(__name__)


class ServerContexts:
    """A context for each way to ask for certificates of charge points; all of them are changed at once, or none."""

    def __init__(self, settings: Tls, own: OwnFiles) -> None:
        self._settings = settings
        self._own = own
        self._reloading = asyncio.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._ends: list[tuple[str, Milliseconds]] = []
        self.problem: str | None = None  # why the files that there are now are not in use

    def context(self, client_certificate: str) -> ssl.SSLContext | None:
        """None while there is no TLS; for `required`, while there is no CA either."""
        return self._contexts.get(client_certificate)

    @property
    def wanted(self) -> bool:
        """Whether there are certificates, good or not."""
        return bool(self._settings.certificates) or self._own.servers_exist()

    async def load(self) -> None:
        """For the start: charge points without TLS are served whatever is wrong with it."""
        try:
            await self.reload()
        except TlsProblem as error:
            log.error("there is no TLS: %s", error)

    async def reload(self) -> None:
        """New contexts for the handshakes to come, all of them good. Raises TlsProblem: then the old ones stay in use.

        Without any certificate there is no TLS any more.
        """
        async with self._reloading:
            try:
                self._contexts, self._ends = await asyncio.to_thread(self._made) if self.wanted else ({}, [])
            except TlsProblem as error:
                self.problem = str(error)
                raise
            self.problem = None

    async def look(self) -> None:
        """Looks whether the files that there are now could be used: what a restart would find.

        Until when something is good stays that of what is in use: who has put a new file there may forget to reload.
        """
        async with self._reloading:
            try:
                if self.wanted:
                    await asyncio.to_thread(self._made)
            except TlsProblem as error:
                self.problem = str(error)
            else:
                self.problem = None

    @property
    def state(self) -> TlsState:
        return TlsState("none" in self._contexts, self.problem, self._ends, frozenset(self._settings.client_crl))

    async def check(self, host: str, port: int, names: Sequence[str], timeout: float) -> dict[str, Any]:
        """What a charge point would see of a server. Raises TlsProblem for who speaks no TLS."""
        from csmsd.pki.scan import NotTls
        from csmsd.pki.tls_check import check_server

        try:
            return await check_server(host, port, names, datetime.now(UTC), timeout=timeout)
        except NotTls as error:
            raise TlsProblem(f"{host}, port {port}: {error}") from None

    async def check_own(self, names: Sequence[str]) -> dict[str, Any]:
        """What a charge point would see of our own listeners. Raises TlsProblem while there is no TLS."""
        from csmsd.pki.tls_check import check_context

        context = self.context("none")
        if context is None:
            raise TlsProblem(self.problem or "csmsd has no certificate, and so no TLS; make one: csmsctl cert init")
        return await check_context(context, names, datetime.now(UTC))

    def _made(self) -> tuple[dict[str, ssl.SSLContext], list[tuple[str, Milliseconds]]]:
        from csmsd.pki.contexts import ends_of, server_context

        files = self.files()
        made = {"none": server_context(files)}
        # Without a CA there is no certificate of a charge point that could be good.
        made["optional"] = server_context(files, "optional") if files.client_ca else made["none"]
        if files.client_ca:
            made["required"] = server_context(files, "required")
        return made, ends_of(files)

    def files(self) -> "TlsFiles":
        """What the contexts are made of. csmsd's own certificates are used where the settings name none."""
        from csmsd.pki.contexts import Pair, TlsFiles

        settings, own = self._settings, self._own
        named = [Pair(pair.certificate, pair.key or pair.certificate) for pair in settings.certificates]
        own_ca = own.ca.exists()
        return TlsFiles(
            named or [Pair(str(path), str(path)) for path in own.servers if path.exists()],
            [*settings.client_ca, *([str(own.ca)] if own_ca else [])],
            [*settings.client_crl, *([str(own.crl)] if own_ca and settings.client_crl else [])],
        )
