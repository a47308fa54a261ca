"""What proxies say: whose word counts, and how much of it."""

import pytest
from websockets.datastructures import Headers

from csmsd.charge_points.opening import Opening
from csmsd.charge_points.proxies import NotBelieved, look_behind_proxy
from csmsd.settings.sections import ListenerAt

PROXY = ListenerAt(address="127.0.0.1:0", transport="proxy", peers=["127.0.0.1"])


def opening(*forwarded: str) -> Opening:
    headers = Headers()
    for value in forwarded:
        headers["X-Forwarded-For"] = value
    return Opening("/ocpp/CP1", headers, address="127.0.0.1", local=("127.0.0.1", 9000))


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (("198.51.100.7",), "198.51.100.7"),
        (("203.0.113.9, 198.51.100.7",), "198.51.100.7"),
        (("203.0.113.9", "198.51.100.7"), "198.51.100.7"),
        (("198.51.100.7:5000",), "198.51.100.7"),
        (('"[2001:db8::1]:5000"',), "2001:db8::1"),
        (("2001:DB8:0::1",), "2001:db8::1"),
        (("fe80::1%eth0",), "fe80::1"),
        (("fe80::1%" + "z" * 4000,), "fe80::1"),
    ],
)
def test_the_last_one_is_the_address(forwarded: tuple[str, ...], address: str) -> None:
    """What stands before it was said by those whom the proxy forwards. However it is written, it is one address."""
    looked_at = opening(*forwarded)
    look_behind_proxy(PROXY, looked_at)
    assert looked_at.address == address


@pytest.mark.parametrize("forwarded", [(), ("",), ("198.51.100.7,",), ("unknown",), ("198.51.100.7.example",)])
def test_without_an_address_nobody_is_believed(forwarded: tuple[str, ...]) -> None:
    with pytest.raises(NotBelieved, match="names no address"):
        look_behind_proxy(PROXY, opening(*forwarded))
