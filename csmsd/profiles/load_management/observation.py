"""What charge points tell of themselves, as load management needs it: for the ledger, and for what is learned of cars.
Pure."""

import msgspec

from csmsd.profiles.action import Target
from csmsd.profiles.core.charge_points import ChargePointState, LatestSamples
from csmsd.profiles.core.power import imported_power
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.load_management.circuits import Key, Member, Milliamperes, Reading, Tree, reading_of_amperes
from csmsd.profiles.load_management.holds import NEVER, Ledger, most_of
from csmsd.profiles.load_management.load import LoadManagement
from csmsd.profiles.load_management.manners import ANY_TIME_MS, takes_of_member
from csmsd.profiles.load_management.overruling import is_overruled
from csmsd.profiles.load_management.site_limits import own_limit
from csmsd.profiles.load_management.steering import Steering
from csmsd.profiles.load_management.waiting_cars import (
    Waiting,
    look_for_arrival,
    look_whether_it_waited_for_an_offer,
    running_on_member,
)
from csmsd.profiles.record import Event, Milliseconds
from csmsd.profiles.site import Site
from csmsd.profiles.smart_charging.compliance import Excess, excess_over_compliance
from csmsd.profiles.smart_charging.outlook import Outlook
from csmsd.profiles.smart_charging.profile_ids import is_site_limit

SETTLE_MS = 60_000  # a car needs so long, before its meter says what it makes of a limit
_OWN_PROFILES_MS = 60_000  # how often other charging profiles are looked at
_FRESH_MS = 300_000
_EXACT_MA = 500  # meters are not
_CLOCKS_DIFFER_MS = 5_000  # less is the time that messages take
_CURRENT = "Current.Import"
_POWER = "Power.Active.Import"


class _Noticed(msgspec.Struct):
    sampled_at: Milliseconds = 0
    looked_at: Milliseconds = 0  # at its other charging profiles
    others: tuple[int, Milliseconds] = (0, 0)  # how many of them there were, and when the last was accepted
    drawn_ma: Milliamperes = 0  # by the sample before
    behind_ms: Milliseconds | None = None  # its clock
    whole: bool | None = None  # whether it was limited by one profile for all of it
    told_unmanaged: bool = False
    status_before: Milliseconds | None = None  # when it was received that was the last when our clock was set
    waiting: Waiting = msgspec.field(default_factory=Waiting)


