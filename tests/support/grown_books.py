"""Books of years: a state directory as a busy site leaves it, made in seconds instead of years.

python -m tests.support.grown_books DIRECTORY --transactions 300000 --readings 33
"""

import argparse
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import time_ns

from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.metering import MeterShapes
from csmsd.store.database import prepare_database

_YEAR_MS = 365 * 86_400_000
_NINE = [
    SampledValue(value="", measurand="Energy.Active.Import.Register", unit="Wh", location="Outlet"),
    SampledValue(value="", measurand="Power.Active.Import", unit="W", location="Outlet"),
    *(SampledValue(value="", measurand="Current.Import", phase=phase, unit="A") for phase in ("L1", "L2", "L3")),
    *(SampledValue(value="", measurand="Voltage", phase=phase, unit="V") for phase in ("L1-N", "L2-N", "L3-N")),
    SampledValue(value="", measurand="SoC", unit="Percent", location="EV"),
]


@dataclass
class Growth:
    """How much has happened."""

    charge_points: int = 100
    transactions: int = 300_000
    readings: int = 33  # of each transaction, of nine samples
    active: int = 100  # of the newest, one a charge point
    abandoned_every: int = 100  # transactions
    tasks: int = 100_000
    settled_messages: int = 50_000  # that could not be booked
    log_rows: int = 200_000  # messages, and half as many events


