"""A single setting."""

import pytest

from csmsd.settings.setting import parse_address_setting


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9000", ("127.0.0.1", 9000)),
        ("[::1]:9000", ("::1", 9000)),
        (":9000", ("0.0.0.0", 9000)),
        ("9000", ("0.0.0.0", 9000)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address_setting(text) == address


@pytest.mark.parametrize("text", ["", "host:", "host:port", "host:-1", "host:65536", "host:٣"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_address_setting(text)
