"""New keys for charge points, and higher security profiles (whitepaper A01, A05): given, and followed to their end.

Whatever is on its way is in the books before it leaves: csmsd may be killed after each step, and the charge point can
come back with what it had or with what it was given.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import ClassVar

from csmsd.events import EventBus, NumberedEvent
from csmsd.live_site import LiveSite
from csmsd.operations.call import Start
from csmsd.operations.key_rotation import KeyMaker, KeyRotation
from csmsd.operations.options import Options
from csmsd.operations.result import Obstacle, Report, Result, not_sent_result
from csmsd.operations.runner import OperationRunner
from csmsd.operations.security_needs import SecurityNeeds
from csmsd.operations.sending import Removed, Sending, configured, has_taken, reported
from csmsd.ports.store import NotStored
from csmsd.profiles.core.charge_points import ChargePoint, ChargePointState
from csmsd.profiles.core.security_profiles import WITH_KEY, WITH_TLS, how_to_be_known_anew, how_to_have_it_decided
from csmsd.profiles.policies import Security
from csmsd.profiles.record import Event, EventType, Milliseconds
from csmsd.profiles.security.upgrades import SecurityUpgrade

log = logging.getLogger(__name__)

_BETWEEN_LOOKS = 1.0  # seconds


class Securing:
    """One thing at a time for each charge point."""

    STIRRING: ClassVar[tuple[EventType, ...]] = ("charge_point.connected", "charge_point.booted")

    def __init__(
        self,
        live: LiveSite,
        runner: OperationRunner,
        bus: EventBus,
        keys: KeyMaker,
        security: Security,
        offers_tls: Callable[[], bool],
    ) -> None:
        self._live = live
        self._sending = Sending(live, runner)
        self._rotation = KeyRotation(self._sending, bus, keys)
        self._needs = SecurityNeeds(self._sending, bus, security)
        self._security = security
        self._offers_tls = offers_tls
        self._under_way: set[str] = set()
        self._settling: set[asyncio.Task[None]] = set()

    # --- what an operator wants

    async def rotate_key(self, state: ChargePointState, options: Options, report: Report) -> list[Result]:
        """A new key for a charge point (A01)."""
        if state.record.security_profile not in WITH_KEY:
            profile = state.record.security_profile
            text = f"it is registered with security profile {profile}, which has no key. "
            text += how_to_be_known_anew(state.record)
            return reported(report, not_sent_result(state.id, Obstacle.SENSELESS, text))
        return await self._alone(state, report, lambda: self._rotation.send(state.id, options, report))

    async def secure(self, state: ChargePointState, to: int, options: Options, report: Report) -> list[Result]:
        """A higher profile for a charge point (A05), with all that it needs before."""
        before = state.record.security_profile
        if to <= before:
            text = f"it is registered with security profile {before}; over OCPP none is lowered (A00.FR.005)"
            return reported(report, not_sent_result(state.id, Obstacle.SENSELESS, text))
        undecided = state.upgrade
        if undecided is not None and undecided.open:
            text = (
                f"it was asked to use security profile {undecided.to_profile} already, and its next connection says "
                "whether it does" + (f": {how_to_have_it_decided(state)}" if state.connected else "")
            )
            return reported(report, not_sent_result(state.id, Obstacle.SENSELESS, text))
        if to in WITH_TLS and not self._offers_tls():
            text = f"security profile {to} needs TLS, and there is no certificate for it yet; cert init makes one"
            return reported(report, not_sent_result(state.id, Obstacle.SENSELESS, text))
        if state.secured is not None and state.connected and to not in state.secured.possible:
            text = (
                f"security profile {to} cannot be used at the listener that it comes to, and it keeps host and port: "
                "see server.listeners in csmsd.toml"
            )
            return reported(report, not_sent_result(state.id, Obstacle.SENSELESS, text))
        return await self._alone(state, report, lambda: self._raise(state.id, to, options, report))

    async def _alone(
        self, state: ChargePointState, report: Report, work: Callable[[], Awaitable[list[Result]]]
    ) -> list[Result]:
        identity = state.id
        if identity in self._under_way:
            text = "a new key or a higher profile is on its way to it already"
            return reported(report, not_sent_result(identity, Obstacle.OBJECTION, text))
        if not state.connected:
            return reported(
                report, Result(charge_point=identity, outcome="not_connected", error=f"{identity} is not connected")
            )
        self._under_way.add(identity)
        try:
            return await work()
        except Removed:
            return reported(report, not_sent_result(identity, Obstacle.NOT_THERE, "it was removed meanwhile"))
        finally:
            self._under_way.discard(identity)

    # --- profiles

    @property
    def _window(self) -> Milliseconds:
        return self._security.upgrade_window * 1000

    async def _raise(self, identity: str, to: int, options: Options, report: Report) -> list[Result]:
        prepare: dict[str, _Give] = {}
        if to in WITH_KEY and self._sending.record(identity).password_hash is None:
            prepare["a new key was on its way to it"] = self._give_key
        if to in WITH_TLS:
            prepare["it was to have the root of csmsd's certificate"] = self._needs.give_root
        if to == 3:
            prepare["it was to have a certificate of its own"] = self._needs.give_certificate
        results: list[Result] = []
        if options.dry_run:
            for give in prepare.values():
                results += (await give(identity, options, report))[0]
            return results + await self._sending.run(identity, _profile_set(to), options, report)
        before = self._live.site.security.upgrades.of(identity)
        again = before is not None and bool(before.admitted)
        upgrade = self._new_upgrade(identity, to, options)
        try:
            for step, give in prepare.items():
                if not again:  # else the one before stays on record: what it admits may be what it uses
                    upgrade = self._newest(upgrade)
                    await self._keep(upgrade, upgrade.move("preparing", self._live.now(), step))
                more, ready = await give(identity, options, report)
                results += more
                if not ready and not again:
                    await self._refused(self._newest(upgrade), results[-1])
                if not ready or options.stopped():
                    return results
            return results + await self._ask(self._newest(upgrade), options, report, again=again)
        finally:
            if not again:
                await self._interrupted(self._newest(upgrade), "it was broken off")

    def _new_upgrade(self, identity: str, to: int, options: Options) -> SecurityUpgrade:
        now, before = self._live.now(), self._live.site.security.upgrades.of(identity)
        return SecurityUpgrade(
            id=self._live.site.security.upgrades.new_id(),
            charge_point=identity,
            from_profile=self._sending.record(identity).security_profile,
            to_profile=to,
            created_at=now,
            changed_at=now,
            expires_at=now + self._window,
            user=options.user,
            earlier=sorted(before.admitted) if before is not None else [],
        )

    async def _give_key(self, identity: str, options: Options, report: Report) -> tuple[list[Result], bool]:
        async with self._rotation.back_again(identity) as came_back:
            results = await self._rotation.send(identity, options, report)
            if results[-1].outcome == "accepted" and not options.dry_run:
                await came_back()
        return results, results[-1].outcome == "accepted" or options.dry_run

    async def _ask(self, upgrade: SecurityUpgrade, options: Options, report: Report, *, again: bool) -> list[Result]:
        identity, now = upgrade.charge_point, self._live.now()
        upgrade.expires_at = now + self._window
        await self._keep(upgrade, upgrade.move("asked", now))
        state = self._sending.state(identity)
        connected_at = state.connected_at if state is not None else None
        results = await self._sending.run(identity, _profile_set(upgrade.to_profile), options, report)
        upgrade = self._newest(upgrade)
        now, result, taken = self._live.now(), results[-1], has_taken(results[-1])
        if upgrade.state != "asked":
            return results  # its connection was faster than its answer
        if taken:
            upgrade.expires_at = now + self._window
            await self._keep(upgrade, upgrade.move("accepted", now, _REBOOT if result.status == _REBOOTS else None))
        elif taken is False:
            await self._refused(upgrade, result, again=again)
        state = self._sending.state(identity)
        if state is not None and state.connected_at not in (None, connected_at):  # faster than all this
            await self._settle_upgrade(identity, asking=False)
        return results

    async def _refused(self, upgrade: SecurityUpgrade, result: Result, *, again: bool = False) -> None:
        """`again`: one before was admitted, and stays so: another may have answered in its place."""
        what = result.action or "what it needs"
        why = result.error or f"{what} was answered {result.status or result.outcome}"
        await self._keep(upgrade, upgrade.move("fell_back" if again else "refused", self._live.now(), why))

    async def _interrupted(self, upgrade: SecurityUpgrade, because: str) -> None:
        """It comes in as before, and has what it was given so far."""
        if upgrade.state != "preparing" or self._sending.state(upgrade.charge_point) is None:
            return
        reason = f"{because} while {upgrade.reason}"
        with suppress(NotStored):  # the next start says the same
            await self._keep(upgrade, upgrade.move("interrupted", self._live.now(), reason))

    async def resume(self) -> None:
        """For the start, before anybody connects: what the csmsd before this one has not brought to its end."""
        for upgrade in self._live.site.security.upgrades:
            if upgrade.state == "preparing":
                log.warning("%s was to be raised to security profile %d", upgrade.charge_point, upgrade.to_profile)
                await self._interrupted(upgrade, "csmsd ended")

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
        state = self._sending.state(event.charge_point or "")
        if state is None or state.secured is None:
            return
        upgrade = self._live.site.security.upgrades.of(state.id)
        if not self._sending.has_come_anew(state.id):
            return
        undecided = upgrade is not None and (upgrade.open or upgrade.state == "fell_back")
        booted = event.type == "charge_point.booted"
        if undecided or (booted and state.record.password_hash_next is not None):
            task = asyncio.create_task(self._settle(state.id, booted=booted), name=f"security of {state.id}")
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    async def _settle(self, identity: str, *, booted: bool) -> None:
        try:
            self._live.require()
            if booted and identity not in self._under_way:
                await self._rotation.settle(identity)
            await self._settle_upgrade(identity, asking=identity in self._under_way)
        except NotStored as error:  # the next connection says the same
            log.error("%s: how it is secured could not be stored: %s", identity, error)

    async def _settle_upgrade(self, identity: str, *, asking: bool) -> None:
        """`asking`: its answer may still come on the connection of before."""
        state, upgrade = self._sending.state(identity), self._live.site.security.upgrades.of(identity)
        if state is None or state.secured is None or upgrade is None:
            return
        self._live.require()
        now = self._live.now()
        profile = state.secured.profile
        decides = upgrade.open and not (upgrade.state == "asked" and asking) and not state.record.reboot_required
        if profile >= upgrade.to_profile and upgrade.admitted:
            profile = state.record.security_profile = max(profile, state.record.security_profile)
            # And from now on no lower one (A05.FR.09).
            changed = Event("charge_point.changed", identity, {"security_profile": profile})
            log.info("%s uses security profile %d from now on", identity, profile)
            await self._keep(upgrade, upgrade.move("confirmed", now), changed, also=state.record)
        elif profile > state.record.security_profile and profile in upgrade.admitted:  # it was asked for that before
            state.record.security_profile = profile
            changed = Event("charge_point.changed", identity, {"security_profile": profile})
            log.info("%s uses security profile %d from now on", identity, profile)
            await self._keep(upgrade, changed, also=state.record)
            if decides:
                await self._fell_back(self._newest(upgrade), profile, now)
        elif decides:
            await self._fell_back(upgrade, profile, now)

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


_Give = Callable[[str, Options, Report], Awaitable[tuple[list[Result], bool]]]
_REBOOTS = "RebootRequired"
_AWAY = "it has not connected since; both profiles are admitted"
_REBOOT = "it takes effect after a reset"


def _profile_set(to: int) -> Start:
    return configured(("SecurityProfile", str(to)))
