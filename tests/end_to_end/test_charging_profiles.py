"""Charging profiles from the library to a charge point on PyPI `ocpp`, through csmsd, its socket and its disk."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v16 import call_result
from ocpp.v16.enums import Action, ChargePointStatus

from tests.support.charge_point import ChargePoint, timestamp
from tests.support.control import ControlError
from tests.support.site import Site

MakeSite = Callable[..., Awaitable[Site]]


class SmartChargePoint(ChargePoint):
    """Answers Smart Charging, too."""

    @on(Action.set_charging_profile)
    def _set_charging_profile(self, **fields: Any) -> Any:
        return call_result.SetChargingProfile(**self._take("SetChargingProfile", fields, {"status": "Accepted"}))

    @on(Action.clear_charging_profile)
    def _clear_charging_profile(self, **fields: Any) -> Any:
        return call_result.ClearChargingProfile(**self._take("ClearChargingProfile", fields, {"status": "Accepted"}))

    @on(Action.get_composite_schedule)
    def _get_composite_schedule(self, **fields: Any) -> Any:
        return call_result.GetCompositeSchedule(**self._take("GetCompositeSchedule", fields, {"status": "Accepted"}))


async def smart(site: Site, identity: str = "CP1") -> SmartChargePoint:
    await site.register(identity)
    connected = await SmartChargePoint.connect(site.url(identity))
    assert isinstance(connected, SmartChargePoint)
    site._charge_points.append(connected)
    await connected.boot()
    for connector in (0, 1, 2):
        await connected.status(ChargePointStatus.available, connector)
    return connected


async def run(site: Site, command: str, **parameters: Any) -> dict[str, Any]:
    force = bool(parameters.pop("force", False))
    answer = await site.call("operation.run", command=command, parameters=parameters, targets=["CP1"], force=force)
    [result] = answer["results"]
    assert isinstance(result, dict)
    return result


async def installed(site: Site) -> list[tuple[int, str, int, str | None]]:
    found = (await site.call("profile.installed"))["installed_profiles"]
    return [(row["connector"], row["purpose"], row["stack_level"], row["name"]) for row in found]


async def test_the_library_keeps_its_ids(site: Site) -> None:
    night = await site.call("profile.add", name="night", daily="22:00-06:00=32A,06:00-22:00=8A", time_zone="UTC")
    assert night["changed"]
    assert night["profile"]["id"] == 1
    assert night["profile"]["profile"]["chargingProfileId"] == 1
    again = await site.csmsctl("profile", "add", "NIGHT", "--limit", "10A")
    assert (again.code, "--replace" in again.err) == (1, True)
    replaced = await site.call("profile.add", name="night", limit="10A", replace=True)
    assert (replaced["changed"], replaced["profile"]["id"]) == (True, 1)
    await site.call("profile.add", name="other", profile={**night["profile"]["profile"], "chargingProfileId": 99})
    await site.restart()
    listed = (await site.call("profile.list"))["profiles"]
    assert [(row["id"], row["name"], row["highest_limit"]) for row in listed] == [
        (1, "night", 10.0),
        (2, "other", 32.0),
    ]
    assert (await site.call("profile.remove", name="other"))["changed"]
    third = await site.call("profile.add", name="third", limit="11kW")
    assert third["profile"]["id"] == 3  # never that of one that is gone
    with pytest.raises(ControlError, match="No charging profile other"):
        await site.call("profile.show", name="other")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"limit": "16"}, "is no limit; write it as 16A"),
        ({"limit": "16.25A"}, r"more than one decimal \(C 7.14, CE 3.70\)"),
        ({"profile": {"stackLevel": 0}}, "chargingProfilePurpose: is required"),
        ({"name": "a/b", "limit": "16A"}, "is no name"),
        ({"name": "a.json", "limit": "16A"}, "is no name"),
        ({"limit": "16A", "phases": 4}, "number_?[pP]hases"),
        ({"limit": "16A", "daily": "00:00-24:00=6A"}, "either a limit or windows"),
        ({"daily": "00:00-24:00=6A", "time_zone": "Mars"}, "no time zone"),
    ],
)
async def test_what_is_not_added(site: Site, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ControlError, match=words) as caught:
        await site.call("profile.add", **{"name": "bad", **fields})
    assert caught.value.code == 2


async def test_set_remember_and_clear(site: Site) -> None:
    """TC_067, and a restart in between."""
    charge_point = await smart(site)
    for level in range(3):
        await site.call("profile.add", name=f"level{level}", limit="6A", stack_level=level)
        result = await run(site, "set-charging-profile", connector=1, profile=f"level{level}")
        assert (result["outcome"], result["status"]) == ("accepted", "Accepted")
        sent = await charge_point.request("SetChargingProfile")
        assert sent["connector_id"] == 1
        assert sent["cs_charging_profiles"]["charging_profile_purpose"] == "TxDefaultProfile"
    everything = [(1, "TxDefaultProfile", level, f"level{level}") for level in range(3)]
    assert await installed(site) == everything
    await charge_point.disconnect()
    await site.restart()
    assert await installed(site) == everything
    charge_point = await smart(site)
    await run(site, "clear-charging-profile", id=1)
    assert await charge_point.request("ClearChargingProfile") == {"id": 1}
    assert await installed(site) == everything[1:]
    await run(site, "clear-charging-profile", connector=1, purpose="TxDefaultProfile", stack_level=1)
    assert await installed(site) == everything[2:]
    await run(site, "clear-charging-profile")
    assert await installed(site) == []


async def test_a_tx_profile_lives_as_long_as_its_transaction(site: Site) -> None:
    """TC_057."""
    charge_point = await smart(site)
    await site.call("tag.add", id="TAG1")
    await site.call("profile.add", name="slow", limit="6A", purpose="TxProfile")
    refused = await run(site, "set-charging-profile", connector=1, profile="slow")
    assert (refused["outcome"], refused["error_code"]) == ("not_sent", 7)
    assert "No transaction is running on connector 1" in refused["error"]
    forced = await run(site, "set-charging-profile", connector=1, profile="slow", force=True)
    assert forced["outcome"] == "accepted"
    await charge_point.request("SetChargingProfile")
    transaction = (await charge_point.start_transaction("TAG1")).transaction_id
    await run(site, "set-charging-profile", connector=1, profile="slow")
    assert (await charge_point.request("SetChargingProfile"))["cs_charging_profiles"]["transaction_id"] == transaction
    seen = await site.call("profile.preview", charge_point="CP1", connector=1, duration=3600)
    assert [(period["limit"], period["because"][0]["name"]) for period in seen["periods"]] == [(6.0, "slow")]
    assert seen["transaction"] == transaction
    await charge_point.stop_transaction(transaction, 2000)
    assert site.stored("SELECT count(*) FROM installed_profile") == [(0,)]
    assert await installed(site) == []


async def test_a_tx_profile_ends_with_the_books_that_an_operator_closes(site: Site) -> None:
    charge_point = await smart(site)
    await site.call("tag.add", id="TAG1")
    await site.call("profile.add", name="slow", limit="6A", purpose="TxProfile")
    transaction = (await charge_point.start_transaction("TAG1")).transaction_id
    await run(site, "set-charging-profile", connector=1, profile="slow")
    assert site.stored("SELECT count(*) FROM installed_profile") == [(1,)]
    await site.call("transaction.close", id=transaction, reason="nobody saw its end")
    assert site.stored("SELECT count(*) FROM installed_profile") == [(0,)]
    assert await installed(site) == []


async def test_a_remote_start_with_a_profile(site: Site) -> None:
    """TC_059."""
    charge_point = await smart(site)
    await site.call("tag.add", id="TAG1")
    await site.call("profile.add", name="slow", limit="6A", purpose="TxProfile")
    result = await run(site, "remote-start", tag="TAG1", connector=1, profile="slow")
    assert result["outcome"] == "accepted"
    sent = (await charge_point.request("RemoteStartTransaction"))["charging_profile"]
    assert (sent["charging_profile_purpose"], sent["charging_profile_kind"]) == ("TxProfile", "Relative")
    assert "transaction_id" not in sent
    transaction = (await charge_point.start_transaction("TAG1")).transaction_id
    [row] = (await site.call("profile.installed"))["installed_profiles"]
    assert (row["transaction"], row["awaits_id_tag"]) == (transaction, None)
    await site.restart()
    [row] = (await site.call("profile.installed"))["installed_profiles"]
    assert row["transaction"] == transaction


async def test_a_profile_from_a_file_on_the_command_line(site: Site) -> None:
    """TC_056: the JSON of the specification, sent without the library."""
    charge_point = await smart(site)
    profile = {
        "chargingProfileId": 56,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "validFrom": "2024-01-01T00:00:00Z",
        "validTo": "2124-01-01T00:00:00Z",
        "chargingSchedule": {
            "duration": 86400,
            "startSchedule": "2024-01-01T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0, "numberPhases": 1}],
        },
    }
    file = site.directory / "tc056.json"
    file.write_text(json.dumps(profile))
    done = await site.csmsctl("set-charging-profile", "CP1", "--connector", "1", "--profile", str(file))
    assert done.code == 0, done
    sent = (await charge_point.request("SetChargingProfile"))["cs_charging_profiles"]
    assert sent["charging_profile_id"] == 56
    assert sent["charging_schedule"]["charging_schedule_period"] == [
        {"start_period": 0, "limit": 6.0, "number_phases": 1}
    ]
    piped = await site.csmsctl(
        "set-charging-profile", "CP1", "--connector", "2", "--profile", "-", stdin=json.dumps(profile)
    )
    assert piped.code == 7
    assert "take it from there" in piped.out + piped.err


async def test_preview_shows_what_would_be(site: Site) -> None:
    await smart(site)
    await site.call("profile.add", name="site", limit="20A", purpose="ChargePointMaxProfile")
    await site.call("profile.add", name="slow", limit="6A", purpose="TxProfile")
    await run(site, "set-charging-profile", connector=0, profile="site")
    where = {"charge_point": "CP1", "connector": 1, "duration": 3600}
    now = await site.call("profile.preview", **where)
    assert [(period["limit"], period["start_s"], period["duration_s"]) for period in now["periods"]] == [(20, 0, 3600)]
    then = await site.call("profile.preview", **where, **{"with": "slow"})
    [period] = then["periods"]
    assert period["limit"] == 6
    assert period["because"][0]["purpose"] == "TxProfile"
    assert "No transaction is running" in then["findings"][0]["text"]
    watts = await site.call("profile.preview", **where, unit="W", phases=1)
    assert watts["periods"][0]["limit"] == 4600
    with pytest.raises(ControlError, match="No charging profile nothing"):
        await site.call("profile.preview", **where, **{"with": "nothing"})


@pytest.mark.parametrize(
    ("limit", "agrees", "kinds"), [(20.0, True, []), (32.0, False, ["higher"]), (16.0, False, ["lower"])]
)
async def test_verify_asks_the_charge_point(site: Site, limit: float, agrees: bool, kinds: list[str]) -> None:
    charge_point = await smart(site)
    await site.call("profile.add", name="flat", limit="20A")
    await run(site, "set-charging-profile", connector=1, profile="flat")
    charge_point.answers["GetCompositeSchedule"] = {
        "status": "Accepted",
        "connector_id": 1,
        "schedule_start": timestamp(),
        "charging_schedule": {
            "duration": 3600,
            "charging_rate_unit": "A",
            "charging_schedule_period": [{"start_period": 0, "limit": limit}],
        },
    }
    found = await site.call("profile.verify", charge_point="CP1", connector=1, duration=3600)
    assert found["agrees"] is agrees
    assert [difference["kind"] for difference in found["differences"]] == kinds
    assert abs(found["clock_offset_s"]) <= 1
    assert (await charge_point.request("GetCompositeSchedule")) == {"connector_id": 1, "duration": 3600}


async def test_verify_of_an_empty_or_refused_answer(site: Site) -> None:
    charge_point = await smart(site)
    await site.call("profile.add", name="flat", limit="20A")
    await run(site, "set-charging-profile", connector=1, profile="flat")
    found = await site.call("profile.verify", charge_point="CP1", connector=1, duration=3600)
    assert (found["agrees"], found["reported"]) == (False, None)
    schedule = {"charging_rate_unit": "A", "charging_schedule_period": []}
    empty = {"status": "Accepted", "connector_id": 1, "schedule_start": timestamp(), "charging_schedule": schedule}
    charge_point.answers["GetCompositeSchedule"] = empty
    shown = await site.csmsctl("profile", "verify", "CP1", "--connector", "1")
    assert shown.code == 1
    assert "no schedule reported" in shown.err
    raw = await site.csmsctl("get-composite-schedule", "CP1", "--connector", "1", "--duration", "3600")
    assert raw.code == 0, raw
    charge_point.answers["GetCompositeSchedule"] = {"status": "Rejected"}
    found = await site.call("profile.verify", charge_point="CP1", connector=1, duration=3600)
    assert (found["agrees"], found["results"][0]["outcome"]) == (None, "rejected")


@pytest.mark.parametrize("wanted", [True, False])
async def test_reassertion_after_a_reconnect(make_site: MakeSite, wanted: bool) -> None:
    site = await make_site({"ocpp": {"reassert_charging_profiles": wanted}})
    charge_point = await smart(site)
    await site.call("profile.add", name="default", limit="16A")
    await site.call("profile.add", name="site", limit="63A", purpose="ChargePointMaxProfile")
    await run(site, "set-charging-profile", connector=0, profile="default")
    await run(site, "set-charging-profile", connector=0, profile="site")
    await charge_point.disconnect()
    charge_point = await smart(site)
    if wanted:
        first = await charge_point.request("SetChargingProfile")
        second = await charge_point.request("SetChargingProfile")
        purposes = [sent["cs_charging_profiles"]["charging_profile_purpose"] for sent in (first, second)]
        assert purposes == ["ChargePointMaxProfile", "TxDefaultProfile"]
        tasks = (await site.call("task.list", action="SetChargingProfile"))["tasks"]
        assert [task["user"] for task in tasks[:2]] == ["csmsd", "csmsd"]
    else:
        answer = await site.call("profile.reassert", targets=["CP1"])
        assert [result["outcome"] for result in answer["results"]] == ["accepted", "accepted"]
        assert len((await site.call("task.list", action="SetChargingProfile"))["tasks"]) == 4  # two and again two
        assert len((await site.call("profile.installed"))["installed_profiles"]) == 2

        assert (await site.csmsctl("cp", "set", "CP1", "--reassert")).code == 0
        await charge_point.disconnect()
        await site.restart()
        charge_point = await smart(site)
        await charge_point.request("SetChargingProfile")
        assert (await site.json("cp", "set", "CP1", "--no-reassert"))["charge_point"]["reassert"] is False
        assert (await site.json("cp", "set", "CP1", "--default-reassert"))["charge_point"]["reassert"] is None
        assert (await site.csmsctl("cp", "set", "CP1", "--reassert", "--default-reassert")).code == 2


async def test_profiles_go_with_their_charge_point(site: Site) -> None:
    charge_point = await smart(site)
    await site.call("profile.add", name="flat", limit="20A")
    await run(site, "set-charging-profile", connector=1, profile="flat")
    await charge_point.disconnect()
    await site.call("charge_point.remove", id="CP1")
    await site.register("CP1")
    assert await installed(site) == []
    assert site.stored("SELECT count(*) FROM installed_profile") == [(0,)]
