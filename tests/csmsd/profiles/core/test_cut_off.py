"""Which texts are a part of which stop."""

import msgspec
import pytest

from csmsd.profiles.core.cut_off import is_cut_off_part_of

WHOLE = (
    '[2,"c","StopTransaction",{"transactionId":12,"idTag":"TAG1","timestamp":"2026-03-01T12:00:00Z",'
    '"meterStop":4000,"reason":"Local"}]'
)


def agrees(text: str, *, transaction_id: int = 12, meter_stop: int = 4000, id_tag: str | None = "TAG1") -> bool:
    return is_cut_off_part_of(
        msgspec.json.encode(text).decode(),
        transaction_id=transaction_id,
        meter_stop=meter_stop,
        timestamp="2026-03-01T12:00:00Z",
        id_tag=id_tag,
        reason="Local",
    )


def test_each_beginning_that_has_its_id() -> None:
    beginning = WHOLE.index("12,") + len("12,")
    assert all(agrees(WHOLE[:end]) for end in range(beginning, len(WHOLE) + 1))
    assert not any(agrees(WHOLE[:end]) for end in range(beginning))


@pytest.mark.parametrize(
    "other",
    [
        WHOLE.replace("TAG1", "TAG2"),
        WHOLE.replace("4000", "4100"),
        WHOLE.replace(":4000", ":400"),
        WHOLE.replace("12:00", "12:02"),
        WHOLE.replace(":12,", ":1,"),
        WHOLE.replace(":12,", ":123,"),
        WHOLE.replace("Local", "Remote"),
        WHOLE[: WHOLE.index("4000")] + "41",
    ],
)
def test_what_differs_is_another_one(other: str) -> None:
    assert not agrees(other)


def test_a_time_that_was_written_anew() -> None:
    assert agrees(WHOLE.replace("12:00:00Z", "11:59:58.250Z"))


def test_an_object_is_no_part() -> None:
    assert not is_cut_off_part_of("{}", transaction_id=1, meter_stop=1, timestamp="", id_tag=None, reason=None)
