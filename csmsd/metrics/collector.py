"""The metrics, made from the live state at the moment they are asked for; nothing is counted for them before."""

import math
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from csmsd.metrics.energy import EnergyCounter
from csmsd.metrics.figures import Figures
from csmsd.metrics.load import load_metrics
from csmsd.ocpp.types import ChargePointStatus, RegistrationStatus
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.site import Site
from csmsd.runtime.durations import Durations
from csmsd.runtime.time_zones import local_utc_offset
from csmsd.settings.sections import Metrics

_OFFLINE = "Offline"  # no status of OCPP: what a connector said last is not what it does now


class SiteCollector(Collector):
    """All metrics of csmsd but those of its process."""

    def __init__(self, figures: Figures, energy: EnergyCounter, lag: Durations, settings: Metrics) -> None:
        self._figures = figures
        self._energy = energy
        self._lag = lag
        self._settings = settings  # a reload changes it in place

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked for before there is a site to look at."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        site = self._figures.live.site
        energy = self._energy.totals()
        yield from self._daemon()
        yield from self._store()
        yield from self._messages()
        yield from _charge_points(site)
        yield from _use(site, sum(energy.values()))
        now = self._figures.live.now()
        yield from load_metrics(site, self._figures.leases, local_utc_offset(now), now)
        yield from self._each_charge_point(site, energy)

    # --- csmsd itself

    def _daemon(self) -> Iterator[Metric]:
        figures = self._figures
        versions = {"version": figures.version, "python": platform.python_version()}
        yield InfoMetricFamily("csms_build", "Versions of csmsd and of Python.", versions)
        yield GaugeMetricFamily(
            "csms_start_time_seconds", "When csmsd started, seconds since 1970.", figures.started_at / 1000
        )
        yield _histogram("csms_event_loop_lag_seconds", "How late the event loop was.", self._lag)
        yield CounterMetricFamily(
            "csms_event_loop_stalls", "How often it stood still for more than 0.25 s.", figures.watchdog.stalls
        )
        yield GaugeMetricFamily(
            "csms_event_loop_longest_stall_seconds", "For how long at most.", figures.watchdog.longest_seconds
        )
        yield _counters(
            "csms_tls_handshakes", "Handshakes of TLS (csmsctl cp pending).", "result", figures.handshakes()
        )
        yield _counters("csms_events", "Events by type (csmsctl events).", "type", figures.bus.counts)
        family = CounterMetricFamily(
            "csms_security_events",
            "Security events (csmsctl security-events).",
            labels=["source", "type"],
        )
        yield _labelled(family, figures.live.site.security.events.counts.items())
        yield _counters("csms_event_hooks", "Events given to executables by outcome.", "outcome", figures.hooks)
        tasks = CounterMetricFamily(
            "csms_tasks", "Requests to charge points by action and outcome.", labels=["action", "outcome"]
        )
        yield _labelled(tasks, figures.outcomes.items())
        yield GaugeMetricFamily(
            "csms_waiting_calls", "Requests that wait for their turn on a connection.", figures.waiting_calls()
        )
        yield GaugeMetricFamily(
            "csms_queued_commands", "Commands that wait for charge points that are offline.", figures.queued_commands()
        )

    def _store(self) -> Iterator[Metric]:
        store, log = self._figures.store, self._figures.log
        yield GaugeMetricFamily("csms_store_up", "1 while what comes in can be stored.", int(store.failure is None))
        yield GaugeMetricFamily("csms_store_waiting", "Requests that wait for the next commit.", store.waiting)
        yield _histogram("csms_store_commit_seconds", "How long commits took.", store.commits)
        yield CounterMetricFamily("csms_store_failed_commits", "Commits that failed.", store.failed_commits)
        replica = GaugeMetricFamily(
            "csms_replica_age_seconds", "For how long what was committed has been missing in the copy off the box."
        )
        if self._figures.replica is not None:
            age = self._figures.replica.age_ms
            replica.add_metric([], math.inf if age is None else age / 1000)
        yield replica
        yield GaugeMetricFamily("csms_message_log_waiting", "Messages that wait to be logged.", log.waiting)
        yield CounterMetricFamily("csms_message_log_dropped", "Messages that were not logged.", log.dropped)
        sizes = {}
        for path in self._figures.files:
            try:
                sizes[path.name] = path.stat().st_size
            except OSError:  # a write-ahead log comes and goes
                continue
        yield _gauges("csms_file_bytes", "Size of the files.", "file", sizes)

    def _messages(self) -> Iterator[Metric]:
        traffic = self._figures.traffic
        yield _ways("csms_calls", "OCPP requests by action; in: from charge points.", "action", traffic.calls)
        yield _ways("csms_call_errors", "CALLERRORs by code; in: from charge points.", "code", traffic.errors)

    # --- each charge point

    def _each_charge_point(self, site: Site, energy: Mapping[str, int]) -> Iterator[Metric]:
        """Identities make a time series each, so the number of them is limited: those registered first."""
        everyone = sorted(site.charge_points.values(), key=lambda state: (state.record.registered_at, state.id))
        shown = everyone[: self._settings.charge_points]
        yield GaugeMetricFamily(
            "csms_charge_points_without_metrics",
            "Charge points beyond metrics.charge_points, which have no metrics of their own.",
            len(everyone) - len(shown),
        )
        label = "charge_point"
        yield _gauges(
            "csms_charge_point_connected",
            "1 while it is connected.",
            label,
            {state.id: int(state.connected) for state in shown},
        )
        yield _gauges(
            "csms_charge_point_last_seen_timestamp_seconds",
            "When it was last heard of, seconds since 1970.",
            label,
            {state.id: seen / 1000 for state in shown if (seen := state.record.last_seen_at) is not None},
        )
        yield _gauges(
            "csms_charge_point_active_transactions",
            "Transactions that are running.",
            label,
            {state.id: len(state.transactions.active()) for state in shown},
        )
        yield _gauges(
            "csms_charge_point_power_watts",
            "Power of what is running, as last metered.",
            label,
            {state.id: _power(state) for state in shown},
        )
        yield _counters(
            "csms_charge_point_energy_watt_hours",
            "Energy charged since csmsd started.",
            label,
            {state.id: energy.get(state.id, 0) for state in shown},
        )
        yield _counters(
            "csms_charge_point_deviations",
            "Departures from the specification.",
            label,
            {state.id: sum(found.count for found in state.deviations.values()) for state in shown},
        )