def grow(directory: Path, growth: Growth) -> Path:
    """Makes csms.db and log.db in an empty state directory; returns the path of the first."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / "csms.db"
    prepare_database(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as books:
        for pragma in ("synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY", "journal_mode=OFF"):
            books.execute(f"PRAGMA {pragma}")
        books.execute("BEGIN")
        indexes = books.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
            "AND tbl_name IN ('transactions', 'meter_value', 'task', 'quarantine')"
        ).fetchall()
        for name, _ in indexes:
            books.execute(f"DROP INDEX {name}")
        _fill(books, growth, time_ns() // 1_000_000)
        for _, sql in indexes:
            books.execute(sql)
        books.execute("COMMIT")
        books.execute("PRAGMA journal_mode=WAL")
    return path


def _fill(books: sqlite3.Connection, growth: Growth, now: int) -> None:
    began, many = now - _YEAR_MS, max(1, growth.transactions)
    names = {"began": began, "now": now, "step": (_YEAR_MS - 3_600_000) / many, "many": growth.transactions}
    names |= {"points": growth.charge_points, "running": growth.transactions - growth.active}
    names |= {"every": growth.abandoned_every, "each": growth.readings, "tasks": growth.tasks}
    names |= {"kept": growth.settled_messages}
    books.execute(
        _counting(":points")
        + "INSERT INTO charge_point (id, registration, boot_status, security_profile, labels, strict, "
        "subprotocol_optional, ping, reboot_required, registered_at, booted_at, last_seen_at) "
        "SELECT printf('CP%06d', i - 1), 'Accepted', 'Accepted', 0, '[]', 0, 0, 1, 0, :began, :began, :now FROM n",
        names,
    )
    books.execute(
        _counting(":points * 3")
        + "INSERT INTO connector (charge_point, connector, status, error_code, status_at, received_at) "
        "SELECT printf('CP%06d', (i - 1) / 3), i % 3, 'Available', 'NoError', :now, :now FROM n",
        names,
    )
    books.execute(
        _counting("1000")
        + "INSERT INTO id_tag (id, blocked, created_at) SELECT printf('TAG%06d', i), 0, :began FROM n",
        names,
    )
    if growth.transactions:
        _fill_transactions(books, names)
    books.execute(
        _counting(":tasks")
        + "INSERT INTO task (created_at, charge_point, action, request, state, outcome, settled_at) "
        "SELECT :began + i, printf('CP%06d', i % :points), 'Reset', '{}', 'settled', 'confirmed', :began + i FROM n",
        names,
    )
    books.execute(
        _counting(":kept") + "INSERT INTO quarantine "
        "(charge_point, received_at, action, reason, payload, settled_at, settlement) "
        "SELECT printf('CP%06d', i % :points), :began + i, 'StopTransaction', 'no running transaction fits it', "
        """'{"transactionId":-1,"meterStop":7000}', :began + i, 'dismissed' FROM n""",
        names,
    )


def _fill_transactions(books: sqlite3.Connection, names: dict[str, float]) -> None:
    shape, made = MeterShapes().recognize(_NINE)
    assert made is not None
    books.execute("INSERT INTO meter_shape VALUES (?, ?)", (shape.number, made.shape))
    text = "strftime('%Y-%m-%dT%H:%M:%fZ', {} / 1000.0, 'unixepoch')"
    ended = "iif(state = 'stopped', {}, NULL)"
    books.execute(
        _counting(":many")
        + f""", told AS (
            SELECT i, CAST(:began + (i - 1) * :step AS INTEGER) AS t,
                CASE WHEN i > :running THEN 'active' WHEN i / :points % :every = 0 THEN 'abandoned'
                ELSE 'stopped' END AS state
            FROM n)
        INSERT INTO transactions (id, charge_point, connector, id_tag, id_tag_status, state, start_time, start_text,
            start_received_at, meter_start_wh, stop_time, stop_text, stop_received_at, meter_stop_wh, stop_reason,
            energy_wh, basis, at_least_wh, at_most_wh, flags, reply, booking, revision, named)
        SELECT i, printf('CP%06d', (i * 37) % :points), 1 + (i / :points) % 2, printf('TAG%06d', 1 + (i * 7919) % 1000),
            'Accepted', state, t, {text.format("t")}, t, i * 10, {ended.format("t + 2040000")},
            {ended.format(text.format("(t + 2040000)"))}, {ended.format("t + 2040000")},
            {ended.format("i * 10 + 7000")}, {ended.format("'Local'")},
            iif(state = 'active', 0, 7000), iif(state = 'active', NULL, 'start_and_stop'),
            NULL, NULL, '[]', '{{"idTagInfo":{{"status":"Accepted"}},"transactionId":' || i || '}}',
            iif(state = 'active', NULL, i), iif(state = 'active', 0, 1), 1
        FROM told""",
        names,
    )
    books.execute(
        _counting(":each")
        + f""" INSERT INTO meter_value (charge_point, connector, transaction_id, time, text, shape, samples)
        SELECT t.charge_point, t.connector, t.id, t.start_time + i * 60000, NULL, {shape.number},
            '["' || (t.meter_start_wh + i * 200) || '.0","' || (10500 + (t.id * 31 + i * 17) % 800) || '.0","15.'
            || (10 + (t.id + i) % 90) || '","15.' || (10 + (t.id + i * 3) % 90) || '","15.'
            || (10 + (t.id + i * 7) % 90) || '","22' || (8 + i % 2) || '.' || (i % 10) || '","22' || (8 + i % 2) || '.'
            || (t.id % 10) || '","230.' || (i % 10) || '","' || (20 + i) || '"]'
        FROM transactions t, n ORDER BY t.id, i""",
        names,
    )


def _counting(last: str) -> str:
    """The numbers from 1 on as n(i)."""
    return f"WITH RECURSIVE n(i) AS (SELECT 1 WHERE {last} > 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "


def grow_log(path: Path, growth: Growth) -> None:
    """Fills the log of messages of a csmsd that has run there and ended."""
    now = time_ns() // 1_000_000
    with closing(sqlite3.connect(path, isolation_level=None)) as log:
        log.execute("PRAGMA synchronous=OFF")
        log.execute("BEGIN")
        names = {"rows": growth.log_rows, "now": now, "points": growth.charge_points}
        for values, into, many in (
            (
                "i * 200 - 199, i * 200, :now - (:rows - i), :now - (:rows - i), '[]', randomblob(4000)",
                "block",
                ":rows / 200",
            ),
            ("i, :now - (:rows - i), 'meter_values', printf('CP%06d', i % :points), '{}'", "event", ":rows"),
        ):
            log.execute(_counting(many) + f"INSERT OR REPLACE INTO {into} SELECT {values} FROM n", names)
        log.execute("COMMIT")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    for name, value in vars(Growth()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    given = vars(parser.parse_args())
    directory = given.pop("directory")
    path = grow(directory, Growth(**given))
    print(f"{path}: {path.stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
