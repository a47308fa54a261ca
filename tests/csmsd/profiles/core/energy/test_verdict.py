"""Evidence in, verdict out: each case says what is right and, in the notation of `played`, what was sent.

Right: Wh, in brackets at least and at most where that is not the figure, the doubts, and `by` the basis where it
matters.
"""

from typing import Any, get_args

import pytest

from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.energy.doubts import SENTENCES, Doubt
from csmsd.profiles.core.energy.evidence import evidence_of_samples
from csmsd.profiles.core.energy.verdict import BASES, Basis, Verdict, reckon_verdict
from tests.csmsd.profiles.core.energy.played import plainly, played
from tests.csmsd.profiles.scene import NOON

CASES = """
# --- as it should be
start and stop alone: 300 by start_and_stop
    S 1000 | E 1300
nothing drawn: 0
    S 1000 | M -30 1000 | E 1000
readings explain it: 300 by start_and_stop
    S 1000 | M -50 1100 | M -30 1200 | M -10 1290 | E 1300
running, nothing read: 0
    S 1000
running, as far as it was read: 200 by readings
    S 1000 | M -50 1100 | M -30 1200
a new meter: 2500
    S 0 | M -50 1100 | M -30 2200 | E 2500
nothing at all on a new meter: 0
    S 0 | E 0
a new meter that shows nothing yet: 0
    S 0 | M -50 0 | M -40 0
a new meter that showed nothing: 0
    S 0 | M -50 0 | M -40 0 | E 0
stands still at the end: 100
    S 1000 | M -50 1100 | M -30 1100 | M -10 1100 | E 1100
at DC power: 60000
    S 0 | M -55 20000 | M -50 45000 | E 60000 -45
at the rating: 22000
    R 22000 | S 1000 | M -30 12000 | E 23000
ten hours: 100000
    R 11000 | S 1000 -600 | M -300 50000 | E 101000
another reason to be read: 300
    S 1000 | M -50 1100 other | M -40 1200 trigger | M -30 1250 clock | E 1300
with an interruption: 300
    S 1000 | M -50 1100 paused | M -40 1100 resumed | M -30 1250 | E 1300
signed beside raw: 300
    S 1000 | M -50 1100 | M -40 99999999 signed | E 1300
export beside import: 300
    S 1000 | M -50 1100 | M -50 77000 export | E 1300
intervals beside the register: 300
    S 1000 | M -30 1100 | M -30 100 interval | E 1300
power beside the register: 2200
    S 1000 | M -30 2100 | M -30 2200 power | E 3200

# --- rounding and lag
kWh with three decimals: 300
    S 1000 | M -50 1.100kWh | M -30 1.234kWh | E 1300
kWh with two decimals, rounded up: 305
    S 1000 | M -50 1.10kWh | M -10 1.31kWh | E 1305
kWh with one decimal: 2432
    S 12345 | M -50 12.3kWh | M -30 14.8kWh | E 14777
kWh without decimals, rounded: 2432
    S 12345 | M -50 12kWh | M -30 14kWh | M -10 15kWh | E 14777
kWh without decimals, running: 3000
    S 12000 | M -50 12kWh | M -30 14kWh | M -10 15kWh
kWh without decimals, cut off, running: 2655
    S 12345 | M -50 12kWh | M -30 14kWh | M -10 15kWh
kWh without decimals called Wh: 4087
    S 12345 | M -50 12000 | M -40 13000 | M -30 14000 | M -20 15000 | M -10 16000 | E 16432
decimals left out when they are 0: 2432
    S 12345 | M -50 12.4kWh | M -40 13kWh | M -30 14.2kWh | E 14777
in steps of 10 Wh: 1432
    S 12345 | M -50 12340 | M -40 12980 | M -30 13250 | E 13777
start and stop in whole kWh: 2000
    S 12000 | M -50 12437 | M -30 13012 | M -10 14571 | E 14000
beyond the rounding of whole kWh: 2000 (2000..3571) readings_disagree
    S 12000 | M -50 12437 | M -30 13012 | M -10 15571 | E 14000
first a few Wh below the start: 293
    S 1007 | M -59 1000 | M -30 1200 | E 1300
first reading of before the car: 240
    S 1060 | M -59.5 1000 | M -30 1200 | E 1300
a few Wh below the start, running: 193
    S 1007 | M -59 1000 | M -30 1200
only a few Wh below the start, running: 0
    S 1007 | M -59 1000
jitter: 200
    S 1000 | M -50 1100 | M -40 1098 | M -30 1101 | M -20 1100 | E 1200
jitter, running: 98
    S 1000 | M -50 1100 | M -40 1098
register behind the stop by a reading: 2000
    S 1000 | M -50 1900 | M -30 2800 | M 0 2750 clock | E 3000 -0.1
read just after the stop, lagging: 2000
    S 1000 | M -50 1900 | M 0.02 2800 | E 3000
the end arrives after the stop: 2000
    S 1000 | M -50 1900 | M 0.05 3000 end | E 3000
the end, a few Wh after the stop: 2000
    S 1000 | M -50 1900 | M 0.05 3042 end | E 3000
clock-aligned from an older cache: 2000
    S 1000 | M -50 1900 | M -49.9 1850 clock | M -40 2500 | M -39.9 2450 clock | E 3000
an older cache, running: 900
    S 1000 | M -50 1900 | M -49.9 1850 clock
the stop 5 Wh below the last: 235
    S 1000 | M -30 1240 | M -10 1240 | E 1235
the stop below the last: 235 (235..400) readings_disagree
    S 1000 | M -30 1240 | M -10 1400 | E 1235
the same reading again: 300
    S 1000 | M -30 1240 | M -30 1240 | M -30 1240 clock | E 1300

# --- Transaction.Begin and Transaction.End
Begin and End: 300
    S 1000 | M -60 1000 begin | M -30 1100 | M 0 1300 end | E 1300
Begin in each reading: 6190
    S 210300 | M -30 211860 | M -30 210300 begin | M -20 214360 | M -20 210300 begin | M -10 216490 |
    M -10 210300 begin
Begin in each reading, stopped: 6460
    S 210300 | M -30 211860 | M -30 210300 begin | M -20 214360 | M -20 210300 begin | M -10 216490 | E 216760
Begin told late: 1000
    S 1000 | M -30 1500 | M -10 1000 begin | M -5 2000
Begin told after the stop: 1000
    S 1000 | M -30 1500 | M 30 1000 begin | E 2000
Begin from just before the start: 500
    S 1000 | M -60.1 1000 begin | M -30 1500
each reading called Begin: 1500
    S 1000 | M -50 1200 begin | M -30 1500 begin | M -10 2500 begin
each reading called Begin, stopped: 1600
    S 1000 | M -60 1000 begin | M -30 1500 begin | M -10 2500 begin | E 2600
each reading called End: 1600
    S 1000 | M -50 1200 end | M -30 1500 end | M -10 2500 end | E 2600
an End while it runs: 500
    S 1000 | M -50 1200 | M -30 1500 end
only Begin and End: 300
    S 1000 | M -60 1000 begin | M 0 1300 end | E 1300
Begin alone, running: 0
    S 1000 | M -60 1000 begin
Begin of the meter, start counts from 0: 5500
    S 0 | M -60 12000 begin | M -30 14000 | M 0 17500 end | E 5500
the same, running: 2000
    S 0 | M -60 12000 begin | M -30 14000
the same without End: 5500
    S 0 | M -60 12000 begin | M -30 14000 | E 5500
Begin 0 where the start is of the meter: 3000
    S 5111000 | M -60 0 begin | M -30 2000 | E 5114000
the same, running: 2000
    S 5111000 | M -60 0 begin | M -30 2000
data only: 5500 by readings
    S 0 | M -60 12000 begin | M 0 17500 end | E 0
data only, without a register at stop: 3500
    S 1000 | M 0 4500 end | E ?
data only, stop tells 0: 5500
    S 12000 | M 0 17500 end | E 0
data only, start tells 0: 5500
    S 0 | M -60 3000000 begin | M 0 3005500 end | E 3005500
data contradicts start and stop: 2000 (2000..7500) readings_disagree
    S 1000 | M -60 20000 begin | M 0 27500 end | E 3000
data contradicts the stop: 2000 (2000..6000) readings_disagree
    S 1000 | M -60 1000 begin | M 0 7000 end | E 3000
data of the end only, both 0: 0 (0..12933) start_register
    S 0 | M 0 17500 end | E 0 | R 11000
yesterday's Begin: 1000
    S 9000 | M -1500 1000 begin | M -30 9500 | E 10000

# --- units
Wh called kWh: 300 unit by start_and_stop
    S 10000 -40 | M -30 10100kWh | M -20 10200kWh | M -10 10250kWh | E 10300
Wh called kWh, running: 200 unit
    S 10000 -40 | M -30 10100kWh | M -20 10200kWh
Wh called kWh, counted from 0: 300 unit
    S 0 | M -50 100kWh | M -30 200kWh | E 300
one Wh called kWh: 300 unit
    S 10000 -40 | M -30 10100 | M -20 10200kWh | M -10 10250 | E 10300
one Wh called kWh, running: 250 unit
    S 10000 -40 | M -30 10100 | M -20 10200kWh | M -10 10250
kWh called Wh: 300 unit
    S 10000 -40 | M -30 10.1 | M -20 10.2 | M -10 10.25 | E 10300
kWh called Wh, running: 250 unit
    S 210000 -40 | M -30 210.1 | M -20 210.2 | M -10 210.25
start and stop in kWh: 13000 (13..14000) unit
    S 12 -120 | M -90 15.4kWh | M -60 18.7kWh | M -10 24.1kWh | E 25
start and stop in kWh, from 0: 11000 (11..12000) unit
    S 0 -120 | M -90 3.4kWh | M -60 6.7kWh | M -10 10.1kWh | E 11
start and stop in kWh, readings in Wh: 13000 (13..14000) unit
    S 12 -120 | M -90 15400 | M -60 18700 | M -10 24100 | E 25
start and stop in kWh, power tells: 13000 (13..14000) unit
    S 12 -120 | M -90 7000W power | M -60 7000W power | M -10 7000W power | E 25
stop in kWh: 2000 (1900..3000) unit
    S 10000 | M -30 11000 | M -5 11900 | E 12
start in kWh: 3000 (2500..3000) unit
    R 11000 | S 110 | M -50 110500 | M -30 111900 | E 113000
start and stop in mWh: 7200 unit
    S 1000000 | M -50 1500 | M -30 5000 | M -5 8000 | E 8200000

# --- registers of the transaction beside registers of the meter
samples count from 0: 3000
    S 5111000 | M -50 500 | M -30 1500 | M -10 2900 | E 5114000
samples count from 0, running: 2900
    S 5111000 | M -50 500 | M -30 1500 | M -10 2900
samples from 0, at the first: 0
    S 5111000 | M -59 0
samples from 0, at DC power: 74000
    S 5111000 | M -50 25000 | M -40 50000 | M -30 74000
samples count from 0 beyond the stop: 3000 (3000..4400) readings_disagree
    S 5111000 | M -50 500 | M -30 1500 | M -10 4900 | E 5114000
start and stop from 0, samples lifetime: 3000
    S 0 | M -50 5111500 | M -30 5112500 | M -10 5113900 | E 3000
one lifetime sample: 3000
    S 0 | M -30 5112500 | E 3000
lifetime samples gain more than the stop: 3000 (3000..4400) readings_disagree
    S 0 | M -50 5111500 | M -30 5112500 | M -10 5115900 | E 3000
lifetime amid samples from 0: 5000
    S 0 | M -50 910 | M -45 2200300 clock | M -30 2200700 clock | M -20 3100 | E 5000
the same, running: 3100
    S 0 | M -50 910 | M -45 2200300 clock | M -30 2200700 clock | M -20 3100
from 0 amid the lifetime: 5000
    S 2200000 | M -50 2200910 | M -45 1300 clock | M -30 2400 clock | M -20 2203100 | E 2205000
outlet lifetime, body from 0: 4000
    S 50000 | M -50 51000 | M -50 1000 @Body | M -30 53000 | M -30 3000 @Body | E 54000
outlet from 0, body lifetime: 4000
    S 50000 | M -50 1000 | M -50 51000 @Body | M -30 3000 | M -30 53000 @Body | E 54000
the same, running: 3000
    S 50000 | M -50 1000 | M -50 51000 @Body | M -30 3000 | M -30 53000 @Body
lifetime samples, start 0, running: 4000 (4000..87433) start_register
    S 0 -60 | M -50 5111000 | M -40 5112000 | M -20 5115000
lifetime samples and stop, start 0: 5000 (5000..466767) impossible
    S 0 -60 | M -50 5111000 | M -40 5112000 | M -20 5115000 | E 5116000
start lifetime, samples and stop from 0: 5000 (4500..5000) start_register
    S 5111000 | M -50 500 | M -30 2500 | M -10 4400 | E 5000
stop lifetime, start and samples from 0: 4400 (4400..466767) impossible
    S 0 | M -50 500 | M -30 2500 | M -10 4400 | E 91160000

# --- other streams
only at the body: 4000
    S 640000 | M -50 640150 @Body | M -10 644000 @Body
only at the inlet: 4000
    S 640000 | M -50 640150 @Inlet | M -10 644000 @Inlet
only at the cable: 5000
    S 640000 | M -50 640150 @Cable | M -10 644000 @Cable | E 645000
DC losses between inlet and outlet: 10000
    S 10000 | M -50 12000 | M -50 12200 @Inlet | M -10 18000 | M -10 18900 @Inlet | E 20000
the car's own figure: 10000
    S 10000 | M -50 12000 | M -50 1100 @EV | M -10 18000 | M -10 7100 @EV | E 20000
body of another base, inlet goes on: 4000
    S 640000 | M -50 77 @Body | M -50 640150 @Inlet | M -10 7700 @Body | M -10 644000 @Inlet
an outlet that shows nothing: 4000
    S 640000 | M -50 0 | M -50 640150 @Body | M -10 0 | M -10 644000 @Body
one register, labelled L1 at the body: 4000
    S 640000 | M -30 640150 L1 @Body | M -10 644000 L1 @Body
one register, labelled L1: 5000
    S 640000 | M -30 640150 L1 | M -10 644000 L1 | E 645000
one register, labelled N: 4000
    S 640000 | M -30 640150 N | M -10 644000 N
one register, labelled L1, from 0: 4000
    S 640000 | M -30 150 L1 | M -10 4000 L1
phases only: 3000 by phases
    S 30000 -40 | M -30 10100 L1 | M -30 10100 L2 | M -30 10100 L3 | M -10 11000 L1 | M -10 11000 L2 |
    M -10 11000 L3
phases only, stopped: 3100
    S 30000 -40 | M -30 10100 L1 | M -30 10100 L2 | M -30 10100 L3 | M -10 11000 L1 | M -10 11000 L2 |
    M -10 11000 L3 | E 33100
phases to neutral: 3000 by phases
    S 30000 -40 | M -30 10100 L1-N | M -30 10100 L2-N | M -30 10100 L3-N | M -10 11000 L1-N | M -10 11000 L2-N |
    M -10 11000 L3-N
phases apart in time: 3000
    S 30000 -40 | M -30 10100 L1 | M -29.9 10100 L2 | M -29.8 10100 L3 | M -10 11000 L1 | M -9.9 11000 L2 |
    M -9.8 11000 L3
phases from 0: 2990
    S 30000 -40 | M -30 100 L1 | M -30 100 L2 | M -30 90 L3 | M -10 1000 L1 | M -10 1000 L2 | M -10 990 L3
phases with Begin and End: 3700 by phases
    S 0 | M -60 10000 L1 begin | M -60 10000 L2 begin | M -60 10000 L3 begin | M 0 11000 L1 end | M 0 11500 L2 end |
    M 0 11200 L3 end | E 0
the total on each phase: 3000
    S 30000 -40 | M -30 30300 L1 | M -30 30300 L2 | M -30 30300 L3 | M -10 33000 L1 | M -10 33000 L2 |
    M -10 33000 L3
two phases: 2000 by phases
    S 30000 -40 | M -30 15100 L1 | M -30 15100 L2 | M -10 16000 L1 | M -10 16000 L2
phases beside the total: 3000 by readings
    S 30000 -40 | M -30 30300 | M -30 10100 L1 | M -30 10100 L2 | M -30 10100 L3 | M -10 33000 | M -10 11000 L1 |
    M -10 11000 L2 | M -10 11000 L3
one phase of three: 3000
    S 30000 -40 | M -30 10100 L1 | M -10 11000 L1 | E 33000
one phase of three, running: 0
    S 30000 -40 | M -30 10100 L1 | M -10 11000 L1
intervals only: 4500 by intervals
    S 0 | M -45 1500 interval | M -30 1500 interval | M -15 1500 interval | E 0
intervals only, running: 4500 by intervals
    S 0 | M -45 1500 interval | M -30 1500 interval | M -15 1500 interval
an interval that is told again: 3000
    S 0 | M -45 1500 interval | M -30 1500 interval | M -30 1500 interval
intervals of clock and of sampling: 3000
    S 0 | M -45 1500 interval | M -45 1500 interval clock | M -30 1500 interval | M -30 1500 interval clock
intervals of the phases: 1400
    S 0 | M -45 500 interval L1 | M -45 500 interval L2 | M -45 400 interval L3
power only: 7000 (0..466767) estimate by power
    S 0 | M -60 7000 power | M -30 7000 power | M 0 7000 power | E 0
power only, running: 3500 (0..236767) estimate
    S 0 | M -60 7kW power | M -30 7kW power
power of the phases: 2000 (0..236767) estimate
    S 0 | M -60 2000 power L1 | M -60 2000 power L2 | M -30 2000 power L1 | M -30 2000 power L2
power beside registers of start and stop: 7000
    S 1000 | M -60 7000 power | M -30 7000 power | E 8000
the registers stand still while it draws: 0 (0..7000) readings_disagree
    S 1000 | M -60 7000 power | M -30 7000 power | M 0 7000 power | E 1000

# --- whose readings
the main meter: 200
    S 1000 | M -50 1100 | M -45 88000000 #0 | M -30 1200
the main meter that looks alike: 200
    S 1000 | M -50 1100 | M -45 1400 #0 | M -30 1200
another connector: 200
    S 1000 | M -50 1100 | M -45 5400 #2 | M -30 1200
yesterday, under a foreign id: 500
    S 9000 | M -1500 4000 | M -1440 6000 | M -30 9500
yesterday, of another register: 500
    S 9000 | M -1500 40000 | M -1440 60000 | M -30 9500
just before the start: 500
    S 9000 | M -70 8000 | M -30 9500
after the stop: 1000
    S 1000 | M -30 1500 | M 20 3500 | M 40 5000 | E 2000
backlog after live readings: 8100
    S 1000 -200 | M -2 9000 | M -1 9100 | M -190 1500 | M -180 2500 | M -100 8000
the same, stopped: 8200
    S 1000 -200 | M -2 9000 | M -1 9100 | M -190 1500 | M -180 2500 | M -100 8000 | E 9200
newest first: 300
    S 1000 | M -10 1300 | M -30 1200 | M -50 1100
equal times in the order of arrival: 300
    S 1000 | M -30 1100 | M -30 1200 | M -30 1300

# --- nonsense
misread too low, once: 300 (300..1500) readings_disagree
    S 1000 | M -50 1100 | M -40 1200 | M -30 0 | E 1300
misread too low, twice: 300 (300..1500) readings_disagree
    S 1000 | M -50 1100 | M -40 1200 | M -30 0 | M -20 5 | E 1300
misread too low, running: 200 readings_disagree
    S 1000 | M -50 1100 | M -40 1200 | M -30 0
misread too high, once: 300 readings_disagree
    S 1000 | M -50 1100 | M -40 99999999 | M -30 1200 | E 1300
misread too high, twice: 300 readings_disagree
    S 1000 | M -50 1100 | M -40 99999999 | M -35 99999998 | M -30 1200 | E 1300
misread too high, three times, running: 300 readings_disagree
    S 1000 | M -50 1100 | M -40 99999999 | M -35 99999998 | M -32 99999999 | M -30 1200 | M -20 1300
misread too high, last, running: 100 (0..100) readings_disagree
    S 1000 | M -50 1100 | M -40 99999999
misread, but possible: 300 (300..8200) readings_disagree
    S 1000 | M -50 1100 | M -40 9000 | M -35 9100 | M -30 1200 | E 1300
misread, but possible, running: 200 (200..8000) readings_disagree
    S 1000 | M -50 1100 | M -40 9000 | M -30 1200
beyond any register: 300 readings_disagree
    S 1000 | M -50 1100 | M -40 1e15 | E 1300
negative: 300 readings_disagree
    S 1000 | M -50 1100 | M -40 -5000000 | E 1300
an impossible reading of a wallbox: 200 readings_disagree
    R 22000 | S 1000 | M -50 1100 | M -40 30000 | M -30 1200

# --- resets
a reset that a boot proves: 5500
    S 1000 | M -50 5000 | B -45 | M -40 200 | M -20 900 | E 1500
the same, running: 4900
    S 1000 | M -50 5000 | B -45 | M -40 200 | M -20 900
a reset beyond the old level: 11000
    S 1000 | M -50 5000 | B -45 | M -40 0 | M -30 3000 | M -10 5500 | E 7000
a reset below the start: 6500
    S 100000 | M -50 105000 | B -45 | M -40 200 | E 1500
a restart told after its first reading: 5500
    S 1000 | M -50 5000 | M -40 200 | B -39 | M -20 900 | E 1500
a restart among readings that are told late: 12000
    S 0 | M -50 2000 | M -40 5000 | B 0 | M -30 1000 | M -20 3000 | M -10 6000 | E 7000
a restart after readings that are told late, that is not it: 5300 (500..5300) went_back
    S 1000 | M -50 2000 | M -40 5000 | M -30 200 | B 0 | M -20 900 | E 1500
resumed after an interruption: 5500
    S 1000 | M -50 5000 | M -40 200 resumed | M -20 900 | E 1500
two resets: 6000
    S 1000 | M -50 5000 | B -45 | M -40 200 | M -30 900 | B -25 | M -20 100 | E 1100
a boot that reset nothing: 5000
    S 1000 | M -50 5000 | B -45 | M -40 5100 | E 6000
a boot after which 0 is read once: 5000 (5000..10000) readings_disagree
    S 1000 | M -50 5000 | B -45 | M -40 0 | M -30 5100 | E 6000
a boot that lost a little: 5000 (5000..5300) readings_disagree
    S 1000 | M -50 5000 | B -45 | M -40 4700 | E 6000
a reset without a boot: 5300 (500..5300) went_back
    S 1000 | M -50 2000 | M -40 5000 | M -30 200 | M -20 900 | E 1500
a reset without a boot, running: 320 (200..320) went_back
    S 1000 | M -50 1100 | M -40 1200 | M -30 0 | M -20 50 | M -10 120
a boot before the reset that is not it: 5300 (500..5300) went_back
    S 1000 | M -50 2000 | B -45 | M -40 5000 | M -30 200 | M -20 900 | E 1500

# --- stops that say little
a stop below the start: 0 (0..466767) went_back
    S 10000 | E 500
a stop below the start after a boot: 500
    S 10000 | B -30 | E 500
a stop below the start, with readings: 2000 (2000..238767) went_back
    S 10000 | M -50 11000 | M -30 12000 | E 500
a stop below the start, after a reset: 2400 (2000..162600) went_back
    S 10000 | M -50 11000 | M -40 12000 | M -30 100 | M -20 400 | E 500
a stop of 0: 3000 (3000..86433) stop_register
    S 10000 | M -50 11000 | M -10 13000 | E 0
a stop of 0, nothing read: 0 (0..466767) stop_register
    S 10000 | E 0
a stop of 0 where readings count from 0: 3000 (3000..86433) stop_register
    S 0 | M -50 500 | M -10 3000 | E 0
a stop without a register: 3000 (3000..86433) stop_register
    S 1000 | M -50 2000 | M -10 4000 | E ?
a stop that tells the start again: 0 (0..3000) readings_disagree
    S 5000 | M -50 6000 | M -30 7000 | M -10 8000 | E 5000
a start without a register: 2500 (2500..162600) start_register
    S ? | M -40 7000 | M -20 9000 | E 9500
a start without a register, running: 2000 (2000..162100) start_register
    S ? | M -40 7000 | M -20 9000
a start without a register, but Begin: 2700
    S ? | M -60 6800 begin | M -40 7000 | E 9500
nothing known: 0 (0..466767) start_register stop_register by nothing
    S ? | E ?
a start without a register, nothing read: 0 (0..466767) start_register
    S ? | E 9000

# --- impossible
of the time: 0 (0..83433) impossible
    S 1000 -10 | E 501000 0
of a wallbox: 0 (0..25767) impossible
    R 22000 | S 1000 | E 41000
possible where the connector is unknown: 40000
    S 1000 | E 41000
a start that was not read: 7000 (7000..12933) impossible
    R 11000 | S 0 | M -50 300000 | M -10 306000 | E 307000
a stop that was misread: 6000 (6000..12933) impossible
    R 11000 | S 1000 | M -50 2000 | M -10 7000 | E 990000

# --- clocks
a start of 1970: 1000 start_clock
    S 1000 odd got:-60 | M -30 1500 | E 2000
a stop of 1970: 1000 stop_clock
    S 1000 | M -30 1500 | E 2000 odd got:0
a start of 1970, told late: 1000 start_clock
    S 1000 odd got:-20 | M -40 1200 | M -10 1500 | E 2000
a start of 2018: 1000 start_clock
    S 1000 -4300000 got:-60 | M -30 1500 | E 2000
a start of 2018, running: 500 start_clock
    S 1000 -4300000 got:-60 | M -30 1500
a stop of 2018: 1000 stop_clock
    S 1000 | M -30 1500 | E 2000 -4300000 got:0
all of it in 2018: 1000
    S 1000 -4300000 got:-60 | M -4299970 1500 | E 2000 -4299940 got:0
a start two hours ahead: 500 start_clock
    S 1000 +60 got:-60 | M -30 1500
a start two hours ahead, stopped: 1000 start_clock
    S 1000 +60 got:-60 | M -30 1500 | E 2000
a stop two hours ahead: 1000 stop_clock
    S 1000 | M -30 1500 | E 2000 +120 got:0
all of it two hours ahead: 1000
    S 1000 +60 got:-60 | M +90 1500 | E 2000 +120 got:0
all of it two hours ahead, running: 500
    S 1000 +60 got:-60 | M +90 1500
start and stop ahead, readings not: 1000
    S 1000 +60 got:-60 | M -30 1500 | E 2000 +120 got:0
all of it five hours behind: 1000
    S 1000 -360 got:-60 | M -330 1500 | E 2000 -300 got:0
readings five hours behind: 700 start_clock
    S 1000 | M -350 1500 | M -330 1700
some seconds ahead: 1000
    S 1000 -59.7 got:-60 | M -59.9 1000 | M -30 1500 | E 2000
an offline transaction, told later: 1000
    S 1000 -300 got:-60 | M -250 1500 | E 2000 -200 got:-60
a reset by a clock that is ahead: 5500
    S 1000 +60 got:-60 | M +70 5000 | B -45 | M +80 200 | M +100 900 | E 1500 +120 got:0

# --- odder still
a session register that a boot sets back: 2500
    S 5111000 | M -50 500 | M -40 1500 | B -35 | M -30 100 | M -10 700 | E 5113500
two registers under one name in each reading: 4000
    S 50000 | M -50 51000 | M -50 1000 | M -30 53000 | M -30 3000 | E 54000
the same, running: 3000
    S 50000 | M -50 51000 | M -50 1000 | M -30 53000 | M -30 3000
a register of 0 beside intervals: 3000 by intervals
    S 0 | M -45 0 | M -45 1500 interval | M -30 0 | M -30 1500 interval | E 0
a register of 0 beside intervals, running: 3000 by intervals
    S 0 | M -45 0 | M -45 1500 interval | M -30 0 | M -30 1500 interval
the registers stand still beside intervals: 0 (0..4500) readings_disagree
    S 5000 | M -45 1500 interval | M -30 1500 interval | M -15 1500 interval | E 5000
intervals that count on: 4500
    S 1000 | M -45 1500 interval | M -30 3000 interval | M -15 4500 interval | E 5500
intervals a little above the registers: 4400
    S 1000 | M -45 1500 interval | M -30 1500 interval | M -15 1500 interval | E 5400
power in kW that are W: 1000
    S 1000 | M -50 3600kW power | M -30 3600kW power | E 2000
a start that was not read, on an unknown connector: 3000 (3000..53000) start_register
    S 0 | M -50 50000 | M -40 50500 | M -30 51000 | M -10 52400 | E 53000
the same, running: 2400 (2400..52400) start_register
    S 0 | M -50 50000 | M -40 50500 | M -30 51000 | M -10 52400
much at first, then full: 50200
    S 0 | M -50 50000 | M -40 50200 | M -30 50200 | M -10 50200 | E 50200
a Begin of 0 in each reading: 3560
    S 210300 | M -30 211860 | M -30 0 begin | M -20 213860 | M -20 0 begin
a Begin of 0 in each reading, stopped: 6460
    S 210300 | M -30 211860 | M -30 0 begin | M -20 213860 | M -20 0 begin | E 216760
the Begin of the next one under the old id: 1000
    S 1000 | M -30 1500 | M 20 9000 begin | E 2000
a stop in mWh: 300 unit
    S 1000 | M -50 1100 | M -30 1200 | E 1300000
a start that was misread: 200 (200..4883) start_register
    R 22000 | S 999999 | M -50 1100 | M -30 1200 | E 1300
a session register in kWh without a unit, where power tells: 2900 (3..3900) unit
    S 5111000 | M -50 0.5 | M -50 3000 power | M -30 1.5 | M -30 3000 power | M -10 2.9 | M -10 3000 power
a session register in kWh without a unit: 3000 unit
    S 5111000 | M -50 0.5 | M -30 1.5 | M -10 2.9 | E 5114000
the same from 0: 3000 unit
    S 0 | M -50 0.5 | M -30 1.5 | M -10 2.9 | E 3000
a register that is read seldom beside power that is read often: 100
    S 1000 | M -50 1100 | M -50 7000 power | M -30 7000 power | M -10 7000 power
nonsense where samples count from 0: 1200 readings_disagree
    S 5111000 | M -50 500 | M -30 1200 | M -10 99999999
lifetime amid samples from 0, of one kind: 5000
    S 0 | M -50 910 clock | M -45 2200300 clock | M -20 3100 clock | M -15 2200800 clock | E 5000
a start of -1: 900 (900..84333) start_register
    S -1 | M -50 1100 | M -30 1200 | E 2000
a stop of -1: 200 (200..236967) stop_register
    S 1000 | M -50 1100 | M -30 1200 | E -1
a start beyond 31 bits: 900 (900..84333) start_register
    S 4294967295 | M -50 1100 | M -30 1200 | E 2000
a stop beyond 31 bits: 200 (200..466767) impossible
    S 1000 | M -50 1100 | M -30 1200 | E 2147483647
the total on L1, nothing on the others: 3000
    S 30000 | M -30 30300 L1 | M -30 0 L2 | M -30 0 L3 | M -10 33000 L1 | M -10 0 L2 | M -10 0 L3
an End of 0 just after the stop: 300
    S 1000 | M -50 1100 | M -30 1200 | M 0.02 0 end | E 1300
a unit left out once: 300 unit
    S 1000 | M -50 1.1kWh | M -30 1.2 | E 1300
nothing drawn, start and stop tell 0: 0
    S 0 | M -50 5111000 | M -30 5111000 | M -10 5111004 | E 0
samples from 0 that look like the meter in kWh: 200
    S 200000 | M -50 200
nothing drawn, by Begin and a reading: 0
    S 0 | M -60 5111000 begin | M -10 5111000 | E 0
a start of 2018, a stop of 1970: 1000 stop_clock
    S 1000 -4300000 got:-60 | E 2000 odd got:0
a start two hours ahead, a stop of 1970: 1000 stop_clock
    S 1000 +60 got:-60 | E 2000 odd got:0
readings five hours behind, but Begin: 700 start_clock
    S 1000 | M -59 1000 begin | M -350 1500 | M -330 1700
readings five hours behind, and power: 700 start_clock
    S 1000 | M -350 1500 | M -350 5 power | M -330 1700
power and an older register of before the start: 0
    S 1000 | M -350 7000 power | M -300 900
an End some minutes after the stop: 1000 (1000..1600) readings_disagree
    S 1000 | M -30 1500 | M 10 2600 end | E 2000
an End long after the stop: 1000
    S 1000 | M -30 1500 | M 20 2600 end | E 2000
a start without a register, Begin told late: 1000
    S ? | M -30 1500 | M 20 1000 begin | E 2000
a Begin that is no start: 1000 (1000..8000) readings_disagree
    S 1000 | M -30 1500 | M -10 9000 begin | E 2000
a wallbox that is slow at the first, then fast: 20000
    R 22000 | S 5111000 | M -50 500 | M -30 7000 | M -10 14000 | E 5131000
from 0 at DC power, running, then full: 30000
    S 5111000 | M -50 20000 | M -40 30000 | M -30 30000
another register far below the start, running: 900 (900..84333) start_register
    S 50000 | M -50 10100 | M -30 11000
a reset so early that nothing of before it was read: 900
    S 1000 | B -55 | M -50 100 | M -40 300 | E 900
a reset that a stop alone shows: 4300
    S 1000 | M -50 5000 | B -45 | E 300
a boot, then too much for a register that was set to 0: 4000 (4000..4950) readings_disagree
    R 11000 | S 20000 | M -50 22000 | B -45 | M -44 21050 | M -30 22100 | E 24000
phases where one was misread: 3100 (3100..12200) readings_disagree
    S 30000 -40 | M -30 10100 L1 | M -30 10100 L2 | M -30 10100 L3 | M -20 0 L1 | M -20 10600 L2 | M -20 10600 L3 |
    M -10 11000 L1 | M -10 11000 L2 | M -10 11000 L3 | E 33100
a slow car whose register is called kWh: 30 unit
    S 10000 | M -50 10005kWh | M -30 10015kWh | E 10030
start and stop in kWh on a wallbox that could not: 100 unit
    R 3700 | S 10 | M -50 25kWh | M -30 60kWh | E 110
a start of 0, a Begin and a stop of the meter: 5500
    S 0 | M -60 12000 begin | M -30 13000 | E 17500
the same on a new meter, counted by start and stop: 2500
    S 0 | M -60 500 begin | M -30 1500 | M 0 3000 end | E 2500
a start above Begin, which the stop goes on from: 5500 start_register
    S 20000 | M -60 12000 begin | M -30 13000 | E 17500
a start below Begin, which the stop goes on from: 5500 (5500..16500) start_register
    S 1000 | M -60 12000 begin | M -30 13000 | M 0 17500 end | E 17500
Begin and End between a start and a stop that cannot be: 5500 impossible
    S 0 | M -60 12000 begin | M 0 17500 end | E 900000000
Begin, and a stop below the start: 3000 went_back
    S 20000 | M -60 12000 begin | M -30 13000 | M 0 15000 end | E 9000
a start in kWh, running: 5000 (3000..6000) unit
    S 123 | M -50 125kWh | M -30 127kWh | M -10 128kWh
a start in kWh of a young meter, running: 1600 (500..2600) unit
    S 12 | M -50 13100 | M -30 13600
a start in kWh of a young meter, stopped: 2000 (900..13988) unit
    S 12 | M -50 13100 | M -30 13600 | E 14000
all in whole kWh, readings called kWh: 5000 (5..6000) unit
    S 123 | M -50 125kWh | M -30 127kWh | M -10 128kWh | E 128
whole kWh called Wh: 3000 unit
    S 1000 | M -50 2 | M -30 3 | E 4000
samples that count from the boot, start and stop of the meter: 1900 (1900..12400) readings_disagree
    S 10000 | M -50 10500 | M -40 11000 | B -35 | M -30 500 | M -20 900 | E 11900
a reset on a fast charger: 41000
    R 150000 | S 1000 | M -50 20000 | B -45 | M -40 4000 | M -35 20000 | E 22000
a meter that is not ready at first, running: 200 readings_disagree
    S 1000 | M -50 0 | M -40 5 | M -30 1100 | M -20 1200
readings that all lie above the stop, and fall: 500 (500..4500) readings_disagree
    S 1000 | M -50 2000 | M -40 5000 | M -30 4000 | M -20 4500 | E 1500
a stop below the start and below what was read after a reset: 2700 (2000..162900) went_back
    S 10000 | M -50 11000 | M -40 12000 | M -30 100 | M -20 800 | E 500
readings from Begin beyond what start and stop count: 3000 (3000..8000) readings_disagree
    S 0 | M -60 12000 begin | M -30 20000 | E 3000
a slow car, one reading called kWh: 20 unit
    S 1000 | M -50 1005 | M -30 1010kWh | E 1020
a register that says it is at the car, and goes on from the start: 2000
    S 1000 | M -40 2000 @EV | M -20 3000 @EV
a register that says it is at the car, stopped: 3000
    S 1000 | M -40 2000 @EV | M -20 3000 @EV | E 4000
a register of the car: 3000
    S 1000 | M -40 1300 @EV | M -20 900 @EV | E 4000
a register that tells a tenth of what power does, running: 600 (600..4000) readings_disagree
    S 1000 | M -60 6000 power | M -40 1200 | M -40 6000 power | M -20 1600 | M -20 6000 power | M -5 6000 power
a register that is read each quarter of an hour, and power each minute: 0
    S 1000 | M -60 1000 | M -60 11000 power | M -55 11000 power | M -50 11000 power | M -46 11000 power
a register that shows the quarter of an hour before, and power: 0
    S 1000 | M -59 1000 | M -59 11000 power | M -50 1000 | M -50 11000 power | M -46 1000 | M -46 11000 power
a tenth of what power says, stopped without a register: 600 (600..137700) stop_register readings_disagree
    S 1000 | M -60 6000 power | M -40 1200 | M -40 6000 power | M -20 1600 | M -20 6000 power | M -5 6000 power |
    E ? -3
a register that stands still while power is drawn: 0 (0..7333) readings_disagree
    S 1000 | M -60 1000 | M -60 11000 power | M -40 11000 power | M -20 11000 power | M 0 11000 power | M 0 1000
a register that stood still for a quarter of an hour: 5000
    S 1000 | M -59 1000 | M -59 11000 power | M -30 6000 | M -30 11000 power | M -15 6000 | M -15 11000 power
far more than the power, and than a wallbox, running: 70000 (11000..70000) readings_disagree
    S 500000 | M -60 11000 power | M -40 520000 | M -40 11000 power | M -20 540000 | M -20 11000 power | M 0 570000 |
    M 0 11000 power
much more by intervals than by the register, running: 300 (300..5000) readings_disagree
    S 1000 | M -40 1100 | M -40 2500 interval | M -20 1300 | M -20 2500 interval
whole kWh without a unit, running: 3000 unit
    S 5000000 | M -40 5002 | M -20 5003
one whole number that may be kWh, or count from 0: 5002
    S 5000000 | M -40 5002
one that counts from 0 and comes by a thousandth of the start: 9000
    S 5000000 | M -40 5002 | M -20 5012 | M -10 9000
whole kWh without a unit, or from 0, on a young meter: 5012
    S 500000 | M -40 502 | M -20 5012
a phase at the car: 0
    S 1000 | M -50 1100 L1 @EV | M -30 1200 L1 @EV
Wh called kWh after a start of 1970: 200 start_clock unit
    S 10000 odd got:-40 | M -30 10100kWh | M -20 10200kWh

# --- more between two readings than any connector delivers, and nonsense before and after what is read
a jump after the start, running: 1000 (1000..99000) impossible
    S 1000 | M -59 99000 | M -30 100000
a jump after the start: 2000 (2000..100000) impossible by readings
    S 1000 | M -59 99000 | M -30 100000 | E 101000
a jump amid readings, running: 2000 (2000..90000) impossible
    S 1000 | M -31 2000 | M -30 90000 | M -1 91000
a jump amid readings: 3000 (3000..91000) impossible
    S 1000 | M -31 2000 | M -30 90000 | M -1 91000 | E 92000
a jump before the stop: 2000 (2000..100000) impossible
    S 1000 | M -30 2000 | M -1 3000 | E 101000
a jump of samples from 0, running: 2000 (2000..91000) impossible
    S 5111000 | M -31 1000 | M -30 90000 | M -1 91000
a jump of samples from 0: 3000 (3000..92000) impossible
    S 5111000 | M -31 1000 | M -30 90000 | M -1 92000 | E 5203000
a jump on a wallbox: 1900 (1900..9900) impossible
    R 22000 | S 200000 | M -31 201000 | M -30 209000 | E 209900
as much as a fast charger delivers in a minute: 8000
    S 200000 | M -31 201000 | M -30 207000 | E 208000
a register that stands for an hour, and goes on: 60000
    S 200000 -120 | M -110 201000 | M -50 201000 | M -10 240000 | E 260000
a meter that is asked every five minutes, on a fast charger: 34000
    S 200000 -20 | M -16 200000 | M -15 217000 | M -11 217000 | M -10 234000 | E 234000 -9
nonsense at the end, running: 1000 readings_disagree
    S 5000 | M -50 5500 | M -45 6000 | M -30 4294967295 | M -20 4294967295 | M -10 4294967295
nonsense at the end, and a stop without a register: 1000 (1000..84433) stop_register readings_disagree
    S 5000 | M -50 5500 | M -45 6000 | M -30 4294967295 | M -20 4294967295 | M -10 4294967295 | E ?
nonsense of the same number at first: 1000 (0..1000) readings_disagree
    S 5000 | M -50 4294967295 | M -45 4294967295 | M -40 4294967295 | M -30 6000
-1 at first: 1000 (0..1000) readings_disagree
    S 5000 | M -50 -1 | M -45 -1 | M -30 6000
0 at first: 1000 (0..1000) readings_disagree
    S 5000 | M -50 0 | M -45 0 | M -40 0 | M -30 6000

# --- a start that Begin contradicts, a total on each phase, and kWh without a unit
Begin above the start, running: 1500 (1500..2500) start_register
    S 1000 | M -60 2000 begin | M -30 3500
Begin above the start, which the stop goes on from: 3000 (3000..4000) start_register
    S 1000 | M -60 2000 begin | M -30 3500 | E 5000
Begin beyond what can have come, running: 1500 start_register
    S 1000 | M -60 900002000 begin | M -30 900003500
Begin alone, above the start: 0 (0..1000) start_register
    S 1000 | M -60 2000 begin
the total on each phase of a young meter, running: 2000 by readings
    S 1000 | M -30 2000 L1 | M -30 2000 L2 | M -30 2000 L3 | M -10 3000 L1 | M -10 3000 L2 | M -10 3000 L3
the total on each phase of a young meter: 2500
    S 1000 | M -30 2000 L1 | M -30 2000 L2 | M -30 2000 L3 | M -10 3000 L1 | M -10 3000 L2 | M -10 3000 L3 | E 3500
the total on two phases, with Begin: 2000
    S 1000 | M -60 1000 L1 begin | M -60 1000 L2 begin | M -10 3000 L1 | M -10 3000 L2
phases of a young meter: 3500 by phases
    S 1000 | M -30 1100 L1 | M -30 1120 L2 | M -30 1000 L3 | M -10 1500 L1 | M -10 1600 L2 | M -10 1400 L3
kWh without a unit on a young meter, running: 1200 unit
    S 10000 | M -40 10.500 | M -20 11.200
kWh without a unit on a young meter: 2000 unit
    S 10000 | M -40 10.500 | M -20 11.200 | E 12000
fractions of Wh from 0 on a young meter, running: 2150
    S 3000 | M -50 1075.1 | M -20 2150.2
a reset to nearly 0 that no boot tells, stopped above its start: 5390 (400..5390) went_back
    S 500 | M -55 2500 | M -50 5000 | M -40 10 | M -35 400 | M -20 800 | E 900
two nonsense readings, one too high and one too low: 400 (400..5390) readings_disagree
    S 500 | M -50 5000 | M -40 10 | M -20 800 | E 900
a reading beyond the stop, which may be misread, and two below the start: 400 (400..5390) readings_disagree
    S 500 | M -50 5000 | M -40 10 | M -35 400 | M -20 800 | E 900
two readings beyond the stop, and one below the start, which may be misread: 400 (400..5390) readings_disagree
    S 500 | M -55 2500 | M -50 5000 | M -40 10 | M -20 800 | E 900
two nonsense readings, and nothing drawn: 0 (0..111) readings_disagree
    S 101 | M -4 112 | M -3 1 | M -2 101 | M -1 101 | E 101
one reading of nearly 0 at the last, and no boot: 400 (400..5390) readings_disagree
    S 500 | M -50 5000 | M -40 10 | E 900

# --- registers far beyond the power
many times what the power tells: 90000 (3600..90000) readings_disagree by start_and_stop
    S 0 | M -60 0 | M -60 3600 power | M -45 22500 | M -45 3600 power | M -30 45000 | M -30 3600 power |
    M -15 67500 | M -15 3600 power | M 0 90000 | M 0 3600 power | E 90000
as much as six phases, of which one is told: 90000
    S 0 | M -60 0 | M -60 15000 power | M -45 22500 | M -45 15000 power | M -30 45000 | M -30 15000 power |
    M -15 67500 | M -15 15000 power | M 0 90000 | M 0 15000 power | E 90000
kW that are called W: 90000
    S 0 | M -60 0 | M -60 90 power | M -45 22500 | M -45 90 power | M -30 45000 | M -30 90 power | M -15 67500 |
    M -15 90 power | M 0 90000 | M 0 90 power | E 90000
power that always tells 0: 90000
    S 0 | M -60 0 | M -60 0 power | M -45 22500 | M -45 0 power | M -30 45000 | M -30 0 power | M -15 67500 |
    M -15 0 power | M 0 90000 | M 0 0 power | E 90000
power that is read too seldom: 90000
    S 0 | M -60 0 | M -60 3600 power | M -30 45000 | M -30 3600 power | M 0 90000 | M 0 3600 power | E 90000
power in a transaction that is too short for it: 4000
    S 1000 | M -59.9 4500 | M -59.9 7000 power | E 5000 -59.5
power that is read no more: 90000
    S 0 | M -60 0 | M -60 3600 power | M -45 3600 power | M -38 33000 | M -20 60000 | E 90000
as much as a wallbox delivers, beside little power: 20000
    S 0 | M -50 600 power | M -35 600 power | M -30 10000 | M -20 600 power | M -5 600 power | E 20000
more than a wallbox delivers on a plain register: 30000 (600..30000) readings_disagree
    S 200000 | M -50 600 power | M -35 600 power | M -30 215000 | M -20 600 power | M -5 600 power | E 230000

# --- readings whose time is a guess
between others that tell their time: 3000
    S 1000 | M -30 2000 | M -10 3000 | M -10 2500 untimed | E 4000
between them, running: 2000
    S 1000 | M -30 2000 | M -10 3000 | M -10 2500 untimed
before them: 2000
    S 1000 | M -30 2500 untimed | M -30 2000 | M -10 3000
on its arrival, later than the others, but older: 2000
    S 1000 | M -30 2000 | M -10 3000 | M -5 2500 untimed
a clock that was lost: 2600
    S 1000 | M -30 2000 | M -10 3000 | M -5 3300 untimed | M -2 3600 untimed
none tells its time: 2000
    S 1000 | M -30 2000 untimed | M -10 3000 untimed
a reading of another kind beside it: 2000
    S 1000 | M -30 3000 power | M -30 3000 untimed
intervals: 3000
    S 0 | M -30 1500 interval | M -30 900 interval untimed | M -10 1500 interval
power: 5250 (0..466767) estimate
    S 0 | M -60 3000 power | M -30 6000 power | M -30 100 power untimed | M 0 6000 power | E 0
Begin and End: 3000
    S ? | M -60 1000 begin untimed | M -30 2000 | M 0 4000 end untimed | E ?

# --- where one rule ends and another begins
stands still above its start, and the stop knows no register: 4 (4..244437) stop_register
    S 1000 | M -54 1004 | M -31 1004 | E 0
from 0 without a boot and then too much, stopped above its start: 200 (200..3000) readings_disagree by start_and_stop
    S 500 | M -50 0 | M -40 5 | M -17 3000 | E 700
fell by half, stays above its start, and goes on: 700 (700..1000) readings_disagree
    S 1000 | M -50 2000 | M -40 1500 | M -30 1600 | M -20 1700
of one that fell the first counts when the last is no count from 0: 100 (0..100) readings_disagree
    S 1000 | M -50 1100 | M -30 5
counts from 0 what is a thousandth of the start: 5
    S 5000 -5 | M -4 5
from 0 to what nobody delivers in that time: 0 (0..37433) readings_disagree
    S 500 -5 | M -4 0 | M -1 200500
starts elsewhere and stops where it began: 0 (0..995) start_register
    S 5 | M -60 1000 begin | E 1000
Transaction.Begin and start contradict, Transaction.End nearly fits: 20000 (19356..20000) readings_disagree
    S 12345 | M -60 20000 begin | M -10 0 | M -1 19356 end | E 32345
more readings go on from the start than lead to an impossible stop: 4 (4..45100) impossible
    S 1 -5 | M -4 5 | M -3 5 | M -2 97744 | M -1 200000 | E 200001
stops below its start, and was read at it: 0 (0..6767) went_back
    S 1000 | M -60 1003 begin | M 1 1000 | E 980
ends below its start: 12513 (0..12513) readings_disagree
    S 100000 | M -59 112513 | M 0 20000 end
falls by as much as rounding does: 300
    S 1000 -60 | M -50 1100 | M -40 1100 | M -30 1090 | E 1300
falls to 0 by as much as rounding does: 10
    S 0 -5 | M -4 10 | M -3 10 | M -2 10 | M -1 0 | E 10
the first reading on a start of 0 came too fast, later ones did not: 250 (250..5250) start_register
    S 0 | M -59 5000 | M -30 5100 | M -10 5200 | E 5250
a power of 0 is a reading: 1500 (0..466767) estimate by power
    S ? | M -60 6000 power | M -30 0 power | E ?
intervals for whatever reason: 500 by intervals
    S ? | M -40 300 interval | M -20 200 interval trigger | E ?
intervals of the clock beside them: 300 by intervals
    S ? | M -40 300 interval | M -40 300 interval clock | E ?
fell, and is then misread too high: 500 (0..500) readings_disagree
    S 1000 | M -44 1500 | M -43 5 | M -5 99999999
next to nothing, and so says the power: 1
    S 1000 | M -50 600 power | M -10 600 power | E 1001
"""


