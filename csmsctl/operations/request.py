"""Sending an operation to one charge point or many, showing what came of it, and the exit code of it all."""

from dataclasses import dataclass, replace
from typing import Any

from csmsctl.arguments.targets import Chosen
from csmsctl.display.confirm import confirm
from csmsctl.failure import NOT_CONNECTED, OK, OTHER, REJECTED, SOME_FAILED, TIMED_OUT, USAGE
from csmsctl.invocation import Invocation
from csmsctl.link.client import Params, Result
from csmsctl.operations.effects import Awaited, Follower, observed_effect_code
from csmsctl.operations.options import How
from csmsctl.operations.results import show_results

_CODES = {
    "accepted": OK,
    "queued": OK,
    "rejected": REJECTED,
    "call_error": REJECTED,
    "timeout": TIMED_OUT,
    "not_connected": NOT_CONNECTED,
    "unknown": TIMED_OUT,
}
# How much longer than the daemon waits for a charge point we wait for the daemon.
_PATIENCE = 5.0


@dataclass(frozen=True)
class Request:
    """An operation: the method and its parameters, and how it is to be run."""

    method: str
    params: Params
    how: How
    question: str | None = None  # asked before, where several charge points are meant
    awaited: Awaited | None = None  # what is waited for after the answer
    exposed: str | None = None  # what of it nobody in between may read or change


def request_everywhere(run: Invocation, request: Request, to: Chosen) -> None:
    """Runs it, prints the results, sets the exit code."""
    if request.question and not request.how.dry_run and not to.single and not run.options.yes:
        to = _confirmed_request(run, request, to)
    if request.exposed and not request.how.dry_run and not run.options.yes:
        _confirm_without_tls(run, request.exposed, to)
    try:
        results = _send_request(run, request, to.targets)
    except KeyboardInterrupt:
        run.output.warn("Interrupted. What was sent is not taken back; no more is sent. See: csmsctl task list")
        raise
    run.exit_code = exit_code_of_request(results, several=len(to.targets) > 1)
    if not run.output.documented({"results": results}):
        show_results(run.output, results, dry_run=request.how.dry_run)


def exit_code_of_request(results: list[Result], *, several: bool = False) -> int:
    """The exit code: that of the one charge point, or 9 when there were several and one of them failed."""
    failed = [code for code in map(_code_of_request, results) if code != OK]
    if not failed:
        return OK
    several = several or len({result.get("charge_point") for result in results}) > 1
    return SOME_FAILED if several else failed[0]


def _code_of_request(result: Result) -> int:
    observed = observed_effect_code(result)
    if observed is not None:
        return observed
    if result.get("outcome") == "not_sent":
        # Without an error it was a dry run.
        return int(result.get("error_code") or USAGE) if result.get("error") else OK
    return _CODES.get(str(result.get("outcome")), OTHER)


def _confirmed_request(run: Invocation, request: Request, to: Chosen) -> Chosen:
    """Asks with the identities that are meant, and keeps to them: what is confirmed is what is sent."""
    planned = _send_request(run, replace(request, how=request.how._replace(dry_run=True)), to.targets)
    identities = list(dict.fromkeys(str(result["charge_point"]) for result in planned))
    exactly_named = [identity.casefold() for identity in identities] == [word.casefold() for word in to.targets]
    if len(identities) == 1 and exactly_named:
        return to  # an identity that looks like a glob: DE*ABC*E1
    if identities:
        confirm(run.options, (request.question or "").replace("{targets}", _named(identities)))
    return Chosen(identities or to.targets)


def _confirm_without_tls(run: Invocation, exposed: str, to: Chosen) -> None:
    """Asks also for one alone: it is a matter of its connection, or of the one that a queued command waits for."""
    found = run.call("charge_point.list", targets=to.targets)["charge_points"]
    plain = [
        str(one["id"]) for one in found if one["tls"] is None and (one["connected"] or one["security_profile"] < 2)
    ]
    if plain:
        confirm(
            run.options,
            f"{_named(plain)} {'has' if len(plain) == 1 else 'have'} no TLS: whoever is in between can read and change "
            f"{exposed}. Send it all the same?",
        )


def _named(identities: list[str]) -> str:
    return ", ".join(identities[:5]) + (f" and {len(identities) - 5} more" if len(identities) > 5 else "")


def _send_request(run: Invocation, request: Request, targets: list[str]) -> list[Result]:
    """The results; with what was observed, when that is waited for."""
    if request.awaited is None or request.how.dry_run:
        return _results_of_request(_ask_request(run, request, targets))
    with Follower(run, request.awaited, targets) as follower:
        answer = _ask_request(run, request, targets)
        results = _results_of_request(answer)
        for result in results:
            if result.get("outcome") == "queued":
                task = result.get("task")
                run.output.note(f"{result['charge_point']}: queued, so not followed; see: csmsctl task wait {task}")
        follower.to_the_end(results, answer["awaited"], answer["patience_s"])
        return results


def _ask_request(run: Invocation, request: Request, targets: list[str]) -> Result:
    params: dict[str, Any] = {
        **request.params,
        "targets": targets,
        "timeout": run.options.timeout,
        **request.how.parameters(),
        "wait": None if request.awaited is None else request.awaited.state,
    }
    # A CALL may have to wait for the one before it.
    limit = 2 * run.options.timeout + _PATIENCE
    return request_with_progress(run, request.method, params, timeout=limit, quick=request.how.dry_run)


def request_with_progress(
    run: Invocation, method: str, params: Params, *, timeout: float, quick: bool = False
) -> Result:
    """The answer of a method that tells results while it runs; unless `quick`, a terminal shows how far it is."""
    if run.output.shows_progress and not quick:
        from csmsctl.display.progress import Progress

        with Progress(run.options.color) as progress:
            return run.client.call(method, params, timeout=timeout, on_progress=progress.show)
    return run.client.call(method, params, timeout=timeout, on_progress=lambda _: None)


def _results_of_request(answer: Result) -> list[Result]:
    results = answer.get("results")
    return [result for result in results if isinstance(result, dict)] if isinstance(results, list) else []
