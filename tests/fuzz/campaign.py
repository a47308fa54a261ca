"""Fuzzes a real csmsd: every CALL whose unique id can be read is answered once, and rightly; nothing else is sent.

    python -m tests.fuzz.campaign --frames 1000000 --seed 7

Frames are drawn by Hypothesis from the official JSON schemas: valid ones, such with one thing wrong, and what is no
frame. They go in batches over several connections, some of strict charge points, with the transaction ids that
csmsd gave; now and then a charge point connects anew, or says something once more.
"""

import argparse
import asyncio
import random
import re
import sys
from pathlib import Path
from time import monotonic

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from tests.fuzz.frames import Frame, frames
from tests.fuzz.line import Line, WrongAnswer
from tests.support.control import ControlConnection
from tests.support.site import Site

GROUPS = 2  # of charge points that are all told the same
IN_GROUP = 4  # the last of them is a strict one
LINES = GROUPS * IN_GROUP
STRICT = tuple(range(IN_GROUP - 1, LINES, IN_GROUP))
A_BATCH = 40
_SENT = A_BATCH * IN_GROUP + LINES + 1  # of a batch, barriers included
GROWTH_MIB = 64  # of csmsd, from a tenth of the frames on
_TIDY_EVERY = 5_000  # frames
_LOOK_EVERY = 20_000  # frames
_MOST_WRONG = 20  # beyond which there is no going on

_batch = st.lists(st.tuples(st.integers(0, GROUPS - 1), frames()), min_size=A_BATCH, max_size=A_BATCH)
_again = st.lists(st.tuples(st.integers(0, LINES - 1), st.integers(0, 7)), max_size=2)
_rest = st.integers(0, 39)


class Outcome(msgspec.Struct):
    """What came of it."""

    seed: int
    frames: int
    answers: int
    seconds: float
    refusals: dict[str, int]
    early_mib: float  # of memory, after a tenth of the frames
    late_mib: float
    transactions: int

    def __str__(self) -> str:
        refused = ", ".join(f"{code} {times:,}" for code, times in sorted(self.refusals.items()))
        return (
            f"seed {self.seed}: {self.frames:,} frames in {self.seconds:.0f} s, {self.answers:,} answers; "
            f"CALLERRORs: {refused}; {self.transactions:,} transactions; {self.early_mib:.0f} MiB early, "
            f"{self.late_mib:.0f} MiB late"
        )


