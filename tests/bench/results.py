"""What was measured: a table to read, and JSON to go on with, in build/bench/."""

import json
from collections.abc import Mapping, Sequence

from tests.support.site import ROOT

DIRECTORY = ROOT / "build" / "bench"


def show(name: str, title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Prints the rows, which have the same keys, and writes them to NAME.json."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    file = DIRECTORY / f"{name}.json"
    file.write_text(json.dumps({"title": title, "rows": rows}, indent=1) + "\n")
    cells = [[*rows[0]], *([_text(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    print(f"\n\n{title} ({file.relative_to(ROOT)})")
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def _text(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
