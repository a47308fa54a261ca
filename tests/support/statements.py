"""The statements that a csmsd gives to SQLite, and how SQLite means to carry them out."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.support.site import ROOT

_TRACING = """
import os, sqlite3

def connect(*arguments, really=sqlite3.connect, **named):
    connection = really(*arguments, **named)
    if "csms.db" in str(arguments[0]):
        connection.set_trace_callback(lambda sql: os.write(kept, sql.encode() + b"\\0"))
    return connection

kept = os.open(os.environ["STATEMENTS"], os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
sqlite3.connect = connect
"""
_LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
_STEP = re.compile(r"SCAN (?!CONSTANT ROW|\d+ CONSTANT ROW|\(subquery)(\S+)(?: USING (?:COVERING )?INDEX (\S+))?")
_PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


class Statements:
    """`variables` go into the environment of the csmsd whose statements these are."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        (directory / "sitecustomize.py").write_text(_TRACING)
        self._path = directory / "statements"
        self.variables = {"PYTHONPATH": f"{directory}:{ROOT}", "STATEMENTS": str(self._path)}

    def different(self) -> list[str]:
        """One of each, whatever the values in it."""
        kept = {
            re.sub(r"(\(\?(,\?)*\),?)+", "(?)", _LITERAL.sub("?", sql)): sql
            for sql in self._path.read_text(errors="replace").split("\0")
            if sql.lstrip().upper().startswith(_PLANNED)
        }
        return list(kept.values())

    def scans(self, database: Path, known: set[str]) -> Iterator[str]:
        """Those that go through a table, or an index, that is none of the known ones: (statement, step)."""
        with closing(sqlite3.connect(database)) as connection:
            for sql in self.different():
                for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}"):
                    scan = _STEP.match(step)
                    if scan is not None and scan[2] not in known and scan[1] not in known:
                        yield f"{step}: {sql[:300]}"
