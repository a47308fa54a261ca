"""The composition root: builds, starts and stops the parts in one order. It alone knows everybody."""

import asyncio
import fcntl
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from csmsd import __version__
from csmsd.about import About
from csmsd.certificates_in_place import put_certificates_in_place
from csmsd.charge_points.admission import Admission
from csmsd.charge_points.dispatch import Dispatcher
from csmsd.charge_points.keys import Keys
from csmsd.charge_points.listener import Listener
from csmsd.charge_points.refusals import Refusals
from csmsd.charge_points.registry import Registry
from csmsd.control.audit import Audit
from csmsd.control.opening import open_control_socket
from csmsd.control.rpc import Json, RpcError
from csmsd.event_numbers import EventNumbers
from csmsd.events import EventBus, NumberedEvent
from csmsd.files.opening import open_file_hosts
from csmsd.hooks.circuit_meters import CircuitMeters
from csmsd.hooks.opening import open_hooks
from csmsd.live_site import LiveSite
from csmsd.measuring import READINGS_AT_START, Measuring
from csmsd.metrics.figures import Figures
from csmsd.metrics.opening import open_metrics_listener
from csmsd.ocpp.json_text import encode_json
from csmsd.operations.interrupted import settle_what_was_interrupted
from csmsd.operations.load_manager import LoadManager
from csmsd.operations.queue import CommandQueue
from csmsd.operations.reassertion import Reassertion
from csmsd.operations.rollouts import RolloutRunner
from csmsd.operations.runner import OperationRunner
from csmsd.operations.securing import Securing
from csmsd.parts import closing_within, in_background, open_part
from csmsd.pki.client_certificates import ClientCertificates
from csmsd.pki.own_certificates import OwnCertificates
from csmsd.pki.own_files import OwnFiles
from csmsd.pki.renewal import Renewal
from csmsd.pki.request_signing import RequestSigning
from csmsd.pki.server_contexts import ServerContexts
from csmsd.ports.tls import TlsProblem
from csmsd.profiles.record import Event
from csmsd.profiles.site import Site
from csmsd.recall import Recall
from csmsd.reloading import CertificatesStay, Reloading
from csmsd.runtime import service_manager
from csmsd.runtime.clock import ClockWatch, boot_of_machine, steady_clock
from csmsd.runtime.clock import wall_clock as now
from csmsd.runtime.gate import raise_descriptor_limit
from csmsd.runtime.time_zones import local_utc_offset
from csmsd.runtime.watchdog import Watchdog
from csmsd.settings.sections import Settings
from csmsd.settings.setting import SettingsError
from csmsd.store.backup import DatabaseCopy
from csmsd.store.books import BooksKeeper
from csmsd.store.database import prepare_database
from csmsd.store.loader import load_site
from csmsd.store.message_log.log import MessageLog
from csmsd.store.past import Past
from csmsd.store.prunable import Prunable
from csmsd.store.reader import Reader
from csmsd.store.tap import Tap
from csmsd.store.traces import require_database, restore_modes
from csmsd.store.writer import Writer
from csmsd.upkeep.checkup import Checkup
from csmsd.upkeep.clock_changes import ClockChanges
from csmsd.upkeep.clock_keeper import ClockKeeper
from csmsd.upkeep.expiry import Expiry
from csmsd.upkeep.housekeeping import Housekeeping, calm_garbage_collector
from csmsd.upkeep.pruning import Pruner
from csmsd.upkeep.replica import ReplicaWatch

log = logging.getLogger(__name__)

_DRAIN_SECONDS = 3.5


class AlreadyRunning(Exception):
    """Another daemon has this state directory."""


