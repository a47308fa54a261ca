"""What the daemon tells of itself, out of what its parts know."""

import asyncio
import os
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from csmsd import __version__
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.record import Milliseconds
from csmsd.runtime.clock import wall_clock as now
from csmsd.settings.sections import Settings
from csmsd.upkeep.replica import ReplicaWatch

if TYPE_CHECKING:
    from csmsd.charge_points.listener import Listener
    from csmsd.files.host import FileHost
    from csmsd.pki.server_contexts import ServerContexts
    from csmsd.store.message_log.log import MessageLog


class About(msgspec.Struct, kw_only=True):
    """For `daemon info` and the like; made when all of it is open."""

    settings: Settings
    started_at: Milliseconds
    listener: "Listener"
    contexts: "ServerContexts"
    metrics: str | None  # where they are asked for
    files: "FileHost"
    last_commit_seconds: Callable[[], float | None]
    log: "MessageLog"
    replica: ReplicaWatch | None

    def info(self) -> dict[str, Any]:
        """What it is, where it listens, and how it is set."""
        settings = self.settings
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started_at": format_timestamp(self.started_at),
            "uptime_s": (now() - self.started_at) // 1000,
            "state_dir": str(settings.state_directory),
            "socket": str(settings.socket_path),
            "listen": self.listener.addresses,
            "tls": {"on": self.contexts.context("none") is not None, "problem": self.contexts.problem},
            "call_timeout": settings.ocpp.call_timeout,
            "policies": {
                "unknown_charge_points": settings.ocpp.unknown_charge_points,
                "unknown_id_tags": settings.ocpp.unknown_id_tags,
            },
            "metrics": self.metrics,
            "loop": type(asyncio.get_running_loop()).__module__.split(".")[0],
            "messages_not_logged": self.log.dropped,
            "files": self.files.bases,
            "files_on_demand": self.files.on_demand,
        }

    def storage(self) -> dict[str, Any]:
        """What of the disk there is, and how it does."""
        directory = self.settings.state_directory
        disk = shutil.disk_usage(directory)
        files = (directory / name for name in ("log.db", "log.db-wal"))
        last = self.last_commit_seconds()
        return {
            "log_bytes": sum(file.stat().st_size for file in files if file.exists()),
            "disk_bytes": disk.total,
            "disk_free_bytes": disk.free,
            "last_commit_ms": None if last is None else round(last * 1000, 3),
            "replica": self._replica_view(),
        }

    def _replica_view(self) -> dict[str, Any] | None:
        if self.replica is None:
            return None
        age = self.replica.age_ms
        return {"path": str(self.replica.path), "age_s": None if age is None else age // 1000}
