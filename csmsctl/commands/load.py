"""`load`: what is on the circuits now, and what each member may draw."""

from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.shared_parameters import live_parameter_values, when_parameter_option
from csmsctl.commands.circuits import CircuitsFile, circuits_of_file
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text
from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import invocation

_WIDTH = 20


def _load_bar(record: Record) -> str:
    """What else draws, what is given, and what is free, of the limit."""
    limit = float(record["limit"]) or 1.0
    other = min(_WIDTH, round(_WIDTH * float(record["other"]) / limit))
    given = min(_WIDTH - other, round(_WIDTH * float(record["given"]) / limit))
    return "▒" * other + "█" * given + "·" * (_WIDTH - other - given)


def _over_style(record: Record) -> str:
    return "red" if float(record["other"]) + float(record["given"]) > float(record["limit"]) else "green"


def _standing_style(record: Record) -> str:
    return {"unmanaged": "red", "waiting": "yellow", "away": "yellow", "charging": "green"}.get(
        str(record["state"]), ""
    )


LINES = (
    Column("circuit", "CIRCUIT"),
    Column("phase", "PHASE"),
    Column("limit", "LIMIT", right=True),
    Column("other", "OTHER", right=True),
    Column("given", "GIVEN", right=True, style=_over_style),
    Column("drawn", "DRAWN", right=True),
    Column("stale", "STALE", wide=True),
)
MEMBERS = (
    Column("circuit", "CIRCUIT"),
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("state", "STATE", style=_standing_style),
    Column("transaction", "TX", right=True),
    Column("limit", "LIMIT A", right=True),
    Column("most", "MOST A", right=True, wide=True),
    Column("drawn", "DRAWN A", right=True),
    Column("fallback", "FALLBACK A", right=True),
    Column("lease_until", "LEASE UNTIL", moment_text, wide=True),
    Column("arrival", "ARRIVAL", wide=True),
)


PROSPECTS = (
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("circuit", "CIRCUIT"),
    Column("circuit_then", "THEN ON"),
    Column("share", "SHARE A", right=True),
    Column("share_then", "THEN A", right=True),
    Column("fallback", "FALLBACK A", right=True),
    Column("fallback_then", "THEN FALLBACK A", right=True),
)


def _paused_text(pause: dict[str, Any], human: bool) -> str:
    until = "" if pause["until"] is None else f" until {moment_text(pause['until'], human)}"
    return f"Load management is paused{until}: charge points go back to their fallbacks. See: csmsctl load resume"


def load_status_command(ctx: typer.Context) -> None:
    """Show the circuits by phase, in A, or in W where power is limited; then their members.

    OTHER draws besides the members. GIVEN is the most that they may draw now, given all that they may or may not have
    received; DRAWN is what they measure. A member is unmanaged when csmsd knows of no limit that it goes by: it counts
    with its rating. An idle one with a limit holds the arrival reserve: a car begins on it at once.
    """
    run = invocation(ctx)
    answer = run.call("load.status")
    if run.output.documented(answer):
        return
    lines: list[dict[str, Any]] = answer["circuits"]
    if answer["paused"] is not None:
        run.output.note(_paused_text(answer["paused"], run.output.terminal))
    if run.output.csv:
        run.output.table(MEMBERS, answer["members"])
        return
    if not lines:
        run.output.note("There are no circuits; for example: csmsctl circuit add main --limit 63A")
        return
    columns: tuple[Column, ...] = LINES
    if run.output.terminal:
        for line in lines:
            line["bar"] = _load_bar(line)
        columns = (*LINES, Column("bar", "", style=_over_style))
    run.output.table(columns, lines)
    run.output.text("")
    run.output.table(MEMBERS, answer["members"])


def load_explain_command(
    ctx: typer.Context,
    charge_point: Annotated[
        str,
        typer.Argument(
            metavar="CHARGE-POINT", help="Its identity", autocompletion=live_parameter_values("charge_points")
        ),
    ],
    connector: Annotated[int, typer.Option("--connector", metavar="N", min=0, help="Its connector (1)")] = 1,
) -> None:
    """Say in sentences why a connector may draw what it may: where it hangs, until when, and what leaves no more."""
    run = invocation(ctx)
    answer = run.call("load.explain", charge_point=charge_point, connector=connector)
    if run.output.documented(answer):
        return
    for sentence in answer["because"]:
        run.output.text(sentence)


def load_plan_command(ctx: typer.Context, file: CircuitsFile) -> None:
    """Show what would change under the circuits of a file: who would hang where, with which share and fallback.

    Nothing is sent, and nothing changes: `circuit import` does that. Shares are of the cars that charge now, as they
    would be when everybody has obeyed. A phase that cannot carry all fallbacks, or what else draws on it, is told.
    """
    described = circuits_of_file(file)
    run = invocation(ctx)
    answer = run.call("load.plan", circuits=described)
    if run.output.documented(answer):
        return
    run.output.table(PROSPECTS, answer["members"])
    for line in answer["over"]:
        unit = "W" if line["phase"] == "W" else "A"
        where = line["circuit"] if unit == "W" else f"{line['phase']} of {line['circuit']}"
        run.output.note(
            f"{where} would not carry all: of {line['limit']:g} {unit}, {line['other']:g} {unit} are for what else "
            f"draws on it, and all fallbacks take {line['fallbacks']:g} {unit}."
        )


