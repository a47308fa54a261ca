"""Smart Charging: profiles for connectors and transactions, the composite schedule, and clearing."""

import json
from datetime import UTC, datetime, timedelta

from csmsctl.conformance.case import Cases, Run
from csmsctl.conformance.charge_point import ChargePoint
from csmsctl.conformance.conditions import Payload, now_for_condition, write_time_for_condition

CASES = Cases("Smart Charging")

# The document's configured values: stackLevel, chargingRateUnit, duration, startPeriod, numberPhases.
STACK_LEVEL = 0
UNIT = "A"
DURATION = 300
NUMBER_PHASES = 1
LIMIT = 6.0  # 6000.0 where the unit is W

ACCEPTED: Payload = {"status": "Accepted"}


def _schedule_of_case(**more: object) -> Payload:
    return {
        "duration": DURATION,
        "chargingRateUnit": UNIT,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": LIMIT, "numberPhases": NUMBER_PHASES}],
    } | more


def _profile_of_case(purpose: str, kind: str, schedule: Payload, **more: object) -> Payload:
    return {
        "stackLevel": STACK_LEVEL,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
    } | more


def _default_profile_of_case(stack_level: int = STACK_LEVEL) -> Payload:
    moment = datetime.now(UTC).replace(microsecond=0)
    return _profile_of_case(
        "TxDefaultProfile",
        "Absolute",
        _schedule_of_case(startSchedule=write_time_for_condition(moment - timedelta(minutes=1))),
        stackLevel=stack_level,
        validFrom=write_time_for_condition(moment - timedelta(hours=1)),
        validTo=write_time_for_condition(moment + timedelta(days=1)),
    )


async def _add_profile_in_case(run: Run, name: str, profile: Payload) -> int:
    """Puts the profile into the library; returns the id that it has on the wire."""
    file = run.site.directory / f"{name}.json"
    file.write_text(json.dumps({"chargingProfileId": 1} | profile), "utf-8")
    added = await run.operator.runs("profile", "add", name, "--file", str(file))
    identifier: int = added["profile"]["id"]
    return identifier


async def _set_profile_in_case(run: Run, charge_point: ChargePoint, name: str, expected: Payload) -> None:
    await run.operator.sends(
        charge_point,
        *("set-charging-profile", run.name, "--connector", "1", "--profile", name),
        action="SetChargingProfile",
        request={"connectorId": 1, "csChargingProfiles": expected},
        answer=ACCEPTED,
    )


async def _sees_installed_profile_in_case(run: Run, *expected: Payload) -> None:
    """What csms remembers that the charge point accepted on connector 1."""
    document = await run.operator.runs("profile", "installed", run.name)
    keys = ("connector", "purpose", "stack_level", "id", "transaction")
    found = [{key: record[key] for key in keys} for record in document["installed_profiles"]]
    wanted = [{"connector": 1, "stack_level": STACK_LEVEL, "transaction": None} | record for record in expected]
    run.must_be(wanted, found, f"csmsctl profile installed {run.name}")


@CASES.case("TC_056", "Central Smart Charging - TxDefaultProfile")
async def tx_default_profile_case(run: Run) -> None:
    charge_point = await run.charge_point()
    profile = _default_profile_of_case()
    identifier = await _add_profile_in_case(run, run.name, profile)
    await _set_profile_in_case(run, charge_point, run.name, profile | {"chargingProfileId": identifier})
    await _sees_installed_profile_in_case(run, {"purpose": "TxDefaultProfile", "id": identifier})


@CASES.case("TC_057", "Central Smart Charging - TxProfile")
async def tx_profile_case(run: Run) -> None:
    charge_point = await run.charge_point()
    transaction = await charge_point.charging(run.id_tag)
    profile = _profile_of_case("TxProfile", "Relative", _schedule_of_case())
    identifier = await _add_profile_in_case(run, run.name, profile)
    await _set_profile_in_case(
        run, charge_point, run.name, profile | {"chargingProfileId": identifier, "transactionId": transaction}
    )
    await _sees_installed_profile_in_case(run, {"purpose": "TxProfile", "id": identifier, "transaction": transaction})


@CASES.case("TC_066", "Get Composite Schedule")
async def composite_schedule_case(run: Run) -> None:
    charge_point = await run.charge_point()
    await run.operator.sends(
        charge_point,
        *("get-composite-schedule", run.name, "--connector", "1", "--duration", str(DURATION), "--unit", UNIT),
        action="GetCompositeSchedule",
        request={"connectorId": 1, "duration": DURATION, "chargingRateUnit": UNIT},
        answer={
            "status": "Accepted",
            "connectorId": 1,
            "scheduleStart": now_for_condition(),
            "chargingSchedule": _schedule_of_case(),
        },
    )


async def _clear_profile_in_case(run: Run, charge_point: ChargePoint, request: Payload, *arguments: str) -> None:
    await run.operator.sends(
        charge_point,
        *("clear-charging-profile", run.name, *arguments),
        action="ClearChargingProfile",
        request=request,
        answer=ACCEPTED,
    )


@CASES.case("TC_067", "Clear Charging Profile")
async def clear_charging_profile_case(run: Run) -> None:
    charge_point = await run.charge_point()
    identifiers = []
    places: list[Payload] = []
    for stack_level in (STACK_LEVEL, STACK_LEVEL + 1, STACK_LEVEL + 2):
        name, profile = f"{run.name}-{stack_level}", _default_profile_of_case(stack_level)
        identifiers.append(await _add_profile_in_case(run, name, profile))
        await _set_profile_in_case(run, charge_point, name, profile | {"chargingProfileId": identifiers[-1]})
        places.append({"purpose": "TxDefaultProfile", "stack_level": stack_level, "id": identifiers[-1]})
    await _sees_installed_profile_in_case(run, *places)
    await _clear_profile_in_case(run, charge_point, {"id": identifiers[0]}, "--id", str(identifiers[0]))
    await _sees_installed_profile_in_case(run, *places[1:])
    await _clear_profile_in_case(
        run,
        charge_point,
        {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": STACK_LEVEL + 1},
        *("--connector", "1", "--purpose", "TxDefaultProfile", "--stack-level", str(STACK_LEVEL + 1)),
    )
    await _sees_installed_profile_in_case(run, *places[2:])
    await _clear_profile_in_case(run, charge_point, {})
    await _sees_installed_profile_in_case(run)


@CASES.case("TC_059", "Remote Start Transaction with Charging Profile")
async def remote_start_with_profile_case(run: Run) -> None:
    charge_point = await run.charge_point()
    profile = _profile_of_case("TxProfile", "Relative", _schedule_of_case())
    identifier = await _add_profile_in_case(run, run.name, profile)
    await run.operator.sends(
        charge_point,
        *("remote-start", run.name, "--tag", run.id_tag, "--connector", "1", "--profile", run.name),
        action="RemoteStartTransaction",
        request={
            "connectorId": 1,
            "idTag": run.id_tag,
            # No transactionId: there is no transaction yet.
            "chargingProfile": profile | {"chargingProfileId": identifier},
        },
        answer=ACCEPTED,
    )
    await charge_point.authorize(run.id_tag)
    await charge_point.status(1, "Preparing")
    transaction = await charge_point.start(1, run.id_tag)
    await charge_point.status(1, "Charging")
    await run.operator.sees_transaction(transaction, state="active", id_tag=run.id_tag)
    await _sees_installed_profile_in_case(run, {"purpose": "TxProfile", "id": identifier, "transaction": transaction})
