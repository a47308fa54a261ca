"""Which connectors are shown, and in what order: what the keys change."""

import re
from collections.abc import Sequence
from typing import Any, Final

from csmsctl.display.table import Record
from csmsctl.display.value_texts import plain_text
from csmsctl.records.connectors import connector_rows

SORTS: Final = ("problems", "name", "power", "age")

# Key: what it does, for the footer and the help.
KEYS: Final = (
    ("q", "quit"),
    ("s", "sort by the next of: problems, name, power, age"),
    ("r", "reverse the order"),
    ("/", "filter by text: identity, label, status, idTag, problem; Esc clears it"),
    ("p", "only what has problems"),
    ("a", "all again"),
    ("j k ↓ ↑", "choose a row; what is wrong with it stands below the table"),
    ("PgDn PgUp", "a page on or back"),
    ("g G", "to the first, to the last"),
    ("?", "this help"),
)
_DIGITS = re.compile(r"(\d+)")
_WORST = {"critical": 0, "warning": 1}


class View:
    """The state of the screen; of `count` rows `page` fit, as the last picture found."""

    def __init__(self) -> None:
        self.sort = SORTS[0]
        self.reverse = False
        self.filter = ""
        self.typing = False  # a filter
        self.only_problems = False
        self.help = False
        self.cursor = 0
        self.top = 0
        self.count = 0
        self.page = 1

    def press(self, key: str) -> bool:
        """Takes a key; False when it ends the program."""
        if self.typing:
            self._type(key)
        elif self.help:
            self.help = False
        else:
            return self._command(key)
        return True

    def _type(self, key: str) -> None:
        if key in ("enter", "esc"):
            self.typing = False
            self.filter = "" if key == "esc" else self.filter
        elif key == "backspace":
            self.filter = self.filter[:-1]
        elif len(key) == 1 and key.isprintable():
            self.filter += key
        self.cursor = self.top = 0

    def _command(self, key: str) -> bool:
        match key:
            case "q" | "Q" | "\x04":
                return False
            case "s":
                self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
            case "r":
                self.reverse = not self.reverse
            case "/":
                self.typing = True
            case "p":
                self.only_problems = not self.only_problems
            case "a" | "esc":
                self.only_problems, self.filter = False, ""
            case "?" | "h":
                self.help = True
            case "j" | "down":
                self.cursor += 1
            case "k" | "up":
                self.cursor -= 1
            case "pgdn" | " ":
                self.cursor += self.page
            case "pgup":
                self.cursor -= self.page
            case "g" | "home":
                self.cursor = 0
            case "G" | "end":
                self.cursor = self.count - 1
        if key in ("s", "r", "p", "a", "esc"):
            self.cursor = self.top = 0
        self.cursor = max(0, self.cursor)
        return True

    def settle(self, count: int, page: int) -> None:
        """Keeps the cursor among `count` rows, and inside the `page` of them that fit."""
        self.count, self.page = count, max(1, page)
        self.cursor = max(0, min(self.cursor, count - 1))
        self.top = min(max(self.top, self.cursor - self.page + 1), self.cursor, max(0, count - self.page))


def selected_for_dashboard(charge_points: Sequence[Record], view: View) -> list[Record]:
    """The rows that are wanted, in the order that is wanted. Each has `problems`, its own and its charge point's."""
    found = [{**row, "problems": _problems_on_dashboard(row)} for row in connector_rows(list(charge_points))]
    if view.only_problems:
        found = [row for row in found if row["problems"]]
    if view.filter:
        wanted = view.filter.casefold()
        found = [row for row in found if wanted in _text_on_dashboard(row)]
    found.sort(key=lambda row: _order_on_dashboard(row, view.sort), reverse=view.reverse)
    return found


def _problems_on_dashboard(row: Record) -> list[Record]:
    return [
        problem for problem in row.get("problems") or [] if problem.get("connector") in (None, row.get("connector"))
    ]


def _text_on_dashboard(row: Record) -> str:
    """What a filter looks through."""
    words = [row.get(key) for key in ("charge_point", "labels", "shown", "id_tag", "transaction", "note")]
    words += [problem.get("text") for problem in row["problems"]]
    return " ".join(plain_text(word) for word in words).casefold()


def severity_on_dashboard(row: Record) -> str | None:
    """Of the worst of its problems."""
    found = [str(problem.get("severity")) for problem in row["problems"]]
    return min(found, key=lambda word: _WORST.get(word, 1), default=None)


def _order_on_dashboard(row: Record, sort: str) -> tuple[Any, ...]:
    name = (*natural_dashboard_order(str(row.get("charge_point"))), row.get("connector") or 0)
    match sort:
        case "problems":
            worst = _WORST.get(severity_on_dashboard(row) or "", 2)
            return (worst, row.get("transaction") is None, *name)
        case "power":
            return (-(row.get("power_w") or 0), *name)
        case "age":
            return (row.get("last_seen_at") or "", *name)  # the longest silence first
        case _:
            return name


def natural_dashboard_order(text: str) -> tuple[Any, ...]:
    """CP2 comes before CP10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in _DIGITS.split(text) if part)
