"""`--wait`: follows updates and uploads after the answer, to the end that was observed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from csmsctl.client import Client, Result
from csmsctl.failure import OK, OTHER, REJECTED, TIMED_OUT, UNREACHABLE, Failure
from csmsctl.invocation import Invocation

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LONGEST_SILENCE = 10.0  # seconds; a look now and then needs no event
_RECORDS = {"firmware": "updates", "diagnostics": "diagnostics"}
_GOOD = {"installed", "uploaded"}
_MOST_BARS = 20


class Followed:
    """The records under the tasks of some results, until each of them has ended."""

    def __init__(self, run: Invocation, kind: str) -> None:
        self._run = run
        self._kind = kind
        # Subscribed before the command is given, so that nothing falls between.
        self._client = Client(run.options.socket, run.options.timeout, trace=run.output.detail)
        types = [f"{kind}.{what}" for what in ("status", "confirmed", "received", "progress")]
        self._client.call("event.subscribe", {"types": types})

    def close(self) -> None:
        self._client.close()

    def to_the_end(self, results: list[Result]) -> None:
        """Adds to each result that was accepted what was `observed`."""
        followed = {
            result["task"]: result for result in results if result.get("outcome") in ("accepted", "timeout", "unknown")
        }
        followed.pop(None, None)
        with self._bars(followed) as bars:
            while True:
                records = self._look(list(followed))
                for record in records:
                    followed[record["task"]]["observed"] = record
                    bars.state(record)
                if len(records) < len(followed):
                    raise Failure(OTHER, "csmsd does not know any more what became of some of these.")
                if all(record["ended"] for record in records):
                    return
                self._wait_for_news(bars)

    def _look(self, tasks: list[int]) -> list[Result]:
        answer = self._client.call(f"{self._kind}.status", {"tasks": tasks})
        records: list[Result] = answer[_RECORDS[self._kind]]
        return records

    def _wait_for_news(self, bars: "_Bars") -> None:
        """Returns when a look is worth while."""
        while (notification := self._client.next_notification(_LONGEST_SILENCE)) is not None:
            if notification["method"] == "lagged":
                raise Failure(UNREACHABLE, "csmsd cut this off: it was not read fast enough.")
            event: dict[str, Any] = notification["params"]
            if not str(event["type"]).endswith(".progress"):
                return
            bars.progress(event["data"])

    @contextmanager
    def _bars(self, followed: dict[int, Result]) -> Iterator["_Bars"]:
        if not followed or not self._run.output.shows_progress:
            yield _Bars(None, followed)
            return
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

        from csmsctl.terminal import console

        with Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
            console=console(self._run.options.color, stderr=True),
            transient=True,
        ) as progress:
            yield _Bars(progress, followed)


class _Bars:
    """A bar for each charge point on a terminal; nothing elsewhere."""

    def __init__(self, progress: "Progress | None", followed: dict[int, Result]) -> None:
        self._progress = progress
        self._bars: dict[int, TaskID] = {}
        if progress is not None:
            for task, result in list(followed.items())[:_MOST_BARS]:
                self._bars[task] = progress.add_task(str(result["charge_point"]), total=None)

    def state(self, record: Result) -> None:
        bar = self._bars.get(record["task"])
        if self._progress is not None and bar is not None:
            word = str(record["state"]).replace("_", " ")
            self._progress.update(bar, description=f"{record['charge_point']} {word}")
            if record["ended"]:
                self._progress.stop_task(bar)

    def progress(self, data: dict[str, Any]) -> None:
        bar = self._bars.get(data.get("update") or data.get("upload") or 0)
        if self._progress is not None and bar is not None:
            self._progress.update(bar, completed=data.get("bytes") or 0, total=data.get("total"))


def observed_code(result: Result) -> int | None:
    """The exit code that the observed end stands for: 0 installed or here, 7 failed, 8 silence until the deadline."""
    observed = result.get("observed")
    if not isinstance(observed, dict):
        return None
    if observed.get("state") == "uploaded" and observed.get("hosted") and observed.get("received_at") is None:
        return REJECTED  # it says so, but nothing arrived here
    if observed.get("state") in _GOOD or observed.get("received_at") is not None:
        return OK
    return TIMED_OUT if observed.get("state") == "unknown" else REJECTED


def observed_word(observed: Result) -> str:
    """The state as a result for people."""
    if observed.get("received_at") is not None:
        return "received"
    return str(observed.get("state")).replace("_", " ")


def observed_detail(observed: Result) -> list[str]:
    """What else is worth a word."""
    parts = []
    if observed.get("version_after") is not None:
        confirmed = "confirmed" if observed.get("confirmed") else "not the new one"
        parts.append(f"version {observed.get('version_before') or '?'} → {observed['version_after']} ({confirmed})")
    if observed.get("received_at") is not None:
        parts.append(f"{observed.get('size')} bytes; csmsctl diagnostics get {observed.get('task')}")
    elif observed.get("state") == "uploaded" and observed.get("hosted"):
        parts.append("but nothing arrived here")
    if observed.get("error"):
        parts.append(str(observed["error"]))
    return parts
