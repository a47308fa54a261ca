"""The screen as lines: the site's figures, the rows that fit, what is wrong with the chosen one, the keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from rich.text import Text

from csmsctl.dashboard.layout import GAP, Cell, Field, fit_in_layout, folded_in_layout, layout_widths, packed_in_layout
from csmsctl.dashboard.sparkline import SLOTS, History
from csmsctl.dashboard.view import KEYS, View, selected_for_dashboard, severity_on_dashboard
from csmsctl.display.escape import escape_text
from csmsctl.display.table import Record
from csmsctl.display.value_texts import counted_text, duration_text, moment_text, plain_text, thousands_text
from csmsctl.records.connectors import connector_rows as connector_rows
from csmsctl.records.problems import problem_style as problem_style
from csmsctl.records.problems import problem_told, problems_in_status

_MARKS = {"critical": Cell("!", "bold red"), "warning": Cell("!", "yellow"), None: Cell(" ")}
_FIELDS = (
    Field("", 0, 1, 1),
    Field("CHARGE POINT", 1, 12, 24),
    Field("C", 2, 2, 4, right=True),
    Field("STATUS", 3, 15, 20),
    Field("AGE", 4, 6, 8, right=True),
    Field("kW", 5, 6, 9, right=True),
    Field("LIMIT", 8, 6, 7, right=True),  # of its circuit, in A on each phase; all connectors of one may share it
    Field("POWER", 7, 8, SLOTS // 2),
    Field("kWh", 6, 6, 11, right=True),
    Field("SoC", 8, 5, 5, right=True),
    Field("TX", 11, 19, 19, right=True),  # whole or not at all: half a number is another one
    Field("TAG", 12, 6, 20),
    Field("TASK", 10, 12, 24),
    Field("PROBLEM", 9, 16, 60),
)
_FACTS = 5  # fields that every row has; a row without a transaction has what is wrong with it in place of the others
_LEAST_WORDS = 8  # cells; fewer say nothing
_LIMIT = 6
_POWER = 7  # the place of the sparkline
_DETAILS = 3  # lines, and more on high screens
_SITE_PROBLEMS = 2
_UNITS = (("power_w", "kW"), ("energy_wh", "kWh"))


class Seen(NamedTuple):
    """What there is to show: csmsd's last `status`, and since when (local time) and why it cannot be asked."""

    status: Record
    lost_since: str | None = None
    lost: str | None = None


