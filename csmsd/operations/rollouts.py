"""Carries rollouts on, and ends updates and uploads that nothing was heard of for too long."""

import asyncio
import logging
from datetime import datetime
from functools import partial

from csmsd.events import EventBus, NumberedEvent
from csmsd.live_site import LiveSite
from csmsd.operations.options import Options
from csmsd.operations.runner import OperationRunner
from csmsd.ports.store import NotStored
from csmsd.profiles.action import Operation
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.firmware_management import updates, uploads
from csmsd.profiles.firmware_management.rollouts import (
    Decision,
    Rollout,
    RolloutMember,
    Standing,
    decide_rollout,
    rollout_event,
)
from csmsd.profiles.firmware_management.update_firmware import UpdateFirmware
from csmsd.profiles.policies import Policies
from csmsd.profiles.record import Change, Event, EventType
from csmsd.profiles.security.signed_update_firmware import SignedUpdateFirmware
from csmsd.runtime.waking import Waker

log = logging.getLogger(__name__)

# Windows open, deadlines pass and clocks are set without an event.
_LONGEST_SLEEP_SECONDS = 1.0
_STIRRING: tuple[EventType, ...] = (
    "charge_point.connected",
    "firmware.status",
    "firmware.confirmed",
    "rollout.changed",
    "transaction.stopped",
    "transaction.abandoned",
    "transaction.closed",
)


