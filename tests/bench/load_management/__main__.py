"""`make load-bench`: the same days of arrivals under each strategy, and what became of breakers and cars."""

import argparse
from multiprocessing import Pool

from tests.bench.load_management.strategies import Csms, Even, GroupOffers, KnowsAll
from tests.bench.load_management.world import Figures, Network, Site, Strategy

STRATEGIES: dict[str, type[Strategy]] = {"csms": Csms, "even, without waiting": Even, "offers to groups": GroupOffers}
NETWORKS = {
    "clean": Network(),
    "5 % lost": Network(lost=0.05),
    "5 % lost, csmsd dead 4 times a day": Network(lost=0.05, deaths=4),
}
DAYS = 5  # of one site, in one process
Case = tuple[str, str, str]


def played(case: Case) -> tuple[Case, Figures]:
    network, strategy, seed = case
    kind = KnowsAll if strategy == "knows all" else STRATEGIES[strategy]
    return case, Site(kind, NETWORKS[network], DAYS, seed).run()


def together(found: list[Figures]) -> Figures:
    total = Figures()
    for one in found:
        total.hours += one.hours
        total.over_s += one.over_s
        total.worst_ma = max(total.worst_ma, one.worst_ma)
        total.trips += one.trips
        total.starts += one.starts
        total.at_once += one.at_once
        total.waited_s += one.waited_s
        total.messages += one.messages
        total.energy_wh += one.energy_wh
        total.satisfaction += one.satisfaction
        total.had_wh += one.had_wh
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=1200, help="site-hours for each strategy and network")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", choices=STRATEGIES, help="this strategy alone")
    arguments = parser.parse_args()
    strategies = [name for name in STRATEGIES if arguments.only in (None, name)]
    seeds = [f"site {number}" for number in range(max(1, round(arguments.hours / (24 * DAYS))))]
    cases: list[Case] = [("clean", "knows all", seed) for seed in seeds]
    cases += [(network, strategy, seed) for network in NETWORKS for strategy in strategies for seed in seeds]
    found: dict[tuple[str, str], list[Figures]] = {}
    with Pool(arguments.processes) as pool:
        for (network, strategy, _), figures in pool.imap(played, cases):
            found.setdefault((network, strategy), []).append(figures)
    best = together(found["clean", "knows all"])
    print(f"12 members behind 63 A, two lines of 40 A; {best.hours:,.0f} site-hours each. Energy and fairness against")
    print(f"one who knows all, in whole amperes: {best.energy_wh / 1e6:.2f} MWh. `Alone` is how evenly cars were")
    print(f"satisfied, of what each could have had if it were alone; his is {best.satisfied:.3f}\n")
    print(
        f"{'':44}{'s over':>9}{'A over':>8}{'trips':>7}{'energy':>9}{'fairness':>10}{'alone':>8}{'CALLs':>8}"
        f"{'at once':>9}{'waits':>7}"
    )
    for network in NETWORKS:
        print(network)
        for strategy in strategies:
            one = together(found[network, strategy])
            calls = one.messages / one.hours / 12
            print(
                f"    {strategy:40}{one.over_s:9,}{one.worst_ma / 1000:8.1f}{one.trips:7}"
                f"{one.energy_wh / best.energy_wh:9.1%}{one.fairness(best):10.3f}{one.satisfied:8.3f}{calls:8.1f}"
                f"{one.at_once / one.starts:9.1%}{one.waited_s / one.starts:6.0f}s"
            )


if __name__ == "__main__":
    main()
