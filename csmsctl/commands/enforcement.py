"""What `tag block --enforce` prints: what was sent, and who may still trust the card."""

from csmsctl.failure import OK, SOME_FAILED
from csmsctl.invocation import Invocation
from csmsctl.operations.request import request_with_progress
from csmsctl.operations.results import show_results

_WHERE = {
    "local_list": "its local list",
    "local_list_unknown": "its local list, whose contents are not known here",
    "cache": "its cache",
    "transaction": "a transaction that was not stopped",
}


def block_with_enforcement(run: Invocation, tag: str, *, stop_transactions: bool, parallel: int) -> None:
    """Blocks and enforces. Exit code 9 when a charge point is left that may still accept the card by itself."""
    params = {
        "id": tag,
        "enforce": True,
        "stop_transactions": stop_transactions or None,
        "parallel": parallel,
        "timeout": run.options.timeout,
    }
    # Several CALLs to each charge point, one after the other.
    result = request_with_progress(run, "tag.block", params, timeout=20 * run.options.timeout)
    trusting = result["trusting"]
    run.exit_code = SOME_FAILED if trusting else OK
    if run.output.documented(result):
        return
    if result["results"]:
        show_results(run.output, result["results"])
    run.output.note(f"{tag} is blocked.")
    for entry in trusting:
        link = "is connected, but" if entry["connected"] else "is offline and"
        where = " and ".join(_WHERE.get(word, word) for word in entry["because"])
        run.output.warn(f"{entry['charge_point']} {link} may still trust {tag}: {where}.")
    if any(not entry["connected"] for entry in trusting):
        run.output.note(f"Once they are back: csmsctl tag block {tag} --enforce")
