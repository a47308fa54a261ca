"""The plot of `tx meter`: power and energy of a transaction."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from csmsctl.records.meter_plot import meter_plot
from csmsctl.records.readings import Reading, readings
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon

TEN = datetime(2026, 1, 31, 10, tzinfo=UTC).timestamp()


def sample(measurand: str, value: object, **fields: Any) -> dict[str, Any]:
    unit = "W" if measurand.startswith("Power") else "Wh"
    usual = {"phase": None, "context": None, "location": None, "format": None, "unit": unit}
    return {"measurand": measurand, "value": str(value)} | usual | fields


def power(value: object, **fields: Any) -> dict[str, Any]:
    return sample("Power.Active.Import", value, **fields)


def energy(value: object, **fields: Any) -> dict[str, Any]:
    return sample("Energy.Active.Import.Register", value, **fields)


def at(minute: int, *values: dict[str, Any]) -> dict[str, Any]:
    return {"time": f"2026-01-31T10:{minute:02}:00.000Z", "samples": list(values)}


@pytest.mark.parametrize(
    ("values", "watts", "register"),
    [
        ([power(7000), energy(1500)], 7000, 1500),
        ([power("7.36", unit="kW"), energy("1.5", unit="kWh")], 7360, 1500),
        ([power(1000, phase="L1"), power(2000, phase="L2"), power(5, phase="N")], 3000, None),
        ([power(1000, phase="L1"), power(7000)], 7000, None),
        ([power(7000, location="EV"), energy(1500, location="Outlet")], None, 1500),
        ([power(7000, location="Body"), energy(1500, location="Body")], 7000, None),
        ([power(7200, location="Inlet"), power(7000)], 7000, None),
        ([power(3100, phase="L1-N"), power(3200, phase="L2-N")], 6300, None),
        ([power("7,36", unit="kW"), energy("1500,5")], 7360, 1500.5),
        ([power("nan"), energy("?")], None, None),
        ([energy("00AA", format="SignedData")], None, None),
        ([], None, None),
    ],
)
def test_what_a_reading_says(values: list[dict[str, Any]], watts: float | None, register: float | None) -> None:
    assert list(readings([at(0, *values)])) == [Reading(TEN, watts, register)]


# 1000 Wh at 10:00 … 8360 Wh at 11:00, as tests/csmsctl/samples.py has it
HOUR = [at(minute, power(8000 if minute < 30 else 4000), energy(1000 + 122 * minute)) for minute in range(0, 60, 5)]


def test_power_and_energy_above_one_axis() -> None:
    lines = meter_plot(samples.transaction(), HOUR, 41)
    first = datetime.fromtimestamp(TEN)
    first += timedelta(minutes=-first.minute % 30)  # somewhere the hour of UTC is no full one
    assert lines[0] == "Power"
    assert lines[1] == " 8 kW ┤█████████████████"
    assert lines[5] == " 4 kW ┤██████████████████████████████████"
    assert lines[9] == " 0 kW ┼──────────────────────────────────"
    assert lines[11] == "Energy"
    assert lines[12].startswith("8 kWh ┤")
    assert lines[12].endswith("▄")
    assert lines[18].startswith("0 kWh ┼")
    assert lines[19].strip().startswith(first.strftime("%H:%M"))
    assert len({line.index("┤") for line in lines if "┤" in line}) == 1


def test_without_power_the_mean_is_reckoned_and_said() -> None:
    values = [at(0, energy(1000)), at(15, energy(2000)), at(30, energy(2000))]
    transaction = samples.transaction(stop_time=None, meter_stop_wh=None, energy_wh=1000)
    lines = meter_plot(transaction, values, 29)
    assert "none was sent" in lines[0]
    assert lines[1] == "   4 kW ┤██████████"


def test_a_gap_in_the_readings_stays_empty() -> None:
    values = [at(minute, power(8000)) for minute in (0, 1, 2, 3, 40, 41, 42)]
    lines = meter_plot(samples.transaction(meter_stop_wh=None, stop_time=None, energy_wh=0), values, 60)
    (bars,) = {line.split("┤")[1] for line in lines[1:2]}
    assert bars.startswith("█")
    assert "█" + " " * 30 in bars
    assert bars.endswith("█")


def test_a_misread_register_does_not_flatten_the_rest() -> None:
    lines = meter_plot(samples.transaction(), [*HOUR, at(58, energy(9_000_000))], 60)
    assert any(line.startswith("8 kWh ┤") for line in lines)


@pytest.mark.parametrize("width", [1, 40, 80, 200])
def test_it_keeps_to_the_width(width: int) -> None:
    assert max(map(len, meter_plot(samples.transaction(), HOUR, width))) <= max(width, 40)


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def test_too_little_for_a_plot() -> None:
    running = samples.transaction(stop_time=None, meter_stop_wh=None)
    assert meter_plot(running, [], 80) == []
    assert meter_plot(running, [at(0, energy(1000))], 80) == []


def test_where_nothing_flowed_the_axes_have_a_scale() -> None:
    still = samples.transaction(energy_wh=0, meter_start_wh=1000, meter_stop_wh=1000)
    lines = meter_plot(still, [at(0, energy(1000)), at(30, energy(1000))], 60)
    assert [line.split()[0] for line in lines if " kW ┤" in line or " kW ┼" in line] == ["1", "0.5", "0"]


def test_the_command_plots_on_a_terminal_and_prints_rows_otherwise(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["transaction.show"] = samples.transaction()
    daemon.replies["transaction.meter"] = {"schema_version": 1, "transaction": 7, "meter_values": HOUR}
    plotted = csmsctl("tx", "meter", "7", "--color", "always", COLUMNS="80").out
    assert "Transaction 7: CP1 connector 1, A1, 1 h 0 min, 7.360 kWh, 12 values" in plotted
    assert "8 kW ┤" in plotted
    narrow = csmsctl("tx", "meter", "7", "--color", "always", COLUMNS="60").out
    assert max(len(_COLOURS.sub("", line)) for line in narrow.splitlines()) <= 60
    assert "MEASURAND" in csmsctl("tx", "meter", "7", "--color", "always", "--table").out
    rows = csmsctl("tx", "meter", "7").out.splitlines()
    assert rows[0].split()[:2] == ["TIME", "MEASURAND"]
    assert len(rows) == 25
    assert csmsctl("tx", "meter", "7", "--csv", "--color", "always").out.startswith("time,measurand,")
    assert csmsctl("tx", "meter", "7", "--json").document["meter_values"] == HOUR

    daemon.replies["transaction.meter"] = {"schema_version": 1, "transaction": 7, "meter_values": []}
    daemon.replies["transaction.show"] = samples.transaction(stop_time=None, meter_stop_wh=None)
    assert csmsctl("tx", "meter", "7", "--color", "always").err == "There are no meter values.\n"
