"""What the edge of the site's executables gives."""

from collections.abc import Callable
from typing import Protocol


class Hooks(Protocol):
    """Executables that answer for us."""

    def ask(self, executable: str, question: bytes, then: Callable[[bytes | str], None]) -> None: ...
