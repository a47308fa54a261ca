"""What an edge may conclude from a file that there is no room for."""

from csmsd.ports.files import NoRoom


def test_one_file_that_is_too_large_is_told_from_all_that_are() -> None:
    assert [NoRoom("x", too_large=large).too_large for large in (True, False)] == [True, False]
    assert NoRoom("x").too_large is False
