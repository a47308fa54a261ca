"""Metrics and health of a real csmsd, read as Prometheus reads them."""

import asyncio
import math
import re
import urllib.error
import urllib.request
from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.conftest import MakeSite
from tests.support.site import ROOT, Site

LISTEN = {"metrics": {"listen": "127.0.0.1:0"}}
START = {"connectorId": 1, "idTag": "A1", "meterStart": 1000, "timestamp": "2026-03-01T12:00:00.000Z"}


async def fetch(site: Site, path: str, *, method: str = "GET", accept: str = "") -> tuple[int, str, str]:
    """Status, content type and text of an answer."""
    base = (await site.call("daemon.info"))["metrics"]

    def ask() -> tuple[int, str, str]:
        request = urllib.request.Request(base + path, method=method, headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.headers["Content-Type"], refusal.read().decode()

    return await asyncio.to_thread(ask)


def described() -> set[str]:
    """The metrics of docs/monitoring.md."""
    return set(re.findall(r"`(csms_\w+)", (ROOT / "docs" / "monitoring.md").read_text("utf-8")))


class Samples:
    """The samples of one scrape."""

    def __init__(self, given: Iterable[Metric]) -> None:
        families = list(given)
        names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
        self.names = {name for name in names if name.startswith("csms_")}
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float | None:
        return self._values.get((name, frozenset(labels.items())))


async def scrape(site: Site) -> Samples:
    status, content_type, text = await fetch(site, "/metrics")
    assert (status, content_type.partition(";")[0]) == (200, "text/plain")
    return Samples(parse_text(text))


async def test_nothing_listens_unless_it_is_asked_to(site: Site) -> None:
    assert (await site.call("daemon.info"))["metrics"] is None


async def test_a_site_at_work(make_site: MakeSite) -> None:
    site = await make_site(LISTEN | {"ocpp": {"call_timeout": 5}, "store": {"replica": "/nowhere/csms"}})
    await site.call("tag.add", id="A1")
    await site.register("CP2")
    charge_point = await site.raw("CP1")
    for connector, status in ((0, "Available"), (1, "Charging"), (2, "Faulted")):
        report = {"connectorId": connector, "errorCode": "NoError", "status": status}
        await charge_point.ask("StatusNotification", report)
    number = (await charge_point.ask("StartTransaction", START))[2]["transactionId"]
    samples = [
        {"value": "3500", "measurand": "Energy.Active.Import.Register"},
        {"value": "7.2", "measurand": "Power.Active.Import", "unit": "kW"},
    ]
    reading = {"timestamp": "2026-03-01T12:30:00.000Z", "sampledValue": samples}
    await charge_point.ask("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [reading]})
    await charge_point.ask("MakeCoffee")
    await charge_point.ask("Heartbeat", {"odd": True})
    command = asyncio.create_task(site.csmsctl("clear-cache", "CP1"))
    request = await charge_point.asked("ClearCache")
    await charge_point.frame(4, request[1], "NotSupported", "", {})
    assert (await command).code == 7

    seen = await scrape(site)
    assert seen("csms_registered_charge_points", registration="Accepted") == 2
    assert seen("csms_replica_age_seconds") == math.inf
    assert seen("csms_connected_charge_points") == 1
    assert seen("csms_connectors", status="Charging") == 1
    assert seen("csms_connectors", status="Faulted") == 1
    assert seen("csms_connectors", status="Available") == 0
    assert seen("csms_active_transactions") == 1
    assert seen("csms_power_watts") == 7200
    assert seen("csms_energy_watt_hours_total") == 2500
    assert seen("csms_calls_total", direction="in", action="StartTransaction") == 1
    assert seen("csms_calls_total", direction="in", action="other") == 1
    assert seen("csms_calls_total", direction="out", action="ClearCache") == 1
    assert seen("csms_call_errors_total", direction="out", code="NotImplemented") == 1
    assert seen("csms_call_errors_total", direction="in", code="NotSupported") == 1
    assert seen("csms_tasks_total", action="ClearCache", outcome="call_error") == 1
    assert seen("csms_deviations_total", kind="unknown_field") == 1
    assert seen("csms_events_total", type="transaction.started") == 1
    assert seen("csms_store_up") == 1
    assert (seen("csms_store_commit_seconds_count") or 0) >= 5
    assert (seen("csms_file_bytes", file="csms.db") or 0) > 0
    assert (seen("process_open_fds") or 0) > 5
    assert seen("csms_charge_point_connected", charge_point="CP1") == 1
    assert seen("csms_charge_point_connected", charge_point="CP2") == 0
    assert seen("csms_charge_point_power_watts", charge_point="CP1") == 7200
    assert seen("csms_charge_point_energy_watt_hours_total", charge_point="CP1") == 2500

    stop = {"transactionId": number, "meterStop": 5000, "timestamp": "2026-03-01T13:00:00.000Z"}
    await charge_point.ask("StopTransaction", stop)
    events = await site.watch("charge_point.disconnected")
    await charge_point.disconnect()
    await events.event("charge_point.disconnected", "CP1")
    seen = await scrape(site)
    assert seen("csms_energy_watt_hours_total") == 4000
    assert seen("csms_power_watts") == 0
    assert seen("csms_connectors", status="Charging") == 0
    assert seen("csms_connectors", status="Offline") == 2

    assert seen.names == described()

    openmetrics = "application/openmetrics-text; version=1.0.0"
    _, content_type, text = await fetch(site, "/metrics", accept=openmetrics)
    assert content_type.startswith(openmetrics)
    assert Samples(parse_openmetrics(text))("csms_energy_watt_hours_total") == 4000

    site.write_settings({"metrics": {"listen": "127.0.0.1:0", "charge_points": 1}, "ocpp": {"call_timeout": 5}})
    assert (await site.call("daemon.reload"))["changed"] == ["metrics.charge_points"]
    seen = await scrape(site)
    assert seen("csms_charge_point_connected", charge_point="CP1") is None  # CP2 was registered before
    assert seen("csms_charge_point_connected", charge_point="CP2") == 0
    assert seen("csms_charge_points_without_metrics") == 1
    assert seen("csms_energy_watt_hours_total") == 4000
