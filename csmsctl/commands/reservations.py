"""`reservation`: what was reserved, for whom, until when, and what became of it."""

from typing import Annotated, Literal

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.arguments.shared_parameters import ChargePointOption, TagOption, live_parameter_values
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text
from csmsctl.invocation import invocation
from csmsctl.records.listing import Listing, listing_pages
from csmsctl.records.listing import show_listing as show_list

State = Annotated[
    Literal["requested", "reserved", "used", "expired", "cancelled", "failed"] | None,
    typer.Option("--state", help="In this state only", case_sensitive=False),
]
ReservationId = Annotated[
    int, typer.Argument(metavar="RESERVATION", help="Its id", autocompletion=live_parameter_values("reservations"))
]


def _reservation_style(record: Record) -> str:
    return {"reserved": "green", "requested": "yellow", "failed": "red"}.get(str(record.get("state")), "")


COLUMNS = (
    Column("id", "ID", right=True),
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("id_tag", "TAG"),
    Column("parent_id_tag", "PARENT", wide=True),
    Column("state", "STATE", style=_reservation_style),
    Column("expires_at", "EXPIRES", moment_text),
    Column("transaction", "TRANSACTION", right=True),
    Column("reason", "REASON", folds=True),
    Column("created_at", "CREATED", moment_text, wide=True),
    Column("ended_at", "ENDED", moment_text, wide=True),
)


LISTING = Listing("reservations", COLUMNS, limit=100, empty="There is no such reservation.")


@lists(time="created", limit=100)
def reservation_list_command(
    ctx: typer.Context,
    tag: TagOption = None,
    state: State = None,
    *,
    view: View,
) -> None:
    """List reservations, newest first."""
    run = invocation(ctx)
    wanted = {"targets": view.targets, "tag": tag, "state": state, "since": view.since, "until": view.until}
    found = listing_pages(run, "reservation.list", wanted, LISTING, view, cursor="offset")
    show_list(run, LISTING, view, found)


def reservation_show_command(
    ctx: typer.Context, reservation: ReservationId, charge_point: ChargePointOption = None
) -> None:
    """Show a reservation: for whom, until when, and what became of it."""
    run = invocation(ctx)
    found = run.record("reservation.show", "reservations", id=reservation, charge_point=charge_point)
    if run.options.json:
        return
    if run.output.csv:
        run.output.table(COLUMNS, [found])
        return
    times = {"created_at", "expires_at", "ended_at"}
    run.output.fields(
        [
            (key.replace("_", " "), moment_text(value, run.output.terminal) if key in times else plain_text(value))
            for key, value in found.items()
        ]
    )
