"""The loop of the shell: reads a line, runs it in this process, and goes on whatever happens."""

import traceback
from typing import TYPE_CHECKING

from csmsctl.arguments.options import GlobalOptions, extract
from csmsctl.command_line import carry_out, failure_of, is_foreseen
from csmsctl.display.output import Output, report
from csmsctl.failure import INTERRUPTED, OK, USAGE, Failure
from csmsctl.invocation import Invocation
from csmsctl.lines.objects import words_of
from csmsctl.lines.words import commands_in, split
from csmsctl.shell.figures import Figures
from csmsctl.shell.history import LineHistory, history_file
from csmsctl.shell.prompt import make_session
from csmsctl.tree import root
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
        self._tree = root()
        self._code = OK
        self._figures = Figures(options.socket)
        self._session = make_session(
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
        commands = commands_in(text)
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
            words = words_of(line, self._tree) if line.startswith("{") else split(line)
            if words[:1] == ["help"]:
                words = [*words[1:], "--help"]
            options, rest = extract(words, self._options)
            if rest[:1] == ["shell"] and "--help" not in rest:
                raise Failure(USAGE, "This is the shell already.")
            if not rest:
                return OK
            code = carry_out(Invocation(options), rest, tree=self._tree)
            if rest == ["--help"]:
                self._output.lines(_HELP.splitlines())
            return code
        except KeyboardInterrupt:
            self._output.warn("")  # the prompt does not stand behind ^C
            return INTERRUPTED
        except Exception as error:
            if not is_foreseen(error) and options.verbose:
                traceback.print_exc()
            failure = failure_of(error)
            report(failure, as_json=options.json)
            return failure.code

    def _tell_news(self) -> None:
        if news := self._figures.news():
            self._output.note(news)