class Observer:
    """Looks at each member once a round; what it has noticed is forgotten when csmsd ends."""

    def __init__(self) -> None:
        self._noticed: dict[Key, _Noticed] = {}
        self._begun_by_other_clock: set[int] = set()  # transactions that began before our clock was set
        self._clocks_unknown: set[str] = set()  # of charge points, folded: how far off they are

    def clocks_unknown(self, site: Site) -> None:
        """Ours was set while csmsd was dead, nobody knows how far: until they tell of theirs, it may show anything."""
        self._clocks_unknown = {key[0] for key in site.smart_charging.load.members}
        for identity in self._clocks_unknown:
            state = site.charge_point(identity)
            if state is not None:
                self._begun_by_other_clock.update(one.id for one in state.transactions.active())

    def doubts_clocks(self, load: LoadManagement) -> bool:
        """Whether that is so of one that is still there."""
        return any(key[0] in self._clocks_unknown for key in load.members)

    def clock_moved(self, by: Milliseconds, site: Site, now: Milliseconds) -> None:
        """Ours was set: those of charge points may be as far off from now on, or may follow (Heartbeat, C 4.6)."""
        load = site.smart_charging.load
        self._begun_by_other_clock = set()
        for key, member in load.members.items():
            state = site.charge_point(member.charge_point)
            if state is None:
                continue
            if _has_booted_since(state, key, load):
                load.ledger.begin(key, member.rating_ma, member.wiring, now)
            self._begun_by_other_clock.update(one.id for one in state.transactions.active())
            noticed = self._noticed.setdefault(key, _Noticed())
            noticed.sampled_at = noticed.looked_at = 0
            status = state.connectors.get(member.connector)
            noticed.status_before = None if status is None else status.received_at
            state.lateness.forget_clock()
        for identity in {key[0]: member.charge_point for key, member in load.members.items()}.values():
            known = load.manner(identity)
            load.note_manner(msgspec.structs.replace(known, behind_ms=known.behind_ms + by, found_at=now))
        load.ledger.clock_moved(by, now)

    def look_at(
        self,
        member: Member,
        site: Site,
        steering: Steering,
        lease_ms: Milliseconds,
        now: Milliseconds,
    ) -> list[Event]:
        """What is news of the member."""
        load, key = site.smart_charging.load, member.place
        member = steering.tree.members[key]  # as it turned out to be
        state = site.charge_point(member.charge_point)
        if state is None:
            return []
        in_doubt = any(hold.slot == "unknown" and hold.gone_at == NEVER for hold in load.ledger.of(key))
        kept_for_ever = not load.takes_leases(key) and not in_doubt
        noticed = self._noticed.setdefault(key, _Noticed())
        if noticed.behind_ms is None:  # its leases were reckoned by what was known of its clock then
            noticed.behind_ms = load.manner(state.id).behind_ms
        _look_at_clock(state, load, now)
        other_clock = _has_another_clock(member, load, noticed)
        if state.lateness.clock_behind is not None:
            self._clocks_unknown.discard(key[0])
        if (
            key not in load.ledger
            or kept_for_ever
            or other_clock
            or _has_booted_since(state, key, load)
            or (not in_doubt and is_overruled(state, member, site))
        ):
            load.ledger.begin(key, member.rating_ma, member.wiring, now)
        manner, habits = load.manner(state.id), load.habits.get(key[0])
        takes = takes_of_member(member, state, manner, habits, now, self._begun_by_other_clock)
        if key[0] in self._clocks_unknown and takes.relative_to is None:
            takes = msgspec.structs.replace(takes, early_ms=ANY_TIME_MS, late_ms=ANY_TIME_MS)
        steering.takes[key] = takes
        _look_at_description(member, takes.whole, load, steering, now)
        if noticed.whole not in (None, takes.whole) and not load.ledger.in_doubt(key):
            # What it has accepted is in another place than the next limit: until that is there, it may be overruled.
            load.ledger.begin(key, member.rating_ma, member.wiring, now)
        noticed.whole = takes.whole
        _look_at_transaction(state, member, load, steering, noticed, takes.single, now)
        look_for_arrival(state, member, steering.arrivals, takes.offer_first, now)
        if not takes.offer_first and manner.offer_first is None:
            look_whether_it_waited_for_an_offer(state, member, load, steering.arrivals, noticed.waiting, now)
        _look_at_meter(state, member, site, steering, noticed, now)
        charging = steering.charging.get(key)
        others = _profiles_of_others(site, state)
        if charging is not None and (now - noticed.looked_at >= _OWN_PROFILES_MS or others != noticed.others):
            noticed.looked_at, noticed.others = now, others
            charging.cap_ma = own_limit(Outlook.of(Target(site, state, now)), member.connector, now, now + lease_ms)
        return _whether_managed(member, load, noticed, now)


def _profiles_of_others(site: Site, state: ChargePointState) -> tuple[int, Milliseconds]:
    accepted = [
        one.accepted_at
        for one in site.smart_charging.installed.of(state.id)
        if not is_site_limit(one.profile_id) and not one.pending
    ]
    return len(accepted), max(accepted, default=0)


def _look_at_description(
    member: Member, whole: bool, load: LoadManagement, steering: Steering, now: Milliseconds
) -> None:
    """It may be described otherwise than when it was sent its limits."""
    key, ledger = member.place, load.ledger
    if whole and (ledger.running(key) is not None or any(hold.slot == "transaction" for hold in ledger.of(key))):
        ledger.limited_as_a_whole(key)
        ledger.begin(key, member.rating_ma, member.wiring, now)
    rewired = ledger.described_anew(key, member.rating_ma, member.wiring)
    charging = steering.charging.get(key)
    if charging is not None:
        charging.demand.rating_ma, charging.demand.minimum_ma = member.rating_ma, member.minimum_ma
        charging.phases = None if rewired else charging.phases


