"""The lines that were typed, in a file that only its owner reads. Those with secrets are never among them."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import History

from csmsctl.lines.secrets import line_holds_secret
from csmsctl.lines.shell_words import scan_words
from csmsctl.link.socket_paths import own_state
from csmsd.ocpp.secrets import is_secret_key

_MOST = 2000  # lines that are kept


def history_file() -> Path | None:
    """Where it is: $XDG_STATE_HOME/csmsctl/history; nowhere for one without a home."""
    state = own_state(os.environ)
    return None if state is None else state / "csmsctl" / "history"


class LineHistory(History):
    """A JSON string a line, the oldest first. Where the file cannot be written, lines are remembered until the end."""

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path

    def append_string(self, string: str) -> None:
        if is_kept_in_history(string):
            super().append_string(string)

    def load_history_strings(self) -> Iterable[str]:
        """The newest first."""
        if self._path is None:
            return []
        try:
            lines = self._path.read_text("utf-8", errors="replace").splitlines()
            if len(lines) > 2 * _MOST:
                lines = lines[-_MOST:]
                _write(self._path, lines, os.O_TRUNC)
        except OSError:
            return []
        return [text for line in reversed(lines) if (text := _text_for_history(line)) is not None]

    def store_string(self, string: str) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(self._path, [json.dumps(string)], os.O_APPEND)
        except OSError:
            pass  # a full disk or a home that is read-only is no reason to lose the shell


def _write(path: Path, lines: list[str], flag: int) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        os.fchmod(number, 0o600)
        file.writelines(line + "\n" for line in lines)


def is_kept_in_history(text: str) -> bool:
    """Whether the text may be kept: it is worth it, and there is no secret in it."""
    scanned = scan_words(text)
    if scanned.open and is_secret_key(text):
        return False  # a line that cannot be read may hide one
    return bool(scanned.words) and not line_holds_secret([word.text for word in scanned.words])


def _text_for_history(line: str) -> str | None:
    try:
        text = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return text if isinstance(text, str) else None
