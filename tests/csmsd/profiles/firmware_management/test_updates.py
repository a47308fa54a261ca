"""How much of an image may be fetched, and when it is complete: as tables of what was asked for and how far it came."""

import pytest

from csmsd.profiles.firmware_management import pieces
from csmsd.profiles.firmware_management.updates import FirmwareUpdate

SIZE = 1000
MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ([], ("with_piece", 0, 10), [[0, 10]]),
        ([[0, 10]], ("with_piece", 10, 20), [[0, 20]]),
        ([[0, 10]], ("with_piece", 11, 20), [[0, 10], [11, 20]]),
        ([[0, 10], [20, 30], [40, 50]], ("with_piece", 5, 45), [[0, 50]]),
        ([[20, 30]], ("with_piece", 0, 10), [[0, 10], [20, 30]]),
        ([[0, 10]], ("with_piece", 5, 5), [[0, 10]]),
        ([[0, 50]], ("without_piece", 10, 20), [[0, 10], [20, 50]]),
        ([[0, 10], [20, 30]], ("without_piece", 5, 25), [[0, 5], [25, 30]]),
        ([[0, 10]], ("without_piece", 0, 10), []),
        ([[0, 10]], ("without_piece", 10, 20), [[0, 10]]),
    ],
)
def test_pieces(before: pieces.Pieces, change: tuple[str, int, int], after: pieces.Pieces) -> None:
    name, start, stop = change
    assert getattr(pieces, name)(before, start, stop) == after


def test_there_are_never_too_many_pieces() -> None:
    found: pieces.Pieces = []
    for start in range(0, 10 * pieces.MOST, 2):
        found = pieces.with_piece(found, start, start + 1)
    assert len(found) == pieces.MOST


def update(retries: int | None = None) -> FirmwareUpdate:
    fields = {"id": 1, "charge_point": "CP1", "location": "", "retrieve_at": 0}
    found = FirmwareUpdate(**fields, created_at=0, changed_at=0, deadline_at=10)  # type: ignore[arg-type]
    found.may_be_fetched(SIZE, retries)
    return found


# What was asked for from..to, how far it came, and whether that was acknowledged.
Asked = tuple[int, int, int, bool]


@pytest.mark.parametrize(
    ("retries", "transfers", "complete"),
    [
        (None, [(0, SIZE, SIZE, True)], [True]),
        (0, [(0, SIZE, SIZE, True)], [True]),
        (None, [(0, SIZE, SIZE, False)], [False]),
        (None, [(0, SIZE, 700, False), (700, SIZE, SIZE, True)], [False, True]),
        (None, [(0, SIZE, SIZE, False), (700, SIZE, SIZE, True)], [False, True]),
        (None, [(0, SIZE, 700, False), (600, SIZE, SIZE, True)], [False, True]),
        (None, [(0, SIZE, 700, False), (701, SIZE, SIZE, True)], [False, False]),
        (None, [(0, 500, 500, True), (500, SIZE, SIZE, True)], [False, True]),
        (None, [(500, SIZE, SIZE, True), (0, 500, 500, True)], [False, True]),
        (None, [(0, SIZE, SIZE, False), (0, 1, 1, True)], [False, True]),
        (None, [(999, SIZE, SIZE, True)], [False]),
        (1, [(0, SIZE, SIZE, True), (0, SIZE, SIZE, True)], [True, True]),
        (1, [(0, SIZE, SIZE, True), (0, 500, 500, True), (500, SIZE, SIZE, True)], [True, False, True]),
    ],
)
def test_when_a_download_is_complete(retries: int | None, transfers: list[Asked], complete: list[bool]) -> None:
    found = update(retries)

    assert [
        found.left(SIZE, (start, stop), at, cost=at - start, arrived=ok, now=5) for start, stop, at, ok in transfers
    ] == complete
    assert (found.fetched_at == 5) is any(complete)
    assert found.token_dead is (sum(complete) > (retries or 0))


def test_attempts_that_bring_nothing_new_are_bounded() -> None:
    """Each costs a twentieth of the file: of the four times that it may be fetched, and a MiB to spare."""
    found, attempts = update(), 0
    while not found.token_dead:
        found.left(SIZE, (0, SIZE), 10, cost=0, arrived=False, now=0)
        attempts += 1
    # The first one brought something new.
    assert attempts == 1 + -(-(4 * SIZE + MEBIBYTE) // (SIZE // 20))
    assert found.fetched_at is None


def test_what_comes_in_many_pieces_costs_no_more_than_it_is() -> None:
    size = 1000 * MEBIBYTE
    found = update()
    found.may_be_fetched(size, 0)
    for start in range(0, size, MEBIBYTE):
        assert not found.token_dead, start
        found.left(size, (start, start + MEBIBYTE), start + MEBIBYTE, cost=MEBIBYTE, arrived=True, now=5)
    assert found.fetched_at == 5


def test_what_is_not_hosted_here_may_not_be_fetched_here() -> None:
    fields = {"id": 1, "charge_point": "CP1", "location": "ftp://elsewhere/", "retrieve_at": 0}
    found = FirmwareUpdate(**fields, created_at=0, changed_at=0, deadline_at=10)  # type: ignore[arg-type]
    assert (found.downloads_left, found.bytes_left, found.token_dead) == (0, 0, True)
