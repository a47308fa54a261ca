"""What it sends when it is asked to, and the version of its Local Authorization List."""

from csmsctl.commissioning.ends import Failed, Skipped
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.visit import Visit, said_on_visit

STEPS = Steps()

# Message → the feature profile that it belongs to. BootNotification must not be asked for after Accepted (CE 3.40).
_TRIGGERS = {
    "Heartbeat": "Core",
    "StatusNotification": "Core",
    "MeterValues": "Core",
    "DiagnosticsStatusNotification": "FirmwareManagement",
    "FirmwareStatusNotification": "FirmwareManagement",
}
_OF_A_CONNECTOR = ("StatusNotification", "MeterValues")


@STEPS.step("triggers", "Sends messages on request", quick=True, profile="RemoteTrigger")
def triggers_step(visit: Visit) -> None:
    """C 5.17: each is accepted and then really sent. NotImplemented is allowed, for all of them it is odd."""
    problems, works = [], 0
    for message, profile in _TRIGGERS.items():
        if not visit.supports(profile):
            continue
        where = {"connector": visit.connector} if message in _OF_A_CONNECTOR else {}
        visit.forget()
        [result] = visit.operation("trigger-message", message=message, **where)
        if result["status"] == "NotImplemented":
            visit.saw(f"{message}: not implemented")
        elif result["outcome"] != "accepted":
            problems.append(f"{message}: {said_on_visit(result).partition(': ')[2]}")
        else:
            try:
                visit.message(message, fits=visit.here if where else lambda _: True)
            except Failed as failed:
                problems.append(f"{message}: accepted, but {failed.what}")
            else:
                works += 1
                visit.saw(f"{message}: came")
    visit.saw("BootNotification: not asked for, it was accepted (CE 3.40)")
    if problems:
        raise Failed("; ".join(problems), "What it accepts to send it must send (C 5.17); tell its vendor.")
    if works == 0:
        raise Failed("it sends none of them", "Its SupportedFeatureProfiles promise RemoteTrigger; tell its vendor.")


@STEPS.step("local-list", "Knows the version of its local list", quick=True, profile="LocalAuthListManagement")
def local_list_step(visit: Visit) -> None:
    """C 5.10"""
    version = visit.accepted("get-local-list-version")["response"].get("listVersion")
    if version == -1:
        raise Skipped("it says that it has no local list (version -1), although it has the feature profile")
    visit.saw(f"version {version}; csmsctl local-list sync sends what it should have")
