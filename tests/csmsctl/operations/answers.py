"""What csmsd answers to operations."""

from typing import Any

from tests.csmsctl import samples
from tests.csmsctl.scripted_daemon import Params, Peer


def answer_with(*results: Params) -> Any:
    def answer(peer: Peer, _params: Params) -> Params:
        peer.progress(list(results))
        return {"schema_version": 1, "results": list(results)}

    return answer


def plan(*identities: str) -> Any:
    """A dry run names the charge points; the real run accepts."""

    def answer(_peer: Peer, params: Params) -> Params:
        outcome = "not_sent" if params.get("dry_run") else "accepted"
        return {"schema_version": 1, "results": [samples.result(identity, outcome) for identity in identities]}

    return answer
