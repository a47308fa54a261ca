"""Who may write the books: a transaction's state, energy and number are assigned in one module."""

import ast
from collections.abc import Iterator
from typing import get_args

from csmsd.profiles.core.transactions import TransactionState
from tests.architecture.sources import modules, nodes

BOOKED = {
    "booking", "revision", "state", "energy_wh", "at_least_wh", "at_most_wh", "basis", "doubts", "reckoned_wh",
}  # fmt: skip


def books_written(name: str) -> Iterator[str]:
    """The fields of the books that a module assigns. Others have a `state`, too: of those it is told by its value."""
    for node in nodes(name):
        written: list[tuple[ast.expr, str, ast.expr]] = []  # of what, which field, its value
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            written = [
                (part.value, part.attr, node.value)
                for target in targets
                for part in ast.walk(target)
                if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)
            ]
        elif isinstance(node, ast.Call) and node.args and ast.unparse(node.func).endswith("replace"):
            written = [(node.args[0], keyword.arg or "", keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.Call) and len(node.args) == 3 and ast.unparse(node.func) == "setattr":
            written = [(node.args[0], ast.unparse(node.args[1]).strip("'"), node.args[2])]
        for target, field, value in written:
            of_a_transaction = "transaction" in ast.unparse(target) or (
                isinstance(value, ast.Constant) and value.value in get_args(TransactionState)
            )
            if field in BOOKED and (field != "state" or of_a_transaction):
                yield field


def test_the_books_are_written_in_one_place() -> None:
    found = {name: set(books_written(name)) for name in modules("csmsd")}

    assert {name: fields for name, fields in found.items() if fields} == {"csmsd.profiles.core.booking": BOOKED}
