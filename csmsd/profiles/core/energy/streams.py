"""Streams: the readings of one thing at one place, and which stream carries the bill."""

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from csmsd.profiles.core.energy.evidence import BEGIN, END, REGISTER, Reading
from csmsd.profiles.core.energy.plain import LIMIT_WH, ROUNDING_WH, WALLBOX_W, plain_reach
from csmsd.profiles.record import Milliseconds

_PHASES = (("L1", "L2", "L3"), ("L1-N", "L2-N", "L3-N"))
_PLACES = ("Cable", "Body", "Inlet")
_COINCIDENCE = 4  # so many different round numbers are no coincidence


class Point(msgspec.Struct, frozen=True, gc=False):
    """A register at a moment, in Wh."""

    time: Milliseconds
    wh: float
    context: str


class Stream(msgspec.Struct, frozen=True):
    """A register: how it stood at the start and at the end, where that was told, and how it went on in between."""

    points: list[Point] = []
    begin: Point | None = None
    end: Point | None = None
    step: float = 1.0
    phases: int = 0  # of how many phases it is the sum
    absurd: bool = False  # some of its readings were beyond any register
    labelled: bool = False  # with one phase, of which it may be after all

    @property
    def first(self) -> Point | None:
        return self.begin or next(iter(self.points), None) or self.end

    @property
    def is_dead(self) -> bool:
        """Whether it never showed anything."""
        edges = [edge for edge in (self.begin, self.end) if edge is not None]
        return not any(point.wh for point in [*self.points, *edges])


def stream_of(readings: list[Reading], *, stopped: bool) -> Stream:
    """One stream of readings in order.

    A reading of Transaction.Begin or Transaction.End is of the start or the end, however often it is told; only where
    such readings differ they are samples with a wrong label.
    """
    usable = [reading for reading in readings if abs(reading.value) < LIMIT_WH]
    begin = next((reading for reading in usable if reading.context == BEGIN), None)
    ends = [reading for reading in usable if reading.context == END] if stopped else []
    end = ends[-1] if ends else None
    points = [
        Point(reading.time, reading.value, reading.context)
        for reading in usable
        if not (reading.context == BEGIN and begin is not None and abs(reading.value - begin.value) <= ROUNDING_WH)
        and not (end is not None and reading.context == END and abs(reading.value - end.value) <= ROUNDING_WH)
    ]
    step = max(
        min((reading.step for reading in usable), default=1.0),
        grid_of_stream([point.wh for point in points], _COINCIDENCE),
    )
    return Stream(
        points,
        Point(begin.time, begin.value, BEGIN) if begin is not None else None,
        Point(end.time, end.value, END) if end is not None else None,
        step,
        absurd=len(usable) < len(readings),
    )


def grid_of_stream(values: Iterable[float], coincidence: int) -> float:
    """The power of ten, up to 1000 Wh, that all of so many different values are multiples of."""
    different = {value for value in values if value}
    if len(different) < coincidence:
        return 1.0
    return next((step for step in (1000.0, 100.0, 10.0) if all(not value % step for value in different)), 1.0)


def _sum_of_streams(streams: list[Stream]) -> Stream:
    """The phases together: each as it was last read, once all of them were."""
    moments = sorted(
        ((point.time, place, point) for place, stream in enumerate(streams) for point in stream.points),
        key=lambda moment: moment[:2],
    )
    latest = {place: stream.begin.wh for place, stream in enumerate(streams) if stream.begin is not None}
    points: list[Point] = []
    for place_in_order, (time, place, point) in enumerate(moments):
        latest[place] = point.wh
        following = moments[place_in_order + 1][0] if place_in_order + 1 < len(moments) else None
        if len(latest) == len(streams) and following != time:
            points.append(Point(time, sum(latest.values()), point.context))
    begins = [stream.begin for stream in streams if stream.begin is not None]
    ends = [stream.end for stream in streams if stream.end is not None]
    return Stream(
        points,
        Point(begins[0].time, sum(begin.wh for begin in begins), BEGIN) if len(begins) == len(streams) else None,
        Point(ends[-1].time, sum(end.wh for end in ends), END) if len(ends) == len(streams) else None,
        sum(stream.step for stream in streams),
        len(streams),
        any(stream.absurd for stream in streams),
    )


