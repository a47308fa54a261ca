"""`local-list`: the Local Authorization Lists of charge points, as they are and as they should be."""

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.arguments.shared_parameters import Identity, Targets
from csmsctl.arguments.targets import choose_targets
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import milliseconds_text, moment_text, plain_text
from csmsctl.invocation import invocation
from csmsctl.link.client import Result
from csmsctl.operations.options import AllOption, How, sent_everywhere
from csmsctl.operations.request import exit_code_of_request, request_with_progress
from csmsctl.operations.results import show_results
from csmsctl.records.listing import Listing, is_listing_document, show_whole_listing
from csmsctl.records.listing import show_listing as show_list


def _local_list_state_style(record: Record) -> str:
    return {"in_sync": "green", "drifted": "yellow", "unknown": "yellow"}.get(str(record.get("state")), "dim")


def _local_list_outcome_style(record: Record) -> str:
    return "green" if record.get("outcome") == "accepted" else "red"


def _local_list_drift_style(record: Record) -> str:
    return "yellow" if record.get("drift") else ""


COLUMNS = (
    Column("charge_point", "CHARGE POINT"),
    Column("state", "STATE", style=_local_list_state_style),
    Column("version", "VERSION", right=True),
    Column("entries", "HAS", right=True),
    Column("wanted", "SHOULD", right=True),
    Column("missing", "MISSING", right=True),
    Column("outdated", "OUTDATED", right=True),
    Column("superfluous", "SUPERFLUOUS", right=True),
    Column("connected", "CONNECTED", wide=True),
    Column("room", "ROOM", right=True, wide=True),
    Column("verified_at", "VERIFIED", moment_text, wide=True),
)
_ENTRIES = (
    Column("id_tag", "TAG"),
    Column("status", "STATUS"),
    Column("parent", "PARENT"),
    Column("expires_at", "EXPIRES", moment_text),
    Column("drift", "DRIFT", style=_local_list_drift_style),
)
_RESULTS = (
    Column("charge_point", "CHARGE POINT"),
    Column("shown", "RESULT", style=_local_list_outcome_style),
    Column("update", "UPDATE"),
    Column("entries_sent", "SENT", right=True),
    Column("version", "VERSION", right=True),
    Column("entries", "HAS", right=True),
    Column("duration_ms", "TIME", milliseconds_text, right=True),
    Column("error", "DETAIL", folds=True),
)


LISTING = Listing("local_lists", COLUMNS, name="charge_point", time="verified_at", empty="There is no charge point.")
ENTRIES = Listing("content", _ENTRIES, name="id_tag", empty="It should be empty.")


@lists(time="verified")
def local_list_status_command(ctx: typer.Context, *, view: View) -> None:
    """Show how far the lists of charge points are from what they should be.

    This is what csms knows, without asking: the state is unknown where the version is not that of a list that csms
    sent. An idTag without labels belongs into every list, one with labels into those of charge points that have one
    of them.
    """
    run = invocation(ctx)
    show_whole_listing(run, LISTING, view, run.call("local_list.status", targets=view.targets))


@lists(targets=False)
def local_list_show_command(ctx: typer.Context, charge_point: Identity, *, view: View) -> None:
    """Show the list of a charge point, entry by entry."""
    run = invocation(ctx)
    found = run.call("local_list.show", id=charge_point)
    if is_listing_document(run, view):
        run.output.document(
            {"local_lists": [{name: value for name, value in found.items() if name != "schema_version"}]}
        )
        return
    if view.form in ("table", "wide", None) and not run.output.csv:
        state = plain_text(found["state"]).replace("_", " ")
        run.output.note(f"{found['charge_point']}: {state}, version {plain_text(found['version']) or '?'}")
    show_list(run, ENTRIES, view, found["content"])


@sent_everywhere(queued=False)
def local_list_sync_command(ctx: typer.Context, targets: Targets = None, all_: AllOption = False, *, how: How) -> None:
    """Make the lists of charge points what they should be, with the smallest update for each.

    Each is asked for its version, sent what differs (or the whole list, where that is shorter or its list is not
    known), and asked again. A refused change is followed by the whole list.
    """
    run = invocation(ctx)
    to = choose_targets(targets, globs=invocation(ctx).options.globs, everyone=all_)
    params = {**how.parameters(), "targets": to.targets, "timeout": run.options.timeout}
    # Several CALLs to each charge point, one after the other.
    answer = request_with_progress(run, "local_list.sync", params, timeout=20 * run.options.timeout, quick=how.dry_run)
    results: list[Result] = answer["results"]
    run.exit_code = exit_code_of_request(results, several=len(to.targets) > 1)
    if run.output.documented({"results": results}):
        return
    if how.dry_run:
        show_results(run.output, results, dry_run=True)
    elif run.output.quiet and not run.output.csv:
        for result in results:
            if result["outcome"] != "accepted":
                run.output.warn(
                    f"{result['charge_point']}: {_local_list_result_word(result)} {result.get('error') or ''}".rstrip()
                )
    else:
        run.output.table(_RESULTS, [{**result, "shown": _local_list_result_word(result)} for result in results])


def _local_list_result_word(result: Result) -> str:
    if result["outcome"] == "accepted":
        return "in sync"
    status = result.get("status") if result["outcome"] == "rejected" else None
    return str(status or result["outcome"]).replace("_", " ")
