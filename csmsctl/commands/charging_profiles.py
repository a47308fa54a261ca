"""`profile`: charging profiles, the library of them and what is installed."""

from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.json_files import read_json_file
from csmsctl.arguments.listing_options import Kind, View, lists
from csmsctl.arguments.shared_parameters import (
    Targets,
    duration_parameter_option,
    file_parameter_values,
    live_parameter_values,
    when_parameter_option,
)
from csmsctl.arguments.targets import choose_targets
from csmsctl.display.table import Column
from csmsctl.display.value_texts import duration_text, moment_text, plain_text
from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import invocation
from csmsctl.operations.options import AllOption, How, sent_everywhere
from csmsctl.operations.request import Request, request_everywhere
from csmsctl.records.listing import Listing, named_in_listing, show_whole_listing

ProfileName = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name", autocompletion=live_parameter_values("profiles"))
]


def _charging_profile_limit(value: Any, human: bool) -> str:
    return plain_text(value)


COLUMNS = (
    Column("id", "ID", right=True),
    Column("name", "NAME"),
    Column("purpose", "PURPOSE"),
    Column("stack_level", "LEVEL", right=True),
    Column("kind", "KIND"),
    Column("recurrency", "RECURS", wide=True),
    Column("lowest_limit", "LOWEST", _charging_profile_limit, right=True),
    Column("highest_limit", "HIGHEST", _charging_profile_limit, right=True),
    Column("unit", "UNIT"),
    Column("duration", "DURATION", duration_text, right=True, wide=True),
    Column("valid_from", "VALID FROM", moment_text, wide=True),
    Column("valid_to", "VALID TO", moment_text, wide=True),
    Column("installed", "INSTALLED", right=True),
    Column("time_zone", "CLOCKS OF", wide=True),
    Column("note", "NOTE", folds=True),
)
INSTALLED_COLUMNS = (
    Column("charge_point", "CHARGE POINT"),
    Column("connector", "CONN", right=True),
    Column("purpose", "PURPOSE"),
    Column("stack_level", "LEVEL", right=True),
    Column("name", "PROFILE"),
    Column("id", "ID", right=True),
    Column("transaction", "TX", right=True),
    Column("awaits_id_tag", "AWAITS TAG"),
    Column("accepted_at", "ACCEPTED", moment_text),
)


LISTING = Listing(
    "profiles",
    COLUMNS,
    name="name",
    time="created_at",
    empty="The library is empty; for example: csmsctl profile add night --daily 22:00-06:00=32A,06:00-22:00=8A",
)
INSTALLED = Listing(
    "installed_profiles",
    INSTALLED_COLUMNS,
    name="charge_point",
    time="accepted_at",
    empty="No charging profile is installed.",
)
PROFILES = Kind("NAME", "Only these: name or glob ('night*')", "profiles")


@lists(of=PROFILES, time="created")
def charging_profile_list_command(ctx: typer.Context, *, view: View) -> None:
    """List the charging profiles in the library."""
    run = invocation(ctx)
    show_whole_listing(run, LISTING, view, named_in_listing(run.call("profile.list"), LISTING, view))


def charging_profile_show_command(ctx: typer.Context, name: ProfileName) -> None:
    """Show a charging profile: its JSON, what speaks against it, and where it is installed."""
    run = invocation(ctx)
    found = run.record("profile.show", "profiles", name=name)
    if run.options.json:
        return
    if run.output.csv:
        run.output.table(COLUMNS, [found])
        return
    from csmsctl.display.escape import escape_to_json

    parts = {key: found.pop(key, None) or [] for key in ("profile", "findings", "installed_on")}
    times = {"created_at", "valid_from", "valid_to"}
    run.output.fields(
        [
            (key.replace("_", " "), moment_text(value, run.output.terminal) if key in times else plain_text(value))
            for key, value in found.items()
        ]
    )
    run.output.text("")
    for line in escape_to_json(parts["profile"], indent=2).splitlines():
        run.output.text(line)
    if parts["installed_on"]:
        run.output.text("")
        run.output.table(INSTALLED_COLUMNS, parts["installed_on"])
    for finding in parts["findings"]:
        run.output.warn(str(finding.get("text")))