class Daemon:
    """One running csmsd. `read_settings` gives the settings anew for a reload; `begin_anew` has it begin with empty
    books where there were some."""

    def __init__(self, settings: Settings, read_settings: Callable[[], Settings], *, begin_anew: bool = False) -> None:
        self._settings = settings
        self._begin_anew = begin_anew
        self._clock = ClockWatch()
        self._reloading = Reloading(settings, read_settings, self._took_over, self._renew_certificates)
        self._started_at = now()
        self._directory = settings.state_directory
        self._database = self._directory / "csms.db"
        self._own_files = OwnFiles(self._directory)
        self._contexts = ServerContexts(settings.tls, self._own_files)
        self._books = BooksKeeper(self._database, now)
        replica = settings.store.replica
        self._replica = None if replica is None else ReplicaWatch(Path(replica), self._database, now)
        self._lock: int | None = None
        self._stop = asyncio.Event()
        self._metrics: str | None = None
        self._watchdog = Watchdog()
        self._keys = Keys()

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT. Raises StoreError, SocketBusy, AlreadyRunning or OSError at the start."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock_directory()
        raise_descriptor_limit()
        await asyncio.to_thread(self._prepare)
        # What is opened last is closed first. The store is closed in any case, however long the others take.
        async with AsyncExitStack() as inner, closing_within(_DRAIN_SECONDS) as outer:
            inner.push_async_callback(self._books.close)
            await self._open_store(inner)
            await self._begin_operations()
            self._hooks, self._event_hooks = await inner.enter_async_context(
                open_hooks(self._settings, self._bus, self._live)
            )
            await self._open_edges(outer)
            await open_part(self._watchdog, inner)
            await self._serve()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reloading.reload_on_signal)
        calm_garbage_collector()
        where = ", ".join(self._listener.addresses)
        service_manager.notify("READY=1", f"STATUS=listening on {where}")
        log.info("csmsd %s listens on %s; socket %s", __version__, where, self._settings.socket_path)
        self._live.tell(Event("daemon.started", None, {"version": __version__}))
        if self._books.restored is not None:
            self._live.tell(Event("store.restored", None, {"because": self._books.restored}))
        try:
            await self._stop.wait()
        finally:
            self._begin_to_stop()

    def _lock_directory(self) -> None:
        """Two daemons on one file would each believe in a live state of its own."""
        self._lock = os.open(self._directory / "csmsd.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another csmsd runs on {self._directory}; name another --state-dir") from None

    def _prepare(self) -> None:
        restore_modes(self._directory)
        require_database(self._database, begin_anew=self._begin_anew)
        self._books.look()
        prepare_database(self._database)
        self._books.take_over(begin_anew=self._begin_anew)
        if self._books.restored is not None:
            log.warning("%s was put back: %s. Ids go on far beyond its last ones", self._database, self._books.restored)

    def _load(self, readings_at_once: int | None = None) -> Site:
        site = Site(self._settings.ocpp, self._settings.data_transfer)
        return load_site(self._database, site, readings_at_once=readings_at_once)

    async def _open_store(self, opened: AsyncExitStack) -> None:
        settings = self._settings
        self._message_log = MessageLog(
            self._directory / "log.db",
            max_bytes=settings.store.message_log_megabytes * 1024 * 1024,
            max_age_days=settings.store.message_log_days,
            to_forget_by=self._clock.to_forget_by,
        )
        await open_part(self._message_log, opened)
        self._bus = EventBus(last=0, clock=now, keep=self._keep_event)
        self._writer = Writer(
            self._database,
            synchronous=settings.store.synchronous,
            replicated=settings.store.replica is not None,
            recover=lambda: self._live.recover(),
        )
        self._writer.on_state = self._store_changed
        self._live = LiveSite(self._writer, self._bus, now, self._load, to_expire_by=self._clock.to_expire_by)
        await self._live.open(partial(self._load, readings_at_once=READINGS_AT_START))
        self._clock.resume(
            self._live.site.milestones.get("clock_jump"), self._books.seen_at or self._message_log.newest_at
        )
        await open_part(self._writer, opened)
        self._event_numbers = EventNumbers(self._bus, self._live)
        await self._event_numbers.begin(self._message_log.last_event, put_back=self._books.restored is not None)
        opened.push_async_callback(self._event_numbers.end)
        self._reader = Reader(self._database)
        await open_part(self._reader, opened)
        self._past = Past(self._database)
        await open_part(self._past, opened)
        self._recall = Recall(self._live, self._past)
        self._measuring = Measuring(self._live, self._recall)

    async def _begin_operations(self) -> None:
        policies = self._settings.ocpp
        self._registry = Registry(self._live)
        last_task = await self._reader.last_task_id()
        self._runner = OperationRunner(self._live, self._registry, last_task)
        await settle_what_was_interrupted(await self._reader.tasks_under_way(), self._live)
        self._queue = CommandQueue(self._live, self._registry, self._runner, policies)
        await self._queue.load(await self._reader.queued())
        self._registry.on_ready = self._queue.ready
        self._bus.subscribe(self._queue.told, self._queue.STIRRING)
        self._reassertion = Reassertion(self._live, self._runner, policies)
        self._bus.subscribe(self._reassertion.told, self._reassertion.STIRRING)
        self._rollouts = RolloutRunner(self._live, self._runner, self._bus, policies)
        self._load_manager = LoadManager(
            self._live,
            self._runner,
            self._registry,
            self._bus,
            policies,
            self._settings.load_management,
            local_utc_offset,
            steady_clock,
            boot_of_machine(),
            self._books.seen_at,
        )
        self._circuit_meters = CircuitMeters(self._settings.load_management, self._live)

    async def _open_edges(self, opened: AsyncExitStack) -> None:
        settings, live, bus = self._settings, self._live, self._bus
        self._storage, self._files = await opened.enter_async_context(
            open_file_hosts(self._directory / "files", settings.files, settings.server.addresses, live, bus)
        )
        self._runner.open_host = self._files.ready
        self._certificates = OwnCertificates(live, settings, self._own_files, self._contexts)
        self._signing = RequestSigning(live, settings, self._certificates, self._contexts)
        await self._certificates.open()
        await self._contexts.load()
        put_certificates_in_place(self._certificates, self._signing, live, self._runner, bus, settings)
        self._securing = Securing(live, self._runner, bus, self._keys, settings.security, self._offers_tls)
        await self._securing.resume()
        bus.subscribe(self._securing.told, self._securing.STIRRING)
        self._tap = Tap(self._message_log, settings.store, now)
        dispatcher = Dispatcher(live, self._hooks, self._recall)
        self._listener = Listener(
            settings,
            self._registry,
            dispatcher,
            Admission(live, self._past),
            Refusals(live),
            self._tap,
            now,
            live,
            self._contexts,
            ClientCertificates(lambda: live.site.security.certificates, settings.security, self._contexts),
        )
        self._metrics = await opened.enter_async_context(
            open_metrics_listener(settings.metrics, self._figures(dispatcher))
        )
        self._pruner = Pruner(
            live, self._writer, Prunable(self._database), self._storage, settings.retention, self._clock.patience
        )
        await self._open_control(opened)
        self._housekeeping = Housekeeping(live)
        opened.push_async_callback(self._books.note)
        opened.push_async_callback(self._housekeeping.save_what_moved)
        await open_part(self._listener, opened)
        await opened.enter_async_context(in_background(**self._upkeep()))

    async def _open_control(self, opened: AsyncExitStack) -> None:
        await opened.enter_async_context(
            open_control_socket(
                self._settings,
                self._live,
                reader=self._reader,
                past=self._past,
                recall=self._recall,
                measured=self._measuring.done,
                runner=self._runner,
                queue=self._queue,
                rollouts=self._rollouts,
                pruner=self._pruner,
                audit=Audit(self._live, await self._reader.last_audit_id()),
                links=self._registry,
                keys=self._keys,
                securing=self._securing,
                files=self._storage,
                log=self._message_log,
                bus=self._bus,
                message_subscribers=self._tap.subscribers,
                disk=self._writer,
                replica=self._replica,
                copy_database=partial(DatabaseCopy, self._database),
                about=About(
                    settings=self._settings,
                    started_at=self._started_at,
                    listener=self._listener,
                    contexts=self._contexts,
                    metrics=self._metrics,
                    files=self._files,
                    last_commit_seconds=lambda: self._writer.last_commit_seconds,
                    log=self._message_log,
                    replica=self._replica,
                ),
                take_over_settings=self._reload,
                offers_tls=self._offers_tls,
                certificates=self._certificates,
                certificate_requests=self._signing,
                tls=self._contexts,
                tls_addresses=lambda: self._listener.tls_addresses,
            )
        )

    def _upkeep(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """What goes on in the background, by name."""
        settings, live = self._settings, self._live
        followed = {} if self._replica is None else {"replica": self._replica.run}
        return {
            **followed,
            "measuring": self._measuring.run,
            "housekeeping": self._housekeeping.run,
            "clock": ClockKeeper(self._clock, live, self._books.note).run,
            "books": self._books.run,
            "event_numbers": self._event_numbers.run,
            "checkup": Checkup(live, self._books.damage, settings.retention, lambda: self._books.unchecked).run,
            "rollouts": self._rollouts.run,
            "load_management": self._load_manager.run,
            "circuit_meters": self._circuit_meters.run,
            "upgrades": self._securing.run,
            "file_hosts": self._files.run,
            "queue": self._queue.serve,
            "expiry": Expiry(live).run,
            "clock_changes": ClockChanges(live).run,
            "certificates": Renewal(live, self._certificates, self._contexts, settings.tls).run,
            "pruning": self._pruner.run,
        }

    def _figures(self, dispatcher: Dispatcher) -> Figures:
        return Figures(
            version=__version__,
            started_at=self._started_at,
            live=self._live,
            store=self._writer,
            log=self._message_log,
            traffic=dispatcher.traffic,
            watchdog=self._watchdog,
            replica=self._replica,
            bus=self._bus,
            outcomes=self._runner.outcomes,
            leases=self._load_manager.outcomes,
            hooks=self._event_hooks.outcomes,
            measured=self._measuring.done,
            queued_commands=lambda: len(self._queue),
            handshakes=lambda: self._listener.handshakes.counts,
            waiting_calls=lambda: sum(connection.waiting for connection in self._registry),
            files=[self._directory / name for name in ("csms.db", "csms.db-wal", "log.db", "log.db-wal")],
            stopping=self._stop.is_set,
        )

    def _begin_to_stop(self) -> None:
        """No new CALL, every acknowledged row on disk, everybody told; within 5 s."""
        log.info("stopping")
        self._live.stopping = True
        service_manager.notify("STOPPING=1")
        self._live.tell(Event("daemon.stopping", None, {}))
        self._runner.draining = True
        self._writer.hurry()
        self._listener.stop_accepting()

    # --- what the parts are given

    def _keep_event(self, event: NumberedEvent) -> None:
        data = encode_json(event.data).decode()
        self._message_log.add_event(event.number, event.time, event.type, event.charge_point, data)

    def _offers_tls(self) -> bool:
        """Itself, or by a proxy."""
        proxies = any(listener.transport == "proxy" for listener in self._settings.server.listeners)
        return proxies or self._contexts.context("none") is not None

    async def _renew_certificates(self) -> None:
        try:
            await self._contexts.reload()
        except TlsProblem as error:
            raise CertificatesStay(f"the certificates of before stay in use: {error}") from None

    async def _reload(self) -> Json:
        try:
            return {**await self._reloading.reload()}
        except CertificatesStay as error:
            raise RpcError(1, str(error), "All else was taken over. Once more, when it is mended.") from None
        except SettingsError as error:
            next_step = "Correct the file; nothing was changed. Check it with: csmsd --check-config"
            raise RpcError(1, str(error), next_step) from None

    def _took_over(self, changed: list[str]) -> None:
        self._event_hooks.configure()
        self._circuit_meters.configure()
        self._live.tell(Event("daemon.reloaded", None, {"changed": changed}))

    def _store_changed(self, failure: str | None) -> None:
        if failure is None:
            log.info("the store works again")
            self._live.tell(Event("store.recovered", None, {}))
        else:
            log.error("the store fails: %s; transaction messages are answered InternalError until it works", failure)
            self._live.tell(Event("store.failed", None, {"error": failure}))
