"""What a power cut leaves of the files that a process was writing, put together from the journal of `disk_shim.c`.

What an fsync covered is there. Of what came after it anything may be: all, nothing, some writes without those before
them, some sectors of a write without the others. Names follow only with the fsync of their directory, in their order.
"""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_ENTRY = struct.Struct("=IIQq")
_SECTOR = 512  # bytes that a disk writes as one
_CREATED, _WRITTEN, _TRUNCATED, _SYNCED, _RENAMED, _UNLINKED, _DIRECTORY_SYNCED = range(1, 8)

Manner = Literal["lost", "kept", "reordered", "torn", "cut short"]
MANNERS: tuple[Manner, ...] = ("lost", "kept", "reordered", "torn", "cut short")


@dataclass
class _Entry:
    kind: int
    begin: int  # where it stands in the journal
    end: int
    inode: int
    place: int
    content: bytes


@dataclass
class _File:
    """What is on disk for certain, and what may be."""

    certain: bytearray = field(default_factory=bytearray)
    pending: list[_Entry] = field(default_factory=list)


def _carry_out(content: bytearray, entry: _Entry, sectors: range | list[int] | None = None) -> None:
    """Writes it, or some sectors of it only; a hole is full of zeros."""
    if entry.kind == _TRUNCATED:
        del content[entry.place :]
        content.extend(bytes(entry.place - len(content)))
        return
    pieces = [(entry.place, entry.content)]
    if sectors is not None:
        pieces = [
            (entry.place + number * _SECTOR, entry.content[number * _SECTOR : (number + 1) * _SECTOR])
            for number in sectors
        ]
    for place, piece in pieces:
        content.extend(bytes(max(0, place - len(content))))
        content[place : place + len(piece)] = piece


def _sectors(entry: _Entry) -> range:
    return range(-(-len(entry.content) // _SECTOR))


class Recording:
    """A journal, gone through from its beginning to its end. `position` is how much of it was done."""

    def __init__(self, journal: Path) -> None:
        self._entries = list(_read(journal.read_bytes()))
        self._next = 0
        self._files: dict[int, _File] = {}  # by inode
        self._names: dict[str, _File] = {}  # for certain
        self._renamings: list[tuple[int, list[str], _File | None]] = []  # pending: where, names, the file that is new
        self.position = 0

    @property
    def moments(self) -> list[int]:
        """Where something was done: a cut may come after each."""
        return [entry.end for entry in self._entries]

    def syncs_of(self, name: str, after: int) -> int:
        """How often a file was synced after that position."""
        inodes = {entry.inode for entry in self._entries if entry.kind == _CREATED and entry.content == name.encode()}
        return sum(entry.kind == _SYNCED and entry.inode in inodes and entry.begin >= after for entry in self._entries)

    def go_on(self, position: int) -> None:
        """Carries on up to there."""
        while self._next < len(self._entries) and self._entries[self._next].end <= position:
            self._take(self._entries[self._next])
            self._next += 1
        self.position = position

    def _take(self, entry: _Entry) -> None:
        if entry.kind == _CREATED:
            # An inode is given again when the file that had it is gone.
            self._files[entry.inode] = _File()
            self._renamings.append((entry.begin, [entry.content.decode()], self._files[entry.inode]))
        elif entry.kind in (_WRITTEN, _TRUNCATED):
            self._files[entry.inode].pending.append(entry)
        elif entry.kind == _SYNCED:
            file = self._files[entry.inode]
            for written in file.pending:
                if written.begin < entry.place:
                    _carry_out(file.certain, written)
            file.pending = [written for written in file.pending if written.begin >= entry.place]
        elif entry.kind in (_RENAMED, _UNLINKED):
            self._renamings.append((entry.begin, entry.content.decode().split("\0"), None))
        else:
            done = [renaming for renaming in self._renamings if renaming[0] < entry.place]
            self._names = _renamed(self._names, done)
            self._renamings = [renaming for renaming in self._renamings if renaming[0] >= entry.place]

    def leave(self, directory: Path, manner: Manner, chance: random.Random) -> None:
        """Makes the directory as the power cut leaves it, now, in this manner."""
        known = len(self._renamings)
        known = {"lost": 0, "kept": known}.get(manner, chance.randint(0, known))
        names = _renamed(self._names, self._renamings[:known])
        directory.mkdir(mode=0o700)
        for name, file in names.items():
            path = directory / name
            path.write_bytes(_left_of(file, manner, chance))
            path.chmod(0o600)


def _left_of(file: _File, manner: Manner, chance: random.Random) -> bytes:
    content = bytearray(file.certain)
    if manner == "lost":
        return bytes(content)
    last = len(file.pending) - 1
    for number, entry in enumerate(file.pending):
        if manner == "torn":
            _carry_out(content, entry, [sector for sector in _sectors(entry) if chance.random() < 0.5])
        elif manner == "cut short" and number == last:
            _carry_out(content, entry, _sectors(entry)[: chance.randint(0, len(_sectors(entry)))])
        elif manner != "reordered" or chance.random() < 0.5:
            _carry_out(content, entry)
    return bytes(content)


def _renamed(names: dict[str, _File], renamings: list[tuple[int, list[str], _File | None]]) -> dict[str, _File]:
    found = dict(names)
    for _, (name, *new), file in renamings:
        if file is not None:
            found[name] = file
        elif new:
            found[new[0]] = found.pop(name)
        else:
            found.pop(name, None)
    return found


def _read(journal: bytes) -> Iterator[_Entry]:
    """What was being noted when the process was killed was not done."""
    begin = 0
    while begin + _ENTRY.size <= len(journal):
        kind, length, inode, place = _ENTRY.unpack_from(journal, begin)
        end = begin + _ENTRY.size + length
        if end > len(journal):
            return
        yield _Entry(kind, begin, end, inode, place, journal[begin + _ENTRY.size : end])
        begin = end
