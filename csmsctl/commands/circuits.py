"""`circuit`: fused lines with their limits, and the connectors that hang on them."""

import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.listing_options import Kind, View, lists
from csmsctl.arguments.shared_parameters import (
    Output,
    duration_parameter_option,
    file_parameter_values,
    live_parameter_values,
    when_parameter_option,
)
from csmsctl.display.confirm import confirm
from csmsctl.display.escape import escape_to_toml
from csmsctl.display.files import write_document_to_file, write_lines_to_file
from csmsctl.display.table import Column
from csmsctl.display.value_texts import counted_text, moment_text, plain_text
from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.records.listing import Listing, named_in_listing, show_whole_listing
from csmsd.toml_text import read_toml

CircuitName = Annotated[
    str, typer.Argument(metavar="CIRCUIT", help="Its name", autocompletion=live_parameter_values("circuits"))
]
LimitOption = Annotated[
    str | None,
    typer.Option("--limit", metavar="A[,A,A]", help="On each phase: 63A, or 63A,63A,50A; `none` for one that it lacks"),
]
PowerOption = Annotated[str | None, typer.Option("--power", metavar="W", help="In all: 40kW, 7400W")]
ParentOption = Annotated[
    str | None,
    typer.Option(
        "--parent",
        metavar="CIRCUIT",
        help="The line that it hangs on",
        autocompletion=live_parameter_values("circuits"),
    ),
]
ReserveOption = Annotated[
    str | None,
    typer.Option("--reserve", metavar="A[,A,A]", help="What else may draw on it while nobody measures that (0A)"),
]
ReadingMaxAgeOption = Annotated[
    int | None, duration_parameter_option("--reading-max-age", "How long a reading holds (2m)")
]
TimetableOption = Annotated[
    str | None,
    typer.Option("--timetable", metavar="WINDOWS", help="Lower limits by the clock: 17:00-20:00=25A,22:00-06:00=11kW"),
]
MeterOption = Annotated[
    str | None,
    typer.Option(
        "--meter",
        metavar="CHARGE-POINT",
        help="Whose main meter (connector 0) measures the line",
        autocompletion=live_parameter_values("charge_points"),
    ),
]
MeterCountsOption = Annotated[
    Literal["all", "others"] | None,
    typer.Option("--meter-counts", help="With the members of the line, or without (all)"),
]
CircuitsFile = Annotated[
    str,
    typer.Argument(metavar="FILE|-", help="TOML as `circuit export` writes it", autocompletion=file_parameter_values),
]

COLUMNS = (
    Column("name", "CIRCUIT"),
    Column("parent", "HANGS ON"),
    Column("l1_a", "L1 A", right=True),
    Column("l2_a", "L2 A", right=True),
    Column("l3_a", "L3 A", right=True),
    Column("power_w", "W", right=True),
    Column("members", "MEMBERS", right=True),
    Column("lowered_a", "LOWERED A", right=True),
    Column("lowered_w", "LOWERED W", right=True, wide=True),
    Column("lowered_until", "UNTIL", moment_text),
    Column("reading_at", "MEASURED", moment_text),
    Column("timetable", "TIMETABLE", folds=True),
)
MEMBER_COLUMNS = (
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("phases", "PHASES"),
    Column("rating_a", "RATING A", right=True),
    Column("minimum_a", "MINIMUM A", right=True),
    Column("fallback_a", "FALLBACK A", right=True),
    Column("weight", "WEIGHT", right=True),
    Column("step_a", "STEP A", right=True, wide=True),
    Column("lowest_a", "LOWEST A", right=True, wide=True),
    Column("clock_skew_s", "SKEW S", right=True, wide=True),
)
LISTING = Listing(
    "circuits",
    COLUMNS,
    name="name",
    empty="There are no circuits; for example: csmsctl circuit add main --limit 63A",
)
CIRCUITS = Kind("CIRCUIT", "Only these: name or glob ('garage*')", "circuits")


@lists(of=CIRCUITS)
def circuit_list_command(ctx: typer.Context, *, view: View) -> None:
    """List the circuits."""
    run = invocation(ctx)
    show_whole_listing(run, LISTING, view, named_in_listing(run.call("circuit.list"), LISTING, view))


def circuit_show_command(ctx: typer.Context, name: CircuitName) -> None:
    """Show a circuit and its members."""
    run = invocation(ctx)
    found = run.record("circuit.show", "circuits", name=name)
    if run.options.json:
        return
    if run.output.csv:
        run.output.table(COLUMNS, [found])
        return
    members = found.pop("on_it")
    run.output.fields(
        [
            (
                key.replace("_", " "),
                moment_text(value, run.output.terminal)
                if key in ("lowered_until", "reading_at")
                else plain_text(value),
            )
            for key, value in found.items()
        ]
    )
    if members:
        run.output.text("")
        run.output.table(MEMBER_COLUMNS, members)


