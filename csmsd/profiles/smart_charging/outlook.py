"""What a charge point will be limited by: the profiles it has, what runs on it, and what may be sent next."""

from csmsd.ocpp.types import ChargingProfile, ChargingRateUnit
from csmsd.profiles.action import Target
from csmsd.profiles.smart_charging.composite_schedule import Moment, Running, Supply
from csmsd.profiles.smart_charging.profile_library import prepared_profile
from csmsd.profiles.smart_charging.timeline import Source
from csmsd.profiles.smart_charging.wall_clock import off_clock

_MAX_CONNECTORS = 256


class Outlook:
    """The arguments of the composite schedule."""

    def __init__(self, sources: list[Source], moment: Moment, names: dict[int, str]) -> None:
        self.sources = sources
        self.moment = moment
        self._names = names

    @staticmethod
    def of(target: Target, *, phases: int = 3, by_the_clocks: bool = False) -> "Outlook":
        """As things are at the charge point of the target; `by_the_clocks`, as they should be since clocks changed."""
        state, site = target.charge_point, target.site
        running = {
            transaction.connector: Running(transaction.id, transaction.start_time)
            for transaction in state.transactions.active()
        }
        connectors = {*state.connectors, *running}
        reported = state.configured_number("NumberOfConnectors") or 0
        connectors |= set(range(1, min(reported, _MAX_CONNECTORS) + 1))
        installed = site.smart_charging.installed.in_force(state, target.now)
        moment = Moment(
            now=target.now,
            running=running,
            connectors=tuple(sorted(connector for connector in connectors if connector > 0)),
            supply=Supply(site.policies.voltage, phases),
        )
        names = {record.id: record.name for record in site.smart_charging.library}
        sources = {record.slot: record.source() for record in installed if not record.pending}
        if by_the_clocks:
            for off in off_clock(installed, site.smart_charging.library):
                if off.record.slot in sources:
                    was = sources[off.record.slot]
                    sources[off.record.slot] = Source(was.connector, off.profile, was.accepted_at, was.name)
        return Outlook([*sources.values()], moment, names)

    @property
    def unit(self) -> ChargingRateUnit:
        """That of the profiles; amperes where they differ."""
        units = {source.profile.charging_schedule.charging_rate_unit for source in self.sources}
        return "W" if units == {"W"} else "A"

    def add(self, profile: ChargingProfile, connector: int) -> tuple[int, ChargingProfile]:
        """As if that profile were sent now; where to, and as it would stand there."""
        purpose = profile.charging_profile_purpose
        if purpose == "ChargePointMaxProfile":
            connector = 0
        transaction = None
        if purpose == "TxProfile" and profile.transaction_id is None:
            running = self.moment.running.get(connector)
            if running is None:  # what it would do to a transaction that begins now
                self.moment = Moment(
                    now=self.moment.now,
                    running={**self.moment.running, connector: Running(0, self.moment.now)},
                    connectors=self.moment.connectors,
                    supply=self.moment.supply,
                )
            else:
                transaction = running.id
        sent = prepared_profile(profile, connector=connector, transaction=transaction, now=self.moment.now)
        place = (connector, purpose, sent.stack_level)
        # C 5.16.4: the same id, and the same place, are replaced.
        self.sources = [
            source
            for source in self.sources
            if source.profile.charging_profile_id != sent.charging_profile_id
            and (source.connector, source.profile.charging_profile_purpose, source.profile.stack_level) != place
        ]
        self.sources.append(
            Source(connector, sent, self.moment.now, self._names.get(sent.charging_profile_id, "not yet sent"))
        )
        return connector, sent
