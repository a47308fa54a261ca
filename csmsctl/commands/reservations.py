"""`reservation`: what was reserved, for whom, until when, and what became of it."""

from typing import Annotated, Literal

import typer

from csmsctl.arguments.parameters import ChargePointOption, TagOption, limit_option, live
from csmsctl.display.table import Column, Record
from csmsctl.display.values import moment, plain
from csmsctl.invocation import invocation

State = Annotated[
    Literal["requested", "reserved", "used", "expired", "cancelled", "failed"] | None,
    typer.Option("--state", help="In this state only", case_sensitive=False),
]
ReservationId = Annotated[
    int, typer.Argument(metavar="RESERVATION", help="Its id", autocompletion=live("reservations"))
]


def _style(record: Record) -> str:
    return {"reserved": "green", "requested": "yellow", "failed": "red"}.get(str(record.get("state")), "")


COLUMNS = (
    Column("id", "ID", right=True),
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("id_tag", "TAG"),
    Column("parent_id_tag", "PARENT", wide=True),
    Column("state", "STATE", style=_style),
    Column("expires_at", "EXPIRES", moment),
    Column("transaction", "TRANSACTION", right=True),
    Column("reason", "REASON", folds=True),
    Column("created_at", "CREATED", moment, wide=True),
    Column("ended_at", "ENDED", moment, wide=True),
)


def list_(
    ctx: typer.Context,
    charge_point: ChargePointOption = None,
    tag: TagOption = None,
    state: State = None,
    limit: Annotated[int, limit_option(100)] = 100,
) -> None:
    """List reservations, newest first."""
    run = invocation(ctx)
    found = run.call("reservation.list", charge_point=charge_point, tag=tag, state=state, limit=limit)
    run.output.listing(found, "reservations", COLUMNS, empty="There is no such reservation.")


def show(ctx: typer.Context, reservation: ReservationId, charge_point: ChargePointOption = None) -> None:
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
            (key.replace("_", " "), moment(value, run.output.terminal) if key in times else plain(value))
            for key, value in found.items()
        ]
    )
