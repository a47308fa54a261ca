"""Single values as people read them."""

import pytest

from csmsctl.display.value_texts import size_text


@pytest.mark.parametrize(
    ("value", "human", "shown"),
    [
        (None, True, ""),
        (0, True, "0 B"),
        (1023, True, "1023 B"),
        (1024, True, "1.0 KiB"),
        (1_048_575, True, "1024.0 KiB"),
        (1_048_576, True, "1.0 MiB"),
        (30_000_000, True, "28.6 MiB"),
        (30_000_000, False, "30000000"),
    ],
)
def test_sizes(value: object, human: bool, shown: str) -> None:
    assert size_text(value, human) == shown
