"""`security-events`: what charge points told of their security, and what csmsd itself saw of it."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import typer

from csmsctl.arguments.listing_options import View, lists
from csmsctl.commands.messages_and_events import Follow, Printer, check_messages_lagged, message_or_event_line
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import moment_text
from csmsctl.invocation import Invocation, invocation
from csmsctl.records.listing import Listing, is_listing_document, listing_pages, show_listing

_COLUMNS = (
    Column("id", "ID", right=True),
    Column("last_received_at", "TIME", moment_text),
    Column("charge_point", "CHARGE POINT"),
    Column("type", "TYPE"),
    Column("count", "COUNT", right=True),
    Column("source", "SOURCE"),
    Column("tech_info", "INFO", folds=True),
    Column("occurred_at", "ITS CLOCK", moment_text, wide=True),
    Column("received_at", "FIRST", moment_text, wide=True),
    Column("last_occurred_at", "ITS CLOCK, LAST", moment_text, wide=True),
)
LISTING = Listing("security_events", _COLUMNS, limit=100, empty="There is no such security event.")


def _security_event_types(incomplete: str) -> list[str]:
    from typing import get_args

    from csmsctl.arguments.candidates import candidates_in_the_case_of
    from csmsd.profiles.security.security_events import KnownType, OwnType

    return candidates_in_the_case_of(incomplete, sorted({*get_args(KnownType), *get_args(OwnType)}))


@lists(time="received", limit=100)
def security_events_command(
    ctx: typer.Context,
    follow: Follow = False,
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "--type", metavar="TYPE", help="This type only; may be repeated", autocompletion=_security_event_types
        ),
    ] = None,
    source: Annotated[
        Literal["charge_point", "csmsd"] | None,
        typer.Option("--source", help="Who saw it: the charge point itself, or csmsd", case_sensitive=False),
    ] = None,
    *,
    view: View,
) -> None:
    """List security events, the newest first: what charge points told, and what csmsd itself saw.

    What comes again within an hour is one row with a count. With -f the oldest comes first.
    """
    run = invocation(ctx)
    params = {
        "targets": view.targets,
        "types": type_ or None,
        "source": source,
        "since": view.since,
        "until": view.until,
    }
    if not follow and is_listing_document(run, view):
        run.output.document(run.call("security_event.list", **params, limit=LISTING.limit))
        return
    chosen = view._replace(since=None, until=None)  # csmsd has chosen by time
    if not follow:
        show_listing(run, LISTING, chosen, listing_pages(run, "security_event.list", params, LISTING, chosen))
        return
    run.call("event.subscribe", targets=view.targets, types=["security.event"])
    printer = Printer(run, LISTING, view, lambda event: (_security_event_line(event, run.output.terminal), ""))
    wanted = LISTING.limit if view.limit is None else view.limit
    newest = list(_first(listing_pages(run, "security_event.list", params, LISTING, chosen), wanted))
    told = {record["id"]: record["count"] for record in newest}
    printer.all(reversed(newest[: wanted or None]), bool(wanted) and len(newest) > wanted, follow=True)
    kinds = {kind.casefold() for kind in type_ or ()}
    while (event := _next_security_event(run)) is not None:
        passes = (not kinds or event["type"].casefold() in kinds) and source in (None, event["source"])
        if passes and told.get(event["id"], 0) < event["count"]:
            told[event["id"]] = event["count"]
            printer.one(event)


def _first(records: Iterator[Record], wanted: int) -> Iterator[Record]:
    """As many as are wanted, and one more, which shows that there are more."""
    for number, record in enumerate(records):
        yield record
        if wanted and number == wanted:
            return


def _next_security_event(run: Invocation) -> Record | None:
    while (notification := run.client.next_notification()) is not None:
        check_messages_lagged(notification, "csmsctl security-events -f")
        if notification.get("method") == "event":
            data: Any = (notification.get("params") or {}).get("data")
            return dict(data)
    return None


def _security_event_line(event: Record, human: bool) -> str:
    times = f"{event['count']} times" if event["count"] > 1 else ""
    return message_or_event_line(
        [
            event["id"],
            moment_text(event["last_received_at"], human),
            event["charge_point"] or "-",
            event["type"],
            times,
            event["tech_info"],
        ]
    )
