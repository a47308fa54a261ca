"""`cp rotate-key` and `cp secure`: new keys for charge points, and higher security profiles."""

from time import monotonic
from typing import Annotated, Any

import typer

from csmsctl.arguments.shared_parameters import Targets
from csmsctl.arguments.targets import choose_targets
from csmsctl.failure import OK, REJECTED, SOME_FAILED, TIMED_OUT
from csmsctl.invocation import Invocation, invocation
from csmsctl.link.client import Result
from csmsctl.operations.options import AllOption, How, WaitTimeout, sent_everywhere
from csmsctl.operations.request import Request, request_everywhere
from csmsctl.records.news import News

_LONGEST_SILENCE = 1.0  # seconds
_UNDER_WAY = ("asked", "accepted")
_GIVEN = {  # by profile: what goes to it before, and must not be another
    1: "the key that it is given",
    2: "the key and the root certificate that it is given",
    3: "the root certificate that it is given",
}


@sent_everywhere(queued=False)
def charge_point_rotate_key_command(
    ctx: typer.Context, targets: Targets = None, all_: AllOption = False, *, how: How
) -> None:
    """Give charge points a new key for Basic authentication.

    Both keys are good until the answer, or the next login, says which one it has. Nobody sees the new one.
    """
    run = invocation(ctx)
    to = choose_targets(targets, globs=run.options.globs, everyone=all_)
    request_everywhere(run, Request("charge_point.rotate_key", {}, how, exposed="the new key"), to)


@sent_everywhere(queued=False)
def charge_point_secure_command(
    ctx: typer.Context,
    to: Annotated[
        int, typer.Option("--to", metavar="1|2|3", min=1, max=3, help="The security profile", show_default=False)
    ],
    targets: Targets = None,
    all_: AllOption = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is confirmed, or has fallen back")] = False,
    wait_timeout: WaitTimeout = None,
    *,
    how: How,
) -> None:
    """Raise charge points to a higher security profile.

    Each gets what it needs: a key (1, 2), the root of csmsd's certificate (2, 3), a certificate of its own (3). Then it
    connects anew; which profile it uses from then on, its connection says.
    """
    run = invocation(ctx)
    chosen = choose_targets(targets, globs=run.options.globs, everyone=all_)
    question = f"Those that cannot connect with profile {to} may be away for minutes. Raise {{targets}}?"
    with News(run, ("security.upgrade",), chosen.targets) as news:
        request = Request("charge_point.secure", {"to": to}, how, question, exposed=_GIVEN[to])
        request_everywhere(run, request, chosen)
        if wait and run.exit_code == OK and not how.dry_run:
            _follow_upgrades(run, chosen.targets, news, wait_timeout)


def _follow_upgrades(run: Invocation, targets: list[str], news: News, seconds: float | None) -> None:
    """Until nothing is under way any more; a line for each that has come to its end."""
    begun, told = monotonic(), set[Any]()
    while True:
        upgrades = run.call("security_upgrade.list", targets=targets)["security_upgrades"]
        for upgrade in upgrades:
            if upgrade["state"] not in _UNDER_WAY and upgrade["charge_point"] not in told:
                told.add(upgrade["charge_point"])
                _tell_upgrade(run, upgrade)
        left = [upgrade for upgrade in upgrades if upgrade["state"] in _UNDER_WAY]
        late = seconds is not None and monotonic() - begun >= seconds
        if not left or late:
            run.exit_code = _code_of_upgrades(upgrades)
            return
        news.next(_LONGEST_SILENCE)


def _tell_upgrade(run: Invocation, upgrade: Result) -> None:
    state = str(upgrade["state"]).replace("_", " ")
    reason = f": {upgrade['reason']}" if upgrade.get("reason") else ""
    run.output.note(f"{upgrade['charge_point']}: profile {upgrade['to_profile']} {state}{reason}")


def _code_of_upgrades(upgrades: list[Result]) -> int:
    codes = {
        OK if one["state"] == "confirmed" else REJECTED if one["state"] in ("refused", "fell_back") else TIMED_OUT
        for one in upgrades
    }
    failed = codes - {OK}
    if not failed:
        return OK
    return SOME_FAILED if len(upgrades) > 1 else failed.pop()