def _charge_points(site: Site) -> Iterator[Metric]:
    everyone = site.charge_points.values()
    registrations = Counter(state.record.registration for state in everyone)
    yield _gauges(
        "csms_registered_charge_points",
        "Charge points by registration.",
        "registration",
        {name: registrations[name] for name in get_args(RegistrationStatus)},
    )
    yield GaugeMetricFamily(
        "csms_connected_charge_points", "Charge points that are connected.", sum(state.connected for state in everyone)
    )
    yield GaugeMetricFamily(
        "csms_unknown_charge_points",
        "Who knocked and is not registered (csmsctl cp pending).",
        len(site.refused.unknown),
    )
    connectors: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for state in everyone:
        for number, connector in state.connectors.items():
            if number:  # 0 is the charge point as a whole
                connectors[connector.status if state.connected else _OFFLINE] += 1
        for found in state.deviations.values():
            kinds[found.kind] += found.count
    yield _gauges(
        "csms_connectors",
        "Connectors by status; Offline: their charge point is not connected.",
        "status",
        {status: connectors[status] for status in (*get_args(ChargePointStatus), _OFFLINE)},
    )
    yield _counters("csms_deviations", "Departures from the specification by kind.", "kind", kinds)


def _use(site: Site, energy: int) -> Iterator[Metric]:
    everyone = site.charge_points.values()
    yield GaugeMetricFamily(
        "csms_active_transactions",
        "Transactions that are running.",
        sum(len(state.transactions.active()) for state in everyone),
    )
    yield GaugeMetricFamily(
        "csms_power_watts", "Power of all that is running, as last metered.", sum(map(_power, everyone))
    )
    yield CounterMetricFamily("csms_energy_watt_hours", "Energy charged since csmsd started.", energy)


def _power(state: ChargePointState) -> float:
    if not state.connected:
        return 0.0
    return sum(state.power_w(running.connector) or 0.0 for running in state.transactions.active())


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(GaugeMetricFamily(name, text, labels=[label]), (((key,), value) for key, value in values.items()))


def _counters(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(
        CounterMetricFamily(name, text, labels=[label]), (((key,), value) for key, value in values.items())
    )


def _ways(name: str, text: str, label: str, counts: Mapping[str, Mapping[str, int]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=["direction", label])
    return _labelled(family, (((way, key), count) for way, found in counts.items() for key, count in found.items()))


def _labelled(
    family: CounterMetricFamily | GaugeMetricFamily, samples: Iterable[tuple[Sequence[str], float]]
) -> Metric:
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _histogram(name: str, text: str, durations: Durations) -> Metric:
    return HistogramMetricFamily(name, text, buckets=durations.buckets(), sum_value=durations.total)
