"""What csmsctl asks of csmsd and reads in its answers is there: methods, parameters, fields, codes, limits."""

import ast
import importlib
import re
import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from csmsctl.arguments.when_and_duration import parse_duration
from csmsctl.desired_state import document
from csmsctl.failure import MEANINGS, NOT_THERE, USAGE
from csmsctl.groups import Entry, Section
from csmsctl.link import client, connection
from csmsctl.manual import commands_of_manual
from csmsctl.operations import options, request
from csmsctl.tree import PANELS
from csmsd.control import lines, rpc
from csmsd.control.methods import METHODS, completion_values
from csmsd.control.methods.operations import LONGEST_QUEUE_SECONDS, Common
from csmsd.profiles import operations
from csmsd.profiles.core import change_configuration
from csmsd.profiles.record import EventType
from csmsd.profiles.task import Outcome
from tests.architecture.sources import below, modules, nodes

# The rooms that talk with csmsd: the simulator and the cases speak OCPP, and tariffs have words of their own.
ROOMS = [
    name
    for name in modules("csmsctl")
    if not below(name, "csmsctl.simulator", "csmsctl.conformance", "csmsctl.billing")
]
# What asks, and where its arguments have the name of the method.
ASKING = {"call": 0, "begin": 0, "record": 0, "Request": 0, "request_with_progress": 1, "listing_pages": 1}


