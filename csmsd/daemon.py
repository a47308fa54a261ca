"""The composition root: builds, starts and stops the parts in one order. It alone knows everybody."""

import asyncio
import fcntl
import gc
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec

from csmsd import __version__, service_manager
from csmsd.charge_points.dispatch import Dispatcher
from csmsd.charge_points.listener import Listener
from csmsd.charge_points.passwords import generate_password, hash_password
from csmsd.charge_points.registry import Registry
from csmsd.charge_points.strangers import Strangers
from csmsd.control.operations import OperationRunner
from csmsd.control.reassertion import Reassertion
from csmsd.control.rollouts import RolloutRunner
from csmsd.control.server import ControlServer
from csmsd.control.service import Json, RpcError, Service
from csmsd.events import EventBus, NumberedEvent
from csmsd.expiry import Expiry
from csmsd.files.opening import open_files
from csmsd.hooks import Hooks
from csmsd.ocpp.frames import encode_json
from csmsd.ocpp.secrets import masked, may_hold_secret
from csmsd.ocpp.timestamps import format_time
from csmsd.profiles.record import Change, Event, Milliseconds
from csmsd.profiles.site import Hook, Policies, Site
from csmsd.settings import RELOADABLE, Settings, SettingsError, differences
from csmsd.store.database import prepare
from csmsd.store.loader import load
from csmsd.store.message_log import LoggedMessage, MessageLog
from csmsd.store.reader import Reader
from csmsd.store.writer import Writer

log = logging.getLogger(__name__)

_HOUSEKEEPING_SECONDS = 30
_DRAIN_SECONDS = 4.0


class AlreadyRunning(Exception):
    """Another daemon has this state directory."""


def now() -> Milliseconds:
    """The wall clock: ms since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


class Keys:
    """How passwords of charge points are made and kept, for operators' commands."""

    @staticmethod
    def generate() -> str:
        return generate_password()

    @staticmethod
    def hash(password: str, *, generated: bool) -> str:
        return hash_password(password, generated=generated)


