"""Past transactions on disk: found by what a message can say of them, those of one charge point alone."""

from contextlib import closing
from pathlib import Path

from csmsd.profiles.core.charge_points import ChargePoint
from csmsd.profiles.core.metering import MeterShapes
from csmsd.profiles.core.transaction_book import AWAITED
from csmsd.profiles.core.transactions import Wanted
from csmsd.store.past import connect_to_past, find_past_transactions, history_of_charge_point
from tests.csmsd.store.test_loader import readings, transaction, write


async def found(path: Path, charge_point: str, **wanted: object) -> list[tuple[int, float | None]]:
    """The numbers of what is found, and its register as it was read last, of what is not over."""
    with closing(connect_to_past(path)) as connection:
        past = find_past_transactions(connection, charge_point, Wanted(**wanted))  # type: ignore[arg-type]
    return [(known.id, None if measured is None else measured.latest) for known, measured in past]


async def test_by_its_id_and_only_its_own_charge_points(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    shapes = MeterShapes()
    measured = [change for number in (3, 4) for change in readings(number, shapes, "1200")]
    stored = [transaction(3, state="stopped"), transaction(4, state="abandoned"), transaction(5, charge_point="CP2")]
    await write(path, ChargePoint(id="CP1", registered_at=0), *stored, *measured)

    assert await found(path, "cp1", ids=(3, 4, 5, 6)) == [(3, None), (4, 1200)], "what is over is measured no more"


async def test_by_its_start(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    first = transaction(3, state="stopped", start_time=5)
    twin = transaction(4, state="closed", start_time=5, id_tag="OTHER", start_text="start 3")
    await write(path, first, twin, transaction(5, state="stopped", start_time=6))

    assert await found(path, "CP1", start=(first.start_key, 5)) == [(3, None)]
    assert await found(path, "CP1", start=(transaction(9).start_key, 5)) == []


async def test_by_its_start_though_a_clock_was_wrong_then_or_is_now(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    first = transaction(3, state="stopped", start_time=5)
    other = transaction(4, state="stopped", start_time=5, id_tag="OTHER", start_text="start 3")
    active = transaction(5, start_time=5, start_text="start 3")
    foreign = transaction(6, charge_point="CP2", state="stopped", start_text="start 3")
    await write(path, first, other, active, foreign)

    assert await found(path, "CP1", start=(first.start_key, None)) == [(3, None)]
    assert await found(path, "CP1", start=(first.start_key, 7)) == [(3, None)]


async def test_by_the_stop_that_it_ended_by(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    await write(
        path,
        *(transaction(number, state="stopped", stop_text=f"stop {number // 2}") for number in range(2, 8)),
        transaction(9, charge_point="CP2", state="stopped", stop_text="stop 2"),
    )
    assert await found(path, "CP1", stop_text="stop 2") == [(5, None), (4, None)]
    assert await found(path, "CP1", stop_text="stop 9") == []


async def test_what_a_charge_point_has_left(tmp_path: Path) -> None:
    path = tmp_path / "csms.db"
    given_up = [transaction(number, state="abandoned") for number in range(1, AWAITED + 3)]
    guessed = transaction(100, state="stopped", flags=["stop:matched_-1"], start_time=1)
    await write(path, *given_up, transaction(99, state="stopped", start_time=7), guessed)
    with closing(connect_to_past(path)) as connection:
        history = history_of_charge_point(connection, "cp1")
        nothing = history_of_charge_point(connection, "CP2")

    assert history.newest_start == given_up[-1].start_time
    assert [known.id for known in history.awaited] == [*range(4, AWAITED + 3), 100]
    assert (nothing.newest_start, nothing.awaited) == (None, [])
