"""`log` and `events`: what passes, as it passes."""

from typing import Annotated, Any

import typer

from csmsctl.arguments.parameters import Since, Targets, limit_option
from csmsctl.arguments.targets import expand
from csmsctl.display.escape import to_json
from csmsctl.display.output import Output
from csmsctl.display.table import Record
from csmsctl.display.values import moment
from csmsctl.failure import OTHER, Failure
from csmsctl.invocation import Invocation, invocation

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until interrupted")]

_MESSAGES = ("id", "time", "charge_point", "direction", "text")
_EVENTS = ("number", "time", "type", "charge_point", "data")


def log(
    ctx: typer.Context,
    targets: Targets = None,
    follow: Follow = False,
    since: Since = None,
    limit: Annotated[int, limit_option(100)] = 100,
) -> None:
    """Print the OCPP messages as they were on the wire, oldest first.

    `<` came from the charge point, `>` was sent to it. Secrets are masked.
    """
    run = invocation(ctx)
    chosen = expand(targets) or None
    # Subscribed first and listed then, so that nothing falls between; `last` tells what is known already.
    if follow:
        run.call("log.subscribe", targets=chosen)
    found = run.call("log.list", targets=chosen, since=since, limit=limit)
    if run.options.json and not follow:
        run.output.document(found)
        return
    messages = found["messages"]
    _print_headers(run, _MESSAGES)
    for message in messages:
        _print_message(run, message)
    last = max((message["id"] for message in messages), default=0)
    while follow and (notification := run.client.next_notification()) is not None:
        _check_lagged(notification, "csmsctl log -f")
        message = notification.get("params") or {}
        if notification.get("method") == "message" and message.get("id", 0) > last:
            _print_message(run, message)


def events(
    ctx: typer.Context,
    targets: Targets = None,
    follow: Follow = False,
    after: Annotated[
        int | None, typer.Option("--after", metavar="N", min=0, help="Those after this number: where a script left off")
    ] = None,
    type_: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="This type only; may be repeated")
    ] = None,
    since: Since = None,
    limit: Annotated[int, limit_option(100)] = 100,
) -> None:
    """Print what happened: connections, boots, statuses, transactions, changes, oldest first."""
    run = invocation(ctx)
    filters: dict[str, Any] = {"targets": expand(targets) or None, "types": type_ or None}
    if not follow:
        found = run.call("event.list", **filters, since=since, after=after, limit=limit if after is None else 0)
        if not run.output.documented(found):
            _print_headers(run, _EVENTS)
            for event in found["events"]:
                _print_event(run, event)
        return
    # As above: subscribed first, so that nothing falls between what is listed and what is to come.
    run.call("event.subscribe", **filters, after=after)
    _print_headers(run, _EVENTS)
    last = after or 0
    if after is None:
        for event in run.call("event.list", **filters, since=since, limit=limit)["events"]:
            _print_event(run, event)
            last = max(last, event["number"])
    while (notification := run.client.next_notification()) is not None:
        event = notification.get("params") or {}
        _check_lagged(notification, f"csmsctl events -f --after {event.get('last', last)}")
        if notification.get("method") == "event" and event.get("number", 0) > last:
            last = event["number"]
            _print_event(run, event)


def _print_headers(run: Invocation, keys: tuple[str, ...]) -> None:
    """The first line of CSV; other forms have none."""
    if run.output.csv and run.output.headers:
        run.output.csv_rows(keys, [], headers=True)


def _print_message(run: Invocation, message: Record) -> None:
    if run.options.json:
        run.output.line(message)
        return
    if run.output.csv:
        run.output.csv_rows(_MESSAGES, [message])
        return
    inward = message.get("direction") == "in"
    _line(
        run.output,
        [
            moment(message.get("time"), run.output.terminal),
            message.get("charge_point"),
            "<" if inward else ">",
            message.get("text"),
        ],
        "" if inward else "cyan",
    )


def _print_event(run: Invocation, event: Record) -> None:
    if run.options.json:
        run.output.line(event)
        return
    if run.output.csv:
        run.output.csv_rows(_EVENTS, [{**event, "data": to_json(event.get("data"))}])
        return
    data = event.get("data")
    _line(
        run.output,
        [
            event.get("number"),
            moment(event.get("time"), run.output.terminal),
            event.get("type"),
            event.get("charge_point") or "-",
            to_json(data) if data else "",
        ],
        "",
    )


def _line(output: Output, parts: list[Any], style: str) -> None:
    output.text("  ".join(str(part) for part in parts if part not in (None, "")), style=style, flush=True)


def _check_lagged(notification: Record, again: str) -> None:
    if notification.get("method") == "lagged":
        raise Failure(OTHER, "csmsd cut this off: it was not read fast enough.", f"Go on with: {again}")
