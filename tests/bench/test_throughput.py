"""How many messages a second, at what cost, and how soon they are answered: csmsd beside what it is compared with.

How to read it: absolute figures hold for one machine and one moment, ratios for longer. "by rate" compares messages
per second; it means something where the servers were busy all the time ("busy" near 1) and had their core to
themselves, and with a slow disk. "by CPU" compares what a message costs and survives a machine shared with others.
"""

import pytest

from tests.bench.messages import KINDS
from tests.bench.results import show
from tests.bench.rotation import Rotation, compared, known_systems, without_message_log
from tests.bench.systems import CHARGE_POINTS, USUAL, Conditions, csmsd, put_load_on
from tests.support.shim import COMPILER

pytestmark = pytest.mark.bench

OPEN_LOOP_RATES = (1000, 3000, 5000)
OPEN_LOOP_SECONDS = "8"


def test_closed_loop() -> None:
    """200 charge points, each as fast as it is answered; also without the log of messages."""
    with Rotation(known_systems() | without_message_log(USUAL), USUAL) as systems:
        rows = compared(systems.measured())
    show("throughput", f"{CHARGE_POINTS} charge points, closed loop", rows)


@pytest.mark.parametrize(("fsync_ms", "turns"), [(2, 4), (20, 2)])
def test_closed_loop_on_a_slow_disk(fsync_ms: int, turns: int) -> None:
    """Each fsync takes so much longer, as on the disks that most sites have."""
    if COMPILER is None:
        pytest.skip("a slow disk is played by a library in C, and there is no compiler")
    conditions = Conditions(fsync_ms=fsync_ms)
    systems = known_systems() | without_message_log(conditions)
    del systems["bare websockets server, stores nothing"]
    with Rotation(systems, conditions) as rotation:
        rows = compared(rotation.measured(turns=turns))
    show(f"throughput-fsync-{fsync_ms}", f"{CHARGE_POINTS} charge points, closed loop, fsync +{fsync_ms} ms", rows)


def test_each_kind_of_message() -> None:
    """Nothing but messages of one kind; "transactions" are StartTransaction and StopTransaction in turn."""
    rows: list[dict[str, object]] = []
    with Rotation(known_systems(), USUAL) as systems:
        for kind in KINDS:
            compare = compared(systems.measured("--only", kind, turns=2))
            rows += [{"kind": kind, **row} for row in compare]
    show("throughput-by-kind", f"{CHARGE_POINTS} charge points, closed loop, by kind of message", rows)


def test_open_loop() -> None:
    """So many messages a second whatever csmsd does: how long does each action take?"""
    rows: list[dict[str, object]] = []
    with csmsd() as target:
        for rate in OPEN_LOOP_RATES:
            report = put_load_on(target, "--seconds", OPEN_LOOP_SECONDS, "--rate", str(rate))
            for action, latency in {**report.actions, "all": report.all}.items():
                row = {"wanted/s": rate, "messages/s": report.rate, "busy": report.cpu_share, "action": action}
                times = {"p50 ms": latency.p50, "p99 ms": latency.p99, "p99.9 ms": latency.p999}
                rows.append(row | {"messages": latency.count} | times)
    show("open-loop", f"csmsd, {CHARGE_POINTS} charge points, open loop", rows)
