"""How a step may end before its time."""


class Failed(Exception):
    """The charge point did not do what it should; what that was, and what to do about it."""

    def __init__(self, what: str, advice: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class Skipped(Exception):
    """The step makes no sense here; the text says why."""


class Stopped(Exception):
    """The operator has had enough."""
