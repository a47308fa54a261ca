"""The metrics of load management: circuits by phase, who is on them, and what came of leases."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from csmsd.profiles.load_management.overview import LineLoad, Standing, overview_of_load
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.site import Site

_WATTS = "W"
_WHAT = {
    "limit": "What it may carry now",
    "other": "What else draws on it than its members, as measured or as reserved",
    "given": "The most that its members may draw now",
    "drawn": "What its members draw, as last metered",
}


def load_metrics(site: Site, leases: Mapping[str, int], utc_offset_s: int, now: Milliseconds) -> Iterator[Metric]:
    lines, members = overview_of_load(site, utc_offset_s, now)
    for what, text in _WHAT.items():
        amperes = GaugeMetricFamily(
            f"csms_circuit_{what}_amperes", f"{text}, on a phase of a circuit.", labels=["circuit", "phase"]
        )
        watts = GaugeMetricFamily(
            f"csms_circuit_{what}_watts", f"{text}, on a circuit whose power is limited.", labels=["circuit"]
        )
        for line in lines:
            value = _value(line, what)
            if line.phase == _WATTS:
                watts.add_metric([line.circuit], value)
            else:
                amperes.add_metric([line.circuit, line.phase], value)
        yield amperes
        yield watts
    states = Counter(member.state for member in members)
    family = GaugeMetricFamily("csms_circuit_members", "Members of circuits by state.", labels=["state"])
    for state in get_args(Standing):
        family.add_metric([state], states[state])
    yield family
    counter = CounterMetricFamily("csms_leases", "Limits that were lent, by what came of them.", labels=["outcome"])
    for outcome, count in leases.items():
        counter.add_metric([outcome], count)
    yield counter
    yield GaugeMetricFamily(
        "csms_load_management_paused", "1 while nothing is sent.", int(site.smart_charging.load.paused(now) is not None)
    )


def _value(line: LineLoad, what: str) -> float:
    return {"limit": line.limit, "other": line.other, "given": line.given, "drawn": line.drawn}[what]
