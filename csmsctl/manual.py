"""csmsctl.1, made from the command tree: `python -m csmsctl.manual > man/csmsctl.1`."""

import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from csmsctl.arguments.global_options import FLAGS, VALUED
from csmsctl.arguments.when_and_duration import FORMS
from csmsctl.examples import examples_of_command
from csmsctl.failure import MEANINGS
from csmsctl.groups import LazyGroup, summary_in_group
from csmsctl.tree import Root, tree_root

_DATE = "2026-11-22"  # of the last change worth a new date; a running clock would make the page stale every day

_DESCRIPTION = """
csmsctl steers charge points through csmsd, the Central System for OCPP 1.6-J, and looks after its records. It talks to
the daemon over a Unix socket: the one for everything, or where you may not open that, the one for a reception or the
one for looking beside it. What the socket does not give ends with exit status 4 and the group that does: see auth
can-i.

Data goes to standard output, everything else to standard error. On a terminal rows are shown as a table, otherwise as
aligned text that is never cut. With --json one JSON document is printed, with streams one a line; errors are one JSON
line on standard error then.
"""
_TARGETS = """
Commands to charge points take one or more targets: an identity, a glob ('north-*'), a label (@north), --all for every
registered charge point, or - to read identities from standard input. An exact identity goes before a glob. Several
charge points are asked in parallel, each with its own result.

With --queue a command is kept for those that are not connected and sent when they are back, for 24 hours or as long as
--queue=TTL says. Options whose value may be left out take the word after them only when it looks like one: to name a
charge point 15m after --queue, write --queue=24h.

What ends transactions, removes records, takes limits or caches away, or puts charge points out of service asks for
confirmation on a terminal when it is meant for more than one charge point that was named exactly; the default is No,
--yes skips the question. Without a terminal nobody is asked: the command fails with exit status 10 unless --yes is
given.

Identities may have asterisks (DE*ABC*E1). Where some have, DE*ABC*0 is an identity that is not there rather than a
glob, unless it ends in the asterisk or --glob says so.
"""
_EFFECTS = """
Sent, answered and observed are three different facts. Accepted is a charge point's answer: what comes of it is another
matter. With --wait a command is followed to its effect, the first of those that its --wait names or the one given as
--wait=STATE: charging, stopped, rebooted, installed and so on. What was observed stands in the result beside the
answer, under observed with --json, and the exit status is 0 when it is so, 7 when it will not come to that any more,
and 8 when it was not so in time: after a time that depends on the effect, or --wait-timeout SECONDS after the answer.
--timeout is about the answer only. Interrupting changes nothing about what was sent. What --queue keeps for later is
not followed here; see task wait.
"""
_CHECK = """
The command check has the exit statuses of monitoring plugins instead: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
"""
_ENVIRONMENT = {
    "CSMS_SOCKET": "Socket of the daemon, where --socket is not given.",
    "CSMS_LOCALE": "As --locale, where that is not given.",
    "NO_COLOR": "Where it is set, --color auto uses no colours.",
    "PAGER": "Shows tables that are longer than the terminal (less, with LESS=FRX unless LESS is set).",
    "XDG_RUNTIME_DIR, XDG_STATE_HOME": "Where the socket of a daemon that a user runs is looked for.",
}
_FILES = {
    "/run/csmsd/csmsd.sock": "Socket of the system's daemon: for root, and for users who run none of their own.",
    "/run/csmsd/csmsd-reception.sock": "The same for the group csms-reception: transactions, idTags, reservations.",
    "/run/csmsd/csmsd-read.sock": "The same for the group csms-read, to look.",
    "$XDG_RUNTIME_DIR/csmsd/csmsd.sock": "Socket of a user's own daemon.",
    "$XDG_STATE_HOME/csmsd/csmsd.sock": "The same where there is no runtime directory (~/.local/state).",
    "$XDG_STATE_HOME/csmsctl/history": "Lines typed into the shell, without those that hold passwords or keys.",
}
EXAMPLES = {
    "Register a charge point and see it come:": ["csmsctl cp add CP1 --generate-password", "csmsctl watch CP1"],
    "Let a card charge for a year, and start a transaction with it:": [
        "csmsctl tag add A1B2C3 --expires +52w",
        "csmsctl remote-start CP1 --tag A1B2C3 --connector 1",
    ],
    "Set a key on all charge points labelled north, and show which refused:": [
        "csmsctl change-configuration @north --set MeterValueSampleInterval=60 --json |",
        "    jq -r '.results[] | select(.outcome != \"accepted\") | .charge_point'",
    ],
    "Reset what is idle and there, all others when they are back and idle, and wait for one of them:": [
        "csmsctl reset --all --type soft --unless-transaction --queue 3d --yes",
        "csmsctl task list --state queued",
        "csmsctl task wait 1",
    ],
    "Start a transaction, and see that energy flows:": [
        "csmsctl remote-start CP1 --tag A1B2C3 --connector 1 --wait --wait-timeout 120"
    ],
    "Thousands of commands, and which of them failed:": [
        "csmsctl batch commands.txt | jq -c 'select(.exit_code != 0) | [.line, .command, .error]'",
    ],
    "The transactions of the last month for the books:": ["csmsctl tx export --since -31d --output month.csv"],
}