def charging_profile_add_command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name for it")],
    file: Annotated[
        str | None,
        typer.Option(
            "--file", metavar="FILE", help="csChargingProfiles JSON; - reads it", autocompletion=file_parameter_values
        ),
    ] = None,
    limit: Annotated[
        str | None, typer.Option("--limit", metavar="LIMIT", help="Or one limit for all the time: 16A, 11kW, 7400W")
    ] = None,
    daily: Annotated[
        str | None,
        typer.Option("--daily", metavar="WINDOWS", help="Or limits by the clock: 22:00-06:00=32A,06:00-22:00=8A"),
    ] = None,
    purpose: Annotated[
        Literal["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"] | None,
        typer.Option("--purpose", help="What it is for (TxDefaultProfile)", case_sensitive=False),
    ] = None,
    kind: Annotated[
        Literal["Absolute", "Relative"] | None,
        typer.Option("--kind", help="Relative: from the start of the transaction", case_sensitive=False),
    ] = None,
    stack_level: Annotated[
        int | None, typer.Option("--stack-level", metavar="N", min=0, help="Higher ones go before lower ones (0)")
    ] = None,
    phases: Annotated[
        int | None, typer.Option("--phases", metavar="N", min=1, max=3, help="Phases that may be used (3)")
    ] = None,
    min_rate: Annotated[
        str | None, typer.Option("--min-rate", metavar="LIMIT", help="Minimum charging rate of the EV")
    ] = None,
    valid_from: Annotated[str | None, when_parameter_option("--valid-from", "Valid from then on")] = None,
    valid_to: Annotated[str | None, when_parameter_option("--valid-to", "Valid until then")] = None,
    start: Annotated[str | None, when_parameter_option("--start", "Start of the schedule (when it is sent)")] = None,
    seconds: Annotated[
        int | None, duration_parameter_option("--duration", "Length of the schedule: 30m, 8h (no end)")
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", metavar="ZONE", help="Of --daily (that of the daemon): it follows its clocks"),
    ] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Note for people")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of what has the name")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even when charge points will reject it")] = False,
) -> None:
    """Add a charging profile to the library; what is there already stays as it is.

    Its id on the wire is given here and never changes, so that sending it again replaces it.
    """
    if [file, limit, daily].count(None) != 2:
        raise Failure(USAGE, "Say what it limits, in one way.", "With --file FILE, --limit 16A or --daily WINDOWS.")
    run = invocation(ctx)
    result = run.call(
        "profile.add",
        name=name,
        profile=None if file is None else read_json_file(file),
        limit=limit,
        daily=daily,
        purpose=purpose,
        kind=kind,
        stack_level=stack_level,
        phases=phases,
        min_rate=min_rate,
        valid_from=valid_from,
        valid_to=valid_to,
        start=start,
        duration=seconds,
        time_zone=time_zone,
        note=note,
        replace=replace or None,
        force=force or None,
    )
    if run.output.documented(result):
        return
    added = result.get("profile") or {}
    if result.get("changed"):
        run.output.note(f"{name} is in the library; its id on the wire is {added.get('id')}.")
    else:
        run.output.note(f"{name} is there already; nothing has changed.")
    for finding in added.get("findings") or []:
        run.output.warn(str(finding.get("text")))


def charging_profile_remove_command(ctx: typer.Context, name: ProfileName) -> None:
    """Remove a charging profile from the library; charge points keep what they have."""
    run = invocation(ctx)
    result = run.call("profile.remove", name=name)
    if run.output.documented(result):
        return
    run.output.note(f"{name} is removed.")
    for place in result.get("installed_on") or []:
        run.output.warn(
            f"{place.get('charge_point')} still has it: csmsctl clear-charging-profile "
            f"{place.get('charge_point')} --id {place.get('id')}"
        )


@lists(time="accepted")
def charging_profile_installed_command(ctx: typer.Context, *, view: View) -> None:
    """List what charge points have accepted; see verify for what they make of it."""
    run = invocation(ctx)
    show_whole_listing(run, INSTALLED, view, run.call("profile.installed", targets=view.targets))


@sent_everywhere(queued=False)
def charging_profile_reassert_command(
    ctx: typer.Context, targets: Targets = None, all_: AllOption = False, *, how: How
) -> None:
    """Send charge points once more what they have accepted.

    Some lose it when they reboot. The setting ocpp.reassert_charging_profiles does it after each reconnect.
    """
    to = choose_targets(targets, globs=invocation(ctx).options.globs, everyone=all_)
    request_everywhere(invocation(ctx), Request("profile.reassert", {}, how), to)
