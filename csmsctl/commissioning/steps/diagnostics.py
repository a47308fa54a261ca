"""Diagnostics: the way of a file from the charge point to here."""

from csmsctl.commissioning.ends import Failed, Skipped
from csmsctl.commissioning.step import Steps
from csmsctl.commissioning.visit import Visit
from csmsctl.link.client import Result

STEPS = Steps()

_UPLOAD_TIMEOUTS = 10  # so many times the global time limit
_HOSTED = ("http", "ftp")
_ADVICE = "csmsctl get-diagnostics --location URL names a server of your own, if it takes no other."


@STEPS.step("diagnostics", "Uploads its diagnostics", profile="FirmwareManagement")
def diagnostics_step(visit: Visit) -> None:
    """C 5.9: the file arrives at csmsd, and is removed again. By the protocols that it names (CE 3.88), or by each."""
    hosts = visit.call("daemon.info")
    if not hosts["files"] and not hosts["files_on_demand"]:
        raise Skipped("csmsd hosts no files: set files.on_demand = true, or files.http_listen, in csmsd.toml")
    failures: list[Failed] = []
    for protocol in _diagnostics_protocols(visit):
        try:
            _diagnostics_over(visit, protocol)
        except Failed as failed:
            failures.append(failed)
        else:
            for earlier in failures:
                visit.saw(earlier.what)
            return
    raise Failed("; ".join(failed.what for failed in failures), failures[-1].advice)


def _diagnostics_protocols(visit: Visit) -> list[str]:
    """Those of csmsd's that it names, in its order; where it names none, both are tried. Raises Skipped."""
    named = [word.casefold() for word in visit.words("SupportedFileTransferProtocols")]
    if not named:
        return list(_HOSTED)
    known = [word for word in named if word in _HOSTED]
    if not known:
        raise Skipped(f"its SupportedFileTransferProtocols are {', '.join(named)}; csmsd hosts {' and '.join(_HOSTED)}")
    return known


def _diagnostics_over(visit: Visit, protocol: str) -> None:
    """One upload. Raises Failed, or Skipped where there is nothing to upload."""
    visit.forget()
    task = visit.accepted("get-diagnostics", _ADVICE, protocol=protocol)["task"]
    visit.afterwards(f"diagnostics {task}", lambda: _remove_diagnostics_of_step(visit, task))
    while not (upload := _upload_diagnostics_in_step(visit, task))["ended"]:
        try:
            visit.event("diagnostics.status", "diagnostics.received", seconds=_UPLOAD_TIMEOUTS * visit.timeout)
        except Failed as failed:
            raise Failed(
                f"{protocol}: it said that it would upload a file, and nothing came",
                f"Can it reach {upload['location']}? See: csmsctl diagnostics status {visit.charge_point}",
            ) from failed
    if upload["state"] == "nothing":
        raise Skipped("it has no diagnostics (no fileName in its answer, C 5.9)")
    if upload["received_at"] is None:
        raise Failed(
            f"{protocol}: {upload['state'].replace('_', ' ')}, {upload['error'] or 'no file came'}",
            f"Can it reach {upload['location']}? See: csmsctl diagnostics status {visit.charge_point}",
        )
    visit.saw(f"{upload['name']}, {upload['size']} bytes by {protocol}")


def _upload_diagnostics_in_step(visit: Visit, task: int) -> Result:
    upload: Result = visit.call("diagnostics.status", tasks=[task])["diagnostics"][0]
    return upload


def _remove_diagnostics_of_step(visit: Visit, task: int) -> None:
    if _upload_diagnostics_in_step(visit, task)["received_at"] is not None:
        visit.call("diagnostics.remove", task=task)
