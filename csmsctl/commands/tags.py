"""`tag`: idTags."""

from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.listing_options import Kind, View, lists
from csmsctl.arguments.shared_parameters import TagId, live_parameter_values, when_parameter_option
from csmsctl.display.confirm import confirm
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text
from csmsctl.failure import NOT_THERE, USAGE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsctl.link.client import Result
from csmsctl.operations.options import Parallel
from csmsctl.records.listing import Listing, named_in_listing, show_whole_listing

Parent = Annotated[
    str | None,
    typer.Option(
        "--parent", metavar="TAG", help="Parent idTag (a group)", autocompletion=live_parameter_values("tags")
    ),
]
Expires = Annotated[str | None, when_parameter_option("--expires", "When it expires; may be in the past")]
Most = Annotated[
    int | None,
    typer.Option("--max-transactions", metavar="N", min=0, help="So many transactions at once (any number)"),
]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Note for people")]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="NAME",
        help="Label; may be repeated. It goes into the local lists of charge points with that label only",
        autocompletion=live_parameter_values("labels"),
    ),
]


def _tag_status_style(record: Record) -> str:
    return "green" if record.get("status") == "Accepted" else "red"


COLUMNS = (
    Column("id", "TAG"),
    Column("status", "STATUS", style=_tag_status_style),
    Column("parent", "PARENT"),
    Column("expires_at", "EXPIRES", moment_text),
    Column("active_transactions", "ACTIVE", right=True),
    Column("max_transactions", "MAX", right=True, wide=True),
    Column("labels", "LABELS", wide=True),
    Column("note", "NOTE", folds=True),
    Column("created_at", "CREATED", moment_text, wide=True),
)


LISTING = Listing("tags", COLUMNS, time="created_at", empty="There is no such idTag; add one with: csmsctl tag add TAG")
UNKNOWN = Listing(
    "unknown_tags",
    (
        Column("id", "TAG"),
        Column("charge_point", "CHARGE POINT"),
        Column("last_at", "HELD LAST", moment_text),
        Column("attempts", "ATTEMPTS", right=True),
        Column("status", "ANSWERED"),
    ),
    time="last_at",
    empty="No unknown card was held to a reader since csmsd began.",
)
TAGS = Kind("TAG", "Only these: idTag, glob ('A1*'), label (@north), or - to read them", "tags")


@lists(of=TAGS, time="created")
def tag_list_command(
    ctx: typer.Context,
    parent: Parent = None,
    status: Annotated[
        Literal["Accepted", "Blocked", "Expired"] | None,
        typer.Option("--status", help="Only those that have it now", case_sensitive=False),
    ] = None,
    *,
    view: View,
) -> None:
    """List the idTags."""
    run = invocation(ctx)
    show_whole_listing(
        run, LISTING, view, named_in_listing(run.call("tag.list", parent=parent, status=status), LISTING, view)
    )


def tag_show_command(ctx: typer.Context, tag: TagId) -> None:
    """Show an idTag."""
    run = invocation(ctx)
    found = run.record("tag.show", "tags", id=tag)
    if run.options.json:
        return
    if run.output.csv:
        run.output.table(COLUMNS, [found])
        return
    times = {"expires_at", "created_at"}
    run.output.fields(
        [
            (key.replace("_", " "), moment_text(value, run.output.terminal) if key in times else plain_text(value))
            for key, value in found.items()
        ]
    )


@lists(of=Kind("TAG", "Only these: idTag or glob ('A1*')", "tags"), time="held last")
def tag_unknown_command(ctx: typer.Context, *, view: View) -> None:
    """List cards that were held to readers since csmsd began and that nobody has added, the last one first.

    The last one is added with csmsctl tag add --last-unknown.
    """
    run = invocation(ctx)
    show_whole_listing(run, UNKNOWN, view, named_in_listing(run.call("tag.unknown"), UNKNOWN, view))


def tag_add_command(
    ctx: typer.Context,
    tag: Annotated[
        str | None,
        typer.Argument(
            metavar="[TAG]", help="The idTag, as the charge point reads it from the card", show_default=False
        ),
    ] = None,
    last_unknown: Annotated[
        bool, typer.Option("--last-unknown", help="The card that was held to a reader last, instead of TAG")
    ] = False,
    parent: Parent = None,
    expires: Expires = None,
    blocked: Annotated[bool, typer.Option("--blocked", help="Blocked from the start")] = False,
    max_transactions: Most = None,
    note: Note = None,
    label: Labels = None,
) -> None:
    """Add an idTag; what is there already stays as it is."""
    run = invocation(ctx)
    if (tag is None) != last_unknown:
        raise Failure(USAGE, "Which card is meant?", "Name its idTag, or say --last-unknown. See: csmsctl tag unknown")
    if tag is None:
        tag = _last_unknown_tag(run)
    result = run.call(
        "tag.add",
        id=tag,
        parent=parent,
        expires_at=expires,
        blocked=blocked or None,
        max_transactions=max_transactions,
        note=note,
        labels=label or None,
    )
    there = f"{tag} is there already; nothing has changed. To change it: csmsctl tag set"
    _print_tag_change(run, result, f"{tag} is added." if result.get("changed") else there)


