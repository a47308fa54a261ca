"""`--wait`: follows commands after their answer to the effect that is observed: charging, rebooted, installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from csmsctl.failure import OK, REJECTED, TIMED_OUT
from csmsctl.invocation import Invocation
from csmsctl.link.client import Result
from csmsctl.records.news import News

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LONGEST_SILENCE = 1.0  # seconds; not everything that may be waited for comes with an event
_MOST_BARS = 20


class Awaited(NamedTuple):
    """What is waited for: the effect (the empty text is the usual one), and when it is worth to look for it."""

    command: str
    state: str
    events: tuple[str, ...]
    timeout: float | None  # seconds after the answers


class Follower:
    """Looks whether the effects are there, whenever an event may tell of one."""

    def __init__(self, run: Invocation, awaited: Awaited, targets: list[str]) -> None:
        self._run = run
        self._awaited = awaited
        self._news = News(run, awaited.events, targets)  # before the command is given: nothing falls between

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._news.close()

    def to_the_end(self, results: list[Result], state: str, patience: float | None) -> None:
        """Adds to each result that may have an effect what was `observed`."""
        missing = {
            result["task"]: result for result in results if result.get("outcome") in ("accepted", "timeout", "unknown")
        }
        missing.pop(None, None)
        limit = patience if self._awaited.timeout is None else self._awaited.timeout
        begun = monotonic()
        with self._bars(missing) as bars:
            while missing:
                for observed in self._look(list(missing), state):
                    task = observed["task"]
                    waited = monotonic() - begun
                    endless = limit is None or (observed["open_ended"] and self._awaited.timeout is None)
                    observed["timed_out"] = not (endless or observed["reached"] or waited < (limit or 0))
                    observed["waited_s"] = round(waited, 3)
                    missing[task]["observed"] = observed
                    bars.state(observed)
                    if observed["reached"] or observed["failed"] or observed["timed_out"]:
                        del missing[task]
                if missing:
                    left = _LONGEST_SILENCE if limit is None else max(0.0, begun + limit - monotonic())
                    self._wait_for_news(min(left, _LONGEST_SILENCE) or _LONGEST_SILENCE, bars)

    def _look(self, tasks: list[int], state: str) -> list[Result]:
        answer = self._run.call("operation.observe", command=self._awaited.command, state=state, tasks=tasks)
        observed: list[Result] = answer["observed"]
        return observed

    def _wait_for_news(self, seconds: float, bars: "_Bars") -> None:
        """Returns when a look is worth while."""
        end = monotonic() + seconds
        while (event := self._news.next(max(0.0, end - monotonic()))) is not None:
            if not str(event["type"]).endswith(".progress"):
                return
            bars.progress(event["data"])

    @contextmanager
    def _bars(self, followed: dict[int, Result]) -> Iterator["_Bars"]:
        if not followed or not self._run.output.shows_progress:
            yield _Bars(None, followed)
            return
        from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        from csmsctl.display.rich_terminal import rich_console

        text = TextColumn("{task.description}", markup=False)
        transfers = any(event.endswith(".progress") for event in self._awaited.events)
        columns = (text, BarColumn(), DownloadColumn()) if transfers else (SpinnerColumn(), text)
        shown = rich_console(self._run.options.color, stderr=True)
        with Progress(*columns, TimeElapsedColumn(), console=shown, transient=True) as progress:
            yield _Bars(progress, followed)


class _Bars:
    """A line for each charge point on a terminal; nothing elsewhere."""

    def __init__(self, progress: "Progress | None", followed: dict[int, Result]) -> None:
        self._progress = progress
        self._bars: dict[int, TaskID] = {}
        if progress is not None:
            for task, result in list(followed.items())[:_MOST_BARS]:
                self._bars[task] = progress.add_task(str(result["charge_point"]), total=None)

    def state(self, observed: Result) -> None:
        bar = self._bars.get(observed["task"])
        if self._progress is not None and bar is not None:
            word = str(observed["state"]).replace("_", " ")
            self._progress.update(bar, description=f"{observed['charge_point']} {word}")
            if observed["reached"] or observed["failed"] or observed["timed_out"]:
                self._progress.stop_task(bar)

    def progress(self, data: dict[str, Any]) -> None:
        bar = self._bars.get(data.get("update") or data.get("upload") or 0)
        if self._progress is not None and bar is not None:
            self._progress.update(bar, completed=data.get("bytes") or 0, total=data.get("total"))


def observed_effect_code(result: Result) -> int | None:
    """The exit code that what was observed stands for: 0 reached, 7 it will not come to that, 8 not in time."""
    observed = result.get("observed")
    if not isinstance(observed, dict):
        return None
    if observed.get("reached"):
        return OK
    return REJECTED if observed.get("failed") and not observed.get("silent") else TIMED_OUT


def observed_effect_word(observed: Result) -> str:
    """What was observed as a result for people."""
    return str(observed.get("awaited")) if observed.get("reached") else f"not {observed.get('awaited')}"


def observed_effect_detail(result: Result) -> list[str]:
    """What else is worth a word."""
    observed = result["observed"]
    parts = []
    if observed.get("failed"):
        parts.append(str(observed["failed"]))
    elif observed.get("timed_out"):
        outcome = str(result.get("outcome")).replace("_", " ")
        waited = f"{observed['waited_s']:.{0 if observed['waited_s'] >= 10 else 1}f} s"
        parts.append(f"{outcome}, but not {observed['awaited']} within {waited}; it is {observed['state']}")
    for name in ("transaction", "reservation"):
        if observed.get(name) is not None:
            parts.append(f"{name} {observed[name]}")
    if observed.get("version_after") is not None:
        confirmed = "confirmed" if observed.get("confirmed") else "not the new one"
        parts.append(f"version {observed.get('version_before') or '?'} → {observed['version_after']} ({confirmed})")
    if observed.get("received_at") is not None:
        parts.append(f"{observed.get('size')} bytes; csmsctl diagnostics get {observed.get('task')}")
    if observed.get("error"):
        parts.append(str(observed["error"]))
    return parts
