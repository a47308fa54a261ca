"""`tx export` and `export transactions`: transactions for the books."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Annotated

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.arguments.shared_parameters import Output, TagOption, file_parameter_values
from csmsctl.billing.cursor import Cursor, cursor
from csmsctl.commands.transactions import COLUMNS, State, transactions_of_period
from csmsctl.display.escape import escape_to_json
from csmsctl.display.files import write_lines_to_file, write_list_to_file
from csmsctl.display.output import SCHEMA_VERSION
from csmsctl.display.table import Record
from csmsctl.failure import OTHER, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.records.listing import Chosen, Listing, listing_pages

# The columns are part of the contract: new ones come last.
FIELDS = (
    "id",
    "charge_point",
    "connector",
    "id_tag",
    "state",
    "start_time",
    "stop_time",
    "duration_s",
    "meter_start_wh",
    "meter_stop_wh",
    "energy_wh",
    "stop_reason",
    "stop_id_tag",
    "id_tag_status",
    "reservation",
    "energy_suspect",
    "flags",
    "note",
    "doubts",
    "at_least_wh",
    "at_most_wh",
    "basis",
    "settled_by",
    "settled_reason",
    "reckoned_wh",
)
BOOKED_FIELDS = ("booking", "revision", *FIELDS)
_AT_ONCE = 1000
_TO_A_FILE = "Repeat it, for example with --output FILE; it goes on where the last complete one stopped."


EXPORT = Listing("transactions", COLUMNS, fields=FIELDS)


@lists(time="its stop, as a report has it", by="stop", forms=False)
def transaction_export_command(
    ctx: typer.Context,
    tag: TagOption = None,
    state: State = None,
    output: Output = None,
    *,
    view: View,
) -> None:
    """Write transactions as CSV, newest first.

    Times are UTC, energy is in Wh; for a spreadsheet see --locale. Text that a spreadsheet would take for a formula
    gets a leading quote. Like a report, a period has what was stopped in it, unless --by start. What it adds up to, by
    card and with prices: csmsctl report.
    """
    run = invocation(ctx)
    filters = {name: value for name, value in (("tag", tag), ("state", state)) if value is not None}
    found = Chosen(EXPORT, view, transactions_of_period(run, EXPORT, view, filters, by="stop"), view.limit or 0)
    fields = [found.field(word) for word in view.columns.split(",")] if view.columns else FIELDS
    if run.options.json:
        rows = ({field: row.get(field) for field in fields} for row in found) if view.columns else iter(found)
        write_list_to_file(run.output, output, "transactions", rows)
        return
    write_lines_to_file(run.output, output, run.output.csv_lines(fields, found))


def transactions_to_export(run: Invocation, filters: dict[str, str]) -> Iterator[Record]:
    """All of them, a page at a time: however many there are, none of them waits for the last."""
    return listing_pages(run, "transaction.list", filters, EXPORT, View())


def export_transactions_command(
    ctx: typer.Context,
    after_cursor: Annotated[
        str | None,
        typer.Option(
            "--after-cursor",
            metavar="FILE",
            help="Go on where this file says; it is made, and moved on when all is written",
            autocompletion=file_parameter_values,
        ),
    ] = None,
    output: Output = None,
) -> None:
    """Write transactions that have ended, in the order in which they were booked, for billing.

    CSV, or JSON Lines with --json. With --after-cursor each run writes what was booked since the last one: also what a
    charge point that was offline delivered late. A run that fails leaves the cursor, so that the next one writes the
    same rows again, under the same booking.

    A transaction that ended anew (it had been given up, or its own stop came after one that was guessed), or whose
    figure an operator settled, comes again under its next revision, which replaces the earlier rows.
    """
    export_new_transactions(invocation(ctx), after_cursor, output)


def export_new_transactions(run: Invocation, after_cursor: str | None, output: str | None) -> None:
    """The rows first, the cursor when they are out of our hands."""
    to_stdout = output is None or output == "-"
    if after_cursor is not None and to_stdout and run.output.closed:
        raise Failure(
            OTHER, f"Standard output is closed: nothing was exported, and {after_cursor} says so.", _TO_A_FILE
        )
    with nullcontext() if after_cursor is None else cursor(after_cursor) as place:
        found = _Booked(run, place)
        if run.options.json:
            lines: Iterable[str] = (
                escape_to_json({"schema_version": SCHEMA_VERSION, **row}, ascii_only=True) for row in found
            )
        else:
            lines = run.output.csv_lines(BOOKED_FIELDS, found)
        try:
            write_lines_to_file(run.output, output, lines)
            if place is not None and to_stdout:
                run.output.sync()
        except BrokenPipeError:
            if place is None:
                raise
            raise Failure(
                OTHER, f"Nobody reads the output any more: {after_cursor} was not moved on.", _TO_A_FILE
            ) from None
        if place is not None and found.last is not None:
            place.move_to(found.last)
            _tell_transaction_export(run, place)


class _Booked:
    """The bookings after a cursor, a page at a time; `last` is the newest that was handed out."""

    def __init__(self, run: Invocation, place: Cursor | None) -> None:
        self._run = run
        self._place = place
        self.last: Record | None = None

    def __iter__(self) -> Iterator[Record]:
        known = self._place.at if self._place is not None else None
        after: Record = known or {"booking": 0}
        next_page = self._page_after(after)
        while True:
            page = next_page()["transactions"]
            if more := len(page) == _AT_ONCE:
                next_page = self._page_after({"booking": page[-1]["booking"]})
            for row in page:
                self.last = row
                yield row
            if not more:
                return

    def _page_after(self, place: Record) -> Callable[[], Record]:
        return self._run.begin(
            "export.transactions",
            after=place["booking"],
            transaction=place.get("transaction"),
            start_time=place.get("start_time"),
            limit=_AT_ONCE,
        )


def _tell_transaction_export(run: Invocation, place: Cursor) -> None:
    try:
        run.call("export.delivered", booking=place.booking)
    except Failure as failure:
        run.output.warn(f"The export is complete, but csmsd could not take it down: {failure.message}")
