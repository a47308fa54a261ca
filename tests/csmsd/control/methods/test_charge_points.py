"""Charge points in the hands of an operator: what is taken, what a change brings about, and who may go."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from csmsd.control.methods import charge_points
from tests.conftest import MakeSite
from tests.support.control import ControlError
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

KEY = "0123456789abcdef"
START = {"connectorId": 1, "idTag": "A1", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}


async def shown(site: Site, identity: str = "CP1") -> dict[str, Any]:
    return await site.call("charge_point.show", id=identity)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"id": "two words"}, "is no identity"),
        ({"id": "x" * 49}, "is no identity"),
        ({"security_profile": 2, "generate_password": True}, "needs TLS"),
        ({"security_profile": 2}, "needs a password"),
        ({"security_profile": 3}, "needs TLS"),
        ({"certificate_name": "x" * 65}, "1 to 64 printable characters"),
        ({"certificate_name": "a\0b"}, "1 to 64 printable characters"),
        ({"security_profile": 4}, "is 0, 1, 2 or 3"),
        ({"security_profile": -1}, "is 0, 1, 2 or 3"),
        ({"security_profile": 1}, "needs a password"),
        ({"password": "x" * 15}, "16 to 20 bytes"),
        ({"password": "x" * 21}, "16 to 20 bytes"),
        ({"password": "ä" * 11}, "16 to 20 bytes"),
        ({"password": "f" * 42}, "16 to 20 bytes"),
        ({"labels": ["two words"]}, "is no label"),
        ({"add_labels": ["<b>"]}, "is no label"),
        ({"time_zone": "Mars/Olympus"}, "is no time zone"),
        ({"time_zone": "../etc/passwd"}, "is no time zone"),
    ],
)
async def test_what_cannot_be_registered_is_refused(shared_site: Site, fields: dict[str, Any], why: str) -> None:
    code, text = await shared_site.refused("charge_point.add", **({"id": "CP1"} | fields))
    assert (code, why in text) == (2, True), text
    assert (await shared_site.call("charge_point.list"))["charge_points"] == []


@pytest.mark.parametrize("password", ["x" * 16, "x" * 20, "ä" * 8, "f" * 32, "0F" * 20])
async def test_a_password_has_16_to_20_bytes_or_those_in_hexadecimal_digits(site: Site, password: str) -> None:
    added = await site.call("charge_point.add", id="CP1", password=password)
    assert (added["changed"], added["charge_point"]["security_profile"]) == (True, 1)
    assert password not in str(await shown(site))


async def test_a_password_that_cannot_be_changed_is_taken_where_the_settings_say_so(
    make_site: MakeSite,
) -> None:
    site = await make_site({"security": {"legacy_passwords": True}})
    for number, (password, good) in enumerate((("x" * 7, False), ("x" * 8, True), ("x" * 64, True), ("x" * 65, False))):
        added = site.call("charge_point.add", id=f"CP{number}", password=password)
        if good:
            assert (await added)["changed"] is True
        else:
            with pytest.raises(ControlError, match="8 to 64 bytes"):
                await added


async def test_none_is_registered_with_less_than_the_settings_say_nor_lowered_below(
    make_site: MakeSite,
) -> None:
    site = await make_site({"security": {"minimum_profile": 1}})
    code, text = await site.refused("charge_point.add", id="CP1")
    assert (code, "security profile 0" in text) == (2, True)
    await site.register("CP1", password=KEY)
    code, text = await site.refused("charge_point.set", id="CP1", security_profile=0)
    assert (code, "security profile 0" in text) == (2, True)
    site.write_settings({"security": {"minimum_profile": 0}})
    await site.call("daemon.reload")
    await site.register("CP2")
    site.write_settings({"security": {"minimum_profile": 1}})
    await site.call("daemon.reload")
    assert (await site.call("charge_point.set", id="CP2", note="as before"))["changed"] is True


async def test_two_do_not_have_the_same_certificate_name(site: Site) -> None:
    await site.register("CP1", certificate_name="SN1")
    await site.register("CP2")
    code, text = await site.refused("charge_point.set", id="CP2", certificate_name="SN1")
    assert (code, "CP1 has the certificate name 'SN1' already" in text) == (2, True)
    assert (await site.call("charge_point.set", id="CP1", certificate_name="SN1", note="x"))["changed"] is True


async def test_one_that_is_registered_is_not_registered_again(site: Site) -> None:
    await site.register("CP1", note="first")
    for other in ({"note": "second"}, {"generate_password": True}, {"password": "x" * 16}, {"labels": ["a"]}):
        code, text = await site.refused("charge_point.add", id="cp1", **other)
        assert (code, "with other values" in text) == (1, True), other
    for same in ({}, {"note": "first"}):
        assert (await site.call("charge_point.add", id="cp1", **same))["changed"] is False
    assert (await site.call("charge_point.show", id="CP1"))["note"] == "first"


async def test_one_with_the_same_password_is_the_same(site: Site) -> None:
    await site.register("CP1", password="0123456789abcdef")
    same = await site.call("charge_point.add", id="CP1", password="0123456789abcdef")
    assert same["changed"] is False
    assert (await site.refused("charge_point.add", id="CP1", password="0123456789abcdeF"))[0] == 1


async def test_a_chosen_password_is_hashed_beside_the_loop() -> None:
    """It takes 55 ms, in which nobody would be answered."""
    seen: list[threading.Thread] = []

    class Keys:
        def hash(self, password: str, *, generated: bool) -> str:
            seen.append(threading.current_thread())
            return f"hash of {password}"

        def fits(self, password: str, stored: str) -> bool:
            seen.append(threading.current_thread())
            return stored == f"hash of {password}"

    service: Any = SimpleNamespace(keys=Keys())
    fields = charge_points.Fields(id="CP1", password=KEY)
    made = await charge_points._key_of_charge_point(service, fields)
    assert (made.generated, made.stored) == (None, f"hash of {KEY}")
    assert await charge_points._known_key(service, fields, made.stored) == (None, made.stored)
    assert await charge_points._known_key(service, fields, "another") == (None, None)
    assert threading.main_thread() not in seen


async def test_labels_are_added_and_removed_in_any_case(site: Site) -> None:
    await site.register("CP1", labels=["North"])
    changed = await site.call("charge_point.set", id="CP1", add_labels=["NORTH", "fast"])
    assert changed["charge_point"]["labels"] == ["North", "fast"]
    changed = await site.call("charge_point.set", id="CP1", remove_labels=["north", "none"])
    assert changed["charge_point"]["labels"] == ["fast"]
    assert (await site.call("charge_point.set", id="CP1", remove_labels=["none"]))["changed"] is False


async def test_a_change_of_words_disturbs_nobody(site: Site) -> None:
    point = await site.raw("CP1")
    changed = await site.call("charge_point.set", id="CP1", note="by the gate", time_zone="Europe/Amsterdam")
    assert changed["changed"] is True
    await site.asked_nothing(point)
    again = await site.call("charge_point.set", id="CP1", note="by the gate")
    assert again["changed"] is False
    cleared = await site.call("charge_point.set", id="CP1", note=None, time_zone=None)
    assert (cleared["charge_point"]["note"], cleared["changed"]) == (None, True)
    assert (await site.refused("charge_point.set", id="CP2", note="x"))[0] == 3


async def test_whoever_asks_for_no_key_any_more_says_so(site: Site) -> None:
    await site.register("CP1", password=KEY)
    opened = await site.call("charge_point.set", id="CP1", security_profile=0)
    assert opened["charge_point"]["security_profile"] == 0
    await (await site.raw("CP1", register=False)).heartbeat()


async def test_a_changed_registration_makes_it_boot_anew(site: Site) -> None:
    point = await site.raw("CP1")
    await site.call("charge_point.set", id="CP1", registration="Rejected")
    assert (await point.closed())[0] == 1008
    again = await site.raw("CP1", register=False, boot=False)
    assert (await again.heartbeat())[2] == "SecurityError"
    assert (await again.boot())[2]["status"] == "Rejected"
    assert (await site.call("charge_point.accept", id="CP1"))["changed"] is True
    assert (await again.boot())[2]["status"] == "Accepted"
    assert (await site.call("charge_point.accept", id="CP1"))["changed"] is False


async def test_accepting_one_that_has_knocked_registers_it(site: Site) -> None:
    code, text = await site.refused("charge_point.accept", id="NEW")
    assert (code, "no charge point of that name has knocked" in text) == (3, True)
    with pytest.raises(InvalidStatus):
        await RawChargePoint.connect(site.url("NEW"))
    accepted = await site.call("charge_point.accept", id="NEW")
    assert (accepted["changed"], accepted["charge_point"]["registration"]) == (True, "Accepted")
    assert "when it knocks again" in accepted["then"]
    assert (await site.refused("charge_point.accept", id="no identity"))[0] == 2
    assert (await site.refused("charge_point.add", id="ocpp"))[0] == 2


async def test_one_that_charges_is_removed_by_force_only(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.raw("CP1")
    number = (await point.ask("StartTransaction", START))[2]["transactionId"]
    code, text = await site.refused("charge_point.remove", id="CP1")
    assert (code, f"running transaction ({number})" in text) == (7, True)
    await site.asked_nothing(point)

    watcher = await site.watch("charge_point.removed")
    assert (await site.call("charge_point.remove", id="cp1", force=True))["changed"] is True
    assert (await point.closed())[0] == 1008
    await watcher.event("charge_point.removed", "CP1")
    assert (await site.refused("charge_point.show", id="CP1"))[0] == 3
    assert (await site.refused("charge_point.remove", id="CP1"))[0] == 3
    ended = await site.call("transaction.show", id=number)
    assert (ended["state"], ended["note"]) == ("abandoned", None)


async def test_one_that_comes_back_still_knows_its_transactions(site: Site) -> None:
    """What it repeats must be recognized: nobody pays twice."""
    await site.call("tag.add", id="A1")
    point = await site.raw("CP1")
    number = (await point.ask("StartTransaction", START))[2]["transactionId"]
    await point.ask("StopTransaction", {"transactionId": number, "meterStop": 5, "timestamp": "2026-03-01T13:00:00Z"})
    await site.call("charge_point.remove", id="CP1")
    await point.closed()
    again = await site.raw("CP1")
    assert (await again.ask("StartTransaction", START))[2]["transactionId"] == number
    assert len((await site.call("transaction.list"))["transactions"]) == 1


async def test_what_ran_when_it_was_removed_is_measured_on_when_it_comes_back(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.raw("CP1")
    number = (await point.ask("StartTransaction", START))[2]["transactionId"]

    def measured(time: str, **samples: Any) -> dict[str, Any]:
        value = {"timestamp": f"2026-03-01T{time}:00Z", "sampledValue": [samples]}
        return {"connectorId": 1, "transactionId": number, "meterValue": [value]}

    # Its register is at the body of the charge point, of which a figure comes by the evidence alone.
    await point.ask("MeterValues", measured("12:10", value="7000", location="Body"))
    await point.ask("MeterValues", measured("12:30", value="9000", location="Body"))
    await point.ask("StopTransaction", {"transactionId": -7, "meterStop": 1, "timestamp": "2020-03-01T13:00:00Z"})
    before = (await site.call("transaction.show", id=number))["energy_wh"]
    await site.call("charge_point.remove", id="CP1", force=True)
    await point.closed()
    again = await site.raw("CP1")
    assert [problem["kind"] for problem in await problems(site)] == ["messages_not_booked", "transactions_abandoned"]
    await again.ask("MeterValues", measured("12:40", value="9500", location="Body"))
    shown = await site.call("transaction.show", id=number)
    assert (shown["state"], shown["energy_wh"]) == ("active", before + 500)


async def problems(site: Site) -> list[dict[str, Any]]:
    (known,) = (await site.call("status"))["charge_points"]
    return [problem for problem in known["problems"] if problem["kind"] != "meter_values_missing"]


async def test_what_cannot_be_stored_changes_nothing(site: Site) -> None:
    await site.register("CP1", note="before")
    site.limit_file_size(4096)
    assert (await site.refused("charge_point.set", id="CP1", note="after"))[0] == 1
    assert (await site.refused("charge_point.add", id="CP2"))[0] == 1
    assert (await site.refused("charge_point.remove", id="CP1"))[0] == 1
    site.limit_file_size(None)
    assert (await shown(site))["note"] == "before"
    assert [known["id"] for known in (await site.call("charge_point.list"))["charge_points"]] == ["CP1"]
