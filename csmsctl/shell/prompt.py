"""The prompt: how lines are typed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import CompletionState
from prompt_toolkit.completion import CompleteEvent, get_common_complete_suffix
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.failure import INTERRUPTED, OK
from csmsctl.lines.shell_words import commands_in_lines
from csmsctl.shell.completer import LineCompleter
from csmsctl.shell.figures import Figures
from csmsctl.tree import Root

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

_STYLE = Style.from_dict(
    {"failed": "ansired", "bad": "ansired bold", "warning": "ansiyellow", "more": "ansibrightblack"}
)
_DEPTHS = {"never": ColorDepth.DEPTH_1_BIT}


def make_prompt_session(
    options: GlobalOptions,
    tree: Root,
    figures: Figures,
    history: History,
    last_code: Callable[[], int],
    *,
    keyboard: "Input | None" = None,
    screen: "Output | None" = None,
) -> "PromptSession[str]":
    """A session on the terminal, or on the keyboard and screen that are given."""

    def message() -> StyleAndTextTuples:
        code = last_code()
        return [("", "csms> ")] if code in (OK, INTERRUPTED) else [("class:failed", f"{code} "), ("", "csms> ")]

    completer = LineCompleter(options, tree)
    session: PromptSession[str] = PromptSession(
        message,
        bottom_toolbar=lambda: [*figures.parts()],
        multiline=True,
        prompt_continuation=lambda width, _number, _wraps: [("class:more", "…".rjust(width - 1) + " ")],
        key_bindings=_keys_at_prompt(completer),
        completer=completer,
        complete_in_thread=True,
        complete_while_typing=True,
        auto_suggest=AutoSuggestFromHistory(),
        history=history,
        enable_suspend=True,
        style=_STYLE,
        color_depth=_DEPTHS.get(options.color),
        input=keyboard,
        output=screen,
    )
    return session


def _keys_at_prompt(completer: LineCompleter) -> KeyBindings:
    keys = KeyBindings()

    @keys.add("tab", filter=has_focus(DEFAULT_BUFFER))
    def tab(event: KeyPressEvent) -> None:
        """Takes the only candidate, also the only one that begins so; or chooses the next of them.

        It waits for them: what is typed then stands behind what it took.
        """
        buffer = event.current_buffer
        state, text = buffer.complete_state, buffer.document.text_before_cursor
        if state and state.current_completion:
            buffer.complete_next()
            return
        found = state.completions if state else []
        found = found or list(completer.get_completions(buffer.document, CompleteEvent(completion_requested=True)))
        begun = [
            one for one in found if one.text.casefold().startswith(text[len(text) + one.start_position :].casefold())
        ]
        if len(begun) == 1 or len(found) == 1:
            buffer.apply_completion((begun or found)[0])
        elif common := get_common_complete_suffix(buffer.document, found):
            buffer.insert_text(common)
        elif state and state.completions:
            buffer.complete_next()
        elif found:
            buffer.complete_state = CompletionState(buffer.document, found)

    @keys.add("enter", filter=has_focus(DEFAULT_BUFFER))
    def enter(event: KeyPressEvent) -> None:
        """Takes the chosen completion; begins another line where something is open; otherwise runs the line.

        On an empty line it runs in any case: then the command says what is missing.
        """
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.complete_state = None
        elif commands_in_lines(buffer.text).rest and not buffer.document.text_before_cursor.endswith("\n"):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    return keys
