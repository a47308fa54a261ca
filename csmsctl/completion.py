"""Completion: `csmsctl __complete WORD…` prints `value<TAB>help` from the command tree, the last word being typed."""

import sys
from typing import Any

from csmsctl.arguments.candidates import LETTERS, Candidates, candidates_in_the_case_of, file_candidates
from csmsctl.arguments.global_options import (
    COLORS,
    FLAGS,
    VALUED,
    GlobalOptions,
    extract_global_options,
    split_global_options,
)
from csmsctl.arguments.optional_values import CommandWithOptionalValues
from csmsctl.display.escape import escape_text
from csmsctl.failure import Failure
from csmsctl.groups import LazyGroup, arguments_of_group_command, options_of_group_command, summary_in_group
from csmsctl.tree import Root, tree_root


def print_completions(words: list[str]) -> None:
    """Prints the candidates for the last word; says nothing at all when anything goes wrong."""
    try:
        candidates = complete_words(words or [""])
    except (Exception, SystemExit):  # a broken completion must not break the line that is being typed
        return
    for value, text in candidates:
        # A value that holds control characters could not be typed anyway.
        if value == escape_text(value):
            sys.stdout.write(f"{value}\t{escape_text(text)}\n")


def complete_words(
    words: list[str], options: GlobalOptions | None = None, tree: Root | None = None, letters: str = ""
) -> Candidates:
    """The candidates for the last of the words after `csmsctl`; the shell has its `options` and a tree already.

    With `letters`, csmsd gives only values that have these in this order.
    """
    *before, word = words
    given, rest = split_global_options(before)
    if given and given[-1][1] is None and given[-1][0] in VALUED:
        return _complete_value_of_global(given[-1][0], word)
    name, equals, value = word.partition("=")
    if equals and name in VALUED:
        return [(f"{name}={found}", text) for found, text in _complete_value_of_global(name, value)]
    try:
        options, _ = extract_global_options(before, options)
    except Failure:  # about another option than the one that is being typed
        options, _ = extract_global_options([], options)

    command = tree or tree_root()
    context = command.make_context("csmsctl", [], resilient_parsing=True, obj=options)
    context.meta[LETTERS] = letters
    return _complete_command(command, context, rest, word)


def _complete_command(command: Any, context: Any, before: list[str], word: str) -> Candidates:
    while isinstance(command, LazyGroup):
        name = next((at for at in before if not at.startswith("-")), None)
        if name is None:
            names: Candidates = [
                (found, summary_in_group(command.get_command(context, found)))
                for found in command.list_commands(context)
                if found.startswith(word) and command.get_command(context, found) is not None
            ]
            if command.default is not None:
                return names + _complete_default(command, context, before, word)
            return _complete_options(command, context, word) if word.startswith("-") else names
        found = command.get_command(context, name)
        if found is None:
            return _complete_default(command, context, before, word) if command.default is not None else []
        before = before[before.index(name) + 1 :]
        command = found
        if getattr(command, "takes_command", False):
            root = context.find_root()
            return _complete_command(root.command, root, before, word)
        if isinstance(command, CommandWithOptionalValues):
            if before and before[-1] in command.optional_values and not word.startswith("-"):
                context = command.make_context(name, command.attach(before), parent=context, resilient_parsing=True)
                return _complete_value_or_argument(command, context, before, word)
            before = command.attach(before)
        arguments = [] if isinstance(command, LazyGroup) else _parsable_for_completion(command, before)
        context = command.make_context(name, arguments, parent=context, resilient_parsing=True)
    return _complete_parameter(command, context, before, word)


def _complete_default(group: Any, context: Any, before: list[str], word: str) -> Candidates:
    """The command that is meant where the group's name is followed by none."""
    command = group.get_command(context, group.default)
    own = command.make_context(
        group.default, _parsable_for_completion(command, before), parent=context, resilient_parsing=True
    )
    return _complete_parameter(command, own, before, word)


def _parsable_for_completion(command: Any, before: list[str]) -> list[str]:
    """The words without an option at the end whose value is being typed: it would spoil the others."""
    last = next((param for param in command.params if before and before[-1] in param.opts), None)
    return before[:-1] if last is not None and not getattr(last, "is_flag", True) else list(before)


def _complete_parameter(command: Any, context: Any, before: list[str], word: str) -> Candidates:
    options = options_of_group_command(command)
    only_arguments = "--" in before
    if not only_arguments:
        name, equals, value = word.partition("=")
        if equals and name in options:
            return [(f"{name}={found}", text) for found, text in _complete_values(options[name], context, value)]
        previous = options.get(before[-1]) if before else None
        if previous is not None and not previous.is_flag:
            return _complete_values(previous, context, word)
        if word.startswith("-") and word != "-":
            return _complete_options(command, context, word)
    taken = len(arguments_of_group_command(before, options))
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    for param in arguments:
        if param.nargs == -1 or taken < 1:
            return _complete_values(param, context, word)
        taken -= 1
    # Nothing more can stand here but options.
    return [] if only_arguments else _complete_options(command, context, word)


def _complete_value_or_argument(command: Any, context: Any, before: list[str], word: str) -> Candidates:
    """After an option whose value may be left out its values may follow, and whatever else may."""
    option = next(param for param in command.params if before[-1] in param.opts)
    return _complete_values(option, context, word) + _complete_parameter(command, context, command.attach(before), word)


def _complete_values(param: Any, context: Any, word: str) -> Candidates:
    found: Candidates = [(item.value, item.help or "") for item in param.shell_complete(context, word)]
    if not found and getattr(param.type, "choices", None):
        found = [(choice, "") for choice in candidates_in_the_case_of(word, param.type.choices)]
    return found


def _complete_options(command: Any, context: Any, word: str) -> Candidates:
    found: Candidates = []
    for param in command.get_params(context):
        if param.param_type_name == "option" and not param.hidden:
            found += [
                (name, param.help or "") for name in (*param.opts, *param.secondary_opts) if name.startswith("--")
            ]
    found += [(name, text) for name, (_, text) in VALUED.items()]
    found += [(flag.split(",")[-1].strip(), text) for flag, text in FLAGS.items()]
    return [(name, text) for name, text in dict(found).items() if name.startswith(word)]


def _complete_value_of_global(name: str, word: str) -> Candidates:
    if name == "--color":
        return [(color, "") for color in COLORS if color.startswith(word)]
    return file_candidates(word) if name == "--socket" else []
