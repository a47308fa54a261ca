"""What a terminal's standard error shows of work that takes longer than a moment: a bar, or a spinner."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from csmsctl.arguments.global_options import Color
from csmsctl.display.output import Output

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_GRACE = 0.4  # seconds; what is done by then shows no bar, and does not wait for Rich to be imported


class Progress:
    """Shows a bar when the work is not done after a moment."""

    def __init__(self, color: Color) -> None:
        self._color = color
        self._lock = threading.Lock()
        self._timer = threading.Timer(_GRACE, self._appear)
        self._timer.daemon = True
        self._done, self._total = 0, 0
        self._over = False
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._bar is not None:
                self._bar.stop()

    def show(self, progress: dict[str, Any]) -> None:
        """Takes an `operation.result` notification."""
        with self._lock:
            self._done, self._total = int(progress.get("done", 0)), int(progress.get("total", 0))
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=self._done, total=self._total or None)

    def _appear(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        from csmsctl.display.rich_terminal import rich_console

        with self._lock:
            if self._over:
                return
            self._bar = Bar(
                TextColumn("waiting for answers"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=rich_console(self._color, stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("", completed=self._done, total=self._total or None)
            self._bar.start()


@contextmanager
def progress_bar(output: Output, text: str) -> Iterator[Callable[[float], None]]:
    """What shows how far it is, 0 to 1, on a terminal; nothing elsewhere."""
    if not output.shows_progress or output.json:
        yield lambda progress: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from csmsctl.display.rich_terminal import rich_console

    columns = (TextColumn(text, markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=rich_console(output.color, stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda progress: bar.update(task, completed=progress)


@contextmanager
def progress_spinner(output: Output, text: str) -> Iterator[None]:
    """Shows on a terminal that something is waited for; nothing elsewhere."""
    if not output.shows_progress:
        yield
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from csmsctl.display.rich_terminal import rich_console

    columns = (SpinnerColumn(), TextColumn(text, markup=False), TimeElapsedColumn())
    with Progress(*columns, console=rich_console(output.color, stderr=True), transient=True) as progress:
        progress.add_task("", total=None)
        yield