def circuit_add_command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="CIRCUIT", help="A name for it")],
    limit: LimitOption = None,
    power: PowerOption = None,
    parent: ParentOption = None,
    reserve: ReserveOption = None,
    reading_max_age: ReadingMaxAgeOption = None,
    timetable: TimetableOption = None,
    meter: MeterOption = None,
    meter_counts: MeterCountsOption = None,
) -> None:
    """Add a circuit: a fused line with a limit on each phase, or in all.

    What its members draw is kept below the limit from the first `circuit member add` on. It is no protective device:
    the fuse stays.
    """
    run = invocation(ctx)
    result = run.call(
        "circuit.add",
        name=name,
        limit=_each_phase(limit),
        power=power,
        parent=parent,
        reserve=_each_phase(reserve),
        reading_max_age=reading_max_age,
        timetable=timetable,
        meter=meter,
        meter_counts=meter_counts,
    )
    _say_circuit_changed(run, name, result)


def circuit_set_command(
    ctx: typer.Context,
    name: CircuitName,
    limit: LimitOption = None,
    power: PowerOption = None,
    parent: ParentOption = None,
    reserve: ReserveOption = None,
    reading_max_age: ReadingMaxAgeOption = None,
    timetable: TimetableOption = None,
    meter: MeterOption = None,
    meter_counts: MeterCountsOption = None,
) -> None:
    """Change a circuit; what is not named stays, and `none` takes a limit, parent, timetable or meter back."""
    run = invocation(ctx)
    result = run.call(
        "circuit.set",
        name=name,
        limit=_each_phase(limit),
        power=power,
        parent=parent,
        reserve=_each_phase(reserve),
        reading_max_age=reading_max_age,
        timetable=timetable,
        meter=meter,
        meter_counts=meter_counts,
    )
    _say_circuit_changed(run, name, result)


def _each_phase(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",")]


def _say_circuit_changed(run: Invocation, name: str, result: dict[str, Any]) -> None:
    if not run.output.documented(result):
        run.output.note(f"{name} is changed." if result["changed"] else f"{name} is so already; nothing has changed.")


def circuit_remove_command(ctx: typer.Context, name: CircuitName) -> None:
    """Remove a circuit that carries neither members nor other circuits."""
    run = invocation(ctx)
    result = run.call("circuit.remove", name=name)
    if not run.output.documented(result):
        run.output.note(f"{name} is removed.")


def circuit_member_command(
    ctx: typer.Context,
    action: Annotated[Literal["add", "remove"], typer.Argument(metavar="add|remove", help="What to do")],
    name: CircuitName,
    charge_point: Annotated[
        str,
        typer.Argument(
            metavar="CHARGE-POINT", help="Its identity", autocompletion=live_parameter_values("charge_points")
        ),
    ],
    connector: Annotated[
        int, typer.Option("--connector", metavar="N", min=0, help="Its connector (1); 0: all of them as one")
    ] = 1,
    phases: Annotated[
        str | None,
        typer.Option(
            "--phases",
            metavar="PHASES",
            help="Grid phases of its L1, L2, L3: L2L3L1, or L2 (as it says, or L1L2L3)",
        ),
    ] = None,
    rating: Annotated[
        str | None, typer.Option("--rating", metavar="A", help="The most it can draw on a phase (32A)")
    ] = None,
    minimum: Annotated[
        str | None, typer.Option("--minimum", metavar="A", help="Below it a car does not charge (6A)")
    ] = None,
    fallback: Annotated[
        str | None,
        typer.Option("--fallback", metavar="A", help="What it may draw when csmsd is silent (an even share)"),
    ] = None,
    weight: Annotated[
        int | None, typer.Option("--weight", metavar="N", min=1, max=100, help="Its part of what is shared (1)")
    ] = None,
    decimals: Annotated[bool, typer.Option("--decimals", help="It takes tenths of an ampere")] = False,
    lowest: Annotated[
        str | None, typer.Option("--lowest", metavar="A", help="The lowest limit that it takes (0A)")
    ] = None,
    clock_skew: Annotated[
        int | None, duration_parameter_option("--clock-skew", "By how much its clock may be off (10s)")
    ] = None,
) -> None:
    """Put a connector on a circuit, or change how it hangs there; or take it off.

    From then on csmsd sends it limits, as leases: while csmsd lives they are renewed, and when it is silent the charge
    point goes back to its fallback by itself. One that is taken off keeps its last limits: clear-charging-profile.
    """
    run = invocation(ctx)
    if action == "remove":
        result = run.call("circuit.remove_member", circuit=name, charge_point=charge_point, connector=connector)
        if not run.output.documented(result):
            run.output.note(
                f"Connector {connector} of {charge_point} is off {name}; its last limits end in its fallback."
            )
        return
    result = run.call(
        "circuit.add_member",
        circuit=name,
        charge_point=charge_point,
        connector=connector,
        phases=phases,
        rating=rating,
        minimum=minimum,
        fallback=fallback,
        weight=weight,
        decimals=decimals or None,
        lowest=lowest,
        clock_skew=clock_skew,
    )
    if not run.output.documented(result):
        wired = result["member"]["phases"]
        by = f", wired {wired} as it says itself," if phases is None and wired != "L1L2L3" else ""
        run.output.note(f"Connector {connector} of {charge_point} is on {name}{by}; see: csmsctl load status")
        for other in result.get("beside", []):
            run.output.note(f"Connector {other} of it is on no circuit: what it draws counts nowhere.")


