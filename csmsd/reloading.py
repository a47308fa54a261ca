"""Settings that change in a running daemon: on SIGHUP, or when an operator asks for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from csmsd.profiles.policies import LoadPolicies, Security
from csmsd.runtime import service_manager
from csmsd.settings.sections import Ca, Retention, Settings, Tls
from csmsd.settings.setting import SettingsError

log = logging.getLogger(__name__)

# Keys that `daemon reload` can change in a running daemon.
RELOADABLE = frozenset(
    {
        "ocpp.unknown_charge_points",
        "ocpp.unknown_id_tags",
        "ocpp.heartbeat_interval",
        "ocpp.boot_retry_interval",
        "ocpp.call_timeout",
        "ocpp.firmware_timeout",
        "ocpp.diagnostics_timeout",
        "ocpp.hold_after_reconnect",
        "ocpp.reassert_charging_profiles",
        "ocpp.voltage",
        "data_transfer.timeout",
        "data_transfer.max_output_bytes",
        "data_transfer.hooks",
        "events.timeout",
        "events.max_running",
        "events.max_waiting",
        "events.hooks",
        "metrics.charge_points",
        *(f"load_management.{field}" for field in LoadPolicies.__struct_fields__),
        *(f"retention.{field}" for field in Retention.__struct_fields__),
        *(f"tls.{field}" for field in Tls.__struct_fields__),
        *(f"security.{field}" for field in Security.__struct_fields__),
        *(f"ca.{field}" for field in Ca.__struct_fields__),
        "log.level",
    }
)


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


def settings_differences(old: Settings, new: Settings) -> list[str]:
    """The keys ("section.key") in which two settings differ."""
    before, after = msgspec.to_builtins(old), msgspec.to_builtins(new)
    return [
        f"{section}.{key}"
        for section, values in after.items()
        for key, value in values.items()
        if before[section][key] != value
    ]