class RolloutRunner:
    """Looks again whenever something happened that may matter; what it decides is decided elsewhere."""

    def __init__(
        self,
        live: LiveSite,
        operations: OperationRunner,
        bus: EventBus,
        policies: Policies,
    ) -> None:
        self._live = live
        self._operations = operations
        self._bus = bus
        self._policies = policies
        self._waker = Waker()
        self._sending: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._waits_for: dict[int, str | None] = {}

    def waits_for(self, rollout: int) -> str | None:
        """Why nothing happens in a rollout that runs."""
        return self._waits_for.get(rollout)

    async def run(self) -> None:
        """Never returns."""
        end = self._bus.subscribe(self._stir, _STIRRING)
        try:
            while True:
                if self._live.accepting:
                    try:
                        await self._step()
                    except NotStored as error:  # memory was loaded anew: the next round finds all again
                        log.error("rollouts and deadlines could not be carried on: %s", error)
                        await asyncio.sleep(_LONGEST_SLEEP_SECONDS)
                await self._waker.rest(_LONGEST_SLEEP_SECONDS)
        except asyncio.CancelledError:  # csmsd is stopping; a mistake in one round ends nothing that is under way
            for task in self._sending.values():
                task.cancel()
            raise
        finally:
            end()

    def _stir(self, event: NumberedEvent) -> None:
        self._waker.wake()

    async def _step(self) -> None:
        firmware, now = self._live.site.firmware, self._live.to_expire_by()
        changes: list[Change] = []
        events: list[Event] = []
        for found, told in (
            updates.expire_updates(firmware.updates, now),
            uploads.expire_uploads(firmware.uploads, now),
        ):
            changes += found
            events += told
        beginning: list[tuple[Rollout, RolloutMember]] = []
        for rollout in firmware.rollouts:
            # After a cancellation those that are under way still come to an end.
            if not rollout.over or any(m.state == "updating" for m in firmware.rollouts.members(rollout.id)):
                beginning += self._carry_on(rollout, changes, events)
        await self._live.keep(changes, events)
        # Only now: a crash leaves a member that is `updating` and has no task, so nothing was sent to it.
        for rollout, member in beginning:
            place = (rollout.id, member.charge_point)
            task = asyncio.get_running_loop().create_task(self._send(rollout, member), name=f"rollout {rollout.id}")
            self._sending[place] = task
            task.add_done_callback(partial(self._sent, place))

    def _sent(self, place: tuple[int, str], task: asyncio.Task[None]) -> None:
        self._sending.pop(place, None)
        self._waker.wake()

    def _carry_on(
        self, rollout: Rollout, changes: list[Change], events: list[Event]
    ) -> list[tuple[Rollout, RolloutMember]]:
        now = self._live.now()
        members = self._live.site.firmware.rollouts.members(rollout.id)
        for member in members:
            if self._look_after(rollout, member):
                changes.append(member)
                events.append(rollout_event(rollout, member))
        moment = datetime.fromtimestamp(now / 1000).astimezone()  # a window is meant as people read clocks here
        decision: Decision = decide_rollout(rollout, self._standings(members), moment.hour * 60 + moment.minute)
        self._waits_for[rollout.id] = decision.waits_for
        if decision.state is not None:
            rollout.state, rollout.reason = decision.state, decision.reason
            rollout.ended_at = now if rollout.over else None
            changes.append(rollout)
            events.append(rollout_event(rollout))
        chosen = [member for member in members if member.charge_point in decision.begin]
        for member in chosen:
            member.state, member.begun_at, member.update_id, member.note = "updating", now, None, None
            changes.append(member)
            events.append(rollout_event(rollout, member))
        return [(rollout, member) for member in chosen]

    def _look_after(self, rollout: Rollout, member: RolloutMember) -> bool:
        """Takes in what its update came to; whether the member changed."""
        if member.state != "updating":
            return False
        update = self._live.site.firmware.updates.of_rollout(member.charge_point, rollout.id)
        if update is None and member.update_id is not None:
            member.state, member.note, member.ended_at = "failed", "its update is not known any more", self._live.now()
            return True
        if update is None or update.state == "not_sent":
            if (rollout.id, member.charge_point) in self._sending:
                return False
            # csmsd ended before anything was sent, or it went offline in between: its turn comes again.
            member.state, member.update_id = "waiting", None
            member.note = None if update is None else "was not connected"
            return True
        linked = member.update_id != update.id
        member.update_id = update.id
        return member.take_in(update, self._live.now()) or linked

    def _standings(self, members: list[RolloutMember]) -> list[Standing]:
        site = self._live.site
        found = []
        for member in members:
            state = site.charge_point(member.charge_point)
            current = site.firmware.updates.current(member.charge_point)
            found.append(
                Standing(
                    member,
                    # One that is rejected for the time being is as good as not there.
                    connected=state is not None and state.connected and state.record.boot_status != "Rejected",
                    idle=state is not None and not state.transactions.active(),
                    free=current is None or current.ended,
                )
            )
        return found

    async def _send(self, rollout: Rollout, member: RolloutMember) -> None:
        state: ChargePointState | None = self._live.site.charge_point(member.charge_point)
        if state is None:
            return
        fields = {"file": rollout.file, "retries": rollout.retries, "protocol": rollout.protocol}
        operation: Operation
        if rollout.signature is not None:
            signed = {"signing_certificate": rollout.signing_certificate, "signature": rollout.signature}
            operation = SignedUpdateFirmware(**fields, **signed)  # type: ignore[arg-type]
        else:
            operation = UpdateFirmware(**fields)  # type: ignore[arg-type]
        options = Options(timeout=self._policies.call_timeout, uid=rollout.uid, user=rollout.user, rollout=rollout.id)
        results = await self._operations.run([state], operation.steps, options)
        if results[-1].task is None and not self._operations.draining:
            await self._could_not_send(rollout.id, member.charge_point, results[-1].error)

    async def _could_not_send(self, number: int, identity: str, reason: str | None) -> None:
        """A check here speaks against it: no image any more, no host for files."""
        rollout = self._live.site.firmware.rollouts.get(number)
        found = [m for m in self._live.site.firmware.rollouts.members(number) if m.charge_point == identity]
        if rollout is None or not found or found[0].state != "updating":
            return
        member = found[0]
        member.state, member.note, member.ended_at = "failed", reason, self._live.now()
        await self._live.keep([member], [rollout_event(rollout, member)])
