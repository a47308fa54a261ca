"""The options of every command that lists: of which charge points, since when, how many, in which order and form."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Literal, NamedTuple

import typer

from csmsctl.arguments.shared_parameters import MOST, live_parameter_values, when_parameter_option
from csmsctl.arguments.signatures import give_signature
from csmsctl.arguments.targets import expand_targets

Form = Literal["table", "wide", "name", "csv", "json", "jsonl"]
FORMS: tuple[Form, ...] = ("table", "wide", "name", "csv", "json", "jsonl")
By = Literal["start", "stop"]


class View(NamedTuple):
    """What of a list is wanted, in which order and form. Times are RFC 3339; a limit of 0 is all, None not given."""

    targets: list[str] | None = None
    since: str | None = None
    until: str | None = None
    by: By | None = None
    limit: int | None = None
    sort: str | None = None
    filters: tuple[str, ...] = ()
    columns: str | None = None
    form: Form | None = None

    @property
    def plain(self) -> bool:
        """Whether it is the list as it is: nothing is chosen here, and it has its own order."""
        return not (self.filters or self.sort or self.columns or self.since or self.until or self.limit)


class Kind(NamedTuple):
    """What positional words choose among, where that is not charge points."""

    metavar: str
    help: str
    complete: str


def lists(
    *,
    of: Kind | None = None,
    targets: bool = True,
    time: str | None = None,
    by: By | None = None,
    limit: int = 0,
    forms: bool = True,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command that lists the options that its parameter `view` is made of.

    Positional words name charge points, or what `of` says; without `targets` there are none. `time` says in a word or
    two what --since and --until go by, None that there is no such time; `by` is what they go by unless --by says
    otherwise; `limit` is how many are listed unless --limit says otherwise. What has no `forms` is written to a file.
    """

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def command(ctx: Any, **given: Any) -> None:
            function(ctx=ctx, view=_take_listing_options(given, globs=ctx.obj.options.globs), **given)

        own = [one for name, one in inspect.signature(function).parameters.items() if name != "view"]
        shared = _listing_parameters(of, time, by, limit, targets=targets, forms=forms)
        give_signature(command, [*own[:1], *shared[:targets], *own[1:], *shared[targets:]])
        command.lists = True  # type: ignore[attr-defined]
        return command

    return declare


def _take_listing_options(given: dict[str, Any], *, globs: bool) -> View:
    """Takes the View out of what was typed."""
    words = [*(given.pop("targets", None) or []), *(given.pop("also", None) or [])]
    taken = {name: given.pop(name) for name in ("since", "until", "by", "limit", "sort", "columns") if name in given}
    return View(
        targets=expand_targets(words, globs=globs) or None,
        filters=tuple(given.pop("filters") or ()),
        form=given.pop("form", None),
        **taken,
    )


def _listing_parameters(
    of: Kind | None, time: str | None, by: By | None, limit: int, *, targets: bool, forms: bool
) -> list[inspect.Parameter]:
    found: list[inspect.Parameter] = []

    def add(name: str, kind: Any, info: Any, default: Any = None) -> None:
        annotation = Annotated[kind, info]
        found.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default))

    if targets:
        metavar, text, complete = of or _CHARGE_POINTS
        add(
            "targets",
            list[str] | None,
            typer.Argument(
                metavar=f"[{metavar}]...", help=text, show_default=False, autocompletion=live_parameter_values(complete)
            ),
        )
        if of is None:
            add(
                "also",
                list[str] | None,
                typer.Option(
                    "--charge-point",
                    metavar="TARGET",
                    help="The same as naming it; may be repeated",
                    autocompletion=live_parameter_values("targets"),
                ),
            )
    if time is not None:
        add("since", str | None, when_parameter_option("--since", f"Not before this time ({time})", past=True))
        add(
            "until",
            str | None,
            when_parameter_option("--until", "Before this time; a day means its end", past=True, end=True),
        )
    if by is not None:
        add(
            "by",
            By | None,
            typer.Option("--by", help=f"What --since and --until go by ({by})", case_sensitive=False),
        )
    add(
        "limit",
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=0,
            max=MOST,
            help=f"At most so many, 0 for all ({limit or 'all'})",
            show_default=False,
        ),
    )
    add(
        "sort",
        str | None,
        typer.Option("--sort", metavar="FIELD,…", help="In the order of these fields; -FIELD is downwards"),
    )
    add(
        "filters",
        list[str] | None,
        typer.Option(
            "--filter", metavar="FIELD=VALUE", help="Only these, VALUE may be a glob; also FIELD!=VALUE; repeatable"
        ),
    )
    add("columns", str | None, typer.Option("--columns", metavar="FIELD,…", help="These fields only, in this order"))
    if forms:
        add("form", Form | None, typer.Option("--format", "-o", help="The form of the list", case_sensitive=False))
    return found


_CHARGE_POINTS = Kind(
    "TARGET", "Charge points: identity, glob ('north-*'), label (@north), or - to read identities", "targets"
)