def _has_booted_since(state: ChargePointState, key: Key, load: LoadManagement) -> bool:
    """Since it accepted its limits, and csmsd has not seen to it."""
    booted = state.record.booted_at
    holds = load.ledger.of(key)
    accepted = [hold.accepted_at for hold in holds if hold.slot == "default" and hold.accepted_at is not None]
    if booted is None or not accepted or booted <= max(accepted):
        return False
    return not any(hold.slot == "unknown" and hold.sent_at >= booted for hold in holds)


def _look_at_clock(state: ChargePointState, load: LoadManagement, now: Milliseconds) -> None:
    """How wrong it is, by the times that its statuses tell."""
    behind, known = state.lateness.clock_behind, load.manner(state.id)
    if behind is not None and abs(behind - known.behind_ms) > _CLOCKS_DIFFER_MS:
        load.note_manner(msgspec.structs.replace(known, behind_ms=behind, found_at=now))


def _has_another_clock(member: Member, load: LoadManagement, noticed: _Noticed) -> bool:
    """Than when it was sent its leases: nobody knows which of them have ended by it."""
    behind, before = load.manner(member.charge_point).behind_ms, noticed.behind_ms
    noticed.behind_ms = behind
    return before is not None and abs(behind - before) > member.skew_s * 1000


def _look_at_transaction(
    state: ChargePointState,
    member: Member,
    load: LoadManagement,
    steering: Steering,
    noticed: _Noticed,
    single: bool,
    now: Milliseconds,
) -> None:
    key, ledger = member.place, load.ledger
    running = running_on_member(state, member)
    current = None if running is None else running.id
    lent = {hold.transaction for hold in ledger.of(key) if hold.slot == "transaction"} | {ledger.running(key)}
    for number in lent - {None, current}:
        if number is not None and _is_over(state, member.connector, number):
            ledger.ended(key, number, now)
            steering.ended(key, number)
    if running is None:
        steering.charging.pop(key, None)
        status = state.connectors.get(member.connector) if member.connector else None
        # One of before our clock was set back may seem later than what was accepted since.
        if (
            status is not None
            and status.status == "Available"
            and status.received_at <= now
            and status.received_at != noticed.status_before
        ):
            ledger.found_idle(key, status.received_at)
        return
    weight = load.priority_of(state.record.labels, running.id_tag, running.id)
    if key not in steering.charging or steering.charging[key].transaction != running.id:
        steering.begun(key, running.id, now, weight)
    steering.charging[key].weight = weight * member.weight
    if single:
        ledger.goes_by_default(key)
    elif ledger.running(key) != running.id:
        ledger.begun(key, running.id, now)


def _is_over(state: ChargePointState, connector: int, number: int) -> bool:
    """Whether the charge point says so; where only the books were closed, it may still charge."""
    known: Transaction | None = state.transactions.get(number)
    status = state.connectors.get(connector) if connector else None
    return known is None or known.state == "stopped" or (status is not None and status.status == "Available")


def _look_at_meter(
    state: ChargePointState, member: Member, site: Site, steering: Steering, noticed: _Noticed, now: Milliseconds
) -> None:
    key, ledger = member.place, site.smart_charging.load.ledger
    metered = metered_on_member(state, member)
    newest = max((state.samples[one].received_at for one in metered), default=0)
    if running_on_member(state, member) is None and not any(state.samples_on(one) for one in metered):
        ledger.measured(key, None, member.wiring, now)  # that was of a transaction which is over
    if newest <= noticed.sampled_at:
        return
    noticed.sampled_at = newest
    currents = currents_of_member(state, member)
    if currents:
        steering.sampled(key, currents, ledger, now, SETTLE_MS)
        _look_whether_obeyed(key, max(currents.values()), newest, ledger, noticed, now)
    if member.connector == 0:
        _measure_whole(member, currents, ledger, now)
        return
    excess = excess_over_compliance(state, member.connector, site, now)
    if excess is not None:
        ledger.measured(key, _drawn_at_most(excess, member, bool(currents), site.policies.voltage), member.wiring, now)
    elif ledger.newest(key, "measured") is not None and _keeps_its_limits(state, member, currents, site, now):
        ledger.measured(key, None, member.wiring, now)