def circuit_limit_command(
    ctx: typer.Context,
    name: CircuitName,
    limit: Annotated[str | None, typer.Argument(metavar="LIMIT", help="On each phase, or in all: 25A, 11kW")] = None,
    until: Annotated[str | None, when_parameter_option("--until", "It holds so long")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take it back")] = False,
) -> None:
    """Lower the limit of a circuit at once, for a while: a signal of the grid operator, a tariff."""
    if clear == (limit is not None):
        raise Failure(USAGE, "Say the limit, or --clear.", "For example: csmsctl circuit limit main 25A --until +1h")
    if limit is not None and until is None:
        raise Failure(USAGE, "Say until when it holds.", "With --until +1h.")
    run = invocation(ctx)
    result = run.call("circuit.limit", name=name, limit=limit, until=until)
    if limit is None:
        _say_circuit_changed(run, name, result)
    elif not run.output.documented(result):
        run.output.note(_limited_circuit_text(limit, result["circuit"]))


def _limited_circuit_text(limit: str, circuit: dict[str, Any]) -> str:
    own = [circuit["power_w"]] if circuit["lowered_a"] is None else [circuit[f"l{phase}_a"] for phase in (1, 2, 3)]
    lowered = circuit["lowered_w"] if circuit["lowered_a"] is None else circuit["lowered_a"]
    lowers = any(one is None or one > lowered for one in own)
    no_effect = "" if lowers else " That lowers nothing: its own limit is no higher, and holds."
    return f"{circuit['name']} is limited to {limit} until {circuit['lowered_until']}.{no_effect}"


def circuit_reading_command(
    ctx: typer.Context,
    name: CircuitName,
    l1: Annotated[float | None, typer.Option("--l1", metavar="A", help="On L1 (its reserve)")] = None,
    l2: Annotated[float | None, typer.Option("--l2", metavar="A", help="On L2 (its reserve)")] = None,
    l3: Annotated[float | None, typer.Option("--l3", metavar="A", help="On L3 (its reserve)")] = None,
) -> None:
    """Tell csmsd what else draws on a circuit, besides its members; it holds for the circuit's --reading-max-age."""
    run = invocation(ctx)
    run.output.documented(run.call("circuit.measure", name=name, l1=l1, l2=l2, l3=l3))


def circuit_export_command(ctx: typer.Context, output: Output = None) -> None:
    """Write all circuits with their members as TOML."""
    run = invocation(ctx)
    result = run.call("circuit.export")
    if run.options.json:
        write_document_to_file(run.output, output, result)
    else:
        write_lines_to_file(run.output, output, escape_to_toml(result).splitlines())


def circuit_import_command(
    ctx: typer.Context,
    file: CircuitsFile,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say whether it fits, and how much changes")] = False,
) -> None:
    """Put the circuits and members of a file in the place of all there are."""
    described = circuits_of_file(file)
    run = invocation(ctx)
    if not dry_run:
        run.call("circuit.import", circuits=described, dry_run=True)  # what cannot be is said before anybody is asked
        confirm(run.options, f"Circuits that are not in {file} will be gone. Go on?")
    result = run.call("circuit.import", circuits=described, dry_run=dry_run or None)
    if not run.output.documented(result):
        counts = (("circuits", "circuit"), ("members", "member"), ("changed", "change"))
        run.output.text(", ".join(counted_text(result[key], noun) for key, noun in counts))


def circuits_of_file(file: str) -> dict[str, Any]:
    """What it says of circuits; `-` is standard input."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
        described = read_toml(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure(USAGE, f"{file} is no TOML: {error}.", "See: csmsctl circuit export") from None
    if set(described) - {"circuits"}:
        raise Failure(USAGE, f"{file} has something besides circuits.", "See: csmsctl circuit export")
    circuits: dict[str, Any] = described.get("circuits", {})
    return circuits
