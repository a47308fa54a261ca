"""`cp`: look at charge points."""

from typing import Any

import typer

from csmsctl.arguments.listing_options import Kind, View, lists
from csmsctl.arguments.shared_parameters import Identity
from csmsctl.display.escape import escape_to_json
from csmsctl.display.output import Output
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text, plain_text
from csmsctl.invocation import invocation
from csmsctl.records.listing import Listing, named_in_listing, show_whole_listing


def _charge_point_link_style(record: Record) -> str:
    return "green" if record.get("connected") else "dim"


def charge_point_link(value: Any, human: bool) -> str:
    """The connection in a word."""
    return "online" if value else "offline"


def _pending_request(value: Any, human: bool) -> str:
    """A request as JSON."""
    return escape_to_json(value)


COLUMNS = (
    Column("id", "CHARGE POINT"),
    Column("connected", "LINK", charge_point_link, style=_charge_point_link_style),
    Column("registration", "REGISTRATION"),
    Column("labels", "LABELS", folds=True),
    Column("vendor", "VENDOR", wide=True),
    Column("model", "MODEL", wide=True),
    Column("firmware_version", "FIRMWARE", wide=True),
    Column("security_profile", "SECURITY", right=True, wide=True),
    Column("tls", "TLS", wide=True),
    Column("last_seen_at", "LAST SEEN", moment_text),
    Column("address", "ADDRESS", wide=True),
    Column("note", "NOTE", folds=True, wide=True),
)
UNKNOWN = Kind("IDENTITY", "Only these: identity or glob ('north-*')", "charge_points")
_PENDING = (
    Column("id", "CHARGE POINT"),
    Column("text", "REASON", folds=True),
    Column("address", "ADDRESS"),
    Column("attempts", "ATTEMPTS", right=True),
    Column("first_at", "FIRST", moment_text, wide=True),
    Column("last_at", "LAST", moment_text),
    Column("next", "WHAT HELPS", folds=True),
)
_PENDING_FIELDS = ("id", "reason", "text", "address", "attempts", "first_at", "last_at", "next")


LISTING = Listing(
    "charge_points",
    COLUMNS,
    time="last_seen_at",
    empty="No charge point is registered; begin with: csmsctl cp add CP1",
)
PENDING = Listing("pending", _PENDING, time="last_at", fields=_PENDING_FIELDS, empty="Nobody is waiting.")


@lists(time="last seen")
def charge_point_list_command(ctx: typer.Context, *, view: View) -> None:
    """List the registered charge points."""
    run = invocation(ctx)
    show_whole_listing(run, LISTING, view, run.call("charge_point.list", targets=view.targets))


def charge_point_show_command(ctx: typer.Context, charge_point: Identity) -> None:
    """Show all that is known of a charge point: boot data, connectors, configuration, deviations."""
    run = invocation(ctx)
    found = run.record("charge_point.show", "charge_points", id=charge_point)
    if run.output.csv:
        run.output.table(COLUMNS, [found])
    elif not run.options.json:
        _show_charge_point(run.output, found)


@lists(of=UNKNOWN, time="refused last")
def charge_point_pending_command(ctx: typer.Context, *, view: View) -> None:
    """List who was refused and why, and whose registration is pending, each with what helps.

    Those that knocked and are not registered, those without an identity, and those that are registered and were not
    let in since: a wrong password, say.
    """
    run = invocation(ctx)
    show_whole_listing(run, PENDING, view, named_in_listing(run.call("charge_point.pending"), PENDING, view))


def _show_charge_point(output: Output, record: Record) -> None:
    """The record as fields, with a table for each list in it."""
    human = output.terminal
    times = {"connected_at", "last_seen_at", "offline_since", "booted_at", "registered_at"}
    tables = ("connectors", "refused", "queued_commands", "configuration", "deviations")
    output.fields(
        [
            (key.replace("_", " "), moment_text(value, human) if key in times else _plain_of_charge_point(key, value))
            for key, value in record.items()
            if key not in tables
        ]
    )
    if not record.get("connected") and record.get("connectors"):
        output.note("It is offline: what follows is what it said last.")
    for name in tables:
        if rows := record.get(name):
            output.text("")
            output.text(name.replace("_", " "), style="bold")
            output.table(_columns_of_charge_point(name), rows)


def _plain_of_charge_point(key: str, value: Any) -> str:
    if key != "limit_habits" or value is None:
        return plain_text(value)
    words = [] if value["unit"] is None else [f"in {value['unit']}"]
    for name, yes, no in (
        ("decimals", "with tenths", "whole"),
        ("zero", "0", "not 0"),
        ("begins_at_zero", "begins under 0", "begins nothing under 0"),
        ("lease_ends", "ends leases", "does not end leases"),
    ):
        if value[name] is not None:
            words.append(yes if value[name] else no)
    if value["reaction_ms"] is not None:
        words.append(f"obeys within {value['reaction_ms'] / 1000:.0f} s")
    if value["clock_ahead_ms"] is not None:
        words.append(f"clock {value['clock_ahead_ms'] / 1000:+.0f} s")
    return ", ".join(words) or "nothing found"


def _columns_of_charge_point(name: str) -> tuple[Column, ...]:
    match name:
        case "connectors":
            return (
                Column("connector", "CONNECTOR", right=True),
                Column("status", "STATUS"),
                Column("error_code", "ERROR"),
                Column("info", "INFO", folds=True, wide=True),
                Column("vendor_error_code", "VENDOR ERROR", wide=True),
                Column("status_at", "SINCE", moment_text),
                Column("transaction", "TRANSACTION", right=True),
                Column("id_tag", "TAG", wide=True),
            )
        case "refused":
            return _PENDING[1:]
        case "queued_commands":
            return (
                Column("task", "TASK", right=True),
                Column("action", "ACTION"),
                Column("request", "REQUEST", _pending_request, folds=True),
                Column("user", "BY", wide=True),
                Column("expires_at", "UNTIL", moment_text),
                Column("unless_transaction", "ONLY WHEN IDLE", wide=True),
            )
        case "configuration":
            return (
                Column("key", "KEY"),
                Column("value", "VALUE", folds=True),
                Column("readonly", "READONLY"),
                Column("reported_at", "REPORTED", moment_text, wide=True),
            )
        case _:
            return (
                Column("action", "ACTION"),
                Column("field", "FIELD"),
                Column("kind", "KIND"),
                Column("count", "COUNT", right=True),
                Column("last_at", "LAST", moment_text),
            )
