"""Smart charging: what it reckons with, and whether it follows a new limit."""

from typing import Any

from csmsctl.commissioning.ends import Failed, Skipped
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.steps.charging import begun_from_afar_in_step
from csmsctl.commissioning.visit import Visit, said_on_visit
from csmsctl.link.client import Result

STEPS = Steps()

_SPAN_S = 600
_LIMITS = {"Current": ("A", 6.0), "Power": ("W", 1400.0)}  # what every car can do (C 9.4.2, CE 3.86)
TEST_PROFILE_ID = 990_000_000


@STEPS.step("composite-schedule", "Tells its composite schedule", quick=True, profile="SmartCharging")
def composite_schedule_step(visit: Visit) -> None:
    """C 5.7: what it reckons with is what should hold by what it has accepted."""
    found = _asked_limits(visit)
    if found["reported"] is None and (found["agrees"] or not visit.running()):
        visit.saw(
            "no schedule: nothing limits" if found["agrees"] else "no schedule: it may need a transaction for one"
        )
        return
    _limits_agree(visit, found)
    if found["reported"] is None:
        visit.saw("no schedule, and none should be there")
    else:
        visit.saw(f"as it should be: {_limits_shown(found)}")


@STEPS.step("limit", "Takes a limit, and takes it back", profile="SmartCharging", disturbs="The connector is limited.")
def limit_step(visit: Visit) -> None:
    """C 5.16, 5.7, 5.5: a TxDefaultProfile above those that are there, seen in the composite schedule, cleared."""
    unit, value = _limit_to_set(visit)
    profile = {
        "chargingProfileId": TEST_PROFILE_ID,
        "stackLevel": free_level_for_limit(visit),
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": value}],
        },
    }
    what = f"charging profile {TEST_PROFILE_ID}"
    visit.afterwards(what, lambda: clear_limit_of_test(visit))  # before it is set: the answer may be lost
    visit.accepted("set-charging-profile", creates=what, connector=visit.connector, profile=profile)
    found, charging = _asked_limits(visit), None
    if found["reported"] is None:
        visit.saw("no schedule while nothing charges; once more in a transaction")
        _, charging = begun_from_afar_in_step(visit)
        found = _asked_limits(visit)
    if found["reported"] is None:
        raise Failed(
            "it accepted the limit, and its composite schedule has none, not even in a transaction",
            f"The limit may have no effect there: look at the power of a car. See: csmsctl watch {visit.charge_point}",
        )
    _limits_agree(visit, found)
    visit.saw(f"{value:g} {unit} set; its composite schedule: {_limits_shown(found)}")
    visit.accepted("clear-charging-profile", id=TEST_PROFILE_ID)
    visit.done(what)
    _limits_agree(visit, _asked_limits(visit))
    visit.saw("cleared")
    if charging is not None:
        visit.undo(charging)


def clear_limit_of_test(visit: Visit) -> None:
    """Unknown says that it is not there (C 5.5)."""
    [result] = visit.operation("clear-charging-profile", id=TEST_PROFILE_ID)
    if result["outcome"] != "accepted" and result["status"] != "Unknown":
        raise Failed(said_on_visit(result), f"Clear it by hand: csmsctl clear-charging-profile {visit.charge_point}")


def _limit_to_set(visit: Visit) -> tuple[str, float]:
    for word in visit.words("ChargingScheduleAllowedChargingRateUnit") or ["Current"]:
        for quantity, (unit, value) in _LIMITS.items():
            if word.casefold() in (quantity.casefold(), unit.casefold()):
                return unit, value
    raise Skipped("its ChargingScheduleAllowedChargingRateUnit has neither Current nor Power")


def free_level_for_limit(visit: Visit) -> int:
    """The highest stack level, unless a profile is there: it would be replaced (C 5.16.4)."""
    level = visit.number("ChargeProfileMaxStackLevel", 0)
    for installed in visit.call("profile.installed", targets=[visit.charge_point])["installed_profiles"]:
        if installed["purpose"] == "TxDefaultProfile" and installed["stack_level"] == level:
            raise Skipped(f"a TxDefaultProfile is on its highest stack level, {level}, and would be replaced")
    return level


def _asked_limits(visit: Visit) -> Result:
    """The composite schedule, held against what is worked out here. Raises Failed when there is no answer."""
    found = visit.call(
        "profile.verify",
        charge_point=visit.charge_point,
        connector=visit.connector,
        duration=_SPAN_S,
        timeout=visit.timeout,
    )
    if found["agrees"] is None:
        raise Failed(
            said_on_visit(found["results"][0]),
            "A charge point with SmartCharging answers GetCompositeSchedule (C 5.7); tell its vendor.",
        )
    return found


def _limits_agree(visit: Visit, found: Result) -> None:
    """It must reckon with what should hold. Raises Failed."""
    if found["agrees"]:
        return
    one = found["differences"][0]
    advice = "A lower limit may be one of its own; a higher one means that a profile has no effect."
    reported, expected = (_limit_amount(one[key], found) for key in ("reported", "expected"))
    raise Failed(
        f"it reckons with {reported} where {expected} should hold",
        f"{advice} See: csmsctl profile verify {visit.charge_point} --connector {visit.connector}",
    )


def _limit_amount(value: Any, found: Result) -> str:
    return "no limit" if value is None else f"{value:g} {found['unit']}"


def _limits_shown(found: Result) -> str:
    """The stretches of the schedule, in short."""
    limits = list(dict.fromkeys(_limit_amount(stretch["limit"], found) for stretch in found["reported"]))
    return ", then ".join(limits)
