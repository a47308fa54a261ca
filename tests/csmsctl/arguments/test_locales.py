"""CSV for the spreadsheet of a country."""

import csv
from io import StringIO

import pytest

from csmsctl.arguments.locales import LOCALES, locale_named
from tests.csmsctl import samples
from tests.csmsctl.commands.listing import listing
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_names() -> None:
    assert locale_named("de") is locale_named("de_AT.UTF-8") is locale_named("DE-de") is LOCALES["de"]
    assert locale_named("en_US") is LOCALES["us"]
    assert locale_named("tlh") is None


@pytest.mark.parametrize("by_environment", [False, True])
def test_semicolons_commas_and_local_times(csmsctl: Csmsctl, daemon: ScriptedDaemon, by_environment: bool) -> None:
    transaction = samples.transaction(1, id_tag="=1+1;2") | {"start_time": "2026-07-01T22:30:00.000Z", "power_w": 7.5}
    daemon.replies["transaction.list"] = listing("transactions", transaction)
    words = ["tx", "list", "--csv", "--columns", "id,id_tag,start_time,power_w,energy_wh"]
    if by_environment:
        ended = csmsctl(*words, TZ="Europe/Berlin", CSMS_LOCALE="de_DE.UTF-8")
    else:
        ended = csmsctl(*words, "--locale", "de", TZ="Europe/Berlin")
    assert ended.out.startswith("\ufeffid;id_tag;start_time;")
    (row,) = csv.DictReader(StringIO(ended.out.removeprefix("\ufeff")), delimiter=";")
    assert row == {
        "id": "1",
        "id_tag": "'=1+1;2",
        "start_time": "02.07.2026 00:30:00",
        "power_w": "7,5",
        "energy_wh": str(transaction["energy_wh"]),
    }


def test_what_was_measured_has_a_comma_though_it_is_text(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    time = "2026-07-01T22:30:00.000Z"
    samples_taken = [
        {"measurand": "Voltage", "value": "-20.17", "unit": "V"},
        {"measurand": "Voltage", "value": "2.1.7", "format": "SignedData"},
    ]
    meter_values = [{"id": 1, "time": time, "samples": samples_taken}]
    daemon.replies["transaction.meter"] = {"transaction": 7, "meter_values": meter_values}
    meter = ("tx", "meter", "7", "--csv", "--columns", "value", "--no-headers")
    assert csmsctl(*meter, "--locale", "de").out.split() == ["-20,17", "2.1.7"]
    assert csmsctl(*meter).out.split() == ["'-20.17", "2.1.7"]


def test_text_that_looks_like_a_number_stays_what_it_is(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["charge_point.list"] = listing("charge_points", samples.charge_point(firmware_version="2.1"))
    ended = csmsctl("cp", "list", "--csv", "--columns", "firmware_version", "--no-headers", "--locale", "de")
    assert ended.out.split() == ["2.1"]


def test_exports_have_it_and_json_has_not(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["transaction.list"] = listing("transactions", samples.transaction(1))
    assert csmsctl("tx", "export", "--locale", "de").out.startswith("\ufeffid;charge_point;")
    plain = csmsctl("tx", "list", "--json", "--locale", "de").document
    assert plain["transactions"] == [samples.transaction(1)]
    assert csmsctl("tx", "list", "--locale", "tlh").code == 2
