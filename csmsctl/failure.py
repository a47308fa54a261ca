"""How a command fails: exit code, cause and next step (the codes are part of the contract)."""

from typing import Any, Final

OK: Final = 0
OTHER: Final = 1
USAGE: Final = 2
NOT_THERE: Final = 3
DENIED: Final = 4
UNREACHABLE: Final = 5
NOT_CONNECTED: Final = 6
REJECTED: Final = 7
TIMED_OUT: Final = 8
SOME_FAILED: Final = 9
NOT_CONFIRMED: Final = 10
INTERRUPTED: Final = 130
TERMINATED: Final = 143

# What `csmsctl` ends with, for the manual.
MEANINGS: Final = {
    OK: "Done, or it was so already.",
    OTHER: "Another failure; the message says which.",
    USAGE: "The command line makes no sense as given.",
    NOT_THERE: "There is no such charge point, idTag, transaction or task.",
    DENIED: "Permission denied.",
    UNREACHABLE: "The daemon cannot be reached.",
    NOT_CONNECTED: "The charge point is not connected.",
    REJECTED: "The charge point answered Rejected, Failed or the like, or CALLERROR, or its known state forbids it.",
    TIMED_OUT: "No answer in time, or nobody knows what came of it.",
    SOME_FAILED: "Several charge points were meant, or several lines of a batch, and some of them failed.",
    NOT_CONFIRMED: "The confirmation was refused, or there is no terminal to ask on (see --yes).",
    INTERRUPTED: "Interrupted from the keyboard.",
    TERMINATED: "Terminated by a signal.",
}


class Failure(Exception):
    """Ends the command with an exit code, a sentence that says why, and one that says what to do."""

    def __init__(self, code: int, message: str, next_step: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step

    def as_record(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"code": self.code, "message": self.message, "next": self.next_step}
