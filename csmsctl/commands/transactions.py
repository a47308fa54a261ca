"""`tx`: transactions."""

import shutil
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.listing_options import By, View, lists
from csmsctl.arguments.shared_parameters import TagOption, TransactionId
from csmsctl.display.confirm import confirm
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import duration_text, moment_text, plain_text, thousands_text
from csmsctl.invocation import Invocation, invocation
from csmsctl.records.listing import Listing, is_listing_document, listing_pages, show_listing

State = Annotated[
    Literal["active", "stopped", "abandoned", "closed"] | None,
    typer.Option("--state", help="In this state only", case_sensitive=False),
]


def _transaction_style(record: Record) -> str:
    return {"active": "green", "abandoned": "yellow"}.get(str(record.get("state")), "")


def is_untold(record: Record) -> bool:
    """Whether it runs and nothing tells its energy: to write 0 would say that nothing flows."""
    return record.get("state") == "active" and record.get("basis") == "nothing"


COLUMNS = (
    Column("id", "ID", right=True),
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("id_tag", "TAG"),
    Column("state", "STATE", style=_transaction_style),
    Column("start_time", "START", moment_text),
    Column("stop_time", "STOP", moment_text, wide=True),
    Column("energy_wh", "kWh", thousands_text, right=True, unknown=is_untold),
    Column("stop_reason", "REASON", wide=True),
    Column("duration_s", "DURATION", duration_text, right=True, wide=True),
    Column("doubts", "DOUBTS", folds=True),
)
METER_COLUMNS = (
    Column("time", "TIME", moment_text),
    Column("measurand", "MEASURAND"),
    Column("phase", "PHASE"),
    Column("value", "VALUE", folds=True, right=True),
    Column("unit", "UNIT"),
    Column("context", "CONTEXT", wide=True),
    Column("location", "LOCATION", wide=True),
    Column("format", "FORMAT", wide=True),
)
ORPHAN_COLUMNS = (
    Column("id", "ID", right=True),
    Column("charge_point", "CHARGE POINT"),
    Column("received_at", "RECEIVED", moment_text),
    Column("action", "ACTION"),
    Column("reason", "REASON", folds=True),
    Column("payload", "PAYLOAD", folds=True),
    Column("settlement", "SETTLED", folds=True, wide=True),
)


_AT_ONCE = 1000  # meter values in an answer of csmsd
LISTING = Listing("transactions", COLUMNS, limit=100, empty="There is no such transaction.")
METER = Listing("meter_values", METER_COLUMNS, name="time", time="time", empty="There are no meter values.")
ORPHANS = Listing("orphans", ORPHAN_COLUMNS, limit=100, empty="Everything was booked.")


@lists(time="its start", by="start", limit=100)
def transaction_list_command(
    ctx: typer.Context,
    tag: TagOption = None,
    state: State = None,
    *,
    view: View,
) -> None:
    """List transactions, newest first."""
    run = invocation(ctx)
    show_listing(run, LISTING, view, transactions_of_period(run, LISTING, view, {"tag": tag, "state": state}))


def transactions_of_period(
    run: Invocation, listing: Listing, view: View, filters: Record, *, by: By = "start"
) -> Iterator[Record]:
    """The transactions that started, or stopped, in the time that is wanted."""
    period = ("stopped_since", "stopped_until") if (view.by or by) == "stop" else ("since", "until")
    times = dict(zip(period, (view.since, view.until), strict=True))
    return listing_pages(run, "transaction.list", {"targets": view.targets, **times, **filters}, listing, view)


def transaction_show_command(ctx: typer.Context, transaction: TransactionId) -> None:
    """Show a transaction: energy, times, stop reason, and what was odd about it."""
    run = invocation(ctx)
    found = run.record("transaction.show", "transactions", id=transaction)
    if run.options.json:
        return
    if run.output.csv:
        run.output.table([Column(key, key) for key in found], [found])
    else:
        run.output.fields(_transaction_fields(found, run.output.terminal))


def transaction_close_command(
    ctx: typer.Context,
    transaction: TransactionId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the transaction")],
) -> None:
    """Close the books on a transaction that the charge point never stopped."""
    run = invocation(ctx)
    if not run.options.yes:
        run.call("transaction.show", id=transaction)  # nobody is asked about one that is not there
    confirm(run.options, f"Transaction {transaction} will be billed as it stands. Close it?")
    result = run.call("transaction.close", id=transaction, reason=reason)
    run.output.outcome(
        result, f"Transaction {transaction} is closed." if result.get("changed") else "It was closed already."
    )


@lists(targets=False, time="measured")
def transaction_meter_command(
    ctx: typer.Context,
    transaction: TransactionId,
    table: Annotated[bool, typer.Option("--table", help="The values themselves, on a terminal, too")] = False,
    *,
    view: View,
) -> None:
    """Show the meter values of a transaction, oldest first; on a terminal a plot of its power and energy.

    With --limit the newest.
    """
    run = invocation(ctx)
    plotted = run.output.terminal and not run.output.csv and not run.output.json and not table
    if plotted and view.form is None and view.plain and _plot_transaction_meter(run, transaction):
        return
    values, more = _meter_values(run, transaction, view)
    # csmsd has chosen by time, and here by number.
    shown = view._replace(since=None, until=None, limit=view.limit if view.filters or view.sort else 0)
    if is_listing_document(run, shown):
        run.output.json = True
        run.output.stream(
            "meter_values", values, lambda: {"transaction": transaction} | ({"more": True} if more else {})
        )
        return
    rows = ({"time": value.get("time"), **sample} for value in values for sample in value.get("samples") or [])
    show_listing(run, METER, shown, rows, cut=more)