def _drawn_at_most(excess: Excess, member: Member, by_current: bool, voltage: int) -> Milliamperes:
    """On a phase. Power alone does not tell on how many: all may flow on one, as far as the connector carries it."""
    if by_current and excess.unit == "A":
        return round(excess.drawn * 1000)
    power = excess.drawn if excess.unit == "W" else excess.drawn * voltage * 3
    least = power / voltage / len(member.wiring)
    return round(min(power / voltage * 1000, max(member.rating_ma, least * 1000)))


def _keeps_its_limits(
    state: ChargePointState, member: Member, currents: dict[int, Milliamperes], site: Site, now: Milliseconds
) -> bool:
    """Its meter shows it; that a new limit was accepted shows nothing, which may be ignored like the one before."""
    holds = [hold for hold in site.smart_charging.load.ledger.of(member.place) if hold.slot != "measured"]
    most = max(most_of(holds, now)[0][1][:3]) if holds else 0
    power = imported_power(state.samples_on(member.connector))
    if currents:
        drawn: float = max(currents.values())
    elif power is not None:
        drawn = power / site.policies.voltage / len(member.wiring) * 1000
    else:
        return False
    return drawn <= _borne(most)


def _look_whether_obeyed(
    key: Key, drawn: Milliamperes, sampled_at: Milliseconds, ledger: Ledger, noticed: _Noticed, now: Milliseconds
) -> None:
    """It drew more than it has accepted since, and draws no more now: nothing has to be waited for."""
    before, noticed.drawn_ma = noticed.drawn_ma, drawn
    running = ledger.running(key)
    lent = ledger.newest(key, "default") if running is None else ledger.newest(key, "transaction", running)
    if lent is None or lent.accepted_at is None or sampled_at <= lent.accepted_at:
        return
    if drawn <= lent.ma + _EXACT_MA and before > lent.ma + _EXACT_MA:
        ledger.obeyed(key, now)


def _measure_whole(member: Member, currents: dict[int, Milliamperes], ledger: Ledger, now: Milliseconds) -> None:
    """Against the greatest of what it may draw, when it has had the time to obey it."""
    accepted = ledger.newest(member.place, "default")
    if accepted is None or accepted.accepted_at is None or now - accepted.accepted_at < SETTLE_MS:
        return
    most = max(most_of([hold for hold in ledger.of(member.place) if hold.slot != "measured"], now)[0][1][:3])
    drawn = max(currents.values(), default=0)
    ledger.measured(member.place, drawn if drawn > _borne(most) else None, member.wiring, now)


def _borne(most: Milliamperes) -> float:
    """What a meter may show of one that draws no more than that."""
    return most * 1.1 + 1_000


def metered_on_member(state: ChargePointState, member: Member) -> list[int]:
    """The connectors whose readings tell what it draws: those of a whole charge point by their own meters."""
    if member.connector:
        return [member.connector] if member.connector in state.samples else []
    return [number for number in state.samples if number]


def currents_of_member(state: ChargePointState, member: Member) -> dict[int, Milliamperes]:
    """On its phases, numbered from 0, all of its connectors together: what flows without a transaction, too."""
    found: dict[int, Milliamperes] = {}
    metered = metered_on_member(state, member)
    newest = max((state.samples[number].received_at for number in metered), default=0)
    for number in metered:
        running = state.transactions.active_on(number) is not None
        if state.samples_on(number) and (running or newest - state.samples[number].received_at <= _FRESH_MS):
            for phase, ma in currents_of_samples(state.samples[number]).items():
                found[phase] = found.get(phase, 0) + ma
    return found