def _last_unknown_tag(run: Invocation) -> str:
    cards = run.call("tag.unknown")["unknown_tags"]
    if not cards:
        raise Failure(
            NOT_THERE, "No unknown card was held to a reader since csmsd began.", "Hold it there, and repeat."
        )
    card = cards[0]
    held = f"{card['id']} was held to {card['charge_point']} at {moment_text(card['last_at'], True)}"
    confirm(run.options, f"{held}. Add it?")
    if run.options.yes:
        run.output.note(f"{held}.")
    return str(card["id"])


def tag_set_command(
    ctx: typer.Context,
    tag: TagId,
    parent: Parent = None,
    expires: Expires = None,
    max_transactions: Most = None,
    note: Note = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="NAME",
            help="Label to add; may be repeated",
            autocompletion=live_parameter_values("labels"),
        ),
    ] = None,
    remove_label: Annotated[
        list[str] | None,
        typer.Option(
            "--remove-label",
            metavar="NAME",
            help="Label to take away; may be repeated",
            autocompletion=live_parameter_values("labels"),
        ),
    ] = None,
    no_parent: Annotated[bool, typer.Option("--no-parent", help="Without a parent")] = False,
    no_expiry: Annotated[bool, typer.Option("--no-expiry", help="Never expires")] = False,
    no_limit: Annotated[bool, typer.Option("--no-limit", help="Any number of transactions at once")] = False,
) -> None:
    """Change an idTag; what is not named stays."""
    run = invocation(ctx)
    fields: dict[str, Any] = {}
    for option, key, value, cleared in (
        ("parent", "parent", parent, no_parent),
        ("expiry", "expires_at", expires, no_expiry),
        ("limit", "max_transactions", max_transactions, no_limit),
        ("note", "note", note, note == ""),
    ):
        if cleared and value:
            raise Failure(USAGE, f"--no-{option} excludes a value for it.")
        if cleared or value is not None:
            fields[key] = None if cleared else value
    fields |= {key: labels for key, labels in (("add_labels", label), ("remove_labels", remove_label)) if labels}
    if not fields:
        raise Failure(USAGE, "Nothing to change is named.", "See: csmsctl tag set --help")
    # null clears, so these parameters are passed as they are
    result = run.client.call("tag.set", {"id": tag} | fields, keep_null=True)
    _print_tag_change(run, result, f"{tag} is changed." if result.get("changed") else "It was so already.")


def tag_block_command(
    ctx: typer.Context,
    tag: TagId,
    enforce: Annotated[
        bool, typer.Option("--enforce", help="In the local lists and caches of all charge points, too")
    ] = False,
    stop_transactions: Annotated[
        bool, typer.Option("--stop-transactions", help="With --enforce: stop what runs on it as well")
    ] = False,
    parallel: Parallel = 8,
) -> None:
    """Block an idTag: it is answered Blocked from now on.

    A charge point may still know it by itself. With --enforce all that are connected are told, and those that may
    still trust it are named.
    """
    run = invocation(ctx)
    if stop_transactions and not enforce:
        raise Failure(USAGE, "--stop-transactions goes with --enforce.")
    if not enforce:
        result = run.call("tag.block", id=tag)
        _print_tag_change(run, result, f"{tag} is blocked." if result.get("changed") else f"{tag} was blocked already.")
        _warn_of_what_goes_on(run, tag, result)
        return
    from csmsctl.commands.enforcement import block_with_enforcement

    block_with_enforcement(run, tag, stop_transactions=stop_transactions, parallel=parallel)


def _warn_of_what_goes_on(run: Invocation, tag: str, result: Result) -> None:
    """A card that is blocked goes on charging."""
    if run.options.json or not result["tag"].get("active_transactions"):
        return
    for running in run.call("transaction.list", tag=tag, state="active", limit=0)["transactions"]:
        number = running["id"]
        run.output.warn(
            f"{tag} is charging at {running['charge_point']} connector {running['connector']} (transaction {number}), "
            f"and goes on. To stop it: csmsctl remote-stop --transaction {number}"
        )


def tag_unblock_command(ctx: typer.Context, tag: TagId) -> None:
    """Unblock an idTag."""
    run = invocation(ctx)
    result = run.call("tag.unblock", id=tag)
    _print_tag_change(
        run, result, f"{tag} is not blocked any more." if result.get("changed") else f"{tag} was not blocked."
    )


def tag_remove_command(ctx: typer.Context, tag: TagId) -> None:
    """Remove an idTag; its transactions are kept."""
    run = invocation(ctx)
    if not run.options.yes:
        run.call("tag.show", id=tag)  # nobody is asked about one that is not there
    confirm(run.options, f"Remove idTag {tag}?")
    _print_tag_change(run, run.call("tag.remove", id=tag), f"{tag} is removed.")


def _print_tag_change(run: Invocation, result: Result, sentence: str) -> None:
    run.output.outcome(result, sentence)
