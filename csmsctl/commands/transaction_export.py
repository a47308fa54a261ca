"""`tx export`: transactions for the books."""

from collections.abc import Iterator

import typer

from csmsctl.commands.transactions import State
from csmsctl.files import write_lines
from csmsctl.invocation import Invocation, invocation
from csmsctl.parameters import ChargePointOption, Output, Since, TagOption, Until
from csmsctl.table import Record, csv_lines

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
)
_AT_ONCE = 1000


def export(
    ctx: typer.Context,
    since: Since = None,
    until: Until = None,
    charge_point: ChargePointOption = None,
    tag: TagOption = None,
    state: State = None,
    output: Output = None,
) -> None:
    """Write transactions as CSV, newest first.

    Times are UTC, energy is in Wh. Text that a spreadsheet would take for a formula gets a leading quote.
    """
    run = invocation(ctx)
    filters = {"since": since, "until": until, "charge_point": charge_point, "tag": tag, "state": state}
    found = _transactions(run, {name: value for name, value in filters.items() if value is not None})
    if run.options.json:
        run.output.document({"transactions": list(found)})
        return
    write_lines(run.output, output, csv_lines(FIELDS, found, headers=run.output.headers))


def _transactions(run: Invocation, filters: dict[str, str]) -> Iterator[Record]:
    """All of them, a page at a time: however many there are, none of them waits for the last."""
    before: int | None = None
    while True:
        page = run.call("transaction.list", **filters, limit=_AT_ONCE, before_id=before)["transactions"]
        yield from page
        if len(page) < _AT_ONCE:
            return
        before = page[-1]["id"]