def load_pause_command(
    ctx: typer.Context, until: Annotated[str | None, when_parameter_option("--until", "It ends by itself then")] = None
) -> None:
    """Have csmsd send no limits for a while: what was lent ends within 15 minutes, and all go back to their fallbacks.

    All fallbacks together fit below the limits. But nothing follows a limit that is lowered, or another load; a car
    that comes waits until its connector's default ends, for up to 20 minutes.
    """
    run = invocation(ctx)
    answer = run.call("load.pause", until=until)
    if not run.output.documented(answer):
        run.output.note(_paused_text(answer["paused"], run.output.terminal))


def load_resume_command(ctx: typer.Context) -> None:
    """End a pause: members are sent their limits again."""
    run = invocation(ctx)
    answer = run.call("load.resume")
    if not run.output.documented(answer):
        run.output.note("Load management goes on." if answer["changed"] else "Load management was not paused.")


PRIORITIES = (
    Column("kind", "OF A"),
    Column("name", "NAME"),
    Column("weight", "WEIGHT", right=True),
)


def load_priority_command(
    ctx: typer.Context,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            metavar="NAME",
            help="Of charge points with that label",
            autocompletion=live_parameter_values("labels"),
        ),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option("--tag", metavar="TAG", help="Of that idTag", autocompletion=live_parameter_values("tags")),
    ] = None,
    transaction: Annotated[
        int | None,
        typer.Option(
            "--transaction",
            metavar="ID",
            help="Of that transaction",
            autocompletion=live_parameter_values("active_transactions"),
        ),
    ] = None,
    weight: Annotated[
        int | None, typer.Option("--weight", metavar="N", min=1, max=100, help="So many times the share")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take it back")] = False,
) -> None:
    """Give transactions a greater part of what is shared, or show who has one.

    What was said of a transaction goes before what was said of its idTag, and that before labels; it multiplies the
    --weight of the connector. Where not all fit, the heavier wait less for their turn.
    """
    meant = [
        (kind, str(name))
        for kind, name in (("label", label), ("tag", tag), ("transaction", transaction))
        if name is not None
    ]
    run = invocation(ctx)
    if not meant and weight is None and not clear:
        answer = run.call("load.priorities")
        if not run.output.documented(answer):
            run.output.table(
                PRIORITIES, answer["priorities"], empty="Nobody has priority; see: csmsctl load priority --help"
            )
        return
    if len(meant) != 1 or clear == (weight is not None):
        raise Failure(
            USAGE,
            "Say whose priority it is, once, and --weight or --clear.",
            "For example: csmsctl load priority --tag A1B2C3 --weight 3",
        )
    [(kind, name)] = meant
    answer = run.call("load.prioritize", kind=kind, name=name, weight=weight)
    if not run.output.documented(answer):
        run.output.note("It holds from now on." if answer["changed"] else "It is so already; nothing has changed.")


MANNERS = (
    Column("charge_point", "CHARGE POINT"),
    Column("unit", "UNIT"),
    Column("pause", "PAUSE"),
    Column("schedule", "SCHEDULE"),
    Column("purpose", "PROFILE"),
    Column("decimals", "TENTHS"),
    Column("offer_first", "OFFER FIRST"),
    Column("clock_behind_s", "CLOCK BEHIND S", right=True),
    Column("found_by", "FOUND BY"),
    Column("found_at", "AT", moment_text),
)


def load_manner_command(
    ctx: typer.Context,
    charge_point: Annotated[
        str | None,
        typer.Argument(
            metavar="CHARGE-POINT", help="Its identity", autocompletion=live_parameter_values("charge_points")
        ),
    ] = None,
    unit: Annotated[Literal["A", "W"] | None, typer.Option("--unit", help="In which it takes limits")] = None,
    pause: Annotated[
        Literal["zero", "one_ampere", "minimum"] | None,
        typer.Option("--pause", help="The limit that pauses a car on it: 0 A, 1 A, or none, so its minimum counts"),
    ] = None,
    schedule: Annotated[
        Literal["absolute", "relative"] | None, typer.Option("--schedule", help="The kind of schedule that it keeps")
    ] = None,
    offer_first: Annotated[
        bool | None,
        typer.Option("--offer-first/--no-offer-first", help="It begins no transaction under 0 A"),
    ] = None,
    purpose: Annotated[
        Literal["TxProfile", "TxDefaultProfile", "ChargePointMaxProfile"] | None,
        typer.Option("--purpose", help="The profile by which a transaction that runs is limited"),
    ] = None,
    decimals: Annotated[
        bool | None, typer.Option("--decimals/--no-decimals", help="It takes tenths of an ampere")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Learn it anew")] = False,
) -> None:
    """Show how charge points take limits, as far as that is unusual, or say how one does.

    csmsd learns some of it: what refuses 0 A is tried with 1 A, then with its minimum, and in W; what refuses a
    TxProfile has its TxDefaultProfile raised for the transaction; a clock that is wrong shows in the times of statuses.
    `cp test` finds out more, which cp show has.
    """
    run = invocation(ctx)
    if charge_point is None:
        answer = run.call("load.manners")
        if not run.output.documented(answer):
            empty = "No charge point takes limits otherwise than as is usual, as far as is known; see: csmsctl cp test"
            run.output.table(MANNERS, answer["manners"], empty=empty)
        return
    answer = run.call(
        "load.manner",
        charge_point=charge_point,
        unit=unit,
        pause=pause,
        schedule=schedule,
        offer_first=offer_first,
        purpose=purpose,
        decimals=decimals,
        forget=forget or None,
    )
    if not run.output.documented(answer):
        run.output.table(MANNERS, [answer["manner"]])