def _meter_values(run: Invocation, transaction: int, view: View) -> tuple[Iterable[Record], bool]:
    """Those that are wanted, oldest first, a page at a time; and whether a limit left some out."""
    times = {"after_time": view.since, "before_time": view.until}
    if not view.limit or view.filters or view.sort:
        return _forwards(run, transaction, times), False
    found: list[Record] = []
    place: Record = {}
    while True:
        size = min(_AT_ONCE, view.limit + 1 - len(found))
        page = run.call("transaction.meter", id=transaction, **times | place, limit=size)["meter_values"]
        found = [*page, *found]
        if len(page) < size or len(found) > view.limit:
            return found[-view.limit :], len(found) > view.limit
        place = {"before_time": page[0]["time"], "before_id": page[0]["id"]}


def _forwards(run: Invocation, transaction: int, times: Record) -> Iterator[Record]:
    place: Record = {}
    while True:
        page = run.call("transaction.meter", id=transaction, **times | place, limit=_AT_ONCE, oldest=True)
        yield from page["meter_values"]
        if len(page["meter_values"]) < _AT_ONCE:
            return
        last = page["meter_values"][-1]
        place = {"after_time": last["time"], "after_id": last["id"]}


def _plot_transaction_meter(run: Invocation, number: int) -> bool:
    """Whether there was enough to plot."""
    from textwrap import wrap

    from csmsctl.display.escape import escape_text
    from csmsctl.records.meter_plot import meter_plot

    transaction = run.call("transaction.show", id=number)
    width = min(160, shutil.get_terminal_size().columns)
    count = 0

    def counted() -> Iterator[Record]:
        nonlocal count
        for value in _forwards(run, number, {}):
            count += 1
            yield value

    lines = meter_plot(transaction, counted(), width)
    if not lines:
        return False
    energy = f"{thousands_text(transaction.get('energy_wh'))} kWh"
    parts = [
        f"Transaction {number}: {transaction.get('charge_point')} connector {transaction.get('connector')}",
        plain_text(transaction.get("id_tag")),
        duration_text(transaction.get("duration_s")),
        ("nothing tells its energy" if is_untold(transaction) else energy)
        + (" (suspect)" if transaction.get("energy_suspect") else ""),
        f"{count} values (see --table)",
    ]
    for line in wrap(escape_text(", ".join(part for part in parts if part)), width):
        run.output.text(line, style="bold")
    for line in lines:
        run.output.text(line, style="cyan" if {*"┤│┼"} & {*line} else "")
    return True


@lists(time="received", limit=100)
def transaction_orphans_command(
    ctx: typer.Context,
    settled: Annotated[bool, typer.Option("--all", help="Those that are settled, too")] = False,
    *,
    view: View,
) -> None:
    """List messages that were confirmed, or refused, and could not be booked on a transaction.

    A StopTransaction waits here for its start. What nothing more is to be done about: csmsctl tx dismiss.
    """
    run = invocation(ctx)
    wanted = {"targets": view.targets, "since": view.since, "until": view.until, "settled": settled or None}
    show_listing(run, ORPHANS, view, listing_pages(run, "transaction.orphans", wanted, ORPHANS, view))


def transaction_dismiss_command(
    ctx: typer.Context,
    messages: Annotated[
        list[int], typer.Argument(metavar="MESSAGE...", help="Their numbers; see: csmsctl tx orphans", min=1)
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the message")],
) -> None:
    """Take messages that could not be booked off the list: what they say was seen to, or is of no account.

    Nothing is deleted, and nothing is booked: they are kept, with who did it, and why (csmsctl tx orphans --all).
    """
    run = invocation(ctx)
    result = run.call("transaction.dismiss", ids=messages, reason=reason)
    run.output.outcome(result, "Dismissed." if result.get("changed") else "They were settled already.")


def _transaction_fields(record: Record, human: bool) -> list[tuple[str, str]]:
    shown: list[tuple[str, str]] = []
    for key, value in record.items():
        name = key.removesuffix("_wh").removesuffix("_s").removesuffix("_w").replace("_", " ")
        untold = key == "energy_wh" and is_untold(record)
        shown.append((name, "nothing tells it" if untold else _transaction_value(key, value, human)))
    return shown


def _transaction_value(key: str, value: Any, human: bool) -> str:
    if value is None:
        return ""
    if key in ("start_time", "stop_time"):
        return moment_text(value, human)
    if key.endswith("_wh"):
        return f"{thousands_text(value)} kWh"
    if key == "power_w":
        return f"{thousands_text(value)} kW"
    if key == "duration_s":
        return duration_text(value)
    if key == "soc_percent":
        return f"{plain_text(value)} %"
    return plain_text(value)
