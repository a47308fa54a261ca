"""The results of an operation, for people: a line for each, and tables for what charge points list."""

from typing import Any

from csmsctl.display.escape import escape_to_json
from csmsctl.display.output import Output
from csmsctl.display.table import Column, Record
from csmsctl.display.value_texts import milliseconds_text, moment_text, plain_text
from csmsctl.link.client import Result
from csmsctl.operations.effects import observed_effect_code, observed_effect_detail, observed_effect_word

_GOOD, _BAD, _QUIET = "green", "red", "dim"


def _result_style(record: Record) -> str:
    observed = observed_effect_code(record)
    if observed is not None:
        return _BAD if observed else _GOOD
    return {"accepted": _GOOD, "queued": "yellow", "not_sent": "yellow"}.get(str(record.get("outcome")), _BAD)


_COLUMNS = (
    Column("charge_point", "CHARGE POINT"),
    Column("action", "ACTION"),
    Column("shown", "RESULT", style=_result_style),
    Column("duration_ms", "TIME", milliseconds_text, right=True),
    Column("detail", "DETAIL", folds=True),
)
_CSV_COLUMNS = tuple(
    Column(key, key)
    for key in ("charge_point", "action", "outcome", "status", "error", "duration_ms", "task", "observed")
)


# What an answer lists, in the order of C 6.28 and C 7.14.
_LISTED = {
    "GetConfiguration": ("key", "readonly", "value"),
    "GetCompositeSchedule": ("startPeriod", "limit", "numberPhases"),
    "GetInstalledCertificateIds": ("hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber"),
}


def show_results(output: Output, results: list[Result], *, dry_run: bool = False) -> None:
    """Lists in the answers (configuration keys, say) as a table; every other result as a line."""
    listing = [result for result in results if _lists_in_result(result)]
    if output.quiet and not output.csv and not listing and not dry_run:
        # Data is shown, and the rest is what cron is to mail: what did not go well.
        for row in _result_rows(output, [result for result in results if result_failed(result)], dry_run):
            output.warn(_sentence(row))
        return
    fields = None if dry_run or not output.csv else _listed_fields(results)
    if fields is not None:
        output.csv_rows(fields, _listed_rows(listing), headers=output.headers)
        _show_other_fields(output, listing)
    elif listing:
        _show_lists_of_results(output, listing, named=len({result["charge_point"] for result in results}) > 1)
    rest = [result for result in results if not _lists_in_result(result)]
    if output.csv and fields is None and not listing:
        seen = [{**result, "observed": _observed_result(result)} for result in rest]
        output.table(_CSV_COLUMNS, seen)
    elif listing or fields is not None:
        for row in _result_rows(output, rest, dry_run):
            output.warn(_sentence(row))
    else:
        output.table(_COLUMNS, _result_rows(output, rest, dry_run), empty="No charge point is meant.")
    for note in dict.fromkeys(str(result["note"]) for result in results if result.get("note")):
        output.note(note)


def _sentence(row: Record) -> str:
    said = " ".join(filter(None, (row["action"], row["shown"], row["detail"])))
    return f"{row['charge_point']}: {said}"


def _listed_fields(results: list[Result]) -> list[str] | None:
    """The columns of what the charge points list: the same in each run, whoever answers, and whatever."""
    for result in results:
        if result.get("action") in _LISTED:
            return ["charge_point", *_LISTED[str(result["action"])]]
    return None


def _listed_rows(results: list[Result]) -> list[Record]:
    return [
        {"charge_point": result["charge_point"], **record}
        for result in results
        for records in _lists_in_result(result).values()
        for record in records
    ]


def result_failed(result: Result) -> bool:
    """Whether it did not go as it was meant to."""
    observed = observed_effect_code(result)
    if observed is not None:
        return observed != 0
    return result.get("outcome") not in ("accepted", "queued") and not (
        result.get("outcome") == "not_sent" and not result.get("error")
    )


def _result_rows(output: Output, results: list[Result], dry_run: bool) -> list[Record]:
    seen: dict[tuple[Any, Any], int] = {}
    for result in results:
        place = (result.get("charge_point"), result.get("action"))
        seen[place] = seen.get(place, 0) + 1
    rows = []
    for result in results:
        repeated = seen[(result.get("charge_point"), result.get("action"))] > 1
        parts = []
        if dry_run:
            parts.append(escape_to_json(result.get("request")))  # exactly what would be sent
        elif repeated:
            parts.append(plain_text(result.get("request")))
        if result.get("outcome") == "queued":
            named = result.get("error") or f"task {result.get('task')}"  # it may have been queued before
            parts.append(f"{named}, until {moment_text(result.get('expires_at'), output.terminal)}")
        elif error := result.get("error"):
            parts.append(str(error))
        response = result.get("response")
        if isinstance(response, dict):
            limited = (response.get("chargingSchedule") or {}).get("chargingSchedulePeriod")
            accepted = response.get("status") == "Accepted"
            if result.get("action") == "GetCompositeSchedule" and accepted and not limited:
                parts.append("no schedule reported")
            parts.append(plain_text({key: value for key, value in response.items() if key != "status"}))
        observed = result.get("observed")
        if isinstance(observed, dict):
            parts += observed_effect_detail(result)
            waited = observed.get("waited_s")  # what TIME is about is the effect
            result = result if waited is None else {**result, "duration_ms": round(waited * 1000)}
        rows.append(
            {**result, "shown": _result_word(result, dry_run), "detail": "; ".join(part for part in parts if part)}
        )
    return rows


def _result_word(result: Result, dry_run: bool) -> str:
    outcome = str(result.get("outcome") or "").replace("_", " ")
    if dry_run and not result.get("error"):
        return "would be sent"
    observed = result.get("observed")
    if isinstance(observed, dict):
        return observed_effect_word(observed)
    status = result.get("status")
    return str(status) if status and outcome in ("accepted", "rejected") else outcome


def _observed_result(result: Result) -> str | None:
    observed = result.get("observed")
    return observed_effect_word(observed) if isinstance(observed, dict) else None


def _lists_in_result(result: Result) -> dict[str, list[Record]]:
    """The lists of objects in an answer, by name."""
    return {
        name: value
        for name, value in _fields_of_result(result).items()
        if isinstance(value, list) and value and all(isinstance(part, dict) for part in value)
    }


def _fields_of_result(result: Result) -> Record:
    """What an answer says; the parts of a part (a charging schedule, say) are fields like the others."""
    found: Record = {}
    response = result.get("response")
    for name, value in response.items() if isinstance(response, dict) else ():
        found |= value if isinstance(value, dict) else {name: value}
    return found


def _show_lists_of_results(output: Output, results: list[Result], *, named: bool) -> None:
    rows = _listed_rows(results)
    keys = list(dict.fromkeys(key for row in rows for key in row if key != "charge_point"))
    columns = [Column(key, key.upper(), folds=key == keys[-1]) for key in keys]  # of a configuration key, its value
    if named:
        columns.insert(0, Column("charge_point", "CHARGE POINT"))
    output.table(columns, rows)
    _show_other_fields(output, results)


def _show_other_fields(output: Output, results: list[Result]) -> None:
    for result in results:
        others = {
            key: value
            for key, value in _fields_of_result(result).items()
            if key not in _lists_in_result(result) and value not in (None, [])
        }
        if others:
            output.note(f"{result['charge_point']}: {plain_text(others)}")