def picture(seen: Seen, view: View, history: History, size: tuple[int, int], now: float) -> list[Text]:
    """At most `size` (columns, lines) large; moves the cursor of the view to where there is a row."""
    width, height = size
    if view.help:
        return _picture_help(width)[:height]
    rows = selected_for_dashboard(seen.status.get("charge_points") or [], view)
    head = _picture_head(seen, width, now)
    details = max(_DETAILS, height // 8)
    if height < len(head) + details + 8:
        details = 0
    page = max(1, height - len(head) - 3 - (details + 1 if details else 0))
    view.settle(len(rows), page)
    shown = rows[view.top : view.top + page]
    table = _picture_table(shown, view.cursor - view.top, history, width, now)
    if not rows:
        table.append(Text(fit_in_layout(_picture_of_nothing(seen, view), width).rstrip(), style="dim"))
    lines = [*head, Text(""), *table]
    if details:
        lines += [Text("")] * (height - len(lines) - details - 2) + [Text("")]
        lines += (_picture_details(rows[view.cursor], width, details) if rows else []) + [Text("")] * details
        lines = lines[: height - 1]
    return [*lines[: height - 1], _picture_foot(view, len(rows), len(shown), width)]


def _picture_of_nothing(seen: Seen, view: View) -> str:
    if view.filter or view.only_problems:
        return "Nothing is like that. All again: a"
    return "" if seen.lost else "No charge point is registered; begin with: csmsctl cp add CP1"


# --- above the table


def _picture_head(seen: Seen, width: int, now: float) -> list[Text]:
    daemon = seen.status.get("daemon") or {}
    lines = []
    if seen.lost is not None:
        reason = f"csmsd cannot be reached since {seen.lost_since}; this is what it said last. {seen.lost}"
        lines = _first_picture_lines(
            [Text(line, style="bold red") for line in folded_in_layout(escape_text(reason), width)], 2, width
        )
    if not daemon:
        return lines or [Text("")]
    found = connector_rows(seen.status.get("charge_points") or [])
    running = daemon.get("active_transactions") or 0
    figures = [
        f"csmsd {daemon.get('version')}, up {duration_text(daemon.get('uptime_s'))}",
        f"{daemon.get('connected')} of {daemon.get('charge_points')} connected",
        counted_text(running, "transaction"),
        f"{sum(row.get('power_w') or 0 for row in found) / 1000:.1f} kW",
        f"{sum(row.get('energy_wh') or 0 for row in found) / 1000:.1f} kWh so far",
    ]
    lines.append(Text(packed_in_layout([escape_text(figure) for figure in figures], width), style="bold"))
    lines.append(_picture_worries(seen.status, width, now))
    if daemon.get("circuits"):
        lines.append(_picture_circuits(daemon["circuits"], width))
    for problem in (daemon.get("problems") or [])[:_SITE_PROBLEMS]:
        text = escape_text(f"{problem.get('text')}; see: {problem.get('next')}")
        lines.append(Text(fit_in_layout(text, width).rstrip(), style=problem_style(problem)))
    return lines


def _picture_circuits(lines: Sequence[Record], width: int) -> Text:
    """Each circuit by its fullest phase: what flows, and what may flow, of what it carries."""
    fullest: dict[str, Record] = {}
    for line in lines:
        before = fullest.get(line["circuit"])
        if before is None or _picture_use(line) > _picture_use(before):
            fullest[line["circuit"]] = line
    parts = []
    for line in fullest.values():
        unit = "W" if line["phase"] == "W" else "A"
        where = line["circuit"] if unit == "W" else f"{line['circuit']} {line['phase']}"
        now, most = line["other"] + line["drawn"], line["other"] + line["given"]
        parts.append(f"{where} {now:g} {unit} now, {most:g} at most, of {line['limit']:g} {unit}")
    over = any(_picture_use(line) > 1 for line in lines)
    return Text(packed_in_layout([escape_text(part) for part in parts], width), style="bold red" if over else "")


def _picture_use(line: Record) -> float:
    """Which part of a line may be used: more than 1 is too much."""
    limit = float(line["limit"])
    taken = float(line["other"]) + float(line["given"])
    return taken / limit if limit else (2.0 if taken else 1.0)


def _picture_worries(status: Record, width: int, now: float) -> Text:
    """How many problems there are, what is under way, and the time."""
    daemon, found = status["daemon"], problems_in_status(status)
    critical = sum(problem.get("severity") == "critical" for problem in found)
    tasks, queued = daemon.get("open_tasks") or 0, daemon.get("queued_commands") or 0
    state = [
        f"{critical} critical" if critical else "",
        counted_text(len(found) - critical, "warning") if len(found) > critical else "",
    ]
    worries = ", ".join(word for word in state if word) or "no problems"
    work = counted_text(tasks, "open task") + (f", {queued} queued" if queued else "")
    more = [worries, work, datetime.fromtimestamp(now).strftime("%H:%M:%S")]
    return Text(packed_in_layout(more, width), style="bold red" if critical else "yellow" if found else "green")


# --- the table


def _picture_table(rows: Sequence[Record], cursor: int, history: History, width: int, now: float) -> list[Text]:
    cells = [_picture_cells(row, now) for row in rows]
    fields, power = [*_FIELDS], _POWER
    if not any(row.get("site_limit") for row in rows):  # there are no circuits, or none of these is on one
        del fields[_LIMIT]
        power -= 1
        for line in cells:
            del line[_LIMIT]
    given = layout_widths(fields, cells, width)
    titles = [
        fit_in_layout(field.title, size, right=field.right) for field, size in zip(fields, given, strict=True) if size
    ]
    lines = [Text((" " * GAP).join(titles).rstrip(), style="bold")]
    for at, (row, line) in enumerate(zip(rows, cells, strict=True)):
        place = (row.get("charge_point"), row.get("connector"))
        line[power] = Cell(history.line(place, now, given[power]), "cyan")
        worry = _picture_worry(row) if row.get("transaction") is None else Cell("")
        text = Text()
        for number, (field, cell, size) in enumerate(zip(fields, line, given, strict=True)):
            if number == _FACTS and worry.text and width - text.cell_len >= _LEAST_WORDS:
                text.append(fit_in_layout(worry.text, width - text.cell_len).rstrip(), style=worry.style)
                break
            if size:
                text.append(fit_in_layout(cell.text, size, right=field.right), style=cell.style)
                text.append(" " * GAP)
        text.rstrip()
        if at == cursor:
            text.append(" " * (width - text.cell_len))
            text.stylize("reverse")
        lines.append(text)
    return lines


def _picture_cells(row: Record, now: float) -> list[Cell]:
    charging = row.get("transaction") is not None
    tasks, soc = row.get("open_tasks") or [], row.get("soc_percent")
    task = plain_text(tasks[0].get("action")) + (f" +{len(tasks) - 1}" if len(tasks) > 1 else "") if tasks else ""
    return [
        _MARKS[severity_on_dashboard(row)],
        Cell(escape_text(plain_text(row.get("charge_point")))),
        Cell(plain_text(row.get("connector"))),
        Cell(escape_text(_picture_status(row)), picture_status_style(row)),
        Cell(picture_age(row.get("last_seen_at"), now), "" if row["connected"] else "dim"),
        Cell(thousands_text(row.get("power_w"))),
        _picture_limit(row.get("site_limit")),
        Cell("·" * (SLOTS // 2) if charging else ""),  # how much room it would like
        Cell(thousands_text(row.get("energy_wh"))),
        Cell(f"{soc:.0f} %" if isinstance(soc, int | float) else ""),
        Cell(plain_text(row.get("transaction"))),
        Cell(escape_text(plain_text(row.get("id_tag")))),
        Cell(escape_text(task)),
        _picture_worry(row) if charging else Cell(""),
    ]


def _picture_limit(limit: Record | None) -> Cell:
    """What its circuit leaves it."""
    if limit is None:
        return Cell("")
    if limit.get("limit_a") is None:
        return Cell("none", "red")
    shared = "≤" if limit.get("connector") == 0 else ""
    return Cell(f"{shared}{limit['limit_a']:g} A", "yellow" if limit.get("state") == "waiting" else "")


def _picture_worry(row: Record) -> Cell:
    """What is wrong with it, or what it said last about itself."""
    worst = severity_on_dashboard(row)
    text = "; ".join(problem_told(problem, True) for problem in row["problems"]) or str(row["note"])
    tasks = [_picture_doing(task) for task in row.get("open_tasks") or []]
    if row.get("transaction") is None and tasks:
        text = "; ".join([text, *tasks] if text else tasks)
    return Cell(escape_text(text), "red" if worst == "critical" else "yellow" if worst else "dim")


def _picture_doing(task: Record) -> str:
    return f"{plain_text(task.get('action'))} {'queued' if task.get('state') == 'queued' else 'under way'}"


def _picture_status(row: Record) -> str:
    """In a word: the error, and what an offline one did last, stand elsewhere."""
    if not row["connected"]:
        return "offline" if row.get("last_seen_at") else "never connected"
    return plain_text(row.get("status")) or "connected"


def picture_status_style(row: Record) -> str:
    if not row["connected"]:
        return "dim"
    if row.get("status") == "Faulted":
        return "bold red"
    if row.get("error_code") not in (None, "NoError") or row.get("status") == "Unavailable":
        return "yellow"
    return "bold green" if row.get("transaction") is not None else "green"


def picture_age(text: object, now: float) -> str:
    """How long ago: `4 s`, `12 min`, `3 h`, `5 d`."""
    try:
        seconds = max(0, int(now - datetime.fromisoformat(str(text)).timestamp()))
    except ValueError:
        return "never"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


# --- below the table


def _picture_details(row: Record, width: int, count: int) -> list[Text]:
    """What is wrong with a row and what to do; or what it does."""
    where = f"{row.get('charge_point')} connector {row.get('connector')}"
    if row.get("connector") is None:
        where = str(row.get("charge_point"))
    lines: list[Text] = []
    for problem in row["problems"]:
        since = f" since {moment_text(problem['since'], True)}" if problem.get("since") else ""
        style = problem_style(problem)
        lines += [
            Text(line, style=style)
            for line in folded_in_layout(escape_text(f"{where}: {problem.get('text')}{since}"), width)
        ]
        lines += [Text(line) for line in folded_in_layout(escape_text(f"→ {problem.get('next')}"), width)]
    more = row.get("transaction") is not None or row.get("open_tasks") or row.get("info")
    if row["problems"] and not more:
        return _first_picture_lines(lines, count, width)
    facts = [f"{where}: {row['shown']}"]
    if row.get("since"):
        facts.append(f"since {moment_text(row['since'], True)}")
    if row.get("transaction") is not None:
        facts.append(f"transaction {row['transaction']} of {row.get('id_tag')}")
        facts += [f"{thousands_text(row[key])} {key_unit}" for key, key_unit in _UNITS if row.get(key)]
        if row.get("soc_percent") is not None:
            facts.append(f"SoC {plain_text(row['soc_percent'])} %")
    facts += [f"task {task.get('id')}: {_picture_doing(task)}" for task in row.get("open_tasks") or []]
    facts += [plain_text(row["info"])] if row.get("info") else []
    lines += [Text(line, style="dim") for line in folded_in_layout(escape_text(", ".join(facts)), width)]
    return _first_picture_lines(lines, count, width)


def _first_picture_lines(lines: list[Text], count: int, width: int) -> list[Text]:
    """So many lines; the last one shows that there are more."""
    if len(lines) <= count:
        return lines
    last = lines[count - 1]
    return [
        *lines[: count - 1],
        Text(fit_in_layout(last.plain, width - 1).rstrip().rstrip("…") + "…", style=last.style),
    ]


def _picture_foot(view: View, count: int, shown: int, width: int) -> Text:
    if view.typing:
        return Text(
            fit_in_layout(f"/{escape_text(view.filter)}▏ Enter keeps it, Esc clears it", width).rstrip(), style="bold"
        )
    order = f"{view.sort}{', reversed' if view.reverse else ''}"
    parts = [f"{view.top + 1}-{view.top + shown} of {count}" if count else "0 of 0"]
    if view.filter:
        parts.append(f"/{escape_text(view.filter)}")
    parts.append("p: only problems are shown" if view.only_problems else "p problems")
    parts += ["q quit", "? help", f"s sort ({order})", "/ filter", "a all", "r reverse"]
    return Text(packed_in_layout(parts, width, "  "), style="dim")


def _picture_help(width: int) -> list[Text]:
    lines = [Text(fit_in_layout("Keys of csmsctl watch", width).rstrip(), style="bold"), Text("")]
    for keys, meaning in KEYS:
        first, *rest = folded_in_layout(meaning, max(8, width - 12))
        lines.append(Text(fit_in_layout(f"{keys:<10}  {first}", width).rstrip()))
        lines += [Text(fit_in_layout(f"{'':<10}  {line}", width).rstrip()) for line in rest]
    return [*lines, Text(""), Text(fit_in_layout("Any key goes back.", width).rstrip(), style="dim")]
