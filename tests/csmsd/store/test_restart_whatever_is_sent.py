"""Whatever charge points send before a restart, and after it: csmsd answers as if there had been none."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.csmsd.profiles.scene import SECOND
from tests.csmsd.store.restarting import Restarting, restarted, told

SAMPLES = st.fixed_dictionaries(
    {"value": st.integers(0, 5000).map(str) | st.sampled_from(["", "NaN", "x", "1e300", "-5"])},
    optional={
        "unit": st.sampled_from(["Wh", "kWh", "W", "Hertz", ""]),
        "measurand": st.sampled_from(["Energy.Active.Import.Register", "Power.Active.Import", "Made.Up", ""]),
        "phase": st.sampled_from(["L1", "N", ""]),
        "location": st.sampled_from(["Outlet", "EV", ""]),
        "format": st.sampled_from(["Raw", "SignedData"]),
    },
)
TIMES = st.integers(28, 35).map(lambda minute: f"2026-03-01T12:{minute}:00.000Z")
TAGS = st.sampled_from(["TAG1", "tag1", "ONCE", "NOBODY"])
CONNECTORS, NUMBERS = st.integers(1, 3), st.integers(-1, 6)


def sent(action: str, optional: dict[str, Any], **required: Any) -> st.SearchStrategy[tuple[str, str, dict[str, Any]]]:
    """A request of either charge point, as (action, identity, payload)."""
    payload = st.fixed_dictionaries(required, optional=optional)
    return st.tuples(st.just(action), st.sampled_from(["CP1", "Depot-7"]), payload)


STEPS = (
    sent(
        "StartTransaction",
        {"timestamp": TIMES},
        connectorId=CONNECTORS,
        idTag=TAGS,
        meterStart=st.integers(-10, 3000),
    )
    | sent(
        "MeterValues",
        {"transactionId": NUMBERS},
        connectorId=CONNECTORS,
        meterValue=st.lists(
            st.fixed_dictionaries({"timestamp": TIMES, "sampledValue": st.lists(SAMPLES, min_size=1, max_size=3)}),
            min_size=1,
            max_size=2,
        ),
    )
    | sent(
        "StopTransaction",
        {"timestamp": TIMES, "idTag": TAGS},
        transactionId=NUMBERS,
        meterStop=st.integers(-10, 6000) | st.just("much"),
    )
)


@given(st.lists(STEPS, max_size=12), st.lists(STEPS, min_size=1, max_size=4))
def test_whatever_charge_points_send_before_and_after(before: list[Any], after: list[Any]) -> None:
    scene = Restarting()
    scene.register("Depot-7")
    scene.tag("ONCE", max_transactions=1)
    for action, by, payload in before:
        scene.now += SECOND
        scene.send(action, payload, by=by)
    with tempfile.TemporaryDirectory() as directory:
        again = asyncio.run(restarted(scene, Path(directory)))
        for action, by, payload in after:
            assert told(again.send(action, payload, by=by)) == told(scene.send(action, payload, by=by))


MINUTES = st.integers(1, 9).map(lambda minute: f"2026-03-01T12:0{minute}:00.000Z")
CHARGED = st.tuples(CONNECTORS, MINUTES, MINUTES, st.sampled_from(["named", "without its id", "not stopped"]))


@given(
    st.lists(CHARGED, min_size=1, max_size=6),
    st.integers(0, 17),
    st.sampled_from(["again", "without its id", "with other figures", "a reading"]),
    MINUTES,
)
def test_memory_that_has_let_go_of_what_is_over_answers_as_one_that_has_not(
    charged: list[tuple[int, str, str, str]], repeated: int, late: str, minute: str
) -> None:
    """To whatever comes late, or again."""
    scene = Restarting()
    messages: list[tuple[str, dict[str, Any]]] = []

    def send(action: str, **payload: Any) -> Any:
        scene.now += SECOND
        messages.append((action, payload))
        return scene.send(action, payload).payload

    for connector, begun, ended, how in charged:
        meter = 1000 * len(messages)
        number = send("StartTransaction", connectorId=connector, idTag="TAG1", meterStart=meter, timestamp=begun)[
            "transactionId"
        ]
        sample = {"timestamp": ended, "sampledValue": [{"value": str(meter + 200)}]}
        send("MeterValues", connectorId=connector, transactionId=number, meterValue=[sample])
        if how != "not stopped":
            named = number if how == "named" else -1
            send("StopTransaction", transactionId=named, idTag="TAG1", meterStop=meter + 500, timestamp=ended)
    action, payload = messages[repeated % len(messages)]
    if late == "a reading":
        sample = {"timestamp": minute, "sampledValue": [{"value": "1700"}]}
        number = repeated % len(charged) + 1
        action, payload = "MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [sample]}
    elif action == "StopTransaction" and late != "again":
        payload = payload | ({"transactionId": -1} if late == "without its id" else {"meterStop": 4321})
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "csms.db"
        again = scene.on(asyncio.run(scene.restarted(path)), path)
        for number in range(len(charged) + 1):
            known = again.cp.transactions.get(number)
            if known is not None and not known.unfinished:
                again.cp.transactions.forget(number)
        assert told(again.send(action, payload)) == told(scene.send(action, payload))
