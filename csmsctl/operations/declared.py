"""The commands of OCPP, made from the operations that the slices declare: an action is added in its slice alone."""

import inspect
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import typer
from msgspec import Meta

from csmsctl.arguments.candidates import candidates_in_the_case_of
from csmsctl.arguments.json_files import name_or_json
from csmsctl.arguments.optional_values import OptionalValue
from csmsctl.arguments.shared_parameters import (
    Targets,
    duration_parameter_option,
    file_parameter_values,
    live_parameter_values,
    when_parameter,
)
from csmsctl.arguments.signatures import give_signature
from csmsctl.arguments.targets import choose_targets
from csmsctl.failure import USAGE, Failure
from csmsctl.groups import build_command_of_group
from csmsctl.invocation import invocation
from csmsctl.operations.effects import Awaited
from csmsctl.operations.options import QUEUE_VALUE, AllOption, WaitTimeout, how_options, take_how_options
from csmsctl.operations.request import Request, request_everywhere
from csmsd.profiles import ROOMS, operations
from csmsd.profiles.action import Operation


def declared_operation_panels() -> dict[str, list[str]]:
    """Feature profile → names of its commands."""
    return {title: sorted(operations(room)) for room, title in ROOMS.items()}


def build_declared_operation(name: str) -> Any:
    """The Typer command of an operation; None when there is none of that name."""
    declared = operations().get(name)
    if declared is None:
        return None
    command = build_command_of_group(name, _function_of_declared(declared))
    command.operation, command.declared_example = name, declared.example
    return command


_LONGEST = 2**31 - 1  # seconds, as OCPP has integers


class Parameter(msgspec.Struct, frozen=True):
    """A field of an operation as an option: the type Typer is told, and what its Meta says of it."""

    name: str
    type: Any
    metas: tuple[Meta, ...]  # the outer one first: what it leaves open, the next one may say
    choices: tuple[str, ...]
    repeatable: bool
    required: bool
    default: Any

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")

    def said(self, attribute: str) -> Any:
        """A limit or a text of the Meta."""
        return next((found for meta in self.metas if (found := getattr(meta, attribute)) is not None), None)

    def hint(self, key: str) -> Any:
        return next((meta.extra[key] for meta in self.metas if meta.extra and key in meta.extra), None)

    @property
    def metavar(self) -> str:
        if self.choices:
            return "|".join(self.choices)
        return self.hint("metavar") or ("N" if self.type is int else self.name.upper().replace("_", "-"))

    def annotation(self) -> Any:
        """`Annotated[int | None, typer.Option("--connector", min=1, …)]`."""
        least, most = self.said("ge"), self.said("le")
        if self.metavar == "DURATION":
            info = duration_parameter_option(
                self.option, self.said("description"), least=least or 0, most=most or _LONGEST
            )
            return Annotated[int if self.required else int | None, info]
        info = typer.Option(
            self.option,
            metavar=None if self.type is bool else self.metavar,
            help=self.said("description"),
            min=self.said("gt") + 1 if least is None and self.said("gt") is not None else least,
            max=self.said("lt") - 1 if most is None and self.said("lt") is not None else most,
            case_sensitive=False,
            show_default=False,
            callback=self.check,
            autocompletion=self._completion(),
        )
        kind: Any = list[self.type] if self.repeatable else self.type  # type: ignore[name-defined]
        return Annotated[kind if self.required or self.type is bool else kind | None, info]

    def check(self, value: Any) -> Any:
        """What Typer does not check itself: lengths of texts, times, choices of repeatable options."""
        if value is None:
            return None
        return [self._check_one(part) for part in value] if self.repeatable else self._check_one(value)

    def _check_one(self, value: Any) -> Any:
        limit = self.said("max_length")
        if isinstance(value, str) and limit is not None and len(value) > limit:
            raise typer.BadParameter(f"{len(value)} characters are too many; OCPP allows {limit}.")
        if self.hint("json_or_name"):
            return name_or_json(value)
        if self.repeatable and self.choices:
            found = [choice for choice in self.choices if choice.casefold() == str(value).casefold()]
            if not found:
                raise typer.BadParameter(f"{value!r} is none of {', '.join(self.choices)}.")
            return found[0]
        return when_parameter(value) if self.metavar == "WHEN" else value

    def _completion(self) -> Callable[..., Any] | None:
        if self.hint("file") and not self.choices:
            return file_parameter_values
        if kind := self.hint("complete") or ("connectors" if self.name == "connector" else None):
            return live_parameter_values(kind)
        offered = [str(example) for example in self.said("examples") or self.choices]
        if not offered:
            return None

        def complete(incomplete: str) -> list[str]:
            return candidates_in_the_case_of(incomplete, offered)

        return complete


def declared_parameters(declared: type[Operation]) -> list[Parameter]:
    """The options of an operation, the required ones first."""
    found = [_declared_parameter(field) for field in msgspec.structs.fields(declared)]
    return sorted(found, key=lambda parameter: not parameter.required)


