"""`tx`: transactions."""

import shutil
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.listing import By, View, lists
from csmsctl.arguments.parameters import TagOption, TransactionId
from csmsctl.display.confirm import confirm
from csmsctl.display.table import Column, Record
from csmsctl.display.values import duration, moment, plain, thousands
from csmsctl.invocation import Invocation, invocation
from csmsctl.records.listing import Listing, is_document, pages, show

State = Annotated[
    Literal["active", "stopped", "abandoned", "closed"] | None,
    typer.Option("--state", help="In this state only", case_sensitive=False),
]


def _style(record: Record) -> str:
    return {"active": "green", "abandoned": "yellow"}.get(str(record.get("state")), "")


COLUMNS = (
    Column("id", "ID", right=True),
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("id_tag", "TAG"),
    Column("state", "STATE", style=_style),
    Column("start_time", "START", moment),
    Column("stop_time", "STOP", moment, wide=True),
    Column("energy_wh", "kWh", thousands, right=True),
    Column("stop_reason", "REASON", wide=True),
    Column("duration_s", "DURATION", duration, right=True, wide=True),
    Column("doubts", "DOUBTS", folds=True),
)
METER_COLUMNS = (
    Column("time", "TIME", moment),
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
    Column("received_at", "RECEIVED", moment),
    Column("action", "ACTION"),
    Column("reason", "REASON", folds=True),
    Column("payload", "PAYLOAD", folds=True),
    Column("settlement", "SETTLED", folds=True, wide=True),
)


LISTING = Listing("transactions", COLUMNS, limit=100, empty="There is no such transaction.")
METER = Listing("meter_values", METER_COLUMNS, name="time", time="time", empty="There are no meter values.")
ORPHANS = Listing("orphans", ORPHAN_COLUMNS, limit=100, empty="Everything was booked.")


@lists(time="its start", by="start", limit=100)
def list_(
    ctx: typer.Context,
    tag: TagOption = None,
    state: State = None,
    *,
    view: View,
) -> None:
    """List transactions, newest first."""
    run = invocation(ctx)
    show(run, LISTING, view, of_period(run, LISTING, view, {"tag": tag, "state": state}))


def of_period(run: Invocation, listing: Listing, view: View, filters: Record, *, by: By = "start") -> Iterator[Record]:
    """The transactions that started, or stopped, in the time that is wanted."""
    period = ("stopped_since", "stopped_until") if (view.by or by) == "stop" else ("since", "until")
    times = dict(zip(period, (view.since, view.until), strict=True))
    return pages(run, "transaction.list", {"targets": view.targets, **times, **filters}, listing, view)


def show_(ctx: typer.Context, transaction: TransactionId) -> None:
    """Show a transaction: energy, times, stop reason, and what was odd about it."""
    run = invocation(ctx)
    found = run.record("transaction.show", "transactions", id=transaction)
    if run.options.json:
        return
    if run.output.csv:
        run.output.table([Column(key, key) for key in found], [found])
    else:
        run.output.fields(_fields(found, run.output.terminal))


def close(
    ctx: typer.Context,
    transaction: TransactionId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the transaction")],
) -> None:
    """Close the books on a transaction that the charge point never stopped."""
    run = invocation(ctx)
    confirm(run.options, f"Transaction {transaction} will be billed as it stands. Close it?")
    result = run.call("transaction.close", id=transaction, reason=reason)
    run.output.outcome(
        result, f"Transaction {transaction} is closed." if result.get("changed") else "It was closed already."
    )


@lists(targets=False, time="measured")
def meter(
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
    newest = None if view.filters or view.sort else view.limit
    found = run.call("transaction.meter", id=transaction, limit=newest or None)
    if newest is not None:
        view = view._replace(limit=None)
    plotted = run.output.terminal and not run.output.csv and not run.output.json and not table
    if plotted and view.form is None and view.plain and _plot(run, transaction, found["meter_values"]):
        return
    if is_document(run, view):
        run.output.document(found)
        return
    rows = [
        {"time": value.get("time"), **sample}
        for value in found["meter_values"]
        for sample in value.get("samples") or []
    ]
    show(run, METER, view, rows)


def _plot(run: Invocation, number: int, meter_values: list[Record]) -> bool:
    """Whether there was enough to plot."""
    from textwrap import wrap

    from csmsctl.display.escape import visible
    from csmsctl.records.meter_plot import meter_plot

    transaction = run.call("transaction.show", id=number)
    width = min(160, shutil.get_terminal_size().columns)
    lines = meter_plot(transaction, meter_values, width)
    if not lines:
        return False
    parts = [
        f"Transaction {number}: {transaction.get('charge_point')} connector {transaction.get('connector')}",
        plain(transaction.get("id_tag")),
        duration(transaction.get("duration_s")),
        f"{thousands(transaction.get('energy_wh'))} kWh" + (" (suspect)" if transaction.get("energy_suspect") else ""),
        f"{len(meter_values)} values (see --table)",
    ]
    for line in wrap(visible(", ".join(part for part in parts if part)), width):
        run.output.text(line, style="bold")
    for line in lines:
        run.output.text(line, style="cyan" if {*"┤│┼"} & {*line} else "")
    return True


@lists(time="received", limit=100)
def orphans(
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
    show(run, ORPHANS, view, pages(run, "transaction.orphans", wanted, ORPHANS, view))


def dismiss(
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


def _fields(record: Record, human: bool) -> list[tuple[str, str]]:
    shown: list[tuple[str, str]] = []
    for key, value in record.items():
        shown.append(
            (key.removesuffix("_wh").removesuffix("_s").removesuffix("_w").replace("_", " "), _value(key, value, human))
        )
    return shown


def _value(key: str, value: Any, human: bool) -> str:
    if value is None:
        return ""
    if key in ("start_time", "stop_time"):
        return moment(value, human)
    if key.endswith("_wh"):
        return f"{thousands(value)} kWh"
    if key == "power_w":
        return f"{thousands(value)} kW"
    if key == "duration_s":
        return duration(value)
    if key == "soc_percent":
        return f"{plain(value)} %"
    return plain(value)
