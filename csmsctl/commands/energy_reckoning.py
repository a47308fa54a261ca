"""`tx reckon`, `tx settle`: whose figure is right, and the operator's decision."""

from typing import Annotated, Any

import typer

from csmsctl.arguments.shared_parameters import TransactionId, live_parameter_values
from csmsctl.display.confirm import confirm
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text, thousands_text
from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import Invocation, invocation

_EVIDENCE = (
    Column("time", "TIME", moment_text),
    Column("kind", "WHAT"),
    Column("value", "VALUE", right=True),
    Column("unit", "UNIT"),
    Column("measurand", "MEASURAND"),
    Column("phase", "PHASE"),
    Column("context", "CONTEXT"),
    Column("location", "LOCATION", wide=True),
    Column("connector", "CONN", right=True, wide=True),
)
_REJUDGED = (
    Column("id", "ID", right=True),
    Column("charge_point", "CHARGE POINT"),
    Column("state", "STATE", wide=True),
    Column("start_time", "START", moment_text),
    Column("energy_wh", "BOOKED kWh", thousands_text, right=True),
    Column("reckoned_wh", "RECKONED kWh", thousands_text, right=True),
    Column("doubts", "DOUBTS", folds=True),
    Column("reckoned_doubts", "RECKONED DOUBTS", folds=True),
)


def transaction_reckon_command(
    ctx: typer.Context,
    transaction: Annotated[
        int | None,
        typer.Argument(
            metavar="[TRANSACTION]",
            help="Its id",
            min=1,
            show_default=False,
            autocompletion=live_parameter_values("transactions"),
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that have ended, instead of one")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --all: list what would differ, change nothing")] = (
        False
    ),
) -> None:
    """Reckon the energy of a transaction anew from all that was kept of it: evidence, basis, doubts.

    With --all --dry-run: the transactions whose figure or doubts this version of csmsd would judge otherwise than they
    are booked. Nothing is changed; what is to be changed is settled: csmsctl tx settle.
    """
    run = invocation(ctx)
    if every != dry_run or every == (transaction is not None):
        raise Failure(
            USAGE,
            "Which transaction is meant?",
            "Name one, or see what would differ: tx reckon --all --dry-run",
        )
    if transaction is None:
        _show_reckoned_otherwise(run)
        return
    found = run.call("transaction.reckon", id=transaction)
    if run.output.documented(found):
        return
    run.output.table(_EVIDENCE, found["evidence"], empty="There is no evidence.")
    if run.output.csv:
        return
    for line in _reckoned_verdict_lines(found):
        run.output.text(line)


def _reckoned_verdict_lines(found: Record) -> list[str]:
    verdict, transaction = found["verdict"], found["transaction"]
    bounds = f"at least {thousands_text(verdict['at_least_wh'])}, at most {thousands_text(verdict['at_most_wh'])} kWh"
    if transaction["state"] == "active" and verdict["basis"] == "nothing":
        bounds = "nobody knows how much at most"
    lines = [
        f"Reckoned: {thousands_text(verdict['energy_wh'])} kWh ({bounds})",
        f"Basis: {verdict['basis_text']}",
        *(f"Doubt: {doubt['doubt']}: {doubt['text']}" for doubt in verdict["doubts"]),
    ]
    if not verdict["doubts"]:
        lines.append("No doubt.")
    if transaction["state"] != "active":
        lines.append(f"Booked: {thousands_text(transaction['energy_wh'])} kWh")
    if transaction["settled_at"] is not None:
        lines.append(f"Settled by {plain_text(transaction['settled_by'])}: {plain_text(transaction['settled_reason'])}")
    return lines


def _show_reckoned_otherwise(run: Invocation) -> None:
    found: list[Record] = []
    before: int | None = None
    looked_at = 0
    while True:
        page = run.call("transaction.rejudged", before_id=before)
        found += page["transactions"]
        looked_at += page["looked_at"]
        before = page["next"]
        if before is None:
            break
    if run.output.documented({"transactions": found, "looked_at": looked_at}):
        return
    run.output.table(_REJUDGED, found, empty=f"All of {looked_at} transactions are booked as they would be today.")


def transaction_settle_command(
    ctx: typer.Context,
    transaction: TransactionId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the transaction")],
    energy: Annotated[
        str | None, typer.Option("--energy", metavar="ENERGY", help="What it comes to, like 4.2kWh or 4200Wh")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="What the evidence says counts again")] = False,
) -> None:
    """Decide what a transaction that is over comes to; reports and exports have that figure from then on.

    It is booked anew under its next revision, with who decided and why; what the evidence says is kept beside it.
    """
    from csmsctl.arguments.energy import parse_energy

    run = invocation(ctx)
    given: dict[str, Any] = {"undo": True} if undo else {}
    if energy is not None:
        try:
            given["energy_wh"] = parse_energy(energy)
        except ValueError as error:
            raise Failure(USAGE, f"{error}.") from None
    if len(given) != 1:
        raise Failure(USAGE, "What does it come to?", "Give --energy 4.2kWh, or --undo.")
    if undo:
        question = f"Transaction {transaction} will be billed as its evidence says. Undo what was settled?"
    else:
        question = f"Transaction {transaction} will be billed with {thousands_text(given['energy_wh'])} kWh. Settle it?"
    if not run.options.yes:
        run.call("transaction.show", id=transaction)  # nobody is asked about one that is not there
    confirm(run.options, question)
    result = run.call("transaction.settle", id=transaction, reason=reason, **given)
    if run.output.documented(result):
        return
    settled = result["transaction"]
    comes_to = f"comes to {thousands_text(settled['energy_wh'])} kWh"
    if not result["changed"]:
        by = f"settled by {plain_text(settled['settled_by'])}: {plain_text(settled['settled_reason'])}"
        run.output.note(f"Unchanged: transaction {transaction} {comes_to} already, {by}.")
        return
    run.output.note(f"Transaction {transaction} {comes_to}.")
