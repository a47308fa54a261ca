"""The composite schedule against an oracle that asks, for one moment at a time, what the specification says."""

from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.types import ChargingProfileKind, ChargingProfilePurpose, ChargingRateUnit, RecurrencyKind
from csmsd.profiles.smart_charging.composite_schedule import Moment, Period, Running, Supply, compose_schedule
from csmsd.profiles.smart_charging.timeline import Source
from tests.csmsd.profiles.smart_charging.profiles import DAY, HOUR, MINUTE, MONDAY, SECOND, on, profile

# --- the oracle: no sweep, no intervals; deliberately written another way than the engine

Said = tuple[Fraction, str, int]  # limit, unit, phases


def said(source: Source, moment: int, begun: int) -> Said | None:
    """What a profile says at a moment; `begun` is where a schedule without a start of its own begins."""
    body = source.profile
    schedule = body.charging_schedule
    if body.valid_from is not None and moment < _ms(body.valid_from):
        return None
    if body.valid_to is not None and moment >= _ms(body.valid_to):
        return None
    begin = begun
    if body.charging_profile_kind != "Relative" and schedule.start_schedule is not None:
        begin = _ms(schedule.start_schedule)
    elapsed = moment - begin
    if elapsed < 0:
        return None
    if body.charging_profile_kind == "Recurring":
        elapsed %= DAY if body.recurrency_kind == "Daily" else 7 * DAY
    if schedule.duration is not None and elapsed >= schedule.duration * SECOND:
        return None
    current = None
    for period in schedule.charging_schedule_period:
        if period.start_period * SECOND <= elapsed:
            current = period
    if current is None:
        return None
    return Fraction(str(current.limit)), schedule.charging_rate_unit, current.number_phases or 3


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def top(candidates: list[Source], moment: int, begun: dict[int, int]) -> Said | None:
    best: tuple[int, Said] | None = None
    for source in candidates:
        words = said(source, moment, begun[id(source)])
        if words is not None and (best is None or source.profile.stack_level > best[0]):
            best = (source.profile.stack_level, words)
    return None if best is None else best[1]


def own(sources: list[Source], connector: int, moment: int, at: Moment) -> Said | None:
    running = at.running.get(connector)
    begun = {id(source): running.since if running else at.now for source in sources}
    if running:
        of_transaction = [
            source
            for source in sources
            if source.profile.charging_profile_purpose == "TxProfile"
            and source.connector == connector
            and source.profile.transaction_id in (None, running.id)
        ]
        words = top(of_transaction, moment, begun)
        if words is not None:
            return words
    defaults = [source for source in sources if source.profile.charging_profile_purpose == "TxDefaultProfile"]
    here = [source for source in defaults if source.connector == connector]
    taken = {source.profile.stack_level for source in here}
    here += [source for source in defaults if source.connector == 0 and source.profile.stack_level not in taken]
    return top(here, moment, begun)


def oracle(sources: list[Source], connector: int, moment: int, unit: str, at: Moment) -> Fraction | None:
    maxima = [source for source in sources if source.profile.charging_profile_purpose == "ChargePointMaxProfile"]
    cap = top(maxima, moment, {id(source): source.accepted_at for source in maxima})
    parts = [own(sources, number, moment, at) for number in ((connector,) if connector else at.connectors)]
    everywhere = len(parts) > 0 and None not in parts
    voltage = at.supply.voltage
    usable = [part[2] for part in parts if part is not None] if everywhere else []
    phases = min(max(usable, default=3), 3 if cap is None else cap[2], at.supply.phases)

    def value(words: Said, on_phases: int) -> Fraction:
        limit, given, _ = words
        if given == unit:
            return limit
        return limit * voltage * on_phases if unit == "W" else limit / voltage / on_phases

    limits = []
    if everywhere:
        limits.append(sum((value(part, min(part[2], phases)) for part in parts if part is not None), Fraction(0)))
    if cap is not None:
        limits.append(value(cap, phases))
    return min(limits, default=None)


# --- the properties