class Campaign:
    """So many frames for the csmsd of a site."""

    def __init__(self, site: Site, frames: int, seed: int) -> None:
        self._site = site
        self._wanted = frames
        self._seed = seed
        self._sent = 0
        self._tidied = 0
        self._early: float | None = None
        self._broken: Exception | None = None
        host, _, port = site.listen.rpartition(":")
        self._address = (host, int(port))
        for number in range(LINES):
            asyncio.run(site.register(f"FUZZ{number}", strict=number in STRICT))
        asyncio.run(site.register("QUIET"))
        self._quiet = Line(self._address, "QUIET")
        self._lines: list[Line] = []

    def run(self) -> Outcome:
        """Raises WrongAnswer, whose text is the first of all that was wrong."""
        begun = monotonic()
        self._lines = [Line(self._address, f"FUZZ{number}", strict=number in STRICT) for number in range(LINES)]

        @seeded(self._seed)
        @settings(
            max_examples=max(1, self._wanted // _SENT),
            deadline=None,
            database=None,
            phases=[Phase.generate],  # what is wrong is told of the one frame; there is nothing to be made smaller
            suppress_health_check=list(HealthCheck),
        )
        @given(_batch, _again, _rest)
        def tried(batch: list[tuple[int, Frame]], again: list[tuple[int, int]], rest: int) -> None:
            if self._broken is None:
                try:
                    self._try(batch, again, rest)
                except Exception as error:  # not for Hypothesis: it would show the whole batch
                    self._broken = error

        try:
            tried()
            if self._broken is not None:
                raise self._broken
            self._quiet.exchange([])
            self._require_nothing_wrong(1)
        finally:
            for line in [*self._lines, self._quiet]:
                line.close()
        return self._outcome(monotonic() - begun)

    def _try(self, batch: list[tuple[int, Frame]], again: list[tuple[int, int]], rest: int) -> None:
        for number, line in enumerate(self._lines):
            others = list(self._lines[number - 1].transactions)
            repeated = [which for place, which in again if place == number]
            line.send([frame for group, frame in batch if group == number // IN_GROUP], repeated, others)
        self._quiet.exchange([])  # however the others fare
        for line in self._lines:
            line.settle()
        self._require_nothing_wrong(_MOST_WRONG)
        self._sent += _SENT + len(again)
        if rest == 0:
            self._lines[self._sent % LINES].reconnect(properly=self._sent % 2 == 0)
        if self._sent // _LOOK_EVERY > (self._sent - _SENT) // _LOOK_EVERY:
            print(f"{self._sent:,} frames, {self._memory():.0f} MiB", flush=True)
        if self._early is None and self._sent >= self._wanted / 10:
            self._early = self._memory()
        if self._sent - self._tidied >= _TIDY_EVERY:
            self._tidied = self._sent
            asyncio.run(self._tidy())

    def _require_nothing_wrong(self, most: int) -> None:
        wrong = [one for line in [*self._lines, self._quiet] for one in line.wrong.values()]
        if wrong and len(wrong) >= most:
            raise WrongAnswer(f"seed {self._seed}:\n" + "\n".join(wrong))

    async def _tidy(self) -> None:
        """An operator settles what could not be booked, of which no more than so much is kept."""
        async with await ControlConnection.open(self._site.socket) as control:
            found = (await control.call("transaction.orphans", limit=0))["orphans"]
            for first in range(0, len(found), 500):
                ids = [one["id"] for one in found[first : first + 500]]
                await control.call("transaction.dismiss", ids=ids, reason="fuzz")

    def _memory(self) -> float:
        """MiB."""
        assert self._site.process is not None
        status = Path(f"/proc/{self._site.process.pid}/status").read_text("utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def _outcome(self, seconds: float) -> Outcome:
        refusals: dict[str, int] = {}
        for line in self._lines:
            for code, times in line.refusals.items():
                refusals[code] = refusals.get(code, 0) + times
        late = self._memory()
        (transactions,) = self._site.stored("SELECT count(*) FROM transactions")[0]
        return Outcome(
            seed=self._seed,
            frames=self._sent,
            answers=sum(line.answers for line in [*self._lines, self._quiet]),
            seconds=seconds,
            refusals=refusals,
            early_mib=self._early or late,
            late_mib=late,
            transactions=transactions,
        )


async def looked_at(site: Site) -> None:
    """Operators look at all that charge points have told, and csmsd starts on it."""
    for command in (
        *(("status",), ("status", "--problems"), ("cp", "list"), ("tx", "list", "--limit", "200"), ("tx", "orphans")),
        *(("log", "--limit", "200"), ("events", "--limit", "200"), ("status", "FUZZ0"), ("cp", "show", "FUZZ5")),
    ):
        ended = await site.csmsctl(*command)
        if ended.code not in (0, 1):
            raise WrongAnswer(f"csmsctl {' '.join(command)} ended with {ended.code}: {ended.err}")
    await site.restart()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    site = Site()
    site.start_and_wait()
    try:
        try:
            outcome = Campaign(site, arguments.frames, arguments.seed).run()
        except WrongAnswer as error:
            sys.exit(str(error))
        print(outcome)
        asyncio.run(looked_at(site))
        if outcome.late_mib - outcome.early_mib > GROWTH_MIB:
            sys.exit(f"csmsd grew by more than {GROWTH_MIB} MiB")
    finally:
        asyncio.run(site.close())


if __name__ == "__main__":
    main()
