"""`tx explain`: the story of a transaction; `explain`: how things stand with a charge point, and why."""

import shutil
import sys
from textwrap import wrap
from typing import Annotated

import typer

from csmsctl.arguments.shared_parameters import Identity, TransactionId
from csmsctl.display.escape import escape_text
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text
from csmsctl.invocation import invocation

_STYLES = {
    "start": "bold green",
    "stop": "bold green",
    "closed": "bold green",
    "suspended": "yellow",
    "abandoned": "red",
    "offline": "red",
    "gap": "red",
    "daemon": "red",
    "limit": "cyan",
    "excess": "red",
    "command": "cyan",
}


def _explanation_style(entry: Record) -> str:
    return _STYLES.get(str(entry.get("kind")), "")


_STORY = (
    Column("time", "TIME", moment_text),
    Column("kind", "WHAT", style=_explanation_style),
    Column("text", "HAPPENED", folds=True),
    Column("source", "FROM", wide=True),
)


def explain_transaction_command(ctx: typer.Context, transaction: TransactionId) -> None:
    """Tell what happened in a transaction and why, from all records.

    Who started and stopped it, which limits held, why it was suspended, what was not seen, what is odd about it.
    """
    run = invocation(ctx)
    found = run.call("transaction.explain", id=transaction)
    if run.output.documented(found):
        return
    story = found.get("story") or []
    if run.output.csv:
        run.output.table([Column(key, key) for key in ("time", "kind", "text", "source")], story)
        return
    about = found.get("transaction") or {}
    place = f"{about.get('charge_point')} connector {about.get('connector')}, idTag {about.get('id_tag')}"
    run.output.text(f"Transaction {transaction}: {place}, {plain_text(about.get('state'))}", style="bold")
    width = min(100, shutil.get_terminal_size().columns) if run.output.terminal else sys.maxsize
    for sentence in [*(found.get("conclusion") or []), *(found.get("missing") or [])]:
        for line in wrap(escape_text(sentence), width, initial_indent="  ", subsequent_indent="    "):
            run.output.text(line)
    run.output.text("")
    run.output.table(_STORY, story)


_FACT_STYLES = {"refused": "red", "command": "yellow", "limit": "cyan", "start": "bold"}
_FACTS = (
    Column("kind", "WHAT", style=lambda fact: _FACT_STYLES.get(str(fact.get("kind")), "")),
    Column("connector", "CONN", right=True),
    Column("time", "SINCE", moment_text),
    Column("text", "IS SO", folds=True),
)
_NEXT = (Column("command", "DO NEXT", folds=True), Column("why", "BECAUSE", folds=True))


def explain_charge_point_command(
    ctx: typer.Context,
    charge_point: Identity,
    connector: Annotated[
        int | None, typer.Option("--connector", metavar="N", min=1, help="This connector only", show_default=False)
    ] = None,
) -> None:
    """Tell how things stand with a charge point, and why.

    Whether it is there and since when, what it said last, what was refused, which limits hold and whose they are, what
    a remote start would meet, and what to do next. For a transaction: csmsctl tx explain
    """
    run = invocation(ctx)
    found = run.call("charge_point.explain", id=charge_point, connector=connector)
    if run.output.documented(found):
        return
    known = found.get("facts") or []
    if run.output.csv:
        run.output.table([Column(key, key) for key in ("kind", "connector", "time", "text")], known)
        return
    run.output.table(_FACTS, known)
    run.output.text("")
    run.output.table(_NEXT, found.get("next") or [], empty="Nothing wants attention.")