def choose_stream(
    readings: list[Reading], *, start: float | None, began: Milliseconds | None, stopped: bool
) -> Stream | None:
    """The register that carries the bill.

    At the outlet without phase; at the cable, the body or the inlet; the sum of the phases; one that is labelled with
    a phase though it is the total, as it goes on from the start or counts from 0. One that never showed anything
    stands back. Where there is none of these, one at the EV or elsewhere that goes on from the start.
    """
    formed: dict[tuple[str, str], list[Reading]] = {}
    for reading in readings:
        if reading.measurand == REGISTER:
            formed.setdefault((reading.location, reading.phase), []).append(reading)
    total = formed.get(("Outlet", ""))
    if total is not None and not (stream := stream_of(total, stopped=stopped)).is_dead:
        return stream  # nearly always; what others tell beside it need not be put together
    streams = {
        key: msgspec.structs.replace(stream_of(found, stopped=stopped), labelled=bool(key[1]))
        for key, found in formed.items()
    }

    def goes_on(stream: Stream) -> bool:
        if stream.first is None or start is None:
            return False
        advance = stream.first.wh - start
        return -100 - stream.step <= advance <= plain_reach(WALLBOX_W, _stream_since(began, stream.first)) + stream.step

    def counts_from_zero(stream: Stream) -> bool:
        return stream.first is not None and 0 <= stream.first.wh <= plain_reach(
            WALLBOX_W, _stream_since(began, stream.first)
        )

    places = ("Outlet", *_PLACES)
    candidates = [streams[key] for key in [("Outlet", "")] if key in streams]
    elsewhere = [streams[place, ""] for place in _PLACES if (place, "") in streams]
    candidates += sorted(elsewhere, key=lambda stream: not goes_on(stream))
    singles = [stream for (place, phase), stream in streams.items() if phase and place in places]
    sums = []
    for place in places:
        for names in _PHASES:
            parts = [streams[place, name] for name in names if (place, name) in streams]
            if len(parts) > 1:
                sums.append(_sum_of_streams(parts))
    totals = [stream for stream in singles if goes_on(stream)]
    repeated = len(totals) == len(singles) > 1 and all(_streams_alike(stream, totals[0]) for stream in totals)
    if start and repeated:
        candidates += totals  # the total, repeated on each phase
    # Each phase of a young meter goes on from a start of 0, too.
    if totals and not any(goes_on(stream) for stream in sums) and (start or repeated or not sums):
        candidates += totals
    candidates += sums
    candidates += totals
    if not sums:
        candidates += [stream for stream in singles if counts_from_zero(stream)]
    if not candidates and start:
        elsewhere = [streams[key] for key in streams if not key[1]]
        candidates = [stream for stream in elsewhere if goes_on(stream) and _only_grows(stream)]
    candidates = [stream for stream in candidates if stream.first is not None or stream.absurd]
    return next((stream for stream in candidates if not stream.is_dead), candidates[0] if candidates else None)


def _only_grows(stream: Stream) -> bool:
    """Whether it advances no faster than a wallbox delivers."""
    return all(
        0 <= later.wh - earlier.wh <= plain_reach(WALLBOX_W, later.time - earlier.time)
        for earlier, later in pairwise(stream.points)
    )


def _streams_alike(one: Stream, other: Stream) -> bool:
    """Whether two phases tell the same throughout, as phases that are measured apart hardly do."""
    return [point.wh for point in one.points] == [point.wh for point in other.points] and (
        (one.begin and one.begin.wh) == (other.begin and other.begin.wh)
    )


def _stream_since(began: Milliseconds | None, point: Point) -> Milliseconds:
    return point.time - began if began is not None else 0
