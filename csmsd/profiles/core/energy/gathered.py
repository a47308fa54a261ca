"""What was measured of a transaction that may still be measured or stopped, in memory, in few bytes.

As long as it is plain (see `plain`) a reading costs next to nothing, and the figure needs no evidence. What is not
plain is judged from the evidence when somebody looks, or when it stops. Evidence that grows beyond a cap is thinned:
of readings that advance, those between others say nothing that the others do not say.
"""

import msgspec

from csmsd.ocpp.json_text import encode_json
from csmsd.profiles.core.energy.evidence import Boot, Evidence, Reading, Start, Stop, evidence_of_samples
from csmsd.profiles.core.energy.plain import LIMIT_WH, Plain
from csmsd.profiles.core.energy.verdict import Verdict, reckon_verdict
from csmsd.profiles.core.metering import Taken, unpack_metered
from csmsd.profiles.core.moments import BEFORE_START, BESIDE
from csmsd.profiles.record import Milliseconds

# Readings that are kept in memory; one takes some 300 bytes.
MOST_OF_PLAIN = 24
MOST = 256
# Of a longer reading only what says something about energy is kept, up to so many samples.
LONGEST_READING = 1000  # characters
_MOST_SAMPLES = 12
_LONGEST_NUMBER = 40

_Said = dict[tuple[object, ...], tuple[Milliseconds, float]]  # time and Wh or W by stream
_Row = tuple[int, Milliseconds, str | None, str, bool]  # connector, time, shape, samples, whether its time was told


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
        self._rows: list[_Row] = []
        self._verdict: tuple[tuple[Boot, ...], Verdict] | None = None
        self.latest: float | None = None
        self.highest = start.register or 0.0
        self.newest: Milliseconds = 0
        self.usual_since = start.time - BEFORE_START
        self.put_right: dict[str, Milliseconds] = {}

    def take(self, taken: Taken) -> None:
        """The next reading, in the order of arrival; one that came before says nothing new."""
        row, shape = taken.row, taken.shape
        time, rows = row.time, self._rows
        known = (row.connector, time, shape.text, row.samples, taken.timed)
        if len(row.samples) > LONGEST_READING:
            known = (row.connector, time, None, _of_energy(shape.text, row.samples), taken.timed)
        if time > self.newest:
            self.newest = time
            if time - BESIDE > self.usual_since:
                self.usual_since = time - BESIDE
        elif known in rows:
            return
        if row.connector == self._connector:
            plain = self._plain
            for place, energy, factor in shape.energies:
                number = taken.numbers[place]
                if number is None:
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
            if shape.powers:
                watts = 0.0
                for place, factor in shape.powers:
                    watts += (taken.numbers[place] or 0.0) * factor
                if taken.timed:
                    plain.draw(time, watts)
                else:
                    plain.leave()
        if not taken.timed and row.text and len(self.put_right) < MOST:
            self.put_right[row.text] = time
        self._verdict = None
        rows.append(known)
        if len(rows) > MOST_OF_PLAIN:
            if self._plain.plain:
                del rows[1:-1:2]
            elif len(rows) > MOST:
                self._thin()

    def _thin(self) -> None:
        """Lets go of every second reading that is between its neighbours; of any, where there are too many others."""
        rows = self._rows
        said = [_said(row) for row in rows]
        kept = [
            row
            for place, row in enumerate(rows)
            if place % 2 == 0 or place == len(rows) - 1 or not _between(said[place - 1], said[place], said[place + 1])
        ]
        self._rows = kept if len(kept) <= 2 * MOST else [*kept[:1], *kept[1:-1:2], *kept[-1:]]

    def verdict(self, boots: list[Boot]) -> Verdict:
        """What it comes to so far."""
        figure = self._plain.figure
        if figure is not None:
            return Verdict(figure, figure, figure, "readings")
        if self._verdict is None or self._verdict[0] != tuple(boots):
            self._verdict = (tuple(boots), reckon_verdict(self._evidence(boots, None)))
        return self._verdict[1]

    def stopped(self, boots: list[Boot], stop: Stop) -> Verdict:
        """What it comes to with that stop, which may turn out not to have been its own."""
        plain = msgspec.structs.replace(self._plain)
        figure = plain.stopped(register=stop.register, time=stop.time, received_at=stop.received_at, oddity=stop.oddity)
        if figure is not None:
            return Verdict(figure, figure, figure, "start_and_stop")
        return reckon_verdict(self._evidence(boots, stop))

    def _evidence(self, boots: list[Boot], stop: Stop | None) -> Evidence:
        readings: list[Reading] = []
        for connector, time, shape, samples, timed in self._rows:
            readings += evidence_of_samples(unpack_metered(shape, samples), connector=connector, time=time, timed=timed)
        return Evidence(self._connector, self.start, stop, readings, boots)


def _of_energy(shape: str | None, samples: str) -> str:
    """The samples of a reading that say something about energy, as those are kept whose shape is not known."""
    telling = [
        sample
        for sample in unpack_metered(shape, samples)
        if len(sample.value) <= _LONGEST_NUMBER and evidence_of_samples([sample], connector=0, time=0)
    ]
    return encode_json(telling[:_MOST_SAMPLES]).decode()


def _said(row: _Row) -> _Said:
    connector, time, shape, samples, _ = row
    return {
        (reading.connector, reading.measurand, reading.context, reading.phase, reading.location): (
            time,
            reading.value,
        )
        for reading in evidence_of_samples(unpack_metered(shape, samples), connector=connector, time=time)
    }


def _between(before: _Said, at: _Said, after: _Said) -> bool:
    """Whether a reading says nothing that its neighbours do not say."""
    return at.keys() <= before.keys() & after.keys() and all(
        before[stream][0] <= known[0] <= after[stream][0] and before[stream][1] <= known[1] <= after[stream][1]
        for stream, known in at.items()
    )
