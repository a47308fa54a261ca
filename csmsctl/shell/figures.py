"""What the toolbar shows of the site, asked for in the background."""

import threading
from collections.abc import Callable
from pathlib import Path

from csmsctl.display.escape import escape_text
from csmsctl.display.value_texts import counted_text
from csmsctl.failure import Failure
from csmsctl.link.client import Client, Result

_EVERY = 2.0  # seconds
_AGAIN = 0.5  # seconds, until csmsd is back
_PATIENCE = 5.0  # seconds


class Figures:
    """The site's figures, never older than they must be; says when csmsd was away."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._figures: Result | None = None
        self._lost: str | None = None  # why there are none
        self._started_at: object = None
        self._news: str | None = None
        self._changed: Callable[[], object] = lambda: None
        self._over = threading.Event()

    def start(self, changed: Callable[[], object]) -> None:
        """`changed` is called when there is something else to show."""
        self._changed = changed
        threading.Thread(target=self._follow, daemon=True, name="figures").start()

    def stop(self) -> None:
        self._over.set()

    def news(self) -> str | None:
        """What has happened to csmsd since it was asked last."""
        news, self._news = self._news, None
        return news

    def parts(self) -> list[tuple[str, str]]:
        """The toolbar: styles and texts, the most important first."""
        if self._lost is not None:
            return [("class:bad", f" csmsd is not reachable: {escape_text(self._lost)} ")]
        found = self._figures
        if found is None:
            return [("", " … ")]
        parts = [
            ("", f" {found.get('connected')} of {found.get('charge_points')} connected "),
            ("", f" {counted_text(found.get('active_transactions'), 'transaction')} "),
            ("", f" {(found.get('power_w') or 0) / 1000:.1f} kW "),
        ]
        if found.get("store") != "ok":
            parts.insert(0, ("class:bad", f" the store is {escape_text(str(found.get('store')))} "))
        if problems := found.get("problems"):
            parts.append(("class:warning", f" {counted_text(problems, 'problem')} "))
        if tasks := found.get("open_tasks"):
            parts.append(("", f" {counted_text(tasks, 'command')} under way "))
        if queued := found.get("queued_commands"):
            parts.append(("", f" {queued} queued "))
        return parts

    def _follow(self) -> None:
        while not self._over.is_set():
            try:
                with Client(self._socket, _PATIENCE) as client:
                    while not self._over.is_set():
                        self._take(client.call("daemon.figures"))
                        # Nothing is subscribed to: this waits, and ends at once when csmsd does.
                        client.next_notification(_EVERY)
            except Failure as failure:
                self._lost = failure.message
                self._changed()
            self._over.wait(_AGAIN)

    def _take(self, figures: Result) -> None:
        if self._started_at not in (None, figures.get("started_at")):
            self._news = "csmsd was restarted; connected again."
        elif self._lost is not None and self._started_at is not None:
            self._news = "Connected to csmsd again."
        self._started_at = figures.get("started_at")
        different = figures != self._figures or self._lost is not None
        self._figures, self._lost = figures, None
        if different:
            self._changed()
