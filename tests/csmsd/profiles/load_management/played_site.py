"""A site on which anything may happen, in any order; and its planner, which is asked after each step."""

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from csmsd.profiles.load_management.allocation import Asker, allocate
from csmsd.profiles.load_management.arrivals import Arrivals
from csmsd.profiles.load_management.budgets import Outside, budgets_from
from csmsd.profiles.load_management.circuits import Circuit, Key, Member, TemporaryLimit, Tree
from csmsd.profiles.load_management.holds import Hold, Ledger, spans_of
from csmsd.profiles.load_management.transition import Periods, Planner, Room, Terms, Want
from tests.csmsd.profiles.load_management.sites import MINUTE, OBEY, SECOND, A, Answer, PlayedConnector, over_at

PERIODS = Periods()
FALLBACKS = {"cp1": 8 * A, "cp2": 8 * A, "cp3": 6 * A, "cp4": 0}
WIRINGS = {"cp1": "L1L2L3", "cp2": "L1L2L3", "cp3": "L1", "cp4": "L2L3L1"}
WHOLE: Key = ("cp3", 1)  # limited as a whole, by one profile
REFUSES_OWN: Key = ("cp1", 1)  # may come to refuse limits of a transaction
SKEWS = {"cp1": 10 * SECOND, "cp2": -10 * SECOND, "cp3": 0, "cp4": 7 * SECOND}


def tree_of_four() -> Tree:
    """Two behind a fuse of 20 A in a line of 32 A, two beside them."""
    circuits = [
        Circuit(name="main", l1_ma=32 * A, l2_ma=32 * A, l3_ma=32 * A, power_w=20_000),
        Circuit(name="garage", parent="main", l1_ma=20 * A, l2_ma=20 * A, l3_ma=20 * A),
    ]
    members = [
        Member(circuit="garage" if name in ("cp1", "cp2") else "main", charge_point=name, phases=WIRINGS[name])
        for name in FALLBACKS
    ]
    return Tree(circuits, members)


