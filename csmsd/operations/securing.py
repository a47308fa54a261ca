"""New keys for charge points, and higher security profiles (whitepaper A01, A05): given, and followed to their end.

Whatever is on its way is in the books before it leaves: csmsd may be killed after each step, and the charge point can
come back with what it had or with what it was given.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import ClassVar, Protocol

from csmsd.events import EventBus, NumberedEvent
from csmsd.live_site import LiveSite
from csmsd.operations.call import Start
from csmsd.operations.options import Options
from csmsd.operations.result import Obstacle, Report, Result, not_sent_result
from csmsd.operations.runner import OperationRunner
from csmsd.ports import NotStored
from csmsd.profiles.action import Steps, Target
from csmsd.profiles.core.change_configuration import ChangeConfigurationReq
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.core.security_profiles import WITH_KEY, WITH_TLS
from csmsd.profiles.policies import Policies, Security
from csmsd.profiles.record import Event, EventType, Milliseconds
from csmsd.profiles.security.certificate_hash_data import USES, name_of_installed, same_name
from csmsd.profiles.security.certificate_signed import OUTGOING as CERTIFICATE_SIGNED
from csmsd.profiles.security.extended_trigger_message import ExtendedTriggerMessageReq
from csmsd.profiles.security.get_installed_certificate_ids import GetInstalledCertificateIdsReq
from csmsd.profiles.security.install_certificate import InstallCertificateReq
from csmsd.profiles.security.upgrades import SecurityUpgrade

log = logging.getLogger(__name__)

_CENTRAL = USES["central-system"]
_SECONDS_FOR_A_CERTIFICATE = 60.0
_SECONDS_TO_LEAVE = 2.0  # after it has taken a new key, where it leaves for that at all
_SECONDS_TO_COME_BACK = 60.0
_BETWEEN_LOOKS = 1.0  # seconds


class KeyMaker(Protocol):
    """How keys of charge points are made and kept."""

    def generate(self) -> str: ...
    def hash(self, password: str, *, generated: bool) -> str: ...


class Securing:
    """One thing at a time for each charge point."""

    STIRRING: ClassVar[tuple[EventType, ...]] = ("charge_point.connected", "charge_point.booted")

    def __init__(
        self,
        live: LiveSite,
        runner: OperationRunner,
        bus: EventBus,
        keys: KeyMaker,
        policies: Policies,
        security: Security,
        offers_tls: Callable[[], bool],
    ) -> None:
        self._live = live
        self._runner = runner
        self._bus = bus
        self._keys = keys
        self._policies = policies
        self._security = security
        self._offers_tls = offers_tls
        self._under_way: set[str] = set()
        self._settling: set[asyncio.Task[None]] = set()

    # --- what an operator wants

    async def rotate_key(self, state: ChargePointState, options: Options, report: Report) -> list[Result]:
        """A new key for a charge point (A01)."""
        if state.record.security_profile not in WITH_KEY:
            text = f"it is registered with security profile {state.record.security_profile}, which has no key"
            return _told(report, not_sent_result(state.id, Obstacle.SENSELESS, text))
        return await self._alone(state, report, lambda: self._new_key(state.id, options, report))

    async def secure(self, state: ChargePointState, to: int, options: Options, report: Report) -> list[Result]:
        """A higher profile for a charge point (A05), with all that it needs before."""
        before = state.record.security_profile
        if to <= before:
            text = f"it is registered with security profile {before}; over OCPP none is lowered (A00.FR.005)"
            return _told(report, not_sent_result(state.id, Obstacle.SENSELESS, text))
        if to in WITH_TLS and not self._offers_tls():
            text = f"security profile {to} needs TLS, and there is no certificate for it yet; cert init makes one"
            return _told(report, not_sent_result(state.id, Obstacle.SENSELESS, text))
        return await self._alone(state, report, lambda: self._raise(state.id, to, options, report))

    async def _alone(
        self, state: ChargePointState, report: Report, work: Callable[[], Awaitable[list[Result]]]
    ) -> list[Result]:
        identity = state.id
        if identity in self._under_way:
            text = "a new key or a higher profile is on its way to it already"
            return _told(report, not_sent_result(identity, Obstacle.OBJECTION, text))
        if not state.connected:
            return _told(
                report, Result(charge_point=identity, outcome="not_connected", error=f"{identity} is not connected")
            )
        self._under_way.add(identity)
        try:
            return await work()
        except _Removed:
            return _told(report, not_sent_result(identity, Obstacle.NOT_THERE, "it was removed meanwhile"))
        finally:
            self._under_way.discard(identity)

    # --- keys

    async def _new_key(self, identity: str, options: Options, report: Report) -> list[Result]:
        """Both keys are good until the answer, or a login, says which one it is (A01.FR.03, FR.04)."""
        record = self._record(identity)
        if record.password_hash_next is not None:
            text = "a key was sent that it may have taken: it shows when it boots; reset it first"
            return _told(report, not_sent_result(identity, Obstacle.OBJECTION, text))
        key = self._keys.generate()
        kept = await asyncio.to_thread(self._keys.hash, key, generated=True)
        if not options.dry_run:
            record = self._record(identity)
            self._live.require()
            record.password_hash_next = kept
            await self._live.keep([record])
        results = await self._run(identity, _configured(("AuthorizationKey", key.encode().hex())), options, report)
        if options.dry_run:
            return results
        outcome, status = results[-1].outcome, results[-1].status
        record = self._record(identity)
        if record.password_hash_next != kept:
            return results  # it has logged in with it meanwhile
        if outcome == "accepted" and status != "RebootRequired":
            record.password_hash, record.password_hash_next = kept, None
        elif outcome not in ("accepted", "timeout", "unknown"):
            record.password_hash_next = None
        else:
            return results
        changed = Event("charge_point.changed", identity, {"registration": record.registration})
        self._live.require()
        await self._live.keep([record], [changed])
        return results

    # --- profiles

    async def _raise(self, identity: str, to: int, options: Options, report: Report) -> list[Result]:
        results: list[Result] = []
        for prepare in (self._give_key, self._give_root, self._give_certificate):
            more, ready = await prepare(identity, to, options, report)
            results += more
            if not ready:
                return results
        return results + await self._ask(identity, to, options, report)

    async def _give_key(self, identity: str, to: int, options: Options, report: Report) -> tuple[list[Result], bool]:
        record = self._record(identity)
        if to not in WITH_KEY or record.password_hash is not None:
            return [], True
        async with self._back_again(identity) as came_back:
            results = await self._new_key(identity, options, report)
            if results[-1].outcome == "accepted" and not options.dry_run:
                await came_back()
        return results, results[-1].outcome == "accepted" or options.dry_run

    @asynccontextmanager
    async def _back_again(self, identity: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """What waits for a charge point that leaves and comes back for what is done meanwhile (A01)."""
        left, back = asyncio.Event(), asyncio.Event()

        def told(event: NumberedEvent) -> None:
            if event.charge_point == identity:
                left.set()
                back.set() if event.type == "charge_point.connected" else back.clear()

        async def came_back() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS_TO_LEAVE):
                    await left.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS_TO_COME_BACK if left.is_set() else 0):
                    await back.wait()

        end = self._bus.subscribe(told, ("charge_point.connected", "charge_point.disconnected"))
        try:
            yield came_back
        finally:
            end()

    async def _give_root(self, identity: str, to: int, options: Options, report: Report) -> tuple[list[Result], bool]:
        """Our chain must end in a root that it has (A05.FR.03)."""
        if to not in WITH_TLS:
            return [], True

        def ask(target: Target) -> Steps:
            yield GetInstalledCertificateIdsReq(certificate_type=_CENTRAL)

        results = await self._run(identity, ask, options, report)
        own = self._live.site.security.own_root()
        installed = self._live.site.security.installed_certificates.of(identity, _CENTRAL)
        names = {same_name(*name) for name in own.names} if own is not None else set()
        if options.dry_run or any(name_of_installed(one) in names for one in installed):  # a dry run asks nothing
            return results, True
        if own is None:
            if installed or options.force:
                return results, True
            text = "it has no root certificate, and csmsd has no CA of its own: give it that of your certificate first"
            return results + _told(report, not_sent_result(identity, Obstacle.OBJECTION, text)), False

        def install(target: Target) -> Steps:
            yield InstallCertificateReq(certificate_type=_CENTRAL, certificate=own.pem)

        results += await self._run(identity, install, options, report)
        return results, results[-1].outcome == "accepted"

    async def _give_certificate(
        self, identity: str, to: int, options: Options, report: Report
    ) -> tuple[list[Result], bool]:
        """One of its own (A05.FR.04), which it has accepted."""
        certificates = self._live.site.security.certificates
        current = certificates.current(identity)
        if to != 3 or options.dry_run or (current is not None and (current.not_after or 0) > self._live.now()):
            return [], True
        results: list[Result] = []
        organization = next((one.organization for one in certificates.of("") if one.kind == "ca"), None)
        state = self._state(identity)
        if organization is not None and state is not None and state.configured("CpoName") != organization:
            results += await self._run(identity, _configured(("CpoName", organization)), options, report)

        def trigger(target: Target) -> Steps:
            yield ExtendedTriggerMessageReq(requested_message="SignChargePointCertificate")

        taken = asyncio.get_running_loop().create_future()

        def told(event: NumberedEvent) -> None:
            ours = event.charge_point == identity and not taken.done()
            if ours and event.type == "task.settled" and event.data.get("action") == CERTIFICATE_SIGNED.action:
                taken.set_result(event.data.get("outcome") == "accepted")
            elif ours and event.type == "certificate.refused":
                taken.set_result(False)

        end = self._bus.subscribe(told, ("task.settled", "certificate.refused"))
        try:
            results += await self._run(identity, trigger, options, report)
            if results[-1].outcome != "accepted":
                return results, False
            async with asyncio.timeout(_SECONDS_FOR_A_CERTIFICATE):
                good = await taken
        except TimeoutError:
            good = False
        finally:
            end()
        if good:
            return results, True
        text = "it has no certificate of its own: the request was refused, did not come, or it did not take what came"
        return results + _told(report, not_sent_result(identity, Obstacle.OBJECTION, text)), False

    async def _ask(self, identity: str, to: int, options: Options, report: Report) -> list[Result]:
        start = _configured(("SecurityProfile", str(to)))
        if options.dry_run:
            return await self._run(identity, start, options, report)
        site, now = self._live.site, self._live.now()
        window = self._security.upgrade_window * 1000
        upgrade = SecurityUpgrade(
            id=site.security.upgrades.new_id(),
            charge_point=identity,
            from_profile=self._record(identity).security_profile,
            to_profile=to,
            created_at=now,
            changed_at=now,
            expires_at=now + window,
            user=options.user,
        )
        await self._keep(upgrade, upgrade.news())
        state = self._state(identity)
        connected_at = state.connected_at if state is not None else None
        results = await self._run(identity, start, options, report)
        upgrade = self._newest(upgrade)
        now, result = self._live.now(), results[-1]
        if upgrade.state != "asked":
            return results  # its connection was faster than its answer
        if result.outcome == "accepted":
            upgrade.expires_at = now + window
            await self._keep(upgrade, upgrade.move("accepted", now, _REBOOT if result.status == _REBOOTS else None))
        elif result.outcome not in ("timeout", "unknown"):
            why = result.error or result.status or result.outcome
            await self._keep(upgrade, upgrade.move("refused", now, str(why)))
        state = self._state(identity)
        if state is not None and state.connected_at not in (None, connected_at):  # faster than all this
            await self._settle_upgrade(identity, asking=False)
        return results

    def _newest(self, upgrade: SecurityUpgrade) -> SecurityUpgrade:
        """As it is in memory now, which may have been loaded anew."""
        known = self._live.site.security.upgrades.of(upgrade.charge_point)
        return known if known is not None and known.id == upgrade.id else upgrade

    async def _keep(self, upgrade: SecurityUpgrade, *events: Event, also: ChargePoint | None = None) -> None:
        self._live.require()
        site = self._live.site
        site.security.upgrades.put(upgrade)
        state = site.charge_point(upgrade.charge_point)
        if state is not None:
            state.upgrade = upgrade
        await self._live.keep([upgrade] if also is None else [upgrade, also], events)

    # --- what connections and time say

    def told(self, event: NumberedEvent) -> None:
        """A charge point has connected: with which profile, and with which key, is known now."""
        state = self._state(event.charge_point or "")
        if state is None or state.secured is None:
            return
        upgrade = self._live.site.security.upgrades.of(state.id)
        undecided = upgrade is not None and (upgrade.open or upgrade.state == "fell_back")
        booted = event.type == "charge_point.booted"
        if undecided or (booted and state.record.password_hash_next is not None):
            task = asyncio.create_task(self._settle(state.id, booted=booted), name=f"security of {state.id}")
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    async def _settle(self, identity: str, *, booted: bool) -> None:
        try:
            self._live.require()
            if booted:
                await self._settle_key(identity)
            await self._settle_upgrade(identity, asking=identity in self._under_way)
        except NotStored as error:  # the next connection says the same
            log.error("%s: how it is secured could not be stored: %s", identity, error)

    async def _settle_key(self, identity: str) -> None:
        """It has booted with the old key, and nothing is on its way: it did not take the new one (A01.FR.04).

        A login alone says less: some use a new key from the next boot on.
        """
        state = self._state(identity)
        if state is None or state.secured is None or state.record.password_hash_next is None:
            return
        old = state.secured.profile in WITH_KEY and not state.secured.with_next_key
        if old and identity not in self._under_way and not state.record.reboot_required:
            state.record.password_hash_next = None
            await self._live.keep([state.record])

    async def _settle_upgrade(self, identity: str, *, asking: bool) -> None:
        """`asking`: its answer may still come on the connection of before."""
        state, upgrade = self._state(identity), self._live.site.security.upgrades.of(identity)
        if state is None or state.secured is None or upgrade is None:
            return
        now = self._live.now()
        if state.secured.profile == upgrade.to_profile and (upgrade.open or upgrade.admits(now)):
            state.record.security_profile = upgrade.to_profile  # and from now on no lower one (A05.FR.09)
            changed = Event("charge_point.changed", identity, {"security_profile": upgrade.to_profile})
            log.info("%s uses security profile %d from now on", identity, upgrade.to_profile)
            await self._keep(upgrade, upgrade.move("confirmed", now), changed, also=state.record)
        elif upgrade.open and not (upgrade.state == "asked" and asking):
            await self._fell_back(upgrade, state.secured.profile, now)

    async def _fell_back(self, upgrade: SecurityUpgrade, profile: int, now: Milliseconds) -> None:
        """Said loudly: it is also what it looks like when somebody in between lets no TLS pass."""
        text = f"it came back with security profile {profile} instead of {upgrade.to_profile}"
        log.warning("%s fell back: %s", upgrade.charge_point, text)
        news = self._live.site.security.events.note(upgrade.charge_point, "SecurityProfileFellBack", text, now)
        await self._keep(upgrade, upgrade.move("fell_back", now, text), *([news] if news is not None else []))

    async def run(self) -> None:
        """Tells of those whose time is over. Never returns."""
        while True:
            await asyncio.sleep(_BETWEEN_LOOKS)
            now = self._live.to_expire_by()
            for upgrade in self._live.site.security.upgrades:
                if upgrade.state in ("asked", "accepted") and upgrade.expires_at <= now and self._live.accepting:
                    log.warning("%s has not come back since its profile was raised", upgrade.charge_point)
                    try:
                        await self._keep(
                            upgrade,
                            upgrade.move("expired", now, _AWAY),
                        )
                    except NotStored as error:
                        log.error("%s: that its time is over could not be stored: %s", upgrade.charge_point, error)

    # --- small things

    def _state(self, identity: str) -> ChargePointState | None:
        return self._live.site.charge_point(identity)

    def _record(self, identity: str) -> ChargePoint:
        state = self._state(identity)
        if state is None:
            raise _Removed(identity)
        return state.record

    async def _run(self, identity: str, start: Start, options: Options, report: Report) -> list[Result]:
        state = self._state(identity)
        if state is None:
            raise _Removed(identity)
        return await self._runner.run_for(state, start, options, report)


_REBOOTS = "RebootRequired"
_AWAY = "it has not connected since; both profiles are admitted"
_REBOOT = "it takes effect after a reset"


class _Removed(Exception):
    """The charge point was removed meanwhile."""


def _told(report: Report, result: Result) -> list[Result]:
    report(result)
    return [result]


def _configured(*keys: tuple[str, str]) -> Start:
    def steps(target: Target) -> Steps:
        for key, value in keys:
            yield ChangeConfigurationReq(key=key, value=value)

    return steps
