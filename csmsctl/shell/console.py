"""The loop of the shell: reads a line, runs it in this process, and goes on whatever happens."""

import traceback
from typing import TYPE_CHECKING

from csmsctl.arguments.global_options import GlobalOptions, extract_global_options
from csmsctl.command_line import carry_out_command_line, failure_of_command_line, is_foreseen_on_command_line
from csmsctl.display.output import Output, output_failure
from csmsctl.failure import INTERRUPTED, OK, USAGE, Failure
from csmsctl.invocation import Invocation
from csmsctl.lines.json_objects import words_of_json_object
from csmsctl.lines.shell_words import commands_in_lines, split_words
from csmsctl.shell.figures import Figures
from csmsctl.shell.history import LineHistory, history_file
from csmsctl.shell.prompt import make_prompt_session
from csmsctl.tree import tree_root
from csmsd import __version__

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output as Screen

_ENDS = ("exit", "quit")
_HELP = """
In the shell also: help [COMMAND], exit. A line may begin with csmsctl. JSON
needs no quotes and may go over several lines:
  call CP1 Reset {"type": "Soft"}"""


class Console:
    """A shell; `options` were given to it and hold for every line that says nothing else."""

    def __init__(
        self, options: GlobalOptions, *, keyboard: "Input | None" = None, screen: "Screen | None" = None
    ) -> None:
        self._options = options
        self._output = Output(options)
        self._tree = tree_root()
        self._code = OK
        self._figures = Figures(options.socket)
        self._session = make_prompt_session(
            options,
            self._tree,
            self._figures,
            LineHistory(history_file()),
            lambda: self._code,
            keyboard=keyboard,
            screen=screen,
        )

    def run(self) -> None:
        """Until it is ended."""
        self._output.note(f"csmsctl {__version__}. Tab completes, help lists the commands, Ctrl-D ends.")
        self._figures.start(self._session.app.invalidate)
        try:
            while True:
                try:
                    self._tell_news()
                    if not self.run_text(self._session.prompt()):
                        break
                except KeyboardInterrupt:
                    continue
                except EOFError:
                    break
        finally:
            self._figures.stop()

    def run_text(self, text: str) -> bool:
        """Runs what was typed or pasted, one command after the other until one is interrupted; False: it is the end."""
        commands = commands_in_lines(text)
        for line in [*commands.complete, *([commands.rest] if commands.rest else [])]:
            if line in _ENDS:
                return False
            self._tell_news()
            self._code = self._run(line)
            if self._code == INTERRUPTED:
                break
        return True

    def _run(self, line: str) -> int:
        options = self._options
        try:
            words = words_of_json_object(line, self._tree) if line.startswith("{") else split_words(line)
            if words[:1] == ["help"]:
                words = [*words[1:], "--help"]
            options, rest = extract_global_options(words, self._options)
            if rest[:1] == ["shell"] and "--help" not in rest:
                raise Failure(USAGE, "This is the shell already.")
            if not rest:
                return OK
            code = carry_out_command_line(Invocation(options), rest, tree=self._tree)
            if rest == ["--help"]:
                self._output.lines(_HELP.splitlines())
            return code
        except KeyboardInterrupt:
            self._output.warn("")  # the prompt does not stand behind ^C
            return INTERRUPTED
        except Exception as error:
            if not is_foreseen_on_command_line(error) and options.verbose:
                traceback.print_exc()
            failure = failure_of_command_line(error)
            output_failure(failure, as_json=options.json)
            return failure.code

    def _tell_news(self) -> None:
        if news := self._figures.news():
            self._output.note(news)