class Site(RuleBasedStateMachine):
    """csmsd's planner, and what really happens at its charge points; every rule is something that happens."""

    planner_class: type[Planner] = Planner

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_700_000_000_000
        self.tree = tree_of_four()
        self.outside = Outside()
        self.terms = {
            key: Terms(
                key=key, wiring=member.wiring, path=self.tree.paths[key], fallback_ma=FALLBACKS[member.charge_point]
            )
            for key, member in self.tree.members.items()
        }
        self.played = {
            key: PlayedConnector(
                key,
                member.rating_ma,
                member.wiring,
                SKEWS[member.charge_point],
                loose=member.charge_point in ("cp2", "cp4"),
            )
            for key, member in self.tree.members.items()
        }
        self.planner = self.planner_class(Ledger(), PERIODS)
        self.on_disk: list[tuple[Key, Hold]] = []
        self.outstanding: dict[Key, int] = {}
        self.answers: list[tuple[Key, int, Answer]] = []
        self.heard_running: dict[Key, int] = {}
        self.plugged_in: set[Key] = set()
        self.single = {WHOLE}  # what is for all transactions is the only limit
        self.first: set[Key] = set()  # where nothing begins under 0 A
        self.arrivals = Arrivals()
        self.unheard: list[tuple[str, Key, int]] = []
        self.transactions = 0
        self.excused = True  # until the limits are installed everybody may draw his rating
        self.share_scale = 1

    # --- what csmsd does

    @initialize()
    def install(self) -> None:
        for key, member in self.tree.members.items():
            self.planner.ledger.begin(key, member.rating_ma, member.wiring, self.now)
        for _ in range(3):
            self.plan()
            self.deliver_and_answer_all()
            self.now += OBEY
        self.save()
        assert over_at(self.played.values(), self.terms, self.budgets(), self.now) is None

    def deliver_and_answer_all(self) -> None:
        for key, one in self.played.items():
            while one.inbox:
                lease = one.inbox.popleft()
                self.hear(key, lease.serial, one.take(lease, self.now))

    def budgets(self) -> list[Any]:
        return budgets_from(self.tree, self.outside, self.now, PERIODS.lease_ms)

    def save(self) -> None:
        self.on_disk = deepcopy(list(self.planner.ledger))

    def wants(self) -> dict[Key, Want]:
        """Shares of those who are there; who is away counts with what he may draw."""
        left = list(self.budgets()[0][1])
        for key in self.away():
            lanes = self.planner.ledger.most(key, self.now)[0][1]
            for index, lane in self.terms[key].path:
                left[index] -= lanes[lane]
        askers = [
            Asker(key=key, demand_ma=32 * A, uses=self.tree.uses(key), weight=1 + (place + self.share_scale) % 3)
            for place, key in enumerate(self.heard_running)
            if key not in self.away()
        ]
        idle = [
            Asker(key=key, demand_ma=7 * A, uses=self.tree.uses(key), fresh=True)
            for key in self.terms
            if key not in self.heard_running and key not in self.away() and not self.planner.ledger.in_doubt(key)
        ]
        offered = [one for one in idle if one.key in self.plugged_in and one.key in self.first]
        askers += offered
        shares = allocate(left, askers, 10**9)
        self.arrivals.waiting = dict.fromkeys(self.plugged_in, self.now)
        shares, lent = self.arrivals.share_out(
            [one for one in idle if one not in offered],
            lambda key: self.tree.members[key].circuit,
            left,
            askers,
            shares,
            lambda budgets: allocate(budgets, askers, 10**9),
            self.now,
        )
        return {key: Want(ma=share) for key, share in (shares | lent).items() if share or key in self.heard_running}

    def away(self) -> list[Key]:
        return [key for key, one in self.played.items() if not one.connected]

    @rule()
    def plan(self) -> None:
        ready = [key for key, one in self.played.items() if one.connected and key not in self.outstanding]
        plan = self.planner.plan(self.now, self.budgets(), self.terms, self.wants(), ready)
        self.save()  # before anything leaves
        for lease in plan.leases:
            self.outstanding[lease.key] = lease.serial
            self.played[lease.key].inbox.append(lease)

    def hear(self, key: Key, serial: int, answer: Answer) -> None:
        if self.outstanding.get(key) == serial:
            del self.outstanding[key]
        if answer == "accepted":
            self.planner.ledger.accepted(key, serial, self.now, OBEY)

    @rule()
    def exchange(self) -> None:
        """A quiet moment: what is planned arrives and is answered."""
        self.hear_all()
        self.plan()
        self.deliver_and_answer_all()
        self.now += OBEY

    @rule(scale=st.integers(0, 2))
    def share_otherwise(self, scale: int) -> None:
        self.share_scale = scale

    @rule()
    def die(self) -> None:
        """kill -9: what is in memory is gone, and with the connections what was not yet read."""
        self.planner = self.planner_class(Ledger(deepcopy(self.on_disk)), PERIODS)
        self.planner.ledger.read_again(self.now, 0)
        for key, transaction in self.heard_running.items():
            self.begun(key, transaction)
        self.outstanding.clear()
        self.answers.clear()

    def begun(self, key: Key, transaction: int) -> None:
        """One that has no limit of a transaction goes by its default with what runs, too."""
        if key not in self.single:
            self.planner.ledger.begun(key, transaction, self.now)

    # --- what happens on the way

    def one(self, data: st.DataObject, keys: list[Key]) -> Key:
        return data.draw(st.sampled_from(sorted(keys)), label="of")

    @precondition(lambda self: any(one.inbox for one in self.played.values()))
    @rule(data=st.data(), fate=st.sampled_from(["answered", "answered", "refused", "answer lost", "lost", "held back"]))
    def arrives(self, data: st.DataObject, fate: str) -> None:
        key = self.one(data, [key for key, one in self.played.items() if one.inbox])
        one = self.played[key]
        lease = one.inbox.popleft()
        if fate == "lost":
            return
        answer: Answer = "rejected" if fate == "refused" else one.take(lease, self.now)
        if fate == "answered" or fate == "refused":
            self.hear(key, lease.serial, answer)
        elif fate == "held back":
            self.answers.append((key, lease.serial, answer))

    @precondition(lambda self: self.answers)
    @rule(data=st.data(), again=st.booleans())
    def answer_comes_late(self, data: st.DataObject, again: bool) -> None:
        place = data.draw(st.integers(0, len(self.answers) - 1))
        key, serial, answer = self.answers[place]
        if not again:
            del self.answers[place]
        self.hear(key, serial, answer)

    @precondition(lambda self: self.outstanding)
    @rule(data=st.data())
    def nobody_waits_longer(self, data: st.DataObject) -> None:
        self.nobody_waits_for(self.one(data, list(self.outstanding)))

    def nobody_waits_for(self, key: Key) -> None:
        self.outstanding.pop(key, None)

    @rule(data=st.data(), lost=st.booleans())
    def connection_breaks(self, data: st.DataObject, lost: bool) -> None:
        key = self.one(data, list(self.played))
        self.played[key].connected = False
        self.outstanding.pop(key, None)
        if lost:
            self.played[key].inbox.clear()

    @precondition(lambda self: self.away())
    @rule(data=st.data())
    def connection_is_back(self, data: st.DataObject) -> None:
        self.played[self.one(data, self.away())].connected = True

    @rule(seconds=st.sampled_from([1, 4, 6, 30, 120, 450, 800, 1000, 1300]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND

    # --- what happens at the charge points

    @rule(data=st.data())
    def car_comes(self, data: st.DataObject) -> None:
        idle = [key for key, one in self.played.items() if one.running is None and not one.booting]
        if idle:
            key = self.one(data, idle)
            self.transactions += 1
            self.played[key].begin(self.transactions)
            self.unheard.append(("begun", key, self.transactions))

    @rule(chance=st.integers(0, 2))
    def limits_of_a_transaction_are_refused_from_now_on(self, chance: int) -> None:
        if not chance and self.played[REFUSES_OWN].own is None:
            self.played[REFUSES_OWN].refuses_own = True
            self.single.add(REFUSES_OWN)
            self.planner.ledger.goes_by_default(REFUSES_OWN)

    @rule(members=st.integers(0, 3))
    def room_is_reserved_for_arrivals(self, members: int) -> None:
        self.arrivals.reserve = members

    @rule(data=st.data(), first=st.booleans())
    def car_waits_for_an_offer(self, data: st.DataObject, first: bool) -> None:
        key = self.one(data, list(self.played))
        self.plugged_in.add(key)
        self.first = self.first | {key} if first else self.first - {key}

    @precondition(lambda self: self.plugged_in)
    @rule(data=st.data())
    def car_waits_no_longer(self, data: st.DataObject) -> None:
        self.plugged_in.remove(self.one(data, list(self.plugged_in)))

    @rule(data=st.data())
    def car_goes(self, data: st.DataObject) -> None:
        busy = [key for key, one in self.played.items() if one.running is not None]
        if busy:
            key = self.one(data, busy)
            transaction = self.played[key].running
            assert transaction is not None
            self.played[key].stop()
            self.unheard.append(("ended", key, transaction))

    @precondition(lambda self: self.unheard)
    @rule()
    def hear_all(self) -> None:
        """What is heard of transactions, in their order, of those that are connected."""
        for told in list(self.unheard):
            what, key, transaction = told
            if not self.played[key].connected:
                continue
            self.unheard.remove(told)
            if what == "begun":
                self.heard_running[key] = transaction
                self.plugged_in.discard(key)
                self.begun(key, transaction)
            else:
                if self.heard_running.get(key) == transaction:
                    del self.heard_running[key]
                self.planner.ledger.ended(key, transaction, self.now)
                self.save()

    @rule(data=st.data(), chance=st.integers(0, 3), then_quiet=st.booleans())
    def reboot_loses_limits(self, data: st.DataObject, chance: int, then_quiet: bool) -> None:
        if chance:
            return
        key = self.one(data, list(self.played))
        one = self.played[key]
        if one.running is not None:
            self.unheard.append(("ended", key, one.running))
        one.lose_everything()
        self.outstanding.pop(key, None)
        one.connected = True
        self.planner.ledger.begin(key, one.rating, one.wiring, self.now)
        self.save()
        one.booting = False
        self.excused = True
        for _ in range(3 if then_quiet else 0):
            self.exchange()

    @rule(amperes=st.integers(5, 32), chance=st.integers(0, 3))
    def limit_is_lowered(self, amperes: int, chance: int) -> None:
        if chance:
            return
        until = self.now + 40 * MINUTE
        self.outside.temporary = {"main": TemporaryLimit(circuit="main", ma=amperes * A, until=until)}
        self.excused = True

    # --- what has to be true

    @invariant()
    def nothing_is_over(self) -> None:
        """In truth, at every moment that is to come, unless it came from outside; then until that is mended."""
        over = over_at(self.played.values(), self.terms, self.budgets(), self.now)
        if self.excused and not any(self.planner.ledger.in_doubt(key) for key in self.terms):
            room = Room(self.budgets(), self.terms, self.planner.ledger, self.now)
            self.excused = any(left < 0 for lefts in room.left for left in lefts)
        assert self.excused or over is None, f"over by {over}"

    @invariant()
    def ledger_knows_the_most(self) -> None:
        for key, one in self.played.items():
            spans = list(spans_of(self.planner.ledger.most(key, self.now)))
            for moment in sorted({self.now, *(moment for moment in one.moments() if moment > self.now)}):
                lanes = next((lanes for start, end, lanes in spans if start <= moment < end), None)
                assert lanes is not None
                assert one.draws(moment) <= lanes[one.wiring[0]], f"{key} at {moment - self.now}"
