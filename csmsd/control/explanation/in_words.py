"""What flags, statuses and reasons mean, in words."""

from csmsd.profiles.record import Milliseconds
from csmsd.profiles.task import Task

STATUSES = {
    "Available": "Available: free",
    "Preparing": "Preparing: a vehicle or an idTag is there, the rest is not",
    "Charging": "Charging: energy may flow",
    "SuspendedEV": "SuspendedEV: the vehicle takes nothing",
    "SuspendedEVSE": "SuspendedEVSE: the charge point gives nothing",
    "Finishing": "Finishing: it is over, the connector is not free yet",
    "Reserved": "Reserved",
    "Unavailable": "Unavailable: out of service",
    "Faulted": "Faulted",
}
# C 7.39, as reasons for an end.
REASONS = {
    "DeAuthorized": "csmsd did not accept its idTag",
    "EmergencyStop": "the emergency stop was pressed",
    "EVDisconnected": "the vehicle was unplugged",
    "HardReset": "the charge point was reset (hard)",
    "Local": "it was stopped at the charge point",
    "Other": "the charge point gave no usual reason",
    "PowerLoss": "the charge point lost its power",
    "Reboot": "the charge point rebooted by itself",
    "Remote": "it was stopped from afar",
    "SoftReset": "the charge point was reset (soft)",
    "UnlockCommand": "the connector was unlocked",
}
_ODDITIES = {
    "missing": "was missing",
    "unreadable": "could not be read",
    "before_2010": "lay before 2010",
    "in_the_future": "lay in the future",
}
_OUTCOMES = {
    "call_error": "answered with a CALLERROR",
    "timeout": "no answer in time",
    "not_connected": "it was not connected",
    "queued": "kept until it is connected",
    "unknown": "whether it was carried out is not known",
    "not_sent": "not sent",
}


def flag_in_words(flag: str) -> str:
    """A flag of a transaction as a sentence."""
    kind, _, detail = flag.partition(":")
    match kind:
        case "start_time" | "stop_time" if detail in _ODDITIES:
            what = "start" if kind == "start_time" else "stop"
            return f"The timestamp of its {what} {_ODDITIES[detail]}; the time of arrival was booked."
        case "stop_time" if detail == "before_start":
            return (
                "The timestamp of its stop lies before that of its start: the charge point's clock was set meanwhile."
            )
        case "stop_time" if detail.startswith("told_"):
            time = detail.removeprefix("told_")
            return f"The timestamp of its stop, {time}, is not believed; the time of arrival was booked."
        case "id_tag":
            return f"Its idTag was {detail} when it began, and the charge point was told so."
        case "stop" if detail.startswith("matched_"):
            named = detail.removeprefix("matched_")
            if not named.lstrip("-").isdecimal():
                return "Its stop named no transaction; it fits no other than this one."
            return (
                f"Its stop named transaction {named}, which there is not; it fits no other transaction than this one."
            )
        case "stop" if detail == "contradicted":
            return "It was stopped once more, with other figures; that message is kept: csmsctl tx orphans."
        case "meter_start":
            return "Its start told no register: what it had delivered before its first reading is not known."
        case "resumed":
            return "It seemed to be over, and its charge point went on with it."
        case "meter_stop":
            return "The register at its end is an estimate: the last reading that is known."
        case "abandoned_for":
            return f"It was never stopped: transaction {detail} began on its connector."
        case "reservation_of":
            return f"Its connector was reserved for idTag {detail}."
        case "limit_exceeded":
            return "More was drawn than a charging profile allowed."
        case "charge_point_removed":
            return "Its charge point was removed while it ran."
        case _:
            return f"It is flagged {flag}."


def who_in_words(task: Task) -> str:
    if task.user:
        return task.user
    return "csmsd" if task.uid is None else f"uid {task.uid}"


def outcome_in_words(task: Task) -> str:
    """What came of a command, in the charge point's own word where there is one."""
    if task.status is not None:
        return task.status
    if task.outcome is None:
        return "under way"
    return _OUTCOMES.get(task.outcome, task.outcome)


def span_in_words(milliseconds: Milliseconds) -> str:
    """`45 s`, `12 min`, `3 h 5 min`."""
    seconds = max(0, milliseconds) // 1000
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def kwh_in_words(watt_hours: float) -> str:
    return f"{watt_hours / 1000:.3f} kWh"
