"""Settings that change in a running daemon: on SIGHUP, or when an operator asks for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from csmsd import service_manager
from csmsd.settings import RELOADABLE, Settings, SettingsError, settings_differences

log = logging.getLogger(__name__)


class CertificatesStay(Exception):
    """The certificates that there are now cannot be used: those of before stay in use. All else is taken over."""


class Reloading:
    """Changes `settings` in place, so that whoever has a section sees it; `took_over` is told the keys that changed.

    `renew` makes TLS anew, also where no setting has changed: files may have. It raises CertificatesStay.
    """

    def __init__(
        self,
        settings: Settings,
        read_settings: Callable[[], Settings],
        took_over: Callable[[list[str]], None],
        renew: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._read_settings = read_settings
        self._took_over = took_over
        self._renew = renew
        self._under_way: set[asyncio.Task[None]] = set()

    async def reload(self) -> dict[str, list[str]]:
        """Takes over what can change in a running daemon.

        Raises SettingsError: a bad file changes nothing; and CertificatesStay.
        """
        fresh = self._read_settings()
        differing = settings_differences(self._settings, fresh)
        changed = [place for place in differing if place in RELOADABLE]
        for place in changed:
            section, _, key = place.partition(".")
            setattr(getattr(self._settings, section), key, getattr(getattr(fresh, section), key))
        logging.getLogger().setLevel(self._settings.log.level.upper())
        self._took_over(changed)
        await self._renew()
        return {"changed": changed, "restart_needed": [place for place in differing if place not in RELOADABLE]}

    def reload_on_signal(self) -> None:
        """The same, with the outcome in the log."""
        task = asyncio.get_running_loop().create_task(self._reload_and_tell())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _reload_and_tell(self) -> None:
        service_manager.notify_reloading()
        try:
            outcome = await self.reload()
        except (SettingsError, CertificatesStay) as error:
            log.error("reload: %s", error)
        else:
            log.info("reloaded; changed: %s", ", ".join(outcome["changed"]) or "nothing")
            if outcome["restart_needed"]:
                log.warning("these need a restart: %s", ", ".join(outcome["restart_needed"]))
        service_manager.notify("READY=1")