class Asked:
    """A call of a method: where it is, and the names and values of what is given."""

    def __init__(self, module: str, function: ast.FunctionDef | None, node: ast.Call) -> None:
        self.place = f"{module}:{node.lineno}"
        self.module, self.function, self.node = module, function, node
        at = ASKING[_name(node.func)]
        self.method = str(ast.literal_eval(node.args[at]))
        self.given = {word.arg: word.value for word in node.keywords if word.arg}
        if isinstance(node.func, ast.Name) or len(node.args) > at + 1:
            # A record of its own; one that was made elsewhere is not looked into.
            record = node.args[at + 1] if len(node.args) > at + 1 else None
            pairs = zip(record.keys, record.values, strict=True) if isinstance(record, ast.Dict) else ()
            self.given = {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
            if _name(node.func) == "record":
                self.given = {word.arg: word.value for word in node.keywords if word.arg}


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


@cache
def asked() -> list[Asked]:
    return list(_asked())


def _asked() -> Iterator[Asked]:
    for module in ROOMS:
        functions = [node for node in nodes(module) if isinstance(node, ast.FunctionDef)]
        for node in nodes(module):
            if (
                isinstance(node, ast.Call)
                and _name(node.func) in ASKING
                and len(node.args) > ASKING[_name(node.func)]
                and isinstance(method := node.args[ASKING[_name(node.func)]], ast.Constant)
                and isinstance(method.value, str)
            ):
                around = [one for one in functions if one.lineno <= node.lineno <= (one.end_lineno or 0)]
                yield Asked(module, max(around, key=lambda one: one.lineno, default=None), node)


def test_there_is_something_to_look_at() -> None:
    assert len({one.method for one in asked()}) > 60
    assert sum(bool(one.given) for one in asked()) > 50


def test_every_method_is_one_of_csmsd() -> None:
    assert {one.place: one.method for one in asked() if one.method not in METHODS} == {}
    named = {
        str(ast.literal_eval(value))
        for module in modules("csmsctl.link", "csmsctl.batch")
        for node in nodes(module)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "method" and isinstance(value, ast.Constant)
    }
    assert named == {"operation.stop"}
    assert named <= set(METHODS)


def test_every_method_of_csmsd_is_asked_for() -> None:
    """One that nobody asks for is dead, or wants a command."""
    by_others = {"unsubscribe"}  # programs that go on with their connection
    by_the_self_test = {"daemon.limits"}
    by_name = {"operation.stop", "rollout.pause", "rollout.resume", "rollout.cancel"}

    assert set(METHODS) - {one.method for one in asked()} == by_others | by_the_self_test | by_name


def test_what_commands_say_that_they_call_is_what_they_call() -> None:
    """`auth can-i` goes by it. What stands in modules that several commands share, they all name."""
    declared: dict[str, set[str]] = {}
    for entry in entries_of_tree():
        declared.setdefault(entry.where.partition(":")[0], set()).update(entry.calls or ())
        assert entry.calls is None or all(METHODS[method].needs != "read" for method in entry.calls), entry
    shared = {"csmsctl.commands.enforcement": {"csmsctl.commands.tags"}}
    shared["csmsctl.records.configurations"] = {"csmsctl.commands.configuration"}
    of_the_slices = {"csmsctl.operations.declared"}
    of_cp_test = set(modules("csmsctl.commissioning"))
    for one in asked():
        if METHODS[one.method].needs == "read" or one.module in of_the_slices | of_cp_test:
            continue
        for module in shared.get(one.module, {one.module}):
            assert one.method in declared[module], one.place
    assert {method for methods in declared.values() for method in methods} <= {one.method for one in asked()} | {
        "rollout.pause", "rollout.resume", "rollout.cancel",
    }  # fmt: skip


def entries_of_tree() -> Iterator[Entry]:
    for panel in PANELS.values():
        for found in panel.values():
            yield from found.entries.values() if isinstance(found, Section) else [found]


def test_every_parameter_is_one_of_the_method() -> None:
    wrong = {
        one.place: name
        for one in asked()
        for name in one.given
        if name not in METHODS[one.method].parameters.__struct_encode_fields__
    }
    assert wrong == {}


# --- choices


def choices(hint: Any) -> set[str]:
    """The words that a type allows; none where it allows any."""
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    if get_origin(hint) in (Annotated, Union, types.UnionType, list):
        return set().union(*(choices(part) for part in get_args(hint)))
    return set()


def chosen() -> Iterator[tuple[str, set[str], set[str]]]:
    """Where, what may be typed, and what csmsd takes, of every option that is passed on as it is."""
    for one in asked():
        if one.function is None or not hasattr(importlib.import_module(one.module), one.function.name):
            continue
        typed = get_type_hints(getattr(importlib.import_module(one.module), one.function.name), include_extras=True)
        taken = get_type_hints(METHODS[one.method].parameters, include_extras=True)
        for name, value in one.given.items():
            if isinstance(value, ast.Name) and value.id in typed and (choices(typed[value.id]) or choices(taken[name])):
                yield f"{one.place} {name}", choices(typed[value.id]), choices(taken[name])


def test_what_may_be_typed_is_what_csmsd_takes() -> None:
    found = list(chosen())
    assert len(found) >= 5
    assert {place: (typed, taken) for place, typed, taken in found if taken and not typed <= taken} == {}


def test_completion_asks_for_kinds_of_values_that_csmsd_knows() -> None:
    known = choices(get_type_hints(completion_values.Complete)["kind"])
    live = {
        str(ast.literal_eval(node.args[0]))
        for module in modules("csmsctl")
        for node in nodes(module)
        if isinstance(node, ast.Call)
        and _name(node.func) == "live_parameter_values"
        and isinstance(node.args[0], ast.Constant)
    }
    declared = {
        meta.extra["complete"]
        for operation in operations().values()
        for hint in get_type_hints(operation, include_extras=True).values()
        for meta in metas(hint)
        if meta.extra and "complete" in meta.extra
    }
    assert len(live) > 5
    assert live | declared <= known
    assert known - live - declared == set()


def metas(hint: Any) -> Iterator[msgspec.Meta]:
    if get_origin(hint) is Annotated:
        yield from (meta for meta in hint.__metadata__ if isinstance(meta, msgspec.Meta))
    for part in get_args(hint):
        yield from metas(part)


# --- what is read


def texts(module: str) -> set[str]:
    return {node.value for node in nodes(module) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def attributes(module: str) -> set[str]:
    """The names of the fields of its classes."""
    return {
        node.target.id
        for node in nodes(module)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def written(module: str) -> Iterator[str]:
    """The keys that a module puts into records itself; of one with a prefix what follows it."""
    for node in nodes(module):
        keys: list[ast.expr | None] = []
        if isinstance(node, ast.Dict):
            keys = [key.values[-1] if isinstance(key, ast.JoinedStr) else key for key in node.keys]
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            keys = [node.slice]
        yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))


def read(module: str) -> Iterator[tuple[int, str]]:
    """(line, key) of what is read in records by a name that is written out, columns of tables included."""
    for node in nodes(module):
        found: ast.expr | None = None
        if not isinstance(node, ast.expr):
            continue
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            found = node.slice
        elif isinstance(node, ast.Call) and node.args and _name(node.func) in ("get", "Column"):
            found = node.args[0]
        if isinstance(found, ast.Constant) and isinstance(found.value, str) and re.fullmatch("[a-z_0-9]+", found.value):
            yield node.lineno, found.value


def test_every_field_that_is_read_is_one_that_csmsd_writes() -> None:
    """By its name alone: a field that was renamed or never there is found, one of another record is not."""
    edges = (
        "csmsd.control",
        "csmsd.pki",
        "csmsd.about",
        "csmsd.reloading",
        "csmsd.files",
        "csmsd.profiles",
        "csmsd.operations",
    )
    fields = {key for module in modules(*edges) for key in texts(module) | attributes(module)}
    own = {key for module in modules("csmsctl") for key in {*written(module), *attributes(module)}}
    unknown = {f"{module}:{line}": key for module in ROOMS for line, key in read(module) if key not in fields | own}
    assert unknown == {}


DOTTED = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")


def test_every_event_that_is_waited_for_is_one_of_csmsd() -> None:
    types_of_events = set(get_args(EventType))
    names = {name.partition(".")[0] for name in types_of_events}
    found = {
        (module, text)
        for module in ROOMS
        for text in texts(module)
        if DOTTED.fullmatch(text) and text.partition(".")[0] in names and text not in METHODS
    }
    assert len({text for _, text in found}) >= 10
    assert {(module, text) for module, text in found if text not in types_of_events} == set()


# --- codes


def test_the_codes_of_errors_are_exit_codes() -> None:
    """docs/control-protocol.md: positive codes are the exit codes of csmsctl."""
    raised = {
        node.args[0].value
        for module in modules("csmsd")
        for node in nodes(module)
        if isinstance(node, ast.Call)
        and _name(node.func) == "RpcError"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, int)
    }
    assert {code for code in raised if code > 0} <= set(MEANINGS)
    assert rpc.usage("").code == USAGE
    assert rpc.not_there("").code == NOT_THERE

    negative = {
        -node.operand.value
        for module in modules("csmsd.control")
        for node in nodes(module)
        if isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
        and isinstance(node.operand.value, int)
        and node.operand.value > 30_000
    }
    assert {client._METHOD_NOT_FOUND, *client._BAD_PARAMETERS} <= negative