def cases() -> list[tuple[str, str, str]]:
    """(what, sent, right) of each: a line that says what and right, then lines of what was sent, further in."""
    found: list[list[str]] = []
    for line in CASES.splitlines():
        if line.startswith(" "):
            found[-1][1] += line
        elif line and not line.startswith("#"):
            what, right = line.split(": ")
            found.append([what, "", right])
    return [(what, sent, right) for what, sent, right in found]


def shown(verdict: Verdict, *, basis: bool) -> str:
    words = [str(verdict.energy_wh)]
    if not verdict.at_least_wh == verdict.energy_wh == verdict.at_most_wh:
        words.append(f"({verdict.at_least_wh}..{verdict.at_most_wh})")
    words += verdict.doubts
    return " ".join(words) + (f" by {verdict.basis}" if basis else "")


@pytest.mark.parametrize(("what", "sent", "right"), [pytest.param(*case, id=case[0]) for case in cases()])
def test_right(what: str, sent: str, right: str) -> None:
    assert shown(reckon_verdict(played(sent)), basis=" by " in right) == right


@pytest.mark.parametrize(("what", "sent", "right"), [pytest.param(*case, id=case[0]) for case in cases()])
def test_the_fast_path_says_the_same_or_nothing(what: str, sent: str, right: str) -> None:
    figure, verdict = plainly(played(sent)), reckon_verdict(played(sent))

    assert figure is None or (figure, ()) == (verdict.energy_wh, verdict.doubts)