def currents_of_samples(samples: LatestSamples) -> dict[int, Milliamperes]:
    """On the phases of a connector, numbered from 0; one that is told without a phase is that of the first."""
    found: dict[int, Milliamperes] = {}
    for number in range(3):
        for name in (f"{_CURRENT}.L{number + 1}", f"{_CURRENT}.L{number + 1}-N"):
            if name in samples and samples[name].unit == "A":
                found[number] = round(samples[name].value * 1000)
    if not found and _CURRENT in samples and samples[_CURRENT].unit == "A":
        found[0] = round(samples[_CURRENT].value * 1000)
    return found


def _whether_managed(member: Member, load: LoadManagement, noticed: _Noticed, now: Milliseconds) -> list[Event]:
    """A boot is nothing to tell of: it is sent its limits again at once."""
    doubts = [hold for hold in load.ledger.of(member.place) if hold.doubtful and hold.gone_at > now]
    lasting = [hold for hold in doubts if now - hold.sent_at >= SETTLE_MS]
    if bool(lasting) == noticed.told_unmanaged or (doubts and not lasting):
        return []
    noticed.told_unmanaged = bool(lasting)
    data: dict[str, object] = {"circuit": member.circuit, "connector": member.connector}
    if lasting:
        data |= {"why": lasting[0].slot, "counts_a": max(hold.ma for hold in lasting) / 1000}
    return [Event("load.unmanaged" if lasting else "load.managed", member.charge_point, data)]


# --- what else draws, by a charge point's main meter


def readings_of_main_meters(site: Site, tree: Tree, now: Milliseconds) -> list[Reading]:
    """What is new of them. Where one counts the members of its line, too, what they draw is taken off.

    No more than they may draw now, and no more than was measured of them last: what has fallen since then is still
    lent to them, and is given to nobody else; what has risen counts twice for a while.
    """
    load, found = site.smart_charging.load, []
    for name, circuit in tree.circuits.items():
        state = None if circuit.meter is None else site.charge_point(circuit.meter)
        samples = None if state is None else state.samples.get(0)
        known = load.readings.get(name)
        if samples is None or (known is not None and known.at >= samples.received_at):
            continue
        currents = _currents_on_main_meter(samples, site.policies.voltage)
        if currents is None:
            continue
        if circuit.meter_counts == "all":
            for key, member in tree.members.items():
                if name in (tree.constraints[index][0] for index, _ in tree.paths[key]):
                    for phase, ma in _certainly_drawn(site, member, now).items():
                        measured = currents[phase]
                        currents[phase] = None if measured is None else measured - ma
        amperes = [None if ma is None else ma / 1000 for ma in currents]
        reading = reading_of_amperes(circuit, amperes, samples.received_at)
        if reading is not None:
            found.append(reading)
    return found


def _currents_on_main_meter(samples: LatestSamples, voltage: int) -> list[Milliamperes | None] | None:
    """On L1, L2 and L3, None where one is not measured. None: nothing is told by phase."""
    found: list[Milliamperes | None] = [None, None, None]
    for number in range(3):
        for name, per_unit in ((_CURRENT, {"A": 1000.0}), (_POWER, {"W": 1000.0 / voltage, "kW": 1e6 / voltage})):
            names = (f"{name}.L{number + 1}", f"{name}.L{number + 1}-N")
            sample = next((samples[one] for one in names if one in samples and samples[one].unit in per_unit), None)
            if sample is not None:
                found[number] = round(sample.value * per_unit[sample.unit or ""])
                break
    return None if found == [None, None, None] else found


def _certainly_drawn(site: Site, member: Member, now: Milliseconds) -> dict[int, Milliamperes]:
    """By grid phase: as measured not long ago, and not more than it may draw now."""
    state = site.charge_point(member.charge_point)
    if state is None or running_on_member(state, member) is None:
        return {}
    if any(now - state.samples[one].received_at > _FRESH_MS for one in metered_on_member(state, member)):
        return {}
    most = site.smart_charging.load.ledger.most(member.place, now)[0][1]
    wiring = member.wiring
    return {
        wiring[number]: min(ma, most[wiring[number]])
        for number, ma in currents_of_member(state, member).items()
        if number < len(wiring)
    }