def test_every_outcome_has_an_exit_code() -> None:
    assert set(request._CODES) | {"not_sent"} == set(get_args(Outcome))


# --- limits


def limit(struct: type[msgspec.Struct], field: str, name: str) -> Any:
    [found] = [
        getattr(meta, name)
        for meta in metas(get_type_hints(struct, include_extras=True)[field])
        if getattr(meta, name) is not None
    ]
    return found


def test_the_limits_are_those_of_csmsd() -> None:
    assert connection.MAX_LINE == lines.MAX_LINE
    assert parse_duration(options.LONGEST_QUEUE) == LONGEST_QUEUE_SECONDS
    assert (
        limit(change_configuration.ChangeConfigurationReq, "key", "max_length"),
        limit(change_configuration.ChangeConfigurationReq, "value", "max_length"),
    ) == (document.MAX_KEY, document.MAX_VALUE)


@pytest.mark.parametrize("name", ["backup", "diagnostics", "firmware"])
def test_a_piece_of_a_file_is_one_that_csmsd_takes(name: str) -> None:
    piece: int = importlib.import_module(f"csmsctl.commands.{name}")._PIECE
    if name == "firmware":
        assert piece * 4 // 3 < lines.MAX_LINE  # base64
        assert "data" in METHODS["firmware.write"].parameters.__struct_fields__
    else:
        assert piece <= limit(METHODS[f"{name}.read"].parameters, "length", "le")


def test_the_limits_of_shared_options_are_those_of_csmsd() -> None:
    """Every command that takes `--parallel` for charge points, and `--timeout`."""
    most, least = limit(Common, "parallel", "le"), limit(Common, "parallel", "ge")
    found = {
        name: (param.type.min, param.type.max)
        for _, name, command in commands_of_manual()
        for param in command.params
        if "--parallel" in param.opts and name not in ("batch", "conformance")
    }
    assert len(found) > 15
    assert set(found.values()) == {(least, most)}
