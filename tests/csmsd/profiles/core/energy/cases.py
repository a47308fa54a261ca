"""One register with what start and stop told of it, from the notation of `played`; and findings in a few words."""

from csmsd.profiles.core.energy.agreement import Case, Finding
from csmsd.profiles.core.energy.clocks import own_readings_by_clocks, read_clocks
from csmsd.profiles.core.energy.drawn import drawn_by_power
from csmsd.profiles.core.energy.streams import Point
from csmsd.profiles.core.metering import POWER
from tests.csmsd.profiles.core.energy.played import played


def case_of(text: str, *, slack: float = 10.0) -> Case:
    """Its readings as they are: of one stream, whatever they say of themselves."""
    sent = played(text)
    own, clocks = own_readings_by_clocks(sent, read_clocks(sent))
    points = [Point(reading.time, reading.value, reading.context) for reading in own if reading.measurand != POWER]
    boots = sorted(sent.boots, key=lambda boot: boot.at)
    start, stop = sent.start.register or 0.0, sent.stop.register if sent.stop else None
    return Case(start, stop, points, clocks, boots, slack, drawn_by_power(own, clocks))


def shown(finding: Finding) -> str:
    """`300`, or `300 (200..400) unit`: Wh, at least and at most where they are others, and the doubts by name."""
    words = [f"{finding.energy:g}"]
    if not finding.low == finding.energy == finding.high:
        words.append(f"({finding.low:.10g}..{finding.high:.10g})")
    return " ".join([*words, *sorted(finding.doubts)])
