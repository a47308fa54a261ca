"""What was measured of a transaction that may still be measured or stopped, in memory, in few bytes.

As long as it is plain (see `plain`) a reading costs next to nothing, and the figure needs no evidence. What is not
plain is judged from the evidence when somebody looks, or when it stops. What is kept of it is bounded (see `thinning`).
"""

import msgspec

from csmsd.profiles.core.energy.evidence import Boot, Evidence, Reading, Start, Stop, evidence_of_row
from csmsd.profiles.core.energy.plain import LIMIT_WH, Plain
from csmsd.profiles.core.energy.thinning import ThinnedRows, row_to_keep
from csmsd.profiles.core.energy.verdict import Verdict, verdict_of_evidence
from csmsd.profiles.core.metering import Taken
from csmsd.profiles.core.moments import BEFORE_START, BESIDE
from csmsd.profiles.record import Milliseconds

_MOST_PUT_RIGHT = 256


class Gathered:
    """`latest` is the register that was read last, Wh, and can be one; `highest` the highest, the start included.

    `newest` is when something was measured last; what is from before `usual_since` is late, or by another clock.
    `put_right` are the times of readings that did not tell their own, by what they told.
    """

    def __init__(self, connector: int, start: Start) -> None:
        self._connector = connector
        self.start = start
        self._plain = Plain.began(
            register=start.register, time=start.time, received_at=start.received_at, oddity=start.oddity, rating_w=None
        )
        self._rows = ThinnedRows(start.time)
        self._verdict: tuple[tuple[Boot, ...], Verdict] | None = None
        self.latest: float | None = None
        self.highest = start.register or 0.0
        self.newest: Milliseconds = 0
        self.usual_since = start.time - BEFORE_START
        self.put_right: dict[str, Milliseconds] = {}

    def copy(self) -> "Gathered":
        """Goes on by itself."""
        other = Gathered(self._connector, self.start)
        other._plain = msgspec.structs.replace(self._plain)
        other._rows = self._rows.copy()
        other.latest = self.latest
        other.highest = self.highest
        other.newest = self.newest
        other.usual_since = self.usual_since
        other.put_right = {**self.put_right}
        return other

    def take(self, taken: Taken) -> None:
        """The next reading, in the order of arrival; one that came before says nothing new."""
        row, shape = taken.row, taken.shape
        time, rows = row.time, self._rows
        kept = row_to_keep(taken)
        if time > self.newest:
            self.newest = time
            if time - BESIDE > self.usual_since:
                self.usual_since = time - BESIDE
        elif kept in rows or rows.has_summed(taken):
            return
        if row.connector == self._connector:
            plain = self._plain
            for place, energy, factor in shape.energies:
                number = taken.numbers[place]
                if number is None:
                    if shape.tells_beside:
                        plain.leave()
                    continue
                wh = number if factor == 1 else round(number * factor, 6)
                if not taken.timed:
                    plain.leave()
                if energy == "register":
                    plain.take(time, wh)
                    if -LIMIT_WH < wh < LIMIT_WH:
                        self.latest = wh
                        if wh > self.highest:
                            self.highest = wh
                elif energy == "begin":
                    plain.begin(wh)
                else:
                    plain.leave()
            if shape.tells_beside:
                plain.beside()
            if shape.powers:
                watts = 0.0
                for place, factor in shape.powers:
                    watts += (taken.numbers[place] or 0.0) * factor
                if taken.timed:
                    plain.draw(time, watts)
                else:
                    plain.leave()
        if not taken.timed and row.text and len(self.put_right) < _MOST_PUT_RIGHT:
            self.put_right[row.text] = time
        self._verdict = None
        if self._plain.plain:
            rows.add_plain(kept)
        else:
            rows.add(kept, taken)

    def verdict(self, boots: list[Boot]) -> Verdict:
        """What it comes to so far."""
        figure = self._plain.figure
        if figure is not None and self._plain.wh:  # a register that shows nothing but 0 may be dead
            return Verdict(figure, figure, figure, "readings")
        if self._verdict is None or self._verdict[0] != tuple(boots):
            self._verdict = (tuple(boots), verdict_of_evidence(self._evidence(boots, None)))
        return self._verdict[1]

    def stopped(self, boots: list[Boot], stop: Stop) -> Verdict:
        """What it comes to with that stop, which may turn out not to have been its own."""
        plain = msgspec.structs.replace(self._plain)
        figure = plain.stopped(register=stop.register, time=stop.time, received_at=stop.received_at, oddity=stop.oddity)
        if figure is not None:
            return Verdict(figure, figure, figure, "start_and_stop")
        return verdict_of_evidence(self._evidence(boots, stop))

    def _evidence(self, boots: list[Boot], stop: Stop | None) -> Evidence:
        readings: list[Reading] = []
        for connector, time, shape, samples, timed in self._rows.rows:
            readings += evidence_of_row(shape, samples, connector=connector, time=time, timed=timed)
        readings += self._rows.summed()
        return Evidence(self._connector, self.start, stop, readings, boots)
