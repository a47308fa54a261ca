"""What the edge of firmware and diagnostics gives: files that are kept."""

from typing import Literal, Protocol


class NoRoom(Exception):
    """A file, or all files together, would be larger than allowed; the text says which limit it is."""

    def __init__(self, text: str, *, too_large: bool = False) -> None:
        super().__init__(text)
        self.too_large = too_large  # this very file


class StoredFile:
    """A file that is kept: its name on disk, its size and its SHA-256."""

    __slots__ = ("sha256", "size", "stored")

    def __init__(self, stored: str, size: int, sha256: str) -> None:
        self.stored = stored
        self.size = size
        self.sha256 = sha256


class FileIntake(Protocol):
    """A file on its way in; all of it may block."""

    size: int

    def write(self, data: bytes) -> None: ...
    def finish(self) -> StoredFile: ...
    def abort(self) -> None: ...


class FileStore(Protocol):
    """The files of firmware and diagnostics, as the edges see them; all of it may block."""

    def begin(self, kind: Literal["firmware", "diagnostics"], limit: int) -> FileIntake: ...
    def read(self, kind: Literal["firmware", "diagnostics"], stored: str, offset: int, length: int) -> bytes: ...
    def remove(self, kind: Literal["firmware", "diagnostics"], stored: str) -> None: ...
