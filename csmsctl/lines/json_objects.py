"""A command as a JSON object: `{"command": "remote-start", "targets": ["CP1"], "tag": "A1", "connector": 1}`.

Keys are the names of options, with `_` or `-`, and of arguments as the command's help has them (TARGET is `targets`).
`true` sets a flag, a list repeats an option or gives several words, an object is JSON for the command, null is left
out. What the tree knows of the command decides, so that there is no second definition.
"""

import json
from collections.abc import Iterator
from typing import Any

from csmsctl.arguments.global_options import FLAGS, VALUED
from csmsctl.failure import USAGE, Failure
from csmsctl.groups import LazyGroup


def _key_of_json_object(option: str) -> str:
    return option.lstrip("-").replace("-", "_")


_GLOBAL_VALUES = {_key_of_json_object(name): name for name in VALUED}
_GLOBAL_FLAGS = {_key_of_json_object(name): name for flag in FLAGS for name in flag.split(", ")}
# Arguments that hold several things one after the other.
_PARTS = {("call", "words"): ("targets", "action", "payload")}


def words_of_json_object(text: str, tree: LazyGroup) -> list[str]:
    """The words that say the same. Raises Failure."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Failure(USAGE, f"This line is not JSON: {error}.") from error
    if not isinstance(given, dict):
        raise Failure(USAGE, "A JSON line is an object.")
    path = given.pop("command", None)
    names = path.split() if isinstance(path, str) else path
    if not names or not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Failure(USAGE, "This line names no command.", 'For example: {"command":"tag add","tag":"A1B2C3"}')
    command = find_command_of_json_object(tree, names)
    if command is None:
        return names  # the tree tells best what is wrong with them
    return [*names, *_Keys(command, " ".join(names)).words(given)]


def find_command_of_json_object(tree: LazyGroup, names: list[str]) -> Any:
    """The command of that name; None when there is none."""
    command: Any = tree
    for name in names:
        command = command.get_command(None, name) if isinstance(command, LazyGroup) else None
    return None if isinstance(command, LazyGroup) else command


class _Keys:
    """What may be said of a command."""

    def __init__(self, command: Any, name: str) -> None:
        self._command = command
        self._name = name
        self._arguments: list[str] = []
        self._options: dict[str, tuple[Any, str]] = {}
        for param in command.params:
            if param.param_type_name == "argument":
                self._arguments += _PARTS.get((name, param.name), (param.name,))
                continue
            for option in (*param.opts, *param.secondary_opts):
                self._options[_key_of_json_object(option)] = (param, option)

    def words(self, given: dict[str, Any]) -> Iterator[str]:
        """Options first, then arguments behind `--`, where nothing is taken for an option."""
        given = {key.replace("-", "_"): value for key, value in given.items() if value is not None}
        for key, value in given.items():
            if key in self._options:
                yield from self._option(key, value)
            elif key in _GLOBAL_FLAGS:
                yield from _flag_of_json_object(key, value, _GLOBAL_FLAGS[key])
            elif key in _GLOBAL_VALUES:
                yield f"{_GLOBAL_VALUES[key]}={_text_of_json_object(value)}"
            elif key not in self._arguments:
                known = ", ".join([*self._arguments, *self._options])
                raise Failure(
                    USAGE, f"{self._name} takes no {key!r}.", f"It takes: {known}. See: csmsctl {self._name} --help"
                )
        yield "--"
        missing = None
        for key in self._arguments:
            if key not in given:
                missing = missing or key
            elif missing is not None:
                raise Failure(USAGE, f"With {key!r} there must be {missing!r}.", f"See: csmsctl {self._name} --help")
            else:
                value = given[key]
                yield from map(_text_of_json_object, value if isinstance(value, list) else [value])

    def _option(self, key: str, value: Any) -> Iterator[str]:
        param, option = self._options[key]
        if param.is_flag:
            others = param.secondary_opts if option in param.opts else param.opts
            yield from _flag_of_json_object(key, value, option, *others)
            return
        if isinstance(value, bool):
            optional = self._command.optional_values.get(option)
            if optional is None:
                raise Failure(USAGE, f"{key!r} needs a value.")
            yield from [f"{option}={optional.default}"] if value else []
            return
        values = value if isinstance(value, list) else [value]
        if len(values) > 1 and not param.multiple:
            raise Failure(USAGE, f"{key!r} takes one value.")
        yield from (f"{option}={_text_of_json_object(each)}" for each in values)


def _flag_of_json_object(key: str, value: Any, option: str, *others: str) -> Iterator[str]:
    if not isinstance(value, bool):
        raise Failure(USAGE, f"{key!r} is true or false.")
    yield from [option] if value else others[:1]


def _text_of_json_object(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
