"""A list as it was asked for: chosen, ordered, cut and shown, however long it is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

from csmsctl.arguments.listing_options import View
from csmsctl.display.table import Column, Record
from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import Invocation

_AT_ONCE = 1000  # rows in an answer of csmsd


@dataclass(frozen=True)
class Listing:
    """What a command lists: the key of the records in the document, and their columns.

    The columns' keys are the fields of CSV, always and in this order. `name` is the field that -o name prints, `time`
    the one that --since and --until go by where csmsd does not choose, and `limit` how many are listed unless said.
    """

    key: str
    columns: Sequence[Column]
    name: str = "id"
    time: str | None = None
    limit: int = 0
    empty: str = ""
    fields: Sequence[str] = ()  # of CSV, where they are others than those of the table

    @property
    def csv_fields(self) -> list[str]:
        return list(self.fields) or [column.key for column in self.columns]


def listing_pages(
    run: Invocation, method: str, params: Record, listing: Listing, view: View, *, cursor: str = "before_id"
) -> Iterator[Record]:
    """Records that csmsd lists newest first, a page at a time; it is asked for as few as will do.

    `cursor` is the parameter by which it goes on: an id, or `offset`. While a page is looked at, csmsd has been asked
    for the next one.
    """
    wanted = listing.limit if view.limit is None else view.limit
    chosen_here = bool(view.filters or view.sort)
    size = _AT_ONCE if chosen_here or not wanted else min(_AT_ONCE, wanted + 1)
    seen = 0
    next_page = run.begin(method, **params, limit=size)
    while True:
        answer = next_page()
        page = answer[listing.key]
        seen += len(page)
        over = len(page) < size and "more" not in answer
        enough = over or (seen > wanted > 0 and not chosen_here)
        place = {cursor: seen if cursor == "offset" else page[-1]["id"]} if page else {}
        if not enough:
            next_page = run.begin(method, **params, **place, limit=size)
        yield from page
        if over:
            return
        if enough:
            next_page = run.begin(method, **params, **place, limit=size)


def is_listing_document(run: Invocation, view: View) -> bool:
    """Whether the JSON of the whole is asked for, as csmsd gives it."""
    return view.plain and (view.form == "json" or (view.form is None and run.output.json))


def show_whole_listing(run: Invocation, listing: Listing, view: View, answer: Record) -> None:
    """A list that csmsd gave as a whole; asked for as it is, its answer is the document."""
    if is_listing_document(run, view):
        run.output.document(answer)
        return
    show_listing(run, listing, view, answer[listing.key])


def named_in_listing(answer: Record, listing: Listing, view: View) -> Record:
    """The answer with those records only whose names were given: exactly, as a glob, or by a label of theirs."""
    if view.targets is None:
        return answer
    chosen = [record for record in answer[listing.key] if _is_named_in_listing(record, listing.name, view.targets)]
    return {**answer, listing.key: chosen}


def _is_named_in_listing(record: Record, field: str, words: Sequence[str]) -> bool:
    labels = [str(label).casefold() for label in record.get("labels") or []]
    return any(
        is_like_in_listing(record.get(field), word) or (word.startswith("@") and word[1:].casefold() in labels)
        for word in words
    )


def show_listing(
    run: Invocation,
    listing: Listing,
    view: View,
    records: Iterable[Record],
    *,
    cut: bool = False,
    line: Callable[[Record], None] | None = None,
) -> None:
    """Chooses, sorts, cuts and prints.

    What was `cut` before is said likewise. `line` prints a record where it is not a row of a table.
    """
    output = run.output
    if view.form is not None:
        output.json, output.csv = view.form == "json", view.form == "csv"
    limit = listing.limit if view.limit is None else view.limit
    chosen = Chosen(listing, view, records, 0 if cut else limit)
    columns = _listing_columns(listing, view, chosen)
    fields = [column.key for column in columns] if view.columns else listing.csv_fields
    if view.form == "name":
        output.names(listing.name, chosen)
    elif view.form == "jsonl":
        for record in chosen:
            output.line(_listing_only(record, fields) if view.columns else record, flush=False)
    elif output.json:
        found = (_listing_only(record, fields) for record in chosen) if view.columns else chosen
        output.stream(listing.key, found, lambda: {"more": True} if cut or chosen.more else {})
        return
    elif output.csv:
        output.csv_rows(fields, chosen, headers=output.headers)
    elif line is not None and not view.columns:
        for record in chosen:
            line(record)
    else:
        output.table(columns, chosen, empty=chosen.why_none or listing.empty, wide=view.form == "wide")
    if (cut or chosen.more) and view.limit is None:
        output.note(f"These are {limit}, and there are more: --limit N, or --limit 0 for all.")


class Chosen:
    """The records that are wanted, one by one; `more` says afterwards whether a limit left some out."""

    def __init__(self, listing: Listing, view: View, records: Iterable[Record], limit: int) -> None:
        self.more = False
        self._limit = limit
        self._tests: list[Callable[[Record], bool]] = []
        self._records = iter(records)
        self._first = next(self._records, None)
        self._fields = dict.fromkeys([*listing.csv_fields, *(column.key for column in listing.columns)])
        self._titles = {column.title.casefold(): column.key for column in listing.columns}
        if listing.time is not None and (view.since or view.until):
            self._tests.append(_listing_between(listing.time, view.since, view.until))
        self._tests += [self._test(text) for text in view.filters]
        self._order = [self._direction(word) for word in view.sort.split(",")] if view.sort else []

    @property
    def why_none(self) -> str:
        """What is said where none of those that are there is wanted; empty where there is none."""
        return "" if self._first is None else "None in this list is as asked for."

    def __iter__(self) -> Iterator[Record]:
        if self._first is None:
            return
        found = self._matching()
        if self._order:
            found = iter(self._sorted(found))
        for number, record in enumerate(found):
            if self._limit and number == self._limit:
                self.more = True
                return
            yield record

    def field(self, word: str) -> str:
        """The field that is meant. Raises Failure."""
        plain = word.strip().casefold()
        known = self._fields | dict.fromkeys(self._first or {})
        for candidate in (plain, plain.replace("-", "_").replace(" ", "_"), self._titles.get(plain)):
            if candidate in known:
                return str(candidate)
        if self._first is None and plain:
            return plain
        raise Failure(USAGE, f"There is no field {word.strip()!r} in this list.", f"There are: {', '.join(known)}.")

    def _matching(self) -> Iterator[Record]:
        assert self._first is not None
        for record in chain([self._first], self._records):
            if all(test(record) for test in self._tests):
                yield record

    def _test(self, text: str) -> Callable[[Record], bool]:
        name, equals, value = text.partition("=")
        if not equals:
            raise Failure(USAGE, f"--filter wants FIELD=VALUE, not {text!r}.")
        unlike = name.endswith("!")
        field = self.field(name.removesuffix("!"))
        return lambda record: is_like_in_listing(record.get(field), value) != unlike

    def _direction(self, word: str) -> tuple[str, bool]:
        downwards = word.strip().startswith("-")
        return self.field(word.strip().removeprefix("-").removeprefix("+")), downwards

    def _sorted(self, records: Iterable[Record]) -> list[Record]:
        """All of them, or with a limit the first, of which no more than a few thousand are kept at a time."""
        kept: list[Record] = []
        for record in records:
            kept.append(record)
            if self._limit and len(kept) > 2 * self._limit + _AT_ONCE:
                kept = self._in_order(kept)[: self._limit + 1]
        return self._in_order(kept)

    def _in_order(self, records: list[Record]) -> list[Record]:
        for field, downwards in reversed(self._order):
            records.sort(key=lambda record: listing_order(record.get(field)), reverse=downwards)
            records.sort(key=lambda record: record.get(field) is None)  # what is not known is last, either way
        return records


def listing_order(value: Any) -> tuple[int, Any]:
    """The key by which values of any kind are sorted: numbers, then text as people count."""
    from csmsd.ocpp.identity import natural_order

    if value is None:
        return 2, ()
    if isinstance(value, int | float):
        return 0, value
    from csmsctl.display.value_texts import plain_text

    return 1, natural_order(value if isinstance(value, str) else plain_text(value))


def is_like_in_listing(value: Any, wanted: str) -> bool:
    """Whether a value is what --filter says: as it is written anywhere in the console, or a glob of that."""
    from fnmatch import fnmatchcase

    if isinstance(value, list):
        return any(is_like_in_listing(part, wanted) for part in value) or (not value and not wanted)
    folded = wanted.strip().casefold()
    match value:
        case None:
            return not folded
        case bool():
            return folded in (("yes", "true", "1") if value else ("no", "false", "0"))
        case int() | float():
            try:
                return float(folded) == value
            except ValueError:
                return fnmatchcase(str(value), folded)
        case str():
            text = value.casefold()
        case _:
            from csmsctl.display.escape import escape_to_json

            text = escape_to_json(value).casefold()
    return text == folded or fnmatchcase(text, folded)


def _listing_between(field: str, since: str | None, until: str | None) -> Callable[[Record], bool]:
    first = datetime.fromisoformat(since) if since else None
    after = datetime.fromisoformat(until) if until else None

    def test(record: Record) -> bool:
        value = record.get(field)
        if not isinstance(value, str):
            return False
        time = datetime.fromisoformat(value)
        return (first is None or time >= first) and (after is None or time < after)

    return test


def _listing_columns(listing: Listing, view: View, chosen: Chosen) -> list[Column]:
    if not view.columns:
        return list(listing.columns)
    known = {column.key: column for column in listing.columns}
    fields = [chosen.field(word) for word in view.columns.split(",")]
    return [
        replace(known[field], wide=False) if field in known else Column(field, field.upper().replace("_", " "))
        for field in fields
    ]


def _listing_only(record: Record, fields: Sequence[str]) -> Record:
    return {field: record.get(field) for field in fields}
