"""Columns that fit: what matters least is left out first, what can give way gives way, and nothing is cut unmarked."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

GAP = 2


class Cell(NamedTuple):
    """A text that is safe to show, and Rich's style for it."""

    text: str
    style: str = ""


class Field(NamedTuple):
    """A column: between `least` and `most` cells wide; of a low `rank` are those that stay longest."""

    title: str
    rank: int
    least: int
    most: int
    right: bool = False


def layout_widths(fields: Sequence[Field], rows: Sequence[Sequence[Cell]], width: int) -> list[int]:
    """How wide each column is; 0: left out. A column without content is left out where that makes room."""
    content = [max((cell_len(row[at].text) for row in rows), default=0) for at in range(len(fields))]
    natural = [
        min(field.most, max(cell_len(field.title), length)) for field, length in zip(fields, content, strict=True)
    ]
    least = [min(field.least, wanted) for field, wanted in zip(fields, natural, strict=True)]
    shown = list(range(len(fields)))
    # From the least wanted to the most: first those that say nothing, the last one stays whatever happens.
    for at in sorted(shown, key=lambda at: (content[at] > 0, -fields[at].rank)):
        if _layout_total(least, shown) > width and len(shown) > 1:
            shown.remove(at)
    given = [least[at] if at in shown else 0 for at in range(len(fields))]
    for at in sorted(shown, key=lambda at: fields[at].rank):
        given[at] += max(0, min(natural[at] - given[at], width - _layout_total(given, shown)))
    if len(shown) == 1:
        given[shown[0]] = min(given[shown[0]], width)
    return given


def _layout_total(sizes: Sequence[int], shown: Sequence[int]) -> int:
    return sum(sizes[at] for at in shown) + GAP * (len(shown) - 1)


def fit_in_layout(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly so many cells; what is cut ends in `…`."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    blanks = " " * (width - length)
    return blanks + text if right else text + blanks


def packed_in_layout(parts: Sequence[str], width: int, separator: str = " · ") -> str:
    """As many of the parts in one line as fit, from the first on."""
    line = parts[0] if parts else ""
    for part in parts[1:]:
        if cell_len(line + separator + part) > width:
            break
        line += separator + part
    return fit_in_layout(line, width).rstrip() if cell_len(line) > width else line


def folded_in_layout(text: str, width: int) -> list[str]:
    """The text in lines of at most so many cells, broken at blanks where that is possible."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        line = word
        while cell_len(line) > width:
            part = set_cell_size(line, width).rstrip() or "…"  # a letter of two cells in one
            lines.append(part)
            line = line[len(part) :]
    return [*lines, line]
