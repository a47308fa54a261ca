"""How long it takes to share out a tree of 111 circuits among a thousand members, and to plan what they are sent."""

from collections.abc import Callable
from random import Random
from time import process_time

import pytest

from csmsd.profiles.load_management.allocation import Asker, allocate
from csmsd.profiles.load_management.budgets import Outside, budgets_from
from csmsd.profiles.load_management.circuits import Circuit, Member, Tree
from csmsd.profiles.load_management.holds import Ledger
from csmsd.profiles.load_management.steering import Steering
from csmsd.profiles.load_management.transition import Periods, Planner

pytestmark = pytest.mark.bench

MEMBERS = 1000
ALLOCATED_WITHIN_S = 0.05
A = 1000


def line(name: str, amperes: int, parent: str | None = None) -> Circuit:
    return Circuit(name=name, parent=parent, l1_ma=amperes * A, l2_ma=amperes * A, l3_ma=amperes * A)


def site() -> Tree:
    random = Random("a site")
    circuits = [line("main", 3000)]
    circuits += [line(f"hall{number}", random.choice([300, 400, 500]), "main") for number in range(10)]
    circuits += [line(f"row{number}", random.choice([40, 63, 80]), f"hall{number // 10}") for number in range(100)]
    wirings = ["L1L2L3", "L2L3L1", "L3L1L2", "L1"]
    return Tree(
        circuits,
        [
            Member(
                circuit=f"row{number % 100}",
                charge_point=f"CP{number}",
                phases=random.choice(wirings),
                weight=random.choice([1, 1, 2, 3]),
            )
            for number in range(MEMBERS)
        ],
    )


def seconds(least_of: int, done: Callable[[], object]) -> float:
    taken = []
    for _ in range(least_of):
        begun = process_time()
        done()
        taken.append(process_time() - begun)
    return min(taken)


def test_a_thousand_members_are_allocated_in_under_fifty_milliseconds() -> None:
    tree, random = site(), Random("cars")
    askers = [
        Asker(
            key=key,
            demand_ma=random.randrange(6, 33) * A,
            uses=tree.uses(key),
            weight=tree.members[key].weight,
            fresh=True,
        )
        for key in tree.members
    ]
    budgets = tree.limits(0, {})
    taken = seconds(5, lambda: allocate(budgets, askers, 0))
    print(f"\n{MEMBERS} members on {len(tree.circuits)} circuits are allocated in {taken * 1000:.0f} ms")
    assert taken < ALLOCATED_WITHIN_S


def test_all_of_a_round_for_a_thousand_members() -> None:
    tree, now = site(), 20_000 * 86_400_000
    steering, ledger, periods = Steering(tree), Ledger(), Periods()
    for number, (key, member) in enumerate(tree.members.items(), 1):
        ledger.begin(key, member.rating_ma, member.wiring, now)
        ledger.begun(key, number, now)
        steering.begun(key, number, now)
    begun = process_time()
    budgets = budgets_from(tree, Outside(), now, periods.lease_ms)
    wants = steering.wants(now, budgets, ledger, set(tree.members))
    plan = Planner(ledger, periods).plan(now, budgets, steering.terms(budgets[-1][1]), wants, set(tree.members))
    taken = process_time() - begun
    print(f"\na round in which each of {MEMBERS} is sent its first lease takes {taken * 1000:.0f} ms")
    assert len(plan.leases) == MEMBERS
    assert taken < 1
