"""The lock, and the way back after a reset."""

from time import monotonic

from csmsctl.commissioning.ends import Failed, Skipped
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.visit import Visit, said_on_visit

STEPS = Steps()

_BOOT_TIMEOUTS = 10  # a charge point boots within minutes: so many times the global time limit


@STEPS.step("unlock", "Unlocks the connector", disturbs="The connector is unlocked.")
def unlock_step(visit: Visit) -> None:
    """C 5.18"""
    [result] = visit.operation("unlock-connector", connector=visit.connector)
    if result["status"] == "NotSupported":
        raise Skipped("NotSupported: the connector has no lock, or it cannot be opened from afar (C 5.18)")
    if result["outcome"] != "accepted":
        raise Failed(said_on_visit(result), "Is the cable stuck, the lock blocked?")
    visit.saw(f"connector {visit.connector}: {result['status']}")


@STEPS.step("reset", "Comes back after a reset", disturbs="The charge point restarts (a soft reset).")
def reset_step(visit: Visit) -> None:
    """C 5.14: accepted, gone, booted again."""
    visit.forget()
    visit.accepted("reset", type="Soft")
    begun = monotonic()
    seconds = _BOOT_TIMEOUTS * visit.timeout
    visit.tell(f"Waiting for {visit.charge_point} to boot, at most {seconds:g} s …")
    booted = visit.event(
        "charge_point.booted",
        seconds=seconds,
        advice="It accepted the reset and did not come back. Look at it; switch it off and on again.",
    )["data"]
    visit.saw(f"booted again after {monotonic() - begun:.0f} s, {booted['status']}")
    visit.event(
        "connector.status",
        fits=lambda data: data["connector"] == visit.connector,
        advice="It booted and did not report the status of its connectors (C 4.2, 4.9).",
    )
