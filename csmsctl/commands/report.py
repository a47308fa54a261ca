"""`report`: what was charged in a month, by whom or where, and what it costs."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from csmsctl.arguments.shared_parameters import Since, Until, file_parameter_values
from csmsctl.commands.transaction_export import transactions_to_export
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import local_time_text, thousands_text
from csmsctl.failure import USAGE, Failure
from csmsctl.invocation import Invocation, invocation
from csmsd.ocpp.identity import fold

if TYPE_CHECKING:
    from decimal import Decimal

    from csmsctl.billing.tariffs import TariffFile

By = Literal["tag", "parent", "cp", "charge-point", "transaction"]

_TITLES = {"tag": "TAG", "parent": "PARENT", "cp": "CHARGE POINT", "transaction": "TRANSACTION"}


def _report_hours(seconds: Any, human: bool = True) -> str:
    """`51:07`: hours and minutes that can be added, wherever it is printed, for it is mailed by cron."""
    minutes = int(seconds) // 60
    return f"{minutes // 60}:{minutes % 60:02}"


_GAPS = (
    Column("transaction", "TRANSACTION", right=True),
    Column("kind", "KIND"),
    Column("charge_point", "CHARGE POINT"),
    Column("id_tag", "TAG"),
    Column("energy_wh", "kWh", thousands_text, right=True),
    Column("price", "PRICE", right=True),
    Column("included", "COUNTED"),
    Column("start_time", "START", lambda value, human: local_time_text(value), wide=True),
    Column("reason", "REASON", folds=True),
)

_KINDS = {"not_booked": "messages that could not be booked", "unclaimed": "times without a transaction"}


def report_command(
    ctx: typer.Context,
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="YYYY-MM", help="Of this month, local time; or: this, last"),
    ] = None,
    since: Since = None,
    until: Until = None,
    by: Annotated[By, typer.Option("--by", help="One line for each", case_sensitive=False)] = "tag",
    tariff: Annotated[
        str | None,
        typer.Option("--tariff", metavar="FILE", help="What it costs, in TOML", autocompletion=file_parameter_values),
    ] = None,
    with_estimated: Annotated[bool, typer.Option("--with-estimated", help="Count what is estimated, too")] = False,
    with_suspect: Annotated[bool, typer.Option("--with-suspect", help="Count what is suspect, too")] = False,
    utc: Annotated[bool, typer.Option("--utc", help="Months and times of day are UTC, not local time")] = False,
) -> None:
    """Report what was charged in a month by idTag, parent idTag or charge point, and what it costs.

    A transaction belongs to the month in which it was stopped, as a whole; by a clock that is not believed, to that in
    which csmsd heard of its end. Only what the meter says counts: what is estimated (closed by an operator, or stopped
    without a reading) and suspect (its energy is in doubt, or a clock was wrong) is told apart; what an operator has
    settled counts. What is active or abandoned is listed, since it is not over, and so are messages that could not be
    booked and energy that flowed without a transaction. The parent is the one that the idTag has now.

    A tariff file has currency, decimals (2), tax_percent (0), prices_include_tax (false), and tables [[tariffs]] with
    per_kwh, per_hour, per_transaction, valid_from (a date), and tags, parents or charge_points (globs) for which it is
    meant; of several the one for the tag counts before that for the parent, the charge point, and all, and then the
    newest that was valid when the transaction began. Tables [[tariffs.bands]] with from, to ("22:00"), days ("mon") and
    per_kwh or per_hour change the prices at times of day; energy falls into them as the meter values say, and evenly
    over time where there are none.

    The transactions themselves, a line each: csmsctl tx export, whose periods are the same.

    Prices are exact; that of a transaction is rounded half up, tax once a line, and the total is the sum of the lines.
    """
    from csmsctl.billing.billing_report import billing_report as make
    from csmsctl.billing.tariffs import read_tariffs

    run = invocation(ctx)
    if by == "charge-point":
        by = "cp"
    zone = UTC if utc else None
    begin, end = _report_period(month, since, until, zone)
    tariffs = read_tariffs(tariff) if tariff is not None else None
    prices = _Prices(run, tariffs, zone) if tariffs is not None else None
    counted = ["estimated"] * with_estimated + ["suspect"] * with_suspect
    made = make(
        _transactions_to_report(run, begin, end),
        key_of=_report_key(run, by),
        price_of=prices,
        tariffs=tariffs,
        included=counted,
        unbooked=_unbooked_to_report(run, begin, end),
        unclaimed=run.call("transaction.unclaimed", since=begin, until=end)["unclaimed"],
    )
    document: Record = {
        "since": begin,
        "until": end,
        "time_zone": "UTC" if utc else "local",
        "by": by,
        "currency": tariffs.currency if tariffs is not None else None,
        "included": counted,
        **made,
        "spread_evenly": prices.spread_evenly if prices is not None else [],
    }
    if not run.output.documented(document):
        _show_report(run, document, tariffs)


def _report_period(month: str | None, since: str | None, until: str | None, zone: tzinfo | None) -> tuple[str, str]:
    """As RFC 3339 in UTC."""
    from csmsctl.arguments.when_and_duration import parse_when
    from csmsctl.billing.periods import month_period as month_of

    if (month is None) == (since is None) or (month is not None and until is not None):
        raise Failure(USAGE, "Which time is meant?", "A month, or --since and --until: csmsctl report --month last")
    if month is None:
        return str(since), until or parse_when("now")
    try:
        first, after = month_of(month, zone, datetime.now(UTC))
    except ValueError as error:
        raise Failure(USAGE, f"{error}.") from None
    return parse_when(first.isoformat()), parse_when(after.isoformat())


def _transactions_to_report(run: Invocation, begin: str, end: str) -> Iterator[Record]:
    """What began before the end of the period and is not over, and what stopped in it.

    They are asked for in this order, so that one that stops meanwhile is not overlooked; it is what it was when it was
    seen last. Only what is not over is held: there may be many that stopped.
    """
    unfinished: dict[int, Record] = {}
    for state in ("abandoned", "active"):
        still = transactions_to_export(run, {"state": state, "until": end})
        unfinished |= {transaction["id"]: transaction for transaction in still if transaction["state"] == state}
    for transaction in transactions_to_export(run, {"stopped_since": begin, "stopped_until": end}):
        unfinished.pop(transaction["id"], None)
        yield transaction
    yield from unfinished.values()


def _unbooked_to_report(run: Invocation, begin: str, end: str) -> list[Record]:
    """What came in the period, could not be booked, and was not seen to."""
    found: list[Record] = []
    place: Record = {}
    while True:
        answer = run.call("transaction.orphans", since=begin, until=end, limit=0, **place)
        found += answer["orphans"]
        if "more" not in answer:
            return found
        place = {"before_id": found[-1]["id"]}


def _report_key(run: Invocation, by: By) -> Callable[[Record], str | None]:
    if by == "parent":
        parents = _parents_for_report(run)
        return lambda transaction: parents.get(fold(transaction["id_tag"]))
    field = {"tag": "id_tag", "transaction": "id"}.get(by, "charge_point")
    return lambda transaction: str(transaction[field])


def _parents_for_report(run: Invocation) -> dict[str, str]:
    return {fold(tag["id"]): tag["parent"] for tag in run.call("tag.list")["tags"] if tag["parent"]}


class _Prices:
    """Prices of transactions; meter values are asked for where the time of day matters."""

    def __init__(self, run: Invocation, tariffs: "TariffFile", zone: tzinfo | None) -> None:
        self._run = run
        self._tariffs = tariffs
        self._zone = zone
        self._parents = _parents_for_report(run)
        self.spread_evenly: list[int] = []

    def __call__(self, transaction: Record) -> "Decimal | None":
        """Rounded; None where no tariff is for it."""
        from csmsctl.billing.pricing import Curve, price, rounded_price

        begun, stopped = (datetime.fromisoformat(transaction[key]) for key in ("start_time", "stop_time"))
        if "start_clock" in transaction["doubts"]:  # hours are not paid by a clock that nobody believes
            begun = stopped - timedelta(seconds=transaction["duration_s"])
        parent = self._parents.get(fold(transaction["id_tag"]))
        tariff = self._tariffs.tariff_of(transaction, parent, begun.astimezone(self._zone).date())
        if tariff is None:
            return None
        readings = []
        if any(band.per_kwh is not None for band in tariff.bands):
            answer = self._run.call("transaction.energy", id=transaction["id"])
            readings = [(datetime.fromisoformat(point["time"]), point["energy_wh"]) for point in answer["energy"]]
            if not readings and transaction["energy_wh"]:
                self.spread_evenly.append(transaction["id"])
        curve = Curve(begun, stopped, transaction["energy_wh"], readings)
        return rounded_price(price(tariff, curve, self._zone), self._tariffs.decimals)


def _show_report(run: Invocation, document: Record, tariffs: "TariffFile | None") -> None:
    lines = [{**line, "key": "(none)" if line["key"] is None else line["key"]} for line in document["groups"]]
    if run.output.csv:
        from csmsctl.billing.billing_report import FIELDS

        run.output.csv_rows(FIELDS, lines, headers=run.output.headers)
        _warn_of_report_gaps(run, document)
        return
    run.output.text(f"From {local_time_text(document['since'])} to {local_time_text(document['until'])}", style="bold")
    columns = [
        Column("key", _TITLES[document["by"]]),
        Column("transactions", "TRANSACTIONS", right=True),
        Column("energy_wh", "kWh", thousands_text, right=True),
        Column("duration_s", "DURATION", _report_hours, right=True),
    ]
    if tariffs is not None:
        columns.append(Column("cost", f"COST {tariffs.currency}", right=True))
        if tariffs.tax_percent:
            columns.append(Column("tax", "TAX IN IT", right=True))
    run.output.table(
        columns, [*lines, {**document["total"], "key": "TOTAL"}] if lines else [], empty="Nothing was charged."
    )
    if document["gaps"]:
        run.output.text("")
        run.output.text(_report_gaps_statement(document), style="yellow")
        shown = [column for column in _GAPS if tariffs is not None or column.key != "price"]
        run.output.table(shown, document["gaps"])
    if document["spread_evenly"]:
        run.output.note(_report_spread_evenly(document))


def _warn_of_report_gaps(run: Invocation, document: Record) -> None:
    """What rows cannot say."""
    if document["gaps"]:
        run.output.warn(_report_gaps_statement(document))
    if document["spread_evenly"]:
        run.output.warn(_report_spread_evenly(document))


def _report_gaps_statement(document: Record) -> str:
    """The gaps in a sentence: how many of what, how much, and whether it counts."""
    parts = []
    for kind in dict.fromkeys(gap["kind"] for gap in document["gaps"]):
        gaps: list[Any] = [gap for gap in document["gaps"] if gap["kind"] == kind]
        counted = "counted" if gaps[0]["included"] else "not counted"
        energy = sum(gap["energy_wh"] or 0 for gap in gaps)
        figures = f", {thousands_text(energy)} kWh" if kind != "not_booked" else ""
        numbers = ", ".join(str(gap["transaction"]) for gap in gaps if gap["transaction"] is not None)
        listed = f": {numbers}" if numbers else ""
        parts.append(f"{len(gaps)} {_KINDS.get(kind, kind)}{figures}, {counted}{listed}")
    return "Gaps: " + "; ".join(parts) + "."


def _report_spread_evenly(document: Record) -> str:
    numbers = ", ".join(map(str, document["spread_evenly"]))
    return f"Without meter values, so that their energy was spread evenly over time: {numbers}."