class Daemon:
    """One running csmsd. `read_settings` gives the settings anew for a reload."""

    def __init__(self, settings: Settings, read_settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._read_settings = read_settings
        self._started_at = now()
        self._directory = settings.state_directory
        self._database = self._directory / "csms.db"
        self._lock: int | None = None
        self._stop = asyncio.Event()
        self._distrusted = asyncio.Event()
        self._addresses: list[str] = []
        self._background: list[asyncio.Task[None]] = []
        self._opened: list[Callable[[], Awaitable[None]]] = []  # how to close what is open, in the order of opening
        self.site = Site(_policies(settings))

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT. Raises StoreError, SocketBusy, AlreadyRunning or OSError at the start."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock_directory()
        await asyncio.to_thread(prepare, self._database)
        self.site = await asyncio.to_thread(load, self._database, _policies(self._settings))
        try:
            await self._build()
        except BaseException:  # the threads of what is open would keep the process alive
            await self._close_opened()
            raise
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_on_signal)
        _calm_garbage_collector()
        service_manager.notify("READY=1", f"STATUS=listening on {', '.join(self._addresses)}")
        log.info(
            "csmsd %s listens on %s; socket %s", __version__, ", ".join(self._addresses), self._settings.socket_path
        )
        self._bus.publish(Event("daemon.started", None, {"version": __version__}))
        try:
            await self._stop.wait()
        finally:
            await self._shut_down()

    def _lock_directory(self) -> None:
        """Two daemons on one file would each believe in a live state of its own."""
        self._lock = os.open(self._directory / "csmsd.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another csmsd runs on {self._directory}; name another --state-dir") from None

    async def _build(self) -> None:
        settings = self._settings
        self._message_log = MessageLog(
            self._directory / "log.db",
            max_bytes=settings.store.message_log_megabytes * 1024 * 1024,
            max_age_days=settings.store.message_log_days,
        )
        self._opened.append(self._message_log.close)
        await self._message_log.open()
        self._bus = EventBus(last=self._message_log.last_event, clock=now, keep=self._keep_event)
        self._writer = Writer(self._database, synchronous=settings.store.synchronous, recover=self._recover)
        self._writer.on_state = self._store_changed
        self._opened.append(self._writer.close)
        await self._writer.open()
        self._reader = Reader(self._database)
        self._opened.append(self._reader.close)
        await self._reader.open()
        self._registry = Registry(self._site, self._bus, now)
        last_task = await self._reader.last_task_id()
        self._runner = OperationRunner(self._site, self._writer, self._registry, self._bus, now, last_task)
        await self._settle_what_was_under_way()
        self._reassertion = Reassertion(self._site, self._runner, lambda: self._settings.ocpp.call_timeout)
        self._bus.subscribe(self._reassertion.told)
        self._hooks = Hooks(lambda: self._settings.data_transfer)
        self._opened.append(self._hooks.close)
        dispatcher = Dispatcher(self._site, self._writer, self._bus, now, self._distrusted.set, self._hooks)
        strangers = Strangers(self._site, self._writer, self._bus, now)
        self._message_subscribers: dict[int, Callable[[Any], None]] = {}
        self._rollouts = RolloutRunner(
            self._site, self._writer, self._runner, self._bus, now, lambda: self._settings.ocpp.call_timeout
        )
        shelf, self._files = await open_files(
            self._directory / "files", settings.files, self._site, self._writer, self._bus, now
        )
        self._opened.append(self._files.close)
        self._listener = Listener(settings, self._registry, dispatcher, strangers, self._tap, now)
        service = Service(
            site=self._site,
            keeper=self._writer,
            reader=self._reader,
            links=self._registry,
            log=self._message_log,
            bus=self._bus,
            clock=now,
            keys=Keys(),
            runner=self._runner,
            info=self._info,
            reload=self._reload,
            message_subscribers=self._message_subscribers,
            files=shelf,
            max_firmware_bytes=settings.files.max_firmware_megabytes * 1024 * 1024,
            waits_for=self._rollouts.waits_for,
        )
        self._control = ControlServer(service, settings.socket_path, settings.control.group)
        await self._control.open()
        self._opened.append(self._control.close)
        self._addresses = await self._listener.open()
        self._background = [
            asyncio.create_task(self._keep_house(), name="housekeeping"),
            asyncio.create_task(self._rollouts.run(), name="rollouts"),
            asyncio.create_task(self._reload_when_distrusted(), name="distrust"),
            asyncio.create_task(Expiry(self._site, self._writer, self._bus, now).run(), name="expiry"),
        ]

    async def _settle_what_was_under_way(self) -> None:
        """A command that was under way when the last daemon ended is never repeated by itself: it is `unknown`."""
        changes: list[Change] = []
        for task in await self._reader.tasks_under_way():
            changes.append(
                msgspec.structs.replace(
                    task,
                    state="settled",
                    outcome="unknown",
                    settled_at=now(),
                    error="csmsd ended before the answer came; whether it was carried out is not known",
                )
            )
        if changes:
            log.warning("%d commands were under way when csmsd ended: their outcome is unknown", len(changes))
            await self._writer.commit(changes)

    async def _shut_down(self) -> None:
        """No new CALL, every acknowledged row on disk, everybody told; within 5 s."""
        log.info("stopping")
        service_manager.notify("STOPPING=1")
        self._bus.publish(Event("daemon.stopping", None, {}))
        self._runner.draining = True
        self._listener.stop_accepting()
        for task in self._background:
            task.cancel()
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._listener.close()
                await self._files.close()
                await self._save_what_moved()
                await self._control.close()
        except TimeoutError:
            log.warning("some connections did not close in time")
        await self._close_opened()

    async def _close_opened(self) -> None:
        while self._opened:
            await self._opened.pop()()

    # --- what the parts are given

    def _site(self) -> Site:
        return self.site

    def _tap(self, charge_point: str, direction: Literal["in", "out"], text: bytes | str) -> None:
        """Every OCPP message passes here on its way to the log; secrets go no further."""
        if not self._settings.store.message_log:
            return
        raw = text if isinstance(text, bytes) else text.encode()
        if may_hold_secret(raw):
            raw = _without_secrets(raw)
        at = now()
        number = self._message_log.add_message(at, charge_point, direction, raw)
        if number is not None and self._message_subscribers:
            message = LoggedMessage(number, at, charge_point, direction, raw.decode(errors="replace"))
            for subscriber in list(self._message_subscribers.values()):
                subscriber(message)

    def _keep_event(self, event: NumberedEvent) -> None:
        data = encode_json(event.data).decode()
        self._message_log.add_event(event.number, event.time, event.type, event.charge_point, data)

    def _info(self) -> Json:
        settings = self._settings
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started_at": format_time(self._started_at),
            "uptime_s": (now() - self._started_at) // 1000,
            "state_dir": str(self._directory),
            "socket": str(settings.socket_path),
            "listen": self._addresses,
            "call_timeout": settings.ocpp.call_timeout,
            "policies": {
                "unknown_charge_points": settings.ocpp.unknown_charge_points,
                "unknown_id_tags": settings.ocpp.unknown_id_tags,
            },
            "loop": type(asyncio.get_running_loop()).__module__.split(".")[0],
            "messages_not_logged": self._message_log.dropped,
            "files": list(hosting.bases.values()) if (hosting := self.site.firmware.hosting) is not None else [],
        }

    # --- reload

    def _reload(self) -> Json:
        """Takes over what can change in a running daemon. A bad file changes nothing."""
        try:
            fresh = self._read_settings()
        except SettingsError as error:
            raise RpcError(
                1, str(error), "Correct the file; nothing was changed. Check it with: csmsd --check-config"
            ) from None
        changed = differences(self._settings, fresh)
        restart = [key for key in changed if key not in RELOADABLE]
        self._settings.ocpp = msgspec.structs.replace(
            fresh.ocpp,
            **{
                key.split(".")[1]: getattr(self._settings.ocpp, key.split(".")[1])
                for key in restart
                if key.startswith("ocpp.")
            },
        )
        self._settings.log = fresh.log
        self._settings.data_transfer = msgspec.structs.replace(
            fresh.data_transfer, max_running=self._settings.data_transfer.max_running
        )
        self._listener.policies = self._settings.ocpp
        self.site.policies = _policies(self._settings)
        logging.getLogger().setLevel(fresh.log.level.upper())
        self._bus.publish(Event("daemon.reloaded", None, {"changed": changed}))
        return {"changed": [key for key in changed if key in RELOADABLE], "restart_needed": restart}

    def _reload_on_signal(self) -> None:
        service_manager.notify_reloading()
        try:
            outcome = self._reload()
        except RpcError as error:
            log.error("reload: %s", error.message)
        else:
            log.info("reloaded; changed: %s", ", ".join(outcome["changed"]) or "nothing")
            if outcome["restart_needed"]:
                log.warning("these need a restart: %s", ", ".join(outcome["restart_needed"]))
        service_manager.notify("READY=1")

    # --- the store in trouble

    def _store_changed(self, failure: str | None) -> None:
        if failure is None:
            log.info("the store works again")
            self._bus.publish(Event("store.recovered", None, {}))
        else:
            log.error("the store fails: %s; transaction messages are answered InternalError until it works", failure)
            self._bus.publish(Event("store.failed", None, {"error": failure}))

    async def _recover(self) -> None:
        """Loads the live state anew: memory was ahead of a disk that did not follow."""
        while True:
            try:
                fresh = await asyncio.to_thread(load, self._database, self.site.policies)
                break
            except Exception as error:
                if self._stop.is_set():
                    return  # nobody will look at it any more
                log.error("the state cannot be loaded: %s; trying again", error)
                await asyncio.sleep(1)
        for key, state in self.site.charge_points.items():
            known = fresh.charge_points.get(key)
            if known is not None:
                known.connected_at, known.address = state.connected_at, state.address
                known.samples, known.triggered = state.samples, state.triggered
        fresh.firmware.hosting = self.site.firmware.hosting
        self.site = fresh

    async def _reload_when_distrusted(self) -> None:
        while True:
            await self._distrusted.wait()
            self._distrusted.clear()
            await self._writer.pause(self._recover)

    # --- housekeeping

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)
            await self._save_what_moved()

    async def _save_what_moved(self) -> None:
        changes = [change for state in self.site.charge_points.values() for change in state.housekeeping()]
        if changes:
            try:
                await self._writer.commit(changes)
            except Exception as error:
                log.error("counters could not be saved: %s", error)


def _calm_garbage_collector() -> None:
    """What was loaded lives as long as the daemon: looking through it again and again costs a third of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _policies(settings: Settings) -> Policies:
    return Policies(
        unknown_charge_points=settings.ocpp.unknown_charge_points,
        unknown_id_tags=settings.ocpp.unknown_id_tags,
        heartbeat_interval=settings.ocpp.heartbeat_interval,
        boot_retry_interval=settings.ocpp.boot_retry_interval,
        reassert_charging_profiles=settings.ocpp.reassert_charging_profiles,
        voltage=settings.ocpp.voltage,
        hooks=[Hook(hook.vendor_id, hook.message_id, hook.command) for hook in settings.data_transfer.hooks],
        firmware_timeout=settings.ocpp.firmware_timeout,
        diagnostics_timeout=settings.ocpp.diagnostics_timeout,
    )


def _without_secrets(text: bytes) -> bytes:
    try:
        return encode_json(masked(msgspec.json.decode(text)))
    except (ValueError, RecursionError):
        return b"(not logged: unreadable, and it may hold a secret)"
