"""Messages in blocks: together what belongs together, and no more than is read at once."""

import os

from csmsd.store.message_log.blocks import Entry, blocks, entries_of, naming


def entry(number: int, *, time: int = 0, charge_point: str = "CP1", text: bytes = b"{}") -> Entry:
    return number, time, charge_point, "in", text


def cut(entries: list[Entry]) -> list[list[int]]:
    """The ids in each block; nothing is lost or changed on the way."""
    packed = [entries_of(row[-1]) or [] for row in blocks(entries)]
    assert [one for block in packed for one in block] == entries
    return [[one[0] for one in block] for block in packed]


def test_so_many_are_in_one() -> None:
    assert [len(block) for block in cut([entry(number) for number in range(401)])] == [200, 200, 1]
    assert cut([]) == []


def test_so_long_is_one_and_what_is_longer_is_alone() -> None:
    texts = [os.urandom(size * 1024) for size in (100, 100, 100, 300, 1, 1)]
    assert cut([entry(number, text=text) for number, text in enumerate(texts)]) == [[0, 1], [2], [3], [4, 5]]


def test_a_jump_of_the_clock_parts_them() -> None:
    times = [0, 60_000, 60_001, 0, 1]
    assert cut([entry(number, time=time) for number, time in enumerate(times)]) == [[0, 1], [2], [3, 4]]


def test_what_a_row_tells_of_its_messages() -> None:
    (row,) = blocks([entry(3, time=9, charge_point="b"), entry(4, time=7, charge_point="A"), entry(5, time=8)])
    assert row[:5] == (3, 5, 7, 9, "\na\nb\ncp1\n")


def test_names_are_looked_for_whole_and_too_many_of_them_are_not() -> None:
    assert naming(["CP1", "x"]) == ("(instr(charge_points, ?) OR instr(charge_points, ?))", ["\ncp1\n", "\nx\n"])
    assert naming([]) == ("(FALSE)", [])
    assert naming(["x"] * 101) == ("TRUE", [])


def test_what_is_alike_takes_little_room() -> None:
    texts = [b'[2,"%d","MeterValues",{"connectorId":1,"transactionId":7,"meterValue":[]}]' % n for n in range(200)]
    (row,) = blocks([entry(number, text=text) for number, text in enumerate(texts)])
    assert len(row[-1]) < sum(map(len, texts)) / 5
