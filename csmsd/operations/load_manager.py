"""Load management: hears what happens to charge points, and sends them leases by the same runner as an operator."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import ClassVar, Literal

import msgspec

from csmsd.events import EventBus, NumberedEvent
from csmsd.live_site import LiveSite
from csmsd.ocpp.identity import fold
from csmsd.operations.call import Steps
from csmsd.operations.options import Options
from csmsd.operations.result import Result
from csmsd.operations.runner import OperationRunner
from csmsd.ports.charge_points import Links
from csmsd.ports.store import NotStored
from csmsd.profiles.action import Target
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.load_management.allocation import Turns
from csmsd.profiles.load_management.budgets import budgets_from, lowest_budget
from csmsd.profiles.load_management.circuits import Key, Member
from csmsd.profiles.load_management.holds import Lease
from csmsd.profiles.load_management.load import LoadClock, LoadManagement
from csmsd.profiles.load_management.manners import Takes, next_manner, next_manner_of_transactions
from csmsd.profiles.load_management.observation import Observer, readings_of_main_meters
from csmsd.profiles.load_management.site_limits import site_limit_level, site_limit_profile
from csmsd.profiles.load_management.steering import Steering
from csmsd.profiles.load_management.transition import Periods, Planner
from csmsd.profiles.load_management.waiting_cars import WAITING_STATUSES, running_on_member
from csmsd.profiles.policies import LoadPolicies, Policies
from csmsd.profiles.record import Change, Event, EventType, Milliseconds
from csmsd.profiles.smart_charging.clear_charging_profile import ClearChargingProfileReq
from csmsd.profiles.smart_charging.profile_ids import is_site_limit
from csmsd.profiles.smart_charging.set_charging_profile import SetChargingProfileReq
from csmsd.runtime.waking import Waker

log = logging.getLogger(__name__)

_LOOK_AGAIN_S = 5.0
_BREATH = 3  # so many times as long as a round took
_LONGEST_BREATH_S = 0.5
_RETRY_MS = 30_000
_LONGEST_RETRY_MS = 300_000
_STEP_MS = 2_000  # a clock that differs by less from a steady one was not set
_REFUSALS = 2  # one may have another reason


class _Standing(msgspec.Struct):
    """What is known of a member beside the ledger, since csmsd runs."""

    sending: bool = False
    not_before: Milliseconds = 0
    failures: int = 0
    refusals: int = 0  # in a row
    told: tuple[int, int] | None = None  # the limit and the fallback that were told last, in mA


class LoadManager:
    """One for the site. Without members it rests."""

    STIRRING: ClassVar[tuple[EventType, ...]] = (
        "charge_point.connected",
        "charge_point.booted",
        "connector.status",
        "transaction.started",
        "transaction.stopped",
        "transaction.closed",
        "transaction.abandoned",
        "circuit.changed",
        "circuit.limited",
        "load.resumed",
        "load.prioritized",
        "load.manner",
        "profile.cleared",
        "profile.installed",
        "daemon.clock_jumped",
    )

    def __init__(
        self,
        live: LiveSite,
        runner: OperationRunner,
        links: Links,
        bus: EventBus,
        policies: Policies,
        settings: LoadPolicies,
        utc_offset_s: Callable[[Milliseconds], int],
        steady: Callable[[], Milliseconds] | None = None,
        boot: str | None = None,
        seen_at: Milliseconds | None = None,
    ) -> None:
        """`steady` is a clock that nobody sets (in ms), and `boot` says since which boot of the machine it runs.
        `seen_at` is what our clock showed when an earlier csmsd looked last."""
        self._live = live
        self._runner = runner
        self._links = links
        self._bus = bus
        self._policies = policies
        self._settings = settings  # a reload changes it in place
        self._utc_offset_s = utc_offset_s
        self._waker = Waker()
        self._standings: dict[Key, _Standing] = {}
        self._steering: Steering | None = None
        self._made_of: tuple[LoadManagement, int, int] | None = None
        self._steady = steady or live.now
        self._boot = boot
        self._seen_at = seen_at or 0
        self._clock_offset = live.now() - self._steady()
        self._read: LoadManagement | None = None  # whose ledger goes by our clock as it is
        self._tasks: set[asyncio.Task[None]] = set()
        self._observer = Observer()
        self.outcomes: Counter[str] = Counter(accepted=0, refused=0, unanswered=0, not_sent=0)  # of leases

    async def run(self) -> None:
        """Never returns."""
        end = self._bus.subscribe(self._told, self.STIRRING)
        try:
            while True:
                load, begun = self._live.site.smart_charging.load, monotonic()
                if load.members and self._live.accepting:
                    try:
                        await self._round(load)
                    except NotStored as error:  # memory was loaded anew; what was planned has not left
                        log.error("load management could not go on: %s", error)
                        await asyncio.sleep(1)
                # Of a large site every answer is worth a round: others have their turns between them.
                await asyncio.sleep(min(_LONGEST_BREATH_S, _BREATH * (monotonic() - begun)))
                await self._waker.rest(_LOOK_AGAIN_S if load.members else None)
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            raise
        finally:
            end()

    def _told(self, event: NumberedEvent) -> None:
        if event.type == "connector.status" and event.data.get("status") not in WAITING_STATUSES:
            return  # the next round is soon enough
        self._waker.wake()

    # --- one round

    async def _round(self, load: LoadManagement) -> None:
        self._live.require()
        steering = self._steered(load)
        self._look_at_clock(load)
        now = self._live.now()
        steering.turns = Turns(turn_ms=self._settings.turn * 1000, min_switch_ms=self._settings.min_switch * 1000)
        steering.raise_ma = round(self._settings.raise_step * 1000)
        steering.arrivals.reserve = self._settings.arrival_reserve
        steering.arrivals.hold_ms, steering.arrivals.again_ms = (
            self._settings.arrival_hold * 1000,
            self._settings.turn * 1000,
        )
        periods = Periods(lease_ms=self._settings.lease * 1000, margin_ms=self._settings.margin * 1000)
        for member in list(load.members.values()):
            self._live.tell(*self._observer.look_at(member, self._live.site, steering, periods.lease_ms, now))
        for reading in readings_of_main_meters(self._live.site, steering.tree, now):
            load.readings[fold(reading.circuit)] = reading
            self._live.tell(Event("circuit.measured", None, {"circuit": reading.circuit}))
        if load.paused(now) is not None:  # leases end by themselves, in fallbacks that fit
            load.ledger.tidy(now)
            await self._write_holds(load)
            return
        outside = load.outside(self._utc_offset_s(now), now, self._live.to_expire_by())
        budgets = budgets_from(steering.tree, outside, now, periods.lease_ms)
        reachable = [key for key, member in load.members.items() if self._links.is_ready(member.charge_point)]
        wants = steering.wants(now, budgets, load.ledger, reachable)
        busy = {identity for (identity, _), standing in self._standings.items() if standing.sending}
        ready = [
            key
            for key in reachable
            if key[0] not in busy and load.takes_leases(key) and now >= self._standing(key).not_before
        ]
        plan = Planner(load.ledger, periods).plan(
            now, budgets, steering.terms(lowest_budget(steering.tree, outside)), wants, ready
        )
        await self._write_holds(load)
        for lease in plan.leases:
            self._standing(lease.key).sending = True
            takes = steering.takes.get(lease.key) or Takes()
            task = asyncio.create_task(
                self._send(lease, takes, _phases_of(lease, load)), name=f"load management {lease.key[0]}"
            )
            self._tasks.add(task)
            task.add_done_callback(partial(self._sent, lease.key))

    def _look_at_clock(self, load: LoadManagement) -> None:
        """Leases are reckoned by our clock: whether it was set since it was looked at last."""
        now = self._live.now()
        offset = now - self._steady()
        if load is not self._read:
            self._read = load
            self._clock_offset = self._clock_offset_on_disk(load, now, offset)
        moved = offset - self._clock_offset
        if abs(moved) < _STEP_MS:
            return
        self._clock_offset += moved
        log.warning("the clock was set by %+.1f s: leases are sent anew", moved / 1000)
        self._observer.clock_moved(moved, self._live.site, now)
        if self._steering is not None:
            self._steering.clock_moved(moved)
        for standing in self._standings.values():
            standing.not_before += moved

    def _clock_offset_on_disk(self, load: LoadManagement, now: Milliseconds, offset: Milliseconds) -> Milliseconds:
        """Of our clock, by which the holds go that were read; where nobody knows that, they go by it as it is now."""
        kept = load.clock
        if kept is not None and not kept.others_known:
            self._observer.clocks_unknown(self._live.site)
        if kept is not None and kept.boot == self._boot:
            return kept.offset
        if load.ledger.read_again(now, self._seen_at):
            log.warning("the clock was set back while csmsd did not run: those of charge points are not known")
            self._observer.clocks_unknown(self._live.site)
        return offset

    def _clock_changes(self, load: LoadManagement) -> list[Change]:
        """What has to be on disk with the holds, so that the next csmsd knows by which clock they go, and whether
        those of charge points are not known."""
        if self._boot is None:
            return []
        now, kept = self._live.now(), load.clock
        known = not self._observer.doubts_clocks(load)
        same = kept is not None and (kept.boot, kept.others_known) == (self._boot, known)
        if same and kept is not None and abs(kept.offset - self._clock_offset) < _STEP_MS:
            return []
        load.clock = LoadClock(at=now, steady=now - self._clock_offset, boot=self._boot, others_known=known)
        return [load.clock]

    async def _write_holds(self, load: LoadManagement) -> None:
        changes = [*self._clock_changes(load), *load.hold_changes()]
        if changes:
            await self._live.keep(changes)

    def _steered(self, load: LoadManagement) -> Steering:
        """Made anew with the circuits; what was learned of cars that are still there is kept."""
        made_of = (load, load.generation, self._policies.voltage)
        if self._steering is None or self._made_of is None or self._made_of != made_of:
            self._steering = Steering(load.tree(self._policies.voltage), charging=load.charging, came=load.came)
            self._made_of = made_of
            for key in {key for key, _ in load.ledger} - set(load.members):
                load.ledger.forget(key)
        return self._steering

    def _standing(self, key: Key) -> _Standing:
        return self._standings.setdefault(key, _Standing())

    # --- what is sent

    async def _send(self, lease: Lease, takes: Takes, phases: int | None) -> None:
        site = self._live.site
        state = site.charge_point(lease.key[0])
        if state is None:
            return
        voltage = self._policies.voltage

        def steps(target: Target) -> Steps:
            installed = target.site.smart_charging.installed.of(target.charge_point.id)
            level = site_limit_level(target.charge_point, installed)
            profile = site_limit_profile(lease, level, takes, voltage, target.now, phases)
            connector = 0 if takes.whole else lease.key[1]
            if takes.whole:  # it has no room for what it was sent before that was known
                for one in installed:
                    if is_site_limit(one.profile_id) and one.purpose != "ChargePointMaxProfile":
                        yield ClearChargingProfileReq(id=one.profile_id)
            yield SetChargingProfileReq(connector_id=connector, cs_charging_profiles=profile)

        results = await self._runner.run_for(state, steps, Options(timeout=self._policies.call_timeout), _quietly)
        self._answered(lease, takes, results[-1] if results else None)

    def _answered(self, lease: Lease, takes: Takes, result: Result | None) -> None:
        self._look_at_clock(self._live.site.smart_charging.load)
        now, ledger, standing = self._live.now(), self._live.site.smart_charging.load.ledger, self._standing(lease.key)
        outcome = _outcome(result)
        self.outcomes[outcome] += 1
        self._tell_what_came_of_it(lease, outcome, result, standing)
        if outcome == "accepted":
            ledger.accepted(lease.key, lease.serial, now, takes.obey_ms(round(self._settings.obey * 1000)))
            standing.failures, standing.refusals, standing.not_before = 0, 0, 0
            return
        if outcome == "not_sent":
            ledger.withdrawn(lease.key, lease.serial)
        if outcome == "refused":
            self._learn_from_refusal(lease, takes, standing, now)
        standing.failures += 1
        standing.not_before = now + min(_RETRY_MS * 2 ** min(standing.failures - 1, 4), _LONGEST_RETRY_MS)
        if standing.failures == 3 and result is not None:
            log.warning("%s does not take the limits of its circuit: %s", lease.key[0], result.error or result.outcome)

    def _learn_from_refusal(self, lease: Lease, takes: Takes, standing: _Standing, now: Milliseconds) -> None:
        """One that refuses what it is sent may take another unit or profile, or another way to pause."""
        standing.refusals += 1
        key, load = lease.key, self._live.site.smart_charging.load
        state, member = self._live.site.charge_point(key[0]), load.members.get(key)
        if state is None or member is None or standing.refusals < _REFUSALS:
            return
        manner, habits = load.manner(state.id), load.habits.get(key[0])
        if load.ledger.newest_accepted(key) is None:
            found = next_manner(manner, state, habits, now)
            log.warning("%s refuses its limits; it is tried in %s, paused by %s", state.id, found.unit, found.pause)
        elif self._refuses_to_raise(lease, takes, state, member, load):
            found = next_manner_of_transactions(manner, state, habits, lease.ma, now)
            log.warning("%s refuses limits of a transaction; it is tried by %s", state.id, found.purpose)
        else:
            return
        standing.refusals = standing.failures = 0
        load.note_manner(found)

    def _refuses_to_raise(
        self, lease: Lease, takes: Takes, state: ChargePointState, member: Member, load: LoadManagement
    ) -> bool:
        """It has its limits for all transactions, and takes none for the one that runs."""
        running = running_on_member(state, member)
        if running is None:
            return False
        if takes.single:
            return lease.ma > takes.floor_ma and member.connector != 0
        taken = [hold for hold in load.ledger.of(lease.key) if hold.slot == "transaction" and hold.accepted_at]
        return lease.transaction == running.id and not taken

    def _tell_what_came_of_it(self, lease: Lease, outcome: str, result: Result | None, standing: _Standing) -> None:
        """A renewal is no news, nor is what is to be sent again."""
        data: dict[str, object] = {
            "connector": lease.key[1],
            "transaction": lease.transaction,
            "limit_a": lease.ma / 1000,
            "fallback_a": lease.fallback_ma / 1000,
        }
        state = self._live.site.charge_point(lease.key[0])
        lent = (lease.ma, lease.fallback_ma)
        if state is None or (outcome == "accepted" and standing.told == lent) or outcome == "not_sent":
            return
        if outcome == "accepted":
            standing.told = lent
            self._live.tell(Event("load.lent", state.id, data))
        else:
            why = None if result is None else result.error or result.status or result.outcome
            self._live.tell(Event("load.refused", state.id, {**data, "why": why}))

    def _sent(self, key: Key, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._standing(key).sending = False
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: its lease could not be sent", key[0], exc_info=task.exception())
        self._waker.wake()


def _phases_of(lease: Lease, load: LoadManagement) -> int | None:
    """On how many its car draws; None: that is not known."""
    charging = load.charging.get(lease.key)
    if charging is None or charging.phases is None or charging.transaction != lease.transaction:
        return None
    return len(charging.phases)


def _outcome(result: Result | None) -> Literal["accepted", "refused", "unanswered", "not_sent"]:
    if result is None or result.outcome == "not_sent":
        return "not_sent"
    if result.outcome == "accepted":
        return "accepted"
    return "refused" if result.outcome in ("rejected", "call_error") else "unanswered"


def _quietly(result: Result) -> None:
    """Nobody waits for it."""
