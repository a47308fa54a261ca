"""Where a charge point has reached this machine, from our end of its connection and its Host header."""

import pytest

from csmsd.charge_points.addresses import origin_of, reached_at


@pytest.mark.parametrize(
    ("local", "host", "told"),
    [
        ("192.168.10.1", "csms.example:9000", "192.168.10.1"),
        ("::ffff:192.168.10.1", None, "192.168.10.1"),
        ("2001:db8::1", "csms.example", "2001:db8::1"),
        ("127.0.0.1", "csms.example:443", "csms.example"),  # a proxy on this machine
        ("::1", "csms.example", "csms.example"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "csms.local", "csms.local"),
        ("127.0.0.1", "127.0.0.1:9000", "127.0.0.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "evil/../x:80", "127.0.0.1"),
        ("127.0.0.1", "a b", "127.0.0.1"),
        ("127.0.0.1", "user@host", "127.0.0.1"),
        ("127.0.0.1", "[::1", "::1"),
        ("127.0.0.1", "[x]:80", "127.0.0.1"),
        ("127.0.0.1", "a" * 254, "127.0.0.1"),
        ("unknown", "csms.example", "unknown"),
    ],
)
def test_where_a_charge_point_has_reached_us(local: str, host: str | None, told: str) -> None:
    assert reached_at(local, host) == told


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_what_counts_as_one_address(address: str, counts_as: str) -> None:
    assert origin_of(address) == counts_as