SPAN = 3 * DAY
_seconds = st.integers(0, 2 * 86400)
_times = st.integers(-3 * DAY // MINUTE, SPAN // MINUTE).map(lambda minutes: MONDAY + minutes * MINUTE)


@st.composite
def _profiles(draw: st.DrawFn, number: int) -> Source:
    purpose: ChargingProfilePurpose = draw(st.sampled_from(("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")))
    kind: ChargingProfileKind = draw(st.sampled_from(("Absolute", "Recurring", "Relative")))
    recurrency: RecurrencyKind | None = None
    if kind == "Recurring":
        recurrency = draw(st.sampled_from(("Daily", "Weekly")))
    starts = [0, *sorted(draw(st.sets(st.integers(1, 86400), max_size=4)))]
    connector = {"ChargePointMaxProfile": 0, "TxProfile": draw(st.integers(1, 2))}.get(purpose, draw(st.integers(0, 2)))
    return on(
        connector,
        profile(
            *(
                (start, draw(st.integers(0, 3200)) / 10, draw(st.integers(1, 3))) if draw(st.booleans()) else
                (start, draw(st.integers(0, 3200)) / 10)
                for start in starts
            ),
            purpose=purpose,
            kind=kind,
            recurrency=recurrency,
            level=number,  # unique, as the specification demands of one purpose and connector
            unit=draw(st.sampled_from(("A", "W"))),
            start=draw(st.none() | _times) if kind != "Relative" else None,
            duration=draw(st.none() | _seconds),
            valid_from=draw(st.none() | _times),
            valid_to=draw(st.none() | _times),
            transaction=draw(st.sampled_from((None, 7, 8))) if purpose == "TxProfile" else None,
            id=number,
        ),
        accepted_at=draw(_times),
    )  # fmt: skip


@st.composite
def _sites(draw: st.DrawFn) -> list[Source]:
    number = draw(st.integers(0, 8))
    levels = draw(st.permutations(range(number)))
    sources = [draw(_profiles(level)) for level in levels]
    twins: bool = draw(st.booleans())
    if sources and twins:  # two defaults of one level, on connector 0 and on 1
        sources.append(on(1, profile((0, 9.5), level=draw(st.integers(0, number - 1)), id=99)))
        sources = _without_twins(sources)
    return sources


def _without_twins(sources: list[Source]) -> list[Source]:
    slots = {
        (source.connector, source.profile.charging_profile_purpose, source.profile.stack_level): source
        for source in sources
    }
    return list(slots.values())


_moments = st.builds(
    Moment,
    now=st.just(MONDAY),
    running=st.dictionaries(
        st.integers(1, 2), st.builds(Running, st.sampled_from((7, 8)), _times.map(lambda time: min(time, MONDAY)))
    ),
    connectors=st.sampled_from(((), (1,), (1, 2), (1, 2, 3))),
    supply=st.builds(Supply, st.sampled_from((110, 230)), st.integers(1, 3)),
)
_units = st.sampled_from(("A", "W"))


@given(
    sources=_sites(), connector=st.integers(0, 2), unit=_units, at=_moments, asked=st.lists(st.integers(0, SPAN - 1))
)
def test_at_every_moment_the_limit_is_what_the_specification_says(
    sources: list[Source], connector: int, unit: ChargingRateUnit, at: Moment, asked: list[int]
) -> None:
    found = compose_schedule(sources, connector, MONDAY, MONDAY + SPAN, unit, at)
    _whole(found)
    # where a period begins, just before it ends, and at moments chosen by chance
    moments = {moment for period in found for moment in (period.start, period.end - 1)}
    for moment in moments | {MONDAY + moment for moment in asked}:
        [period] = [period for period in found if period.start <= moment < period.end]
        assert period.limit == oracle(sources, connector, moment, unit, at), moment - MONDAY
        assert (period.limit is None) == (not period.because)


def _whole(found: list[Period]) -> None:
    """No gap, no overlap, no two neighbours that are the same."""
    assert found[0].start == MONDAY
    assert found[-1].end == MONDAY + SPAN
    for one, following in pairwise(found):
        assert one.end == following.start
        assert (one.limit, one.phases, one.minimum, one.because) != (
            following.limit,
            following.phases,
            following.minimum,
            following.because,
        )


@given(sources=_sites(), at=_moments, cut=st.integers(1, SPAN - 1))
def test_a_span_in_two_parts_says_the_same(sources: list[Source], at: Moment, cut: int) -> None:
    whole = compose_schedule(sources, 1, MONDAY, MONDAY + SPAN, "A", at)
    parts = compose_schedule(sources, 1, MONDAY, MONDAY + cut, "A", at) + compose_schedule(
        sources, 1, MONDAY + cut, MONDAY + SPAN, "A", at
    )
    boundaries = {period.start for period in whole} | {MONDAY + cut}
    assert {period.start for period in parts} == boundaries


@given(sources=_sites(), at=_moments, connector=st.integers(1, 2))
def test_nothing_exceeds_the_maximum_of_the_charge_point(sources: list[Source], at: Moment, connector: int) -> None:
    cap = on(0, profile((0, 10), purpose="ChargePointMaxProfile", level=1000, start=MONDAY - HOUR, id=1000))
    found = compose_schedule([*sources, cap], connector, MONDAY, MONDAY + SPAN, "A", at)
    assert all(period.limit is not None and period.limit <= 10 for period in found)