@pytest.mark.parametrize(
    ("sent", "figure"),
    [
        ("S 1000 | M -50 1100 | M -30 1200", 200),
        ("S 1000 | M -50 1100 | M -30 1200 | E 1300", 300),
        ("S 1000 | M -30 1100 | M -30 1000 begin | E 1300", 300),
        ("S 1000 | M -50 1100 | M -70 900 | M -45 88000000 #0 | M -30 7000 power", 100),
        ("S 200000 | M -50 250000", 50_000),
        ("S 1000", None),
        ("S ? | M -50 1100", None),
        ("S 1000 | M -50 1100 untimed", None),
        ("S 1000 odd got:-60 | M -50 1100", None),
        ("S 1000 +60 got:-60 | M +70 1100", None),
        ("S 1000 | M -50 1100 | M -40 1099", None),
        ("S 1000 | M -40 1100 | M -50 1200", None),
        ("S 1000 | M -50 1100 | M -40 1300 @Body", None),
        ("S 1000 | M -50 1100 | M -40 100 interval", None),
        ("S 1000 | M -50 1100 | M -40 2000 begin", None),
        ("S 1000 | M -50 9000", None),
        ("S 200000 | M -31 201000 | M -30 219000", None),
        ("S 200000 | M -31 201000 | M -30 207000", 7000),
        ("S 200000 | M -31 201000 | E 250000 -30.9", None),
        ("R 22000 | S 200000 | M -50 250000", None),
        ("S 200000 | M -50 210000 | E 225000", 25_000),
        ("S 200000 | M -50 210000 | E 226000", 26_000),
        ("S 200000 | M -50 11000 power | M -50 210000 | E 226000", None),
        ("S 200000 | M -50 22000 power | M -49 220000 power | M -50 210000 | E 226000", None),
        ("S 200000 | M -50 210000 | E 226000 -41", 26_000),
        ("S 1000 | M -50 1100 | E 1099", None),
        ("S 1000 | M -50 1100 | E 1300 odd got:0", None),
        ("S 1000 | M -50 1100 | E 1300 +60 got:0", None),
        ("S 1000 | M -50 1001 | E 1300", None),
    ],
)
def test_what_is_plain(sent: str, figure: int | None) -> None:
    assert plainly(played(sent)) == figure


