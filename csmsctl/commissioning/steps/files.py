"""Diagnostics: the way of a file from the charge point to here."""

from csmsctl.commissioning.ends import Failed, Skipped
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.visit import Visit
from csmsctl.link.client import Result

STEPS = Steps()

_UPLOAD_TIMEOUTS = 10  # so many times the global time limit


@STEPS.step("diagnostics", "Uploads its diagnostics", profile="FirmwareManagement")
def diagnostics(visit: Visit) -> None:
    """C 5.9: the file arrives at csmsd, and is removed again."""
    hosts = visit.call("daemon.info")
    if not hosts["files"] and not hosts["files_on_demand"]:
        raise Skipped("csmsd hosts no files: set files.on_demand = true, or files.http_listen, in csmsd.toml")
    visit.forget()
    task = visit.accepted("get-diagnostics")["task"]
    visit.afterwards(f"diagnostics {task}", lambda: _remove(visit, task))
    while not (upload := _upload(visit, task))["ended"]:
        visit.event(
            "diagnostics.status",
            "diagnostics.received",
            seconds=_UPLOAD_TIMEOUTS * visit.timeout,
            advice=f"It said that it would upload a file, and nothing came. Can it reach {upload['location']}?",
        )
    if upload["state"] == "nothing":
        raise Skipped("it has no diagnostics (no fileName in its answer, C 5.9)")
    if upload["received_at"] is None:
        raise Failed(
            f"{upload['state'].replace('_', ' ')}: {upload['error'] or 'no file came'}",
            f"Can it reach {upload['location']}? See: csmsctl diagnostics status {visit.charge_point}",
        )
    visit.saw(f"{upload['name']}, {upload['size']} bytes")


def _upload(visit: Visit, task: int) -> Result:
    upload: Result = visit.call("diagnostics.status", tasks=[task])["diagnostics"][0]
    return upload


def _remove(visit: Visit, task: int) -> None:
    if _upload(visit, task)["received_at"] is not None:
        visit.call("diagnostics.remove", task=task)
