"""Who it is: the link, and the boot."""

from csmsctl.commissioning.ends import Failed
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.visit import Visit, said_on_visit
from csmsctl.display.table import Record

STEPS = Steps()

_ROUND_TRIPS = 3


@STEPS.step("link", "Connected, and answers", quick=True)
def link_step(visit: Visit) -> None:
    """J 3: the WebSocket is there, and a harmless CALL comes back."""
    record = visit.record()
    while not record["connected"]:
        if visit.person is None:
            reason, advice = _why_no_link(visit, record)
            raise Failed(f"{visit.charge_point} is not connected{reason}", advice)
        reason, advice = _why_no_link(visit, record)
        visit.do(f"{visit.charge_point} is not connected{reason}. {advice}; switch it on.")
        record = visit.record()
    protocol = "ocpp1.6 not demanded" if record["subprotocol_optional"] else "subprotocol ocpp1.6"
    visit.saw(f"connected from {record['address']}, {protocol}, security profile {record['security_profile']}")
    durations = []
    for _ in range(_ROUND_TRIPS):
        [result] = visit.operation("get-configuration", key=["HeartbeatInterval"])
        if result["outcome"] != "accepted":
            raise Failed(
                said_on_visit(result), "It is connected and does not answer; see: csmsctl log " + visit.charge_point
            )
        durations.append(result["duration_ms"] or 0)
    visit.saw(f"answers within {max(durations)} ms")


def _why_no_link(visit: Visit, record: Record) -> tuple[str, str]:
    """What was refused last of one that was never let in, or not since, and what helps."""
    refused = [one for one in record["refused"] if one["last_at"] > (record["last_seen_at"] or "")]
    if not refused:
        return "", f"Its URL is {visit.url()}; who knocks and is refused: csmsctl cp pending"
    newest = refused[0]
    times = "" if newest["attempts"] == 1 else f", {newest['attempts']} times"
    reason = f": refused: {newest['text']}{times}, last {newest['last_at']} from {newest['address']}"
    return reason, f"Its URL is {visit.url()}; {newest['next']}"


@STEPS.step("boot", "Booted, and said who it is", quick=True)
def boot_step(visit: Visit) -> None:
    """C 4.2. From the record: an accepted charge point is not asked to boot once more (CE 3.40)."""
    record = visit.record()
    if record["boot_status"] is None or record["booted_at"] is None:
        raise Failed("it never sent a BootNotification", "Switch it off and on again.")
    if record["boot_status"] != "Accepted":
        raise Failed(f"its registration is {record['boot_status']}", f"csmsctl cp accept {visit.charge_point}")
    missing = [name for name in ("vendor", "model") if not record[name]]
    if missing:
        raise Failed(f"its BootNotification has no {' and no '.join(missing)}", "Both are required (C 6.3).")
    details = [
        f"{name.replace('_', ' ')} {record[name]}" for name in ("firmware_version", "serial_number") if record[name]
    ]
    visit.saw(", ".join([f"{record['vendor']} {record['model']}", *details, f"booted at {record['booted_at']}"]))
