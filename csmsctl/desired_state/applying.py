"""Makes charge points what they should be: changes only what differs, and reads back what became of it."""

from collections.abc import Sequence

from csmsctl.desired_state.comparison import Comparison, same_by_comparison
from csmsctl.desired_state.plan import Plan
from csmsctl.display.table import Record
from csmsctl.failure import NOT_CONNECTED, OK, OTHER, REJECTED, SOME_FAILED, Failure
from csmsctl.link.client import Client, Result
from csmsctl.operations.request import exit_code_of_request
from csmsctl.records.configurations import Report, ask_configuration, operation_on_charge_point

_CANNOT = {"read_only": "the key is read-only there", "unknown": "the charge point does not know the key"}


def apply_or_give_up(client: Client, plan: Plan) -> list[Record]:
    """As `apply_plan`; when csmsd does not answer that is the result, and what became of the others is told as well."""
    try:
        return apply_plan(client, plan)
    except Failure as failure:
        return [_record_of_applying(plan, None, "unknown", failure.message, failure.code)]


def apply_plan(client: Client, plan: Plan) -> list[Record]:
    """The result of each key that differs, in the order of the plan."""
    if plan.code != OK:
        outcome = "not_connected" if plan.code == NOT_CONNECTED else "not_sent"
        return [_record_of_applying(plan, None, outcome, plan.problem, plan.code)]
    changes = plan.changes
    results = _send_when_applying(client, plan.charge_point, changes)
    settled = [key for key, result in zip(changes, results, strict=False) if result.get("status") is not None]
    report = _read_back_after_applying(client, plan.charge_point, settled)
    sent = dict(zip((key.key for key in changes), results, strict=False))
    return [_result_of_applying(plan, key, sent.get(key.key), report) for key in plan.differences]


def not_begun_applying(plan: Plan) -> Record:
    """The result of a charge point that was not come to."""
    return _record_of_applying(plan, None, "not_sent", "not begun: another one failed before (--fail-fast)", OTHER)


def _send_when_applying(client: Client, identity: str, keys: Sequence[Comparison]) -> list[Result]:
    """A result for each key, fewer where the charge point went away."""
    if not keys:
        return []
    pairs = [f"{key.key}={key.wanted}" for key in keys]
    return operation_on_charge_point(client, identity, "change-configuration", set=pairs)


def _read_back_after_applying(client: Client, identity: str, keys: Sequence[Comparison]) -> Report | None:
    if not keys:
        return None
    report, failed = ask_configuration(client, identity, [key.key for key in keys])
    return None if failed is not None else report


def _result_of_applying(plan: Plan, key: Comparison, sent: Result | None, report: Report | None) -> Record:
    if key.state in _CANNOT:
        return _record_of_applying(plan, key, "not_sent", _CANNOT[key.state], REJECTED)
    if key.state == "reboot_pending":
        return _record_of_applying(plan, key, "reboot_required", "sent before, waits for a reboot", OK) | {
            "read_back": key.current
        }
    if sent is None:
        return _record_of_applying(plan, key, "not_sent", "not sent: the charge point had stopped answering", REJECTED)
    result = _record_of_applying(plan, key, sent["outcome"], sent.get("error"), exit_code_of_request([sent]))
    result |= {name: sent.get(name) for name in ("status", "duration_ms", "task")}
    if sent.get("status") is not None and report is not None:
        now = report.keys.get(key.key.casefold())
        result["read_back"] = None if now is None else now.value
        if sent["status"] == "RebootRequired":
            result["outcome"] = "reboot_required"
        elif sent["outcome"] == "accepted" and now is not None and now.value is not None:
            result["verified"] = same_by_comparison(now.value, key.wanted)
            if not result["verified"]:
                result |= {"outcome": "altered", "code": REJECTED, "error": "accepted, and reported with another value"}
    return result


def _record_of_applying(plan: Plan, key: Comparison | None, outcome: str, error: str | None, code: int) -> Record:
    return {
        "charge_point": plan.charge_point,
        "action": "ChangeConfiguration",
        "key": None if key is None else key.key,
        "previous": None if key is None else key.current,
        "wanted": None if key is None else key.wanted,
        "outcome": outcome,
        "status": None,
        "read_back": None,
        "verified": None,
        "error": error,
        "duration_ms": None,
        "task": None,
        "code": code,
    }


def apply_code(results: Sequence[Record], *, several: bool) -> int:
    """0 when all is done (a reboot may be needed); else what failed, 9 for some of several charge points."""
    codes = [result["code"] for result in results if result["code"] != OK]
    if not codes:
        return OK
    return SOME_FAILED if several else int(codes[0])
