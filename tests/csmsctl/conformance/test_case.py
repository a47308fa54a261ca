"""A case, played: what it complains about, whatever the case is."""

from dataclasses import replace

from csmsctl.conformance.case import Run
from csmsctl.conformance.private_csmsd import Site
from tests.csmsctl.conformance.broken import CASES, play_broken


async def test_a_call_without_being_told_to_is_found(private_csmsd: Site) -> None:
    async def play(run: Run) -> None:
        asked = await run.charge_point()
        await asked.heartbeat()
        other = private_csmsd.csmsctl("--timeout", "0.2", "clear-cache", run.name)
        assert (await other).code == 8
        await asked.heartbeat()  # answered after it: it has come by then

    outcome = await play_broken(replace(CASES["TC_001"], play=play), private_csmsd)
    assert outcome.problem == "csmsd sent ClearCache without being told to"
