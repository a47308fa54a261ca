"""`tx`: transactions."""

import shutil
from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.parameters import ChargePointOption, Since, TagOption, TransactionId, Until, limit_option
from csmsctl.display.confirm import confirm
from csmsctl.display.table import Column, Record
from csmsctl.display.values import duration, moment, plain, thousands
from csmsctl.invocation import Invocation, invocation

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
_METER = (
    Column("time", "TIME", moment),
    Column("measurand", "MEASURAND"),
    Column("phase", "PHASE"),
    Column("value", "VALUE", folds=True, right=True),
    Column("unit", "UNIT"),
    Column("context", "CONTEXT", wide=True),
    Column("location", "LOCATION", wide=True),
)
_ORPHANS = (
    Column("id", "ID", right=True),
    Column("charge_point", "CHARGE POINT"),
    Column("received_at", "RECEIVED", moment),
    Column("action", "ACTION"),
    Column("reason", "REASON", folds=True),
    Column("payload", "PAYLOAD", folds=True),
)


def list_(
    ctx: typer.Context,
    charge_point: ChargePointOption = None,
    tag: TagOption = None,
    state: State = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, limit_option(100)] = 100,
) -> None:
    """List transactions, newest first."""
    run = invocation(ctx)
    found = run.call(
        "transaction.list", charge_point=charge_point, tag=tag, state=state, since=since, until=until, limit=limit
    )
    if run.output.documented(found):
        return
    rows = found["transactions"]
    run.output.table(COLUMNS, rows, empty="There is no such transaction.")
    if limit and len(rows) == limit and run.output.terminal:
        run.output.note(f"These are the newest {limit}; more with --limit N.")


def show(ctx: typer.Context, transaction: TransactionId) -> None:
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


def meter(
    ctx: typer.Context,
    transaction: TransactionId,
    limit: Annotated[int, limit_option(0)] = 0,
    table: Annotated[bool, typer.Option("--table", help="The values themselves, on a terminal, too")] = False,
) -> None:
    """Show the meter values of a transaction, oldest first; on a terminal a plot of its power and energy."""
    run = invocation(ctx)
    found = run.call("transaction.meter", id=transaction, limit=limit or None)
    if run.output.documented(found):
        return
    if run.output.terminal and not run.output.csv and not table and _plot(run, transaction, found["meter_values"]):
        return
    rows = [
        {"time": value.get("time"), **sample}
        for value in found["meter_values"]
        for sample in value.get("samples") or []
    ]
    signed = any(row.get("format") == "SignedData" for row in rows)
    columns = (*_METER, Column("format", "FORMAT")) if signed else _METER
    run.output.table(columns, rows, empty="There are no meter values.")


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


def orphans(
    ctx: typer.Context,
    charge_point: ChargePointOption = None,
    since: Since = None,
    until: Until = None,
    settled: Annotated[bool, typer.Option("--all", help="Those that are settled, too")] = False,
    limit: Annotated[int, limit_option(100)] = 100,
) -> None:
    """List messages that were confirmed, or refused, and could not be booked on a transaction.

    A StopTransaction waits here for its start. What nothing more is to be done about: csmsctl tx dismiss.
    """
    run = invocation(ctx)
    found = run.call(
        "transaction.orphans", charge_point=charge_point, since=since, until=until, settled=settled or None, limit=limit
    )
    columns = (*_ORPHANS, Column("settlement", "SETTLED", folds=True)) if settled else _ORPHANS
    run.output.listing(found, "orphans", columns, empty="Everything was booked.")


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
