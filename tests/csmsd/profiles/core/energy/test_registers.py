"""What the register that carries the bill says, with what start and stop told of it."""

import pytest

from csmsd.profiles.core.energy.agreement import Finding
from csmsd.profiles.core.energy.clocks import own_readings_by_clocks, read_clocks
from csmsd.profiles.core.energy.drawn import drawn_by_power
from csmsd.profiles.core.energy.registers import judge_register
from csmsd.profiles.core.energy.streams import Stream, choose_stream
from tests.csmsd.profiles.core.energy.cases import shown
from tests.csmsd.profiles.core.energy.played import played


def judged(text: str) -> Finding:
    sent = played(text)
    own, clocks = own_readings_by_clocks(sent, read_clocks(sent))
    start, stop = sent.start.register, sent.stop.register if sent.stop is not None else None
    stopped = sent.stop is not None
    stream = choose_stream(own, start=start, began=clocks.began, stopped=stopped) or Stream()
    drawn = drawn_by_power(own, clocks)
    return judge_register(stream, start=start, stop=stop, stopped=stopped, clocks=clocks, boots=sent.boots, drawn=drawn)


@pytest.mark.parametrize(
    ("sent", "right"),
    [
        ("S 0 | M -50 5000 | M -40 5005 | E 0", "0"),
        ("S 0 | M -60 0 begin | M -50 5000 | M -40 5011 | E 0", "5011 (5011..318444.3333) stop_register"),
        ("S 0 | M -50 5000 | E 0", "5000 (5000..395100) stop_register"),
        ("S 0 | M -50 5 | E 0", "0"),
        ("S 0 | M -50 5000 clock | M -40 7 | M -30 9 | E 0", "0"),
        ("S 0 | M -60 5000 begin | M -50 5500 | E 0", "500 (500..390600) stop_register"),
        ("S 1000 | M -50 1500 | E 0", "500 (500..390600) stop_register"),
        ("S 1000 | M -50 1500 | M 0 0 end | E ?", "500 (500..390600) stop_register"),
        ("S 0 | M -50 5 | M 0 0 end | E ?", "0"),
        ("S 1000 | M -50 1500 | M 0 1700 end | E ?", "700"),
        ("S 1000 | M -50 1500 | E ?", "500 (500..390600) stop_register"),
        ("S 1000 | E ?", "0 (0..466766.6667) stop_register"),
        ("S ? | M -50 1500 | E 1700", "200 (200..83633.33333) start_register"),
        ("S ? | M -60 1400 begin | M -50 1500 | E 1700", "300"),
        ("S ? | E 1700", "0 (0..466766.6667) start_register"),
        ("S ? | M -50 1500", "0 (0..83433.33333) start_register"),
        ("S 1000 | M -50 1500 | M -40 2000000000000 | E 1700", "700 readings_disagree"),
        ("S 1000 | M -59 1150 begin | M -50 1500 | E 1700", "700"),
        ("S 1000 | M -59 1100 begin | M -50 1500 | E 1700", "700"),
        ("S 1000 | M -59 1111 begin | M -50 1500", "500"),
        ("S 1000 | M -60 1110 begin | M -50 1500 | E 1700", "700"),
        ("S 1000 | M -60 5000 begin | M -50 5500 | E 5700", "700 (700..4700) start_register"),
        ("S 0 | M -60 5000 begin | M -50 5500 | E 5700", "700"),
        ("S 0 | M -60 5000 begin | M -50 5500 | E 700", "700"),
        ("S 0 | M -60 5000 begin | M -50 5500 | M 0 5700 end | E 700", "700"),
        ("S 0 | M -60 5000 begin | M -50 5500 | M 0 5700 end | E 1100", "1100 (700..1100) readings_disagree"),
        ("S 0 | M -60 5000 begin | M -50 5900 | E 700", "700 (700..900) readings_disagree"),
        ("S 90000 | M -60 5000 begin | M -50 5500 | E 700", "500 (500..390600) went_back"),
        ("S 90000 | M -60 5000 begin | M -50 5500 | E 90700", "700"),
        ("S 90000 | M -60 5000 begin | M -50 5500 | M -40 6500 | E 90700", "700 (700..1500) readings_disagree"),
        ("S 90000 | M -60 5000 begin | M -50 5500 | E 9000000", "500 (500..390600) impossible"),
        ("S 90000 | M -60 5000 begin | M -50 5500 | E 80000", "75000 start_register"),
        ("S 90000 | M -60 5000 begin | M -50 5500", "500"),
        ("S 90000 | M -60 0 begin | M -50 90500 | E 90700", "700"),
        ("S 12000 | M -50 12437 | M -30 13012 | M -10 14571 | E 14000", "2000"),
        ("S 12000 | M -50 12437 | M -30 13012 | M -10 15001 | E 14000", "2000 (2000..3001) readings_disagree"),
        ("S 12000 | M -50 11501 | M -30 13012 | E 14000", "2000"),
        ("S 12000 | M -50 11499 | M -30 13012 | E 14000", "2000 (2000..2501) readings_disagree"),
        ("S 12000 | M -50 12400 | M -30 13000 | M -10 14500 | E 14000", "2000 (2000..2500) readings_disagree"),
        ("S 12300 | M -50 12437 | M -30 13012 | M -10 14060 | E 14000", "1700"),
        ("S 6000 | M -60 5000 begin | M -50 5500 | M -40 6900 | E 7100", "2100 start_register"),
        ("S 6000 | M -60 5000 begin | M -50 6500", "500 (500..1500) readings_disagree"),
        ("S 6000 | M -60 5000 begin | M -50 6500 | E 7100", "1100 (1100..2100) readings_disagree"),
        ("S 90000 | M -60 5000 begin | E 90700", "700"),
        ("S 90000 | M -60 5000 begin | M -50 5720 | E 90700", "700 (700..720) readings_disagree"),
        ("S 90000 | M -60 5000 begin | M -50 5700 | E 90700", "700"),
        ("S 90000 | M -60 5000 begin | M -50 5500 | M 0 5701 end | E 90700", "700"),
        ("S 90000 | M -60 5000 begin | M -50 5500 | M 0 5900 end | E 90700", "700 (700..900) readings_disagree"),
        ("S 90000 | M -60 5000 begin | M -50 5500 | M 0 5700 end | E 80000", "700 went_back"),
        ("S 90000 odd got:-60 | M -60 5000 begin | E 90700", "700"),
        ("S 90000 | M -60 5000 begin | E 90700 odd got:0", "700"),
        ("S 5000 | M -50 5000 | M -40 5005 | E 0", "5 (5..313438.3333) stop_register"),
        ("S 1000 | M -60 1000 begin | M -50 1500 | E 0", "500 (500..390600) stop_register"),
        ("S 0 | M -60 0 begin | M -50 500 | E 0", "500 (500..390600) stop_register"),
        ("S 5000 | M -60 1000 begin | M -50 1500 | E 0", "500 (500..390600) stop_register"),
        ("S ? | M -60 0 begin | M -50 500 | E 700", "700"),
        ("S ? | M -60 0 begin | M -50 500", "500"),
    ],
)
def test_right(sent: str, right: str) -> None:
    assert shown(judged(sent)) == right
