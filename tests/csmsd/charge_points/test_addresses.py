"""Where a charge point has reached this machine, from our end of its connection and its Host header."""

import pytest

from csmsd.charge_points.addresses import is_own_origin, reached_at


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
    ("origin", "own"),
    [
        ("http://192.168.10.1:9000", True),
        ("https://192.168.10.1:9000", True),
        ("ws://192.168.10.1:9000", True),
        ("http://192.168.10.1", False),  # port 80: somebody else's pages
        ("http://192.168.10.1:9001", False),
        ("http://192.168.10.2:9000", False),
        ("http://csms.example:9000", False),  # a name may be rebound
        ("http://192.168.10.1:9000@evil.example:9000", False),
        ("http://[::ffff:192.168.10.1]:9000", True),
        ("http://192.168.10.1:x", False),
        ("http://[::1", False),
        ("null", False),
        ("", False),
    ],
)
def test_whose_page_an_origin_names(origin: str, own: bool) -> None:
    assert is_own_origin(origin, "::ffff:192.168.10.1", 9000) is own


def test_an_origin_without_a_port_names_the_usual_one() -> None:
    assert is_own_origin("http://10.0.0.1", "10.0.0.1", 80)
    assert is_own_origin("https://[2001:db8::1]", "2001:db8::1", 443)
