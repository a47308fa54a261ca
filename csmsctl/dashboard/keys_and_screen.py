"""The terminal: keys as they are pressed, a screen of its own where only what changed is written, and all of it undone
at the end, whatever the end is."""

import contextlib
import os
import signal
import sys
import termios
import tty
from types import FrameType
from typing import Any, Self

from rich.console import Console
from rich.text import Text

_ESCAPES = {
    "[A": "up",
    "OA": "up",
    "[B": "down",
    "OB": "down",
    "[5~": "pgup",
    "[6~": "pgdn",
    "[H": "home",
    "OH": "home",
    "[1~": "home",
    "[F": "end",
    "OF": "end",
    "[4~": "end",
}
_NAMES = {"\r": "enter", "\n": "enter", "\x7f": "backspace", "\x08": "backspace"}
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J"
_LEAVE = "\x1b[?25h\x1b[?1049l"
# Between these the terminal keeps showing the old picture, where it knows them; where it does not, nothing happens.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"


def keys_pressed(data: bytes) -> list[str]:
    """The keys in what was read: characters, and names such as `up`; sequences that nobody knows are left out."""
    found = []
    text = data.decode(errors="ignore")
    while text:
        if text[0] != "\x1b":
            found.append(_NAMES.get(text[0], text[0]))
            text = text[1:]
            continue
        end = _end_of_key_sequence(text)
        name = "esc" if end == 1 else _ESCAPES.get(text[1:end])
        found += [name] if name else []
        text = text[end:]
    return found


def _end_of_key_sequence(text: str) -> int:
    """Where an escape sequence ends; 1: Esc itself was pressed."""
    if len(text) < 2 or text[1] not in "[O":
        return 1
    for at in range(2, len(text)):
        if "@" <= text[at] <= "~":
            return at + 1
    return len(text)


class Screen:
    """The alternate screen of the terminal on standard output, keys from standard input where that is one, too."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._out = sys.stdout.fileno()
        self._keyboard = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        self._before: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self._painted: list[str] = []
        self._awake, self._wake = os.pipe()
        os.set_blocking(self._awake, False)
        os.set_blocking(self._wake, False)
        self._suspend = False

    def __enter__(self) -> Self:
        for number in (signal.SIGWINCH, signal.SIGTSTP):
            self._handlers[number] = signal.signal(number, self._signalled)
        self._take()
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._awake)
        os.close(self._wake)

    @property
    def sources(self) -> list[int]:
        """What to wait for: keys, and signals that change the screen."""
        return [self._awake] if self._keyboard is None else [self._awake, self._keyboard]

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now."""
        columns, lines = os.get_terminal_size(self._out)
        return max(1, columns or 80), max(1, lines or 24)

    def read(self, ready: list[Any]) -> list[str]:
        """The keys that were pressed; without a keyboard that ends, `q`."""
        if self._awake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._awake, 4096)
            if self._suspend:
                self._stop()
            self._painted = []  # the size is another, or somebody else has written there
        if self._keyboard is None or self._keyboard not in ready:
            return []
        data = os.read(self._keyboard, 4096)
        return keys_pressed(data) if data else ["q"]

    def paint(self, lines: list[Text]) -> None:
        """Writes the lines that are others than before."""
        width, height = self.size
        fresh = [self._ansi(line, width) for line in lines[:height]]
        fresh += [""] * (height - len(fresh))
        before = self._painted if len(self._painted) == height else None
        parts = [] if before is not None else ["\x1b[2J"]
        for at, line in enumerate(fresh):
            if before is None or before[at] != line:
                parts.append(f"\x1b[{at + 1};1H{line}\x1b[K")
        self._painted = fresh
        if parts:
            self._write(_BEGIN + "".join(parts) + _END)

    def _ansi(self, line: Text, width: int) -> str:
        with self._console.capture() as captured:
            self._console.print(line, width=width, no_wrap=True, overflow="ellipsis", end="")
        return captured.get().rstrip("\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        self._suspend = self._suspend or number == signal.SIGTSTP
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b"!")

    def _take(self) -> None:
        if self._keyboard is not None:
            self._before = termios.tcgetattr(self._keyboard)
            tty.setcbreak(self._keyboard)
        self._write(_ENTER)
        self._painted = []

    def _give_back(self) -> None:
        try:
            self._write(_LEAVE)
        finally:
            if self._keyboard is not None and self._before is not None:
                termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._before)

    def _stop(self) -> None:
        """Ctrl-Z: gives the terminal back until the shell says to go on."""
        self._suspend = False
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()