def test_every_doubt_and_every_basis_is_among_the_cases_and_has_its_words() -> None:
    verdicts = [reckon_verdict(played(sent)) for _, sent, _ in cases()]

    assert {doubt for verdict in verdicts for doubt in verdict.doubts} == set(SENTENCES) == set(get_args(Doubt))
    assert {verdict.basis for verdict in verdicts} == set(BASES) == set(get_args(Basis))


def sample(value: str, **fields: Any) -> SampledValue:
    return SampledValue(value=value, **fields)


@pytest.mark.parametrize(
    ("read", "value", "step"),
    [
        (sample("1000"), 1000, 1),
        (sample("12345.678"), 12345.678, 0.001),
        (sample("12.345", unit="kWh"), 12345, 1),
        (sample("12.3", unit="kWh"), 12300, 100),
        (sample("12", unit="kWh"), 12000, 1000),
        (sample("-5"), -5, 1),
        (sample("1e3"), 1000, 1),
        (sample("1.5e3"), 1500, 1),
        (sample("7.2", measurand="Power.Active.Import", unit="kW"), 7200, 100),
        (sample("300", measurand="Energy.Active.Import.Interval"), 300, 1),
    ],
)
def test_a_sample_as_evidence(read: SampledValue, value: float, step: float) -> None:
    (reading,) = evidence_of_samples([read], connector=1, time=NOON)

    assert reading.value == value
    assert reading.step == pytest.approx(step)
    assert reading.measurand == (read.measurand or "Energy.Active.Import.Register")
    assert (reading.context, reading.location, reading.phase) == ("Sample.Periodic", "Outlet", "")


@pytest.mark.parametrize(
    "read",
    [
        sample("1000", format="SignedData"),
        sample("none"),
        sample("NaN"),
        sample("1e400"),
        sample("1000", unit="varh"),
        sample("1000", measurand="Energy.Active.Export.Register"),
        sample("16", measurand="Current.Import"),
        sample("7", measurand="Power.Active.Import", unit="kWh"),
    ],
)
def test_a_sample_that_is_no_evidence(read: SampledValue) -> None:
    assert evidence_of_samples([read], connector=1, time=NOON) == []


def test_what_a_sample_says_of_itself_is_kept() -> None:
    read = sample("5", context="Trigger", location="Body", phase="L1-N")
    (reading,) = evidence_of_samples([read], connector=2, time=NOON)

    assert (reading.context, reading.location, reading.phase) == ("Trigger", "Body", "L1-N")
    assert (reading.connector, reading.time) == (2, NOON)
