"""Commands that several declarations make together: what Typer is to take for their signature."""

import inspect
from collections.abc import Callable


def give_signature(command: Callable[..., None], signature: list[inspect.Parameter]) -> None:
    """Lets Typer make the command from this signature."""
    keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in signature]
    command.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in keywords}