def manual() -> str:
    """The page."""
    lines = [
        '.\\" Generated by python -m csmsctl.manual. Do not edit.',
        f'.TH CSMSCTL 1 {_DATE} csms "csms manual"',
        ".SH NAME",
        "csmsctl \\- console of csms, the Central System for OCPP 1.6\\-J",
        ".SH SYNOPSIS",
        ".B csmsctl",
        '.RI [ "global options" ]',
        ".I command",
        ".RI [ arguments ]",
        ".SH DESCRIPTION",
        *_manual_paragraphs(_DESCRIPTION),
        ".SH GLOBAL OPTIONS",
        "They may stand at any position before",
        ".BR \\-\\- .",
        *_manual_terms({f"{name} {metavar}": text for name, (metavar, text) in VALUED.items()} | FLAGS),
        ".SH TARGETS",
        *_manual_paragraphs(_TARGETS),
        ".SH EFFECTS",
        *_manual_paragraphs(_EFFECTS),
        ".SH TIMES",
        _manual_wrapped(f"Where WHEN is written, a time is meant: {FORMS}. A time without an offset is local time."),
        ".SH COMMANDS",
        *_manual_commands(),
        ".SH EXIT STATUS",
        *_manual_terms({str(code): text for code, text in MEANINGS.items()}),
        ".PP",
        _manual_wrapped(_CHECK),
        ".SH ENVIRONMENT",
        *_manual_terms(_ENVIRONMENT),
        ".SH FILES",
        *_manual_terms(_FILES),
        ".SH EXAMPLES",
        *_manual_examples(),
        ".SH SEE ALSO",
        ".BR csmsd (8),",
        ".BR csmsd.toml (5)",
    ]
    return "\n".join(lines) + "\n"


def commands_of_manual(tree: Root | None = None) -> Iterator[tuple[str, str, Any]]:
    """Panel, full name and command of everything in the tree."""
    tree = tree or tree_root()
    context = tree.make_context("csmsctl", [], resilient_parsing=True)
    for panel, names in tree.panels().items():
        for name in names:
            command = tree.get_command(context, name)
            if isinstance(command, LazyGroup):
                for below in command.list_commands(context):
                    yield panel, f"{name} {below}", command.get_command(context, below)
            elif command is not None:
                yield panel, name, command


def _manual_commands() -> Iterator[str]:
    shown = ""
    for panel, name, command in commands_of_manual():
        if panel != shown:
            yield f".SS {_manual_text(panel)}"
            shown = panel
        yield from _manual_command(name, command)


def _manual_command(name: str, command: Any) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option" and not param.hidden]
    yield ".TP"
    metavars = " ".join(param.make_metavar(context) for param in arguments)
    yield f'.BI "{_manual_text(name)} " "{_manual_text(metavars)}"' if metavars else f".B {_manual_text(name)}"
    yield from _manual_help(command)
    if options:
        yield ".RS"
        yield from _manual_terms(
            {record[0]: record[1] for param in options if (record := param.get_help_record(context)) is not None}
        )
        yield ".RE"
    lines = examples_of_command(name, command.declared_example)
    yield ".IP"
    yield "Examples:" if len(lines) > 1 else "Example:"
    yield ".nf"
    yield from (".B " + _manual_text(line) for line in lines)
    yield ".fi"


def _manual_help(command: Any) -> Iterator[str]:
    yield _manual_wrapped(summary_in_group(command) + ".")
    for paragraph in re.split(r"\n\s*\n", (command.help or "").strip())[1:]:
        yield ".IP"
        if paragraph.startswith("\b"):
            yield ".nf"
            yield from (_manual_text(line.strip()) for line in paragraph.strip("\b\n").splitlines())
            yield ".fi"
        elif paragraph.startswith("  "):
            yield ".nf"
            yield from (_manual_text(line.strip()) for line in paragraph.splitlines())
            yield ".fi"
        else:
            yield _manual_wrapped(paragraph)


def _manual_terms(terms: dict[str, str]) -> Iterator[str]:
    for term, text in terms.items():
        yield ".TP"
        yield ".B " + _manual_text(term)
        yield _manual_wrapped(text)


def _manual_paragraphs(text: str) -> Iterator[str]:
    for at, paragraph in enumerate(text.strip().split("\n\n")):
        if at:
            yield ".PP"
        yield _manual_wrapped(paragraph)


def _manual_examples() -> Iterator[str]:
    for at, (text, lines) in enumerate(EXAMPLES.items()):
        if at:
            yield ".PP"
        yield _manual_wrapped(text)
        yield ".PP"
        yield ".RS"
        yield ".nf"
        yield from (_manual_text(line) for line in lines)
        yield ".fi"
        yield ".RE"


def _manual_wrapped(text: str) -> str:
    """A paragraph as roff, in lines that are not too long."""
    lines = textwrap.wrap(_manual_text(" ".join(text.split())), 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join("\\&" + line if line.startswith(".") else line for line in lines)


def _manual_text(text: str) -> str:
    """Text as roff: nothing in it is a request or an escape."""
    text = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace('"', "\\(dq").replace("~", "\\(ti")
    )
    text = text.replace("`", "\\(ga").replace("^", "\\(ha").replace("…", "\\&...")
    return "\\&" + text if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write(manual())