def _declared_parameter(field: msgspec.structs.FieldInfo) -> Parameter:
    kind, metas = _unwrap_declared(field.type)
    repeatable = get_origin(kind) is list
    if repeatable:
        # A list's own lengths are the number of its elements, not theirs.
        outer = tuple(Meta(description=meta.description, examples=meta.examples, extra=meta.extra) for meta in metas)
        kind, inner = _unwrap_declared(get_args(kind)[0])
        metas = outer + inner
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    default: Any = None
    if field.default is not msgspec.NODEFAULT:
        default = field.default
    elif field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    return Parameter(
        name=field.name,
        type=str if repeatable and choices else kind,
        metas=metas,
        choices=choices,
        repeatable=repeatable,
        required=field.required,
        default=default,
    )


def _unwrap_declared(kind: Any) -> tuple[Any, tuple[Meta, ...]]:
    """The type without Annotated and `| None`, and the Metas found on the way."""
    origin = get_origin(kind)
    if origin is Annotated:
        kind, *notes = get_args(kind)
        inner, metas = _unwrap_declared(kind)
        return inner, tuple(note for note in notes if isinstance(note, Meta)) + metas
    if origin in (Union, UnionType):
        kinds = [part for part in get_args(kind) if part is not NoneType]
        if len(kinds) > 1 and str in kinds:  # a name or a JSON object: a word on the command line
            return str, ()
        [kind] = kinds
        return _unwrap_declared(kind)
    return kind, ()


def _function_of_declared(declared: type[Operation]) -> Callable[..., None]:
    """A function with the signature that Typer makes the command from."""
    options = declared_parameters(declared)

    def command(ctx: typer.Context, **given: Any) -> None:
        to = choose_targets(
            given.pop("targets"),
            globs=invocation(ctx).options.globs,
            everyone=given.pop("all_"),
            optional=declared.target_optional,
        )
        how = take_how_options(given)
        awaited = None
        state, timeout = given.pop("wait", None), given.pop("wait_timeout", None)
        if timeout is not None and state is None:
            raise Failure(USAGE, "--wait-timeout makes no sense without --wait.")
        if state is not None:
            events = {event for effect in declared.effects for event in effect.events}
            awaited = Awaited(declared.command, state, tuple(sorted(events)), timeout)
        values = {name: value for name, value in given.items() if value is not None and value != [] and value != ()}
        # bool fields are sent only when they say something else than the default
        for option in options:
            if option.type is bool and values.get(option.name) == option.default:
                values.pop(option.name, None)
        files = [(option.name, option.hint("file")) for option in options if option.hint("file")]
        if files:
            from csmsctl.operations.given_files import given_contents

            values = given_contents(invocation(ctx), files, values, force=how.force)
        params = {"command": declared.command, "parameters": values}
        request = Request("operation.run", params, how, declared.asks(values), awaited, declared.exposed)
        request_everywhere(invocation(ctx), request, to)

    keyword = inspect.Parameter.KEYWORD_ONLY
    signature = [
        inspect.Parameter("ctx", keyword, annotation=typer.Context),
        inspect.Parameter("targets", keyword, annotation=Targets, default=None),
    ]
    for option in options:
        default = inspect.Parameter.empty if option.required else False if option.type is bool else None
        signature.append(inspect.Parameter(option.name, keyword, annotation=option.annotation(), default=default))
    signature.append(inspect.Parameter("all_", keyword, annotation=AllOption, default=False))
    signature += how_options(queued=True)
    if declared.effects:
        signature.append(inspect.Parameter("wait", keyword, annotation=_wait_as_declared(declared), default=None))
        signature.append(inspect.Parameter("wait_timeout", keyword, annotation=WaitTimeout, default=None))
    give_signature(command, signature)
    command.__doc__ = inspect.getdoc(declared)
    states = [effect.state for effect in declared.effects]
    waits = {"--wait": OptionalValue("", lambda word: word.casefold() in states)} if states else {}
    command.optional_values = QUEUE_VALUE | waits  # type: ignore[attr-defined]
    return command


def _wait_as_declared(declared: type[Operation]) -> Any:
    """`--wait[=STATE]` with the effects of an operation."""
    states = [effect.state for effect in declared.effects]

    def check(state: str | None) -> str | None:
        if state and state.casefold() not in states:
            raise typer.BadParameter(f"{declared.command} can be waited for until {' or '.join(states)}, not {state}.")
        return state

    info = typer.Option(
        "--wait",
        metavar=f"[{'|'.join(states)}]",
        help="Follow it to its effect: exit 0 it is so, 7 it failed, 8 not in time",
        show_default=False,
        callback=check,
        autocompletion=lambda incomplete: candidates_in_the_case_of(incomplete, states),
    )
    return Annotated[str | None, info]
