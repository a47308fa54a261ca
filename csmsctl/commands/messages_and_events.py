"""`log` and `events`: what passes, as it passes."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.display.escape import escape_to_json
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text
from csmsctl.failure import OTHER, USAGE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.records.listing import Chosen, Listing, show_listing
from csmsctl.records.messages import Reader, Sieve

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until interrupted")]

_AT_ONCE = 1000  # of an answer of csmsd
_Page = tuple[list[Record], bool]  # with whether there is more, left out since these have become long


def _event_data_as_json(value: Any, human: bool) -> str:
    return escape_to_json(value) if value else ""


MESSAGES = Listing(
    "messages",
    (
        Column("id", "ID", right=True),
        Column("time", "TIME", moment_text),
        Column("charge_point", "CHARGE POINT"),
        Column("direction", "DIRECTION"),
        Column("text", "TEXT", folds=True),
    ),
    limit=100,
    empty="There is no such message.",
)
EVENTS = Listing(
    "events",
    (
        Column("number", "NUMBER", right=True),
        Column("time", "TIME", moment_text),
        Column("type", "TYPE"),
        Column("charge_point", "CHARGE POINT"),
        Column("data", "DATA", _event_data_as_json, folds=True),
    ),
    name="number",
    limit=100,
    empty="There is no such event.",
)


def _message_pattern(text: str | None) -> "re.Pattern[str] | None":
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise typer.BadParameter(f"{text!r} is no regular expression: {error}.") from error


def _message_actions(incomplete: str) -> list[str]:
    from csmsctl.arguments.candidates import candidates_in_the_case_of
    from csmsd.profiles import incoming, outgoing

    return candidates_in_the_case_of(incomplete, sorted({*incoming(), *outgoing()}))


def _event_types(incomplete: str) -> list[str]:
    from typing import get_args

    from csmsd.profiles.record import EventType

    return [kind for kind in get_args(EventType) if kind.startswith(incomplete)]


def _event_types_meant(words: list[str] | None) -> list[str] | None:
    """The types that are named, or that a glob such as `transaction.*` means. Raises Failure for what means none."""
    from difflib import get_close_matches
    from fnmatch import fnmatchcase

    known = _event_types("")
    meant: list[str] = []
    for word in words or []:
        found = [kind for kind in known if fnmatchcase(kind, word.lower())]
        if not found:
            close = get_close_matches(word.lower(), known)
            hint = f"Did you mean {' or '.join(close)}?" if close else "csmsd.toml(5) lists them."
            raise Failure(USAGE, f"No event is of type {word!r}.", hint)
        meant += found
    return list(dict.fromkeys(meant)) or None


Grep = Annotated[
    str | None, typer.Option("--grep", metavar="REGEX", help="Only those whose text matches", callback=_message_pattern)
]


@lists(time="on the wire", limit=100)
def message_log_command(
    ctx: typer.Context,
    follow: Follow = False,
    action: Annotated[
        str | None,
        typer.Option(
            "--action", metavar="ACTION", help="Of this action only, with the answers", autocompletion=_message_actions
        ),
    ] = None,
    direction: Annotated[
        Literal["in", "out"] | None,
        typer.Option("--direction", help="in: from the charge point; out: to it", case_sensitive=False),
    ] = None,
    grep: Grep = None,
    raw: Annotated[bool, typer.Option("--raw", help="As it was on the wire, on a terminal, too")] = False,
    *,
    view: View,
) -> None:
    """Print the OCPP messages, the newest, oldest first: on a terminal to be read, elsewhere as they were on the wire.

    `<` came from the charge point, `>` was sent to it. Secrets are masked.
    """
    run = invocation(ctx)
    pattern: Any = grep
    sieve = Sieve(action=action, grep=pattern, direction=direction)
    # Subscribed first and listed then, so that nothing falls between; `last` tells what is known already.
    if follow:
        run.call("log.subscribe", targets=view.targets)
    wanted = {"targets": view.targets, "since": view.since, "until": view.until}

    told: set[int] = set()

    def page(**place: Any) -> _Page:
        answer = run.call("log.list", **wanted, **place)
        for torn in answer.get("torn", ()):
            if torn["first"] not in told:
                told.add(torn["first"])
                run.output.warn(_torn_text(torn, run.output.terminal))
        return answer["messages"], "more" in answer

    reader = Reader(action) if run.output.terminal and not raw and view.form != "wide" else None
    printer = Printer(run, MESSAGES, view, lambda message: _message_line(message, run.output.terminal, reader))
    listed = _Listed("id", "before_id", "after_id", page, sieve.passes, sieve.older, plain=sieve.lets_all_pass)
    last = printer.all(*listed.chosen(MESSAGES, view), follow=follow)
    sieve.go_on()
    while follow and (notification := run.client.next_notification()) is not None:
        check_messages_lagged(notification, "csmsctl log -f")
        message = notification.get("params") or {}
        if notification.get("method") == "message" and message.get("id", 0) > last and sieve.passes(message):
            printer.one(message)


@lists(time="happened", limit=100)
def events_command(
    ctx: typer.Context,
    follow: Follow = False,
    after: Annotated[
        int | None, typer.Option("--after", metavar="N", min=0, help="Those after this number: where a script left off")
    ] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="This type only, or those of a glob ('transaction.*'); may be repeated",
            autocompletion=_event_types,
        ),
    ] = None,
    action: Annotated[
        str | None,
        typer.Option(
            "--action",
            metavar="ACTION",
            help="Only what is about messages of this action: tasks, and what could not be booked",
            autocompletion=_message_actions,
        ),
    ] = None,
    grep: Grep = None,
    raw: Annotated[bool, typer.Option("--raw", help="The data as JSON, on a terminal, too")] = False,
    *,
    view: View,
) -> None:
    """Print what happened: connections, boots, statuses, transactions, changes; the newest, oldest first."""
    run = invocation(ctx)
    pattern: Any = grep
    if after is not None and view.limit is None:
        view = view._replace(limit=0)
    filters: dict[str, Any] = {"targets": view.targets, "types": _event_types_meant(type_)}
    wanted = {**filters, "since": view.since, "until": view.until}

    def passes(event: Record) -> bool:
        if action is not None and str((event.get("data") or {}).get("action")).casefold() != action.casefold():
            return False
        return pattern is None or pattern.search(f"{event.get('type')} {escape_to_json(event.get('data'))}") is not None

    def older(records: list[Record]) -> list[Record]:
        return [event for event in records if passes(event)]

    def page(**place: Any) -> _Page:
        answer = run.call("event.list", **wanted, **{"after": after} | place)
        return answer["events"], "more" in answer

    # As above: subscribed first, so that nothing falls between what is listed and what is to come.
    if follow:
        run.call("event.subscribe", **filters, after=after)
    readable = run.output.terminal and not raw and view.form != "wide"
    printer = Printer(run, EVENTS, view, lambda event: (_event_line(event, run.output.terminal, readable=readable), ""))
    listed = _Listed("number", "before", "after", page, passes, older, plain=pattern is None and action is None)
    found = listed.chosen(EVENTS, view) if not follow or after is None else ([], False)
    last = max(after or 0, printer.all(*found, follow=follow))
    while follow and (notification := run.client.next_notification()) is not None:
        event = notification.get("params") or {}
        check_messages_lagged(notification, f"csmsctl events -f --after {event.get('last', last)}")
        if notification.get("method") == "event" and event.get("number", 0) > last:
            last = event["number"]
            if passes(event):
                printer.one(event)


class _Listed:
    """What csmsd lists, a page at a time from either end: the field that numbers it, and how it is asked to go on."""

    def __init__(
        self,
        number: str,
        before: str,
        after: str,
        page: Callable[..., _Page],
        passes: Callable[[Record], bool],
        older: Callable[[list[Record]], list[Record]],
        *,
        plain: bool,
    ) -> None:
        self._number, self._before, self._after = number, before, after
        self._page, self._passes, self._older = page, passes, older
        self._plain = plain  # everything passes

    def chosen(self, listing: Listing, view: View) -> tuple[Iterable[Record], bool]:
        """Those that are wanted, oldest first; and whether a limit cut older ones off."""
        limit = listing.limit if view.limit is None else view.limit
        if not limit or view.sort:
            return filter(self._passes, self._forwards()), False
        if view.filters:
            passing = Chosen(listing, View(filters=view.filters), filter(self._passes, self._forwards()), 0)
            found = list(deque(passing, maxlen=limit + 1))
        else:
            found = self._newest(limit + 1)
        return found[-limit:], len(found) > limit

    def _newest(self, count: int) -> list[Record]:
        size = count if self._plain else _AT_ONCE
        found: list[Record] = []
        before: Record = {}
        while True:
            records, more = self._page(**before, limit=size)
            found = sorted([*self._older(records), *found], key=lambda record: int(record[self._number]))
            if len(found) >= count or (len(records) < size and not more):
                return found[-count:]
            before = {self._before: records[0][self._number]}

    def _forwards(self) -> Iterator[Record]:
        after: Record = {}
        while True:
            records, more = self._page(**after, limit=_AT_ONCE, oldest=True)
            yield from records
            if len(records) < _AT_ONCE and not more:
                return
            after = {self._after: records[-1][self._number]}


class Printer:
    """Prints records as they come, in the form that is wanted."""

    def __init__(
        self, run: Invocation, listing: Listing, view: View, line: Callable[[Record], tuple[str, str]]
    ) -> None:
        self._run = run
        self._listing = listing
        # csmsd has chosen by time.
        self._view = view._replace(since=None, until=None)
        self._line = line
        self._last = 0

    def all(self, records: Iterable[Record], cut: bool, *, follow: bool) -> int:
        """Prints what is listed, and gives the number of the last record."""
        output = self._run.output
        if follow and (self._view.form == "json" or (self._view.form is None and output.json)):
            self._view = self._view._replace(form="jsonl")
        show_listing(self._run, self._listing, self._view, self._told(records), cut=cut, line=self.one)
        output.flush()
        return self._last

    def _told(self, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            self._last = max(self._last, record[self._listing.name])
            yield _flat_message_or_event(record) if self._run.output.csv else record

    def one(self, record: Record) -> None:
        """One that has come."""
        output = self._run.output
        if self._view.form == "jsonl":
            output.line(record)
        elif output.csv:
            output.csv_rows(self._listing.csv_fields, [_flat_message_or_event(record)])
        elif self._view.form == "name":
            output.text(str(record[self._listing.name]), flush=True)
        else:
            text, style = self._line(record)
            output.text(text, style=style, flush=True)


def _flat_message_or_event(record: Record) -> Record:
    return {**record, "data": escape_to_json(record.get("data"))} if "data" in record else record


def _message_line(message: Record, human: bool, reader: Reader | None) -> tuple[str, str]:
    inward = message.get("direction") == "in"
    text = message.get("text") if reader is None else reader.text(message)
    line = message_or_event_line(
        [moment_text(message.get("time"), human), message.get("charge_point"), "<" if inward else ">", text]
    )
    return line, "" if inward else "cyan"


def _torn_text(torn: Record, human: bool) -> str:
    since, until = (moment_text(torn[end], human) for end in ("since", "until"))
    return f"Messages {torn['first']} to {torn['last']} ({since} to {until}) cannot be read: the log is damaged there."


def _event_line(event: Record, human: bool, *, readable: bool) -> str:
    data = event.get("data")
    shown = plain_text(data) if readable else escape_to_json(data)
    time = moment_text(event.get("time"), human)
    return message_or_event_line(
        [event.get("number"), time, event.get("type"), event.get("charge_point") or "-", shown if data else ""]
    )


def message_or_event_line(parts: list[Any]) -> str:
    return "  ".join(str(part) for part in parts if part not in (None, ""))


def check_messages_lagged(notification: Record, again: str) -> None:
    if notification.get("method") == "lagged":
        raise Failure(OTHER, "csmsd cut this off: it was not read fast enough.", f"Go on with: {again}")
