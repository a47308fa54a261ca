"""`tx explain`: the story of a transaction."""

import shutil
import sys
from textwrap import wrap

import typer

from csmsctl.arguments.parameters import TransactionId
from csmsctl.display.escape import visible
from csmsctl.display.table import Column, Record
from csmsctl.display.values import moment, plain
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


def _style(entry: Record) -> str:
    return _STYLES.get(str(entry.get("kind")), "")


_STORY = (
    Column("time", "TIME", moment),
    Column("kind", "WHAT", style=_style),
    Column("text", "HAPPENED", folds=True),
    Column("source", "FROM", wide=True),
)


def explain(ctx: typer.Context, transaction: TransactionId) -> None:
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
    run.output.text(f"Transaction {transaction}: {place}, {plain(about.get('state'))}", style="bold")
    width = min(100, shutil.get_terminal_size().columns) if run.output.terminal else sys.maxsize
    for sentence in [*(found.get("conclusion") or []), *(found.get("missing") or [])]:
        for line in wrap(visible(sentence), width, initial_indent="  ", subsequent_indent="    "):
            run.output.text(line)
    run.output.text("")
    run.output.table(_STORY, story)
